// `sockeye run`: programs that know of no proxy and of no CA come through, in the clear and over TLS, and their exit codes
// are handed on. Each server is on this machine, so that loopback is seen to come through too.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createSecure } from 'node:https';
import { createServer as createPlain } from 'node:net';
import { join } from 'node:path';

import { Server } from 'socket.io';
import { WebSocketServer } from 'ws';

import { check } from './check.mjs';
import { certificate, run, serversCa } from './secure.mjs';
import { payload } from './sockeye.mjs';

const { SOCKEYE_PEERS, SOCKEYE_CHROMIUM, SOCKEYE_GO_PROGRAM, SOCKEYE_PYTHON, SOCKEYE_SOURCES } = process.env;
const folder = mkdtempSync(join(SOCKEYE_PEERS, 'recording-'));
const closed = new EventEmitter();

/** Says everything back; has pages, and one that takes as long as the sockets of /browser do. */
async function listen(server) {
  const sockets = new WebSocketServer({ noServer: true });
  let over;
  const rooms = new Server(server, { destroyUpgrade: false });
  rooms.on('connection', (socket) => socket.on('echo', (word, answer) => answer(word)));
  server.on('upgrade', (request, socket, head) => {
    if (request.url.startsWith('/socket.io/')) return;
    sockets.handleUpgrade(request, socket, head, (opened) => {
      opened.on('message', (data, binary) => opened.send(data, { binary }));
      opened.on('close', () => closed.emit(request.url));
    });
  });
  server.on('request', (request, answer) => {
    if (request.url === '/browser') {
      over = once(closed, '/browser-socket');
      const page = `const socket = new WebSocket(location.href.replace('http', 'ws') + '-socket');
        socket.onopen = () => socket.send('hello'); socket.onmessage = () => socket.close(4000, 'done');`;
      // What is shown is dumped when all is loaded: not before the socket is closed.
      answer.setHeader('Content-Type', 'text/html').end(`<script>${page}</script><iframe src="/wait"></iframe>`);
    } else if (request.url === '/wait') over.then(() => answer.end());
    else if (!request.url.startsWith('/socket.io/')) answer.end('a page');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server.address().port;
}

const ports = {
  ws: await listen(createServer()),
  wss: await listen(createSecure({ cert: certificate('good.pem'), key: certificate('good.key') })),
};
const database = createPlain((socket) => {
  socket.write('who is there?');
  socket.on('data', (data) => socket.end(`welcome ${data}`)).on('error', () => {});
}).listen(0, '127.0.0.1');
await once(database, 'listening');

let runs = 0;
/** Runs a program through sockeye; gives its exit code and outputs, and what was recorded. */
async function through(words, ...options) {
  const file = join(folder, `${(runs += 1)}.jsonl`);
  const all = ['run', '--headless', '--output', 'none', '--server-ca', serversCa, '--record', file, ...options, '--', ...words];
  const result = await run(process.env.SOCKEYE_BIN, all);
  const lines = readFileSync(file, 'utf8').split('\n').slice(0, -1).map((line) => JSON.parse(line));
  return { ...result, lines, of: (type) => lines.filter((line) => line.type === type) };
}

/** The one session in which hello was said, heard, and the end was agreed on. */
function compare({ code, complaints, lines, of }, url) {
  assert.equal(code, 0, complaints);
  const [open, ...others] = of('open');
  assert.deepEqual([open?.url, others.length], [url, 0], complaints);
  const said = lines.filter(({ session }) => session === open.session);
  const messages = said.filter(({ type }) => type === 'message').map((line) => [line.from, payload(line).toString()]);
  assert.deepEqual(messages, [['client', 'hello'], ['server', 'hello']]);
  const closes = said.filter(({ type }) => type === 'close').map((line) => [line.from, line.code, line.reason]);
  assert.deepEqual(closes, [['client', 4000, 'done'], ['server', 4000, 'done']]);
  assert.ok(of('end').every(({ client }) => client !== 'shutdown'), 'the end was awaited');
}

const node = [process.execPath, ...(process.versions.node < '22' ? ['--experimental-websocket'] : [])];
const client = join(import.meta.dirname ?? SOCKEYE_SOURCES, 'run-client.mjs');
const python = (name) => [SOCKEYE_PYTHON, '-B', join(SOCKEYE_SOURCES, 'python/run.py'), name];
const programs = {
  'node, ws': [...node, client, 'ws'],
  'node, undici': [...node, client, 'undici'],
  'node, global WebSocket': [...node, client, 'global'],
  'node, ws in a worker': [...node, client, 'worker'],
  'a shell that starts node': ['sh', '-c', '"$@" && echo done', 'sh', ...node, client, 'ws'],
  'python, websockets': python('websockets'),
  'python, aiohttp': python('aiohttp'),
  'python, websocket-client': python('websocket-client'),
};
try {
  execFileSync('java', ['-version'], { stdio: 'ignore' });
  programs['java, HttpClient'] = ['java', join(SOCKEYE_SOURCES, 'java/Run.java')];
} catch {
  console.log('skipped run: java is not there');
}

for (const [scheme, port] of Object.entries(ports)) {
  const url = `${scheme}://localhost:${port}/chat`;
  for (const [name, words] of Object.entries(programs)) {
    await check(`${name}, ${scheme}`, async () => compare(await through([...words, url]), url));
  }

  await check(`go, ${scheme}, by another name than localhost`, async () => {
    // Go sends no loopback through a proxy that it knows as such; the certificate is for localhost.
    const url = `${scheme}://app.localhost:${port}/chat`;
    compare(await through([SOCKEYE_GO_PROGRAM, url], '--insecure'), url);
  });

  await check(`chromium, ${scheme}`, async () => {
    const page = `${scheme.replace('ws', 'http')}://localhost:${port}/browser`;
    const quiet = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-background-networking', '--dump-dom'];
    const result = await through([SOCKEYE_CHROMIUM, ...quiet, page]);
    compare(result, `${scheme}://localhost:${port}/browser-socket`);
    assert.match(result.complaints, /chromium gets --proxy-server/);
  });

  await check(`socket.io, ${scheme}`, async () => {
    const { code, complaints, of } = await through([...node, client, 'socket.io', url.replace('/chat', '')]);
    assert.equal(code, 0, complaints);
    assert.match(of('open')[0].url, /\/socket\.io\/.*transport=websocket/);
    assert.ok(of('exchange').some(({ url }) => url.includes('transport=polling')));
  });

  const pages = {
    'node, fetch': [...node, client, 'fetch', url],
    'node, undici fetch': [...node, client, 'undici-fetch', url],
    'python, urllib': [...python('urllib'), url],
    curl: ['curl', '-sS', url.replace('ws', 'http')],
  };
  for (const [name, words] of Object.entries(pages)) {
    await check(`${name}, ${scheme.replace('ws', 'http')}`, async () => {
      const { code, complaints, of } = await through(words);
      assert.equal(code, 0, complaints);
      const seen = of('exchange').map(({ url, response }) => [url, response.body]);
      assert.deepEqual(seen, [[url.replace('ws', 'http'), 'a page']]);
    });
  }
}

await check('node, a server that speaks first, as a database does', async () => {
  const { code, complaints, of } = await through([...node, client, 'database', `ws://127.0.0.1:${database.address().port}`]);
  assert.equal(code, 0, complaints);
  assert.equal(of('tunnel').length, 1);
});

await check('node, nobody listens: the error is the usual one', async () => {
  const nobody = createPlain().listen(0, '127.0.0.1');
  await once(nobody, 'listening');
  const url = `ws://127.0.0.1:${nobody.address().port}/`;
  nobody.close();
  const { code, complaints } = await through([...node, client, 'nobody', url]);
  assert.equal(code, 0, complaints);
});

await check('npm test: its outputs and its exit code are the program\'s', async () => {
  const project = mkdtempSync(join(folder, 'project-'));
  const script = `echo testing && "${process.execPath}" "${client}" ws ws://localhost:${ports.ws}/chat && exit 3`;
  writeFileSync(join(project, 'package.json'), JSON.stringify({ name: 'project', scripts: { test: script } }));
  const { code, out, of } = await through(['npm', 'test', '--prefix', project]);
  assert.equal(code, 3);
  assert.match(out, /^testing$/m);
  assert.equal(of('open').length, 1);
});

process.exit();
