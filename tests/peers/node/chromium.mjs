// Headless Chromium: a page, served through sockeye too, opens sockets; it and the server see what they see without. The
// same again as https:// and wss://, with sockeye's CA in the browser's own NSS database and no check turned off.

import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createSecure } from 'node:https';
import { join } from 'node:path';

import { WebSocketServer } from 'ws';

import { check } from './check.mjs';
import { certificate, refusedOurs, serversCa, sockeyeCa } from './secure.mjs';
import { header, payload, start, within } from './sockeye.mjs';

const OCTETS = Array.from({ length: 100_000 }, (_, at) => (at * 31) % 256);

/** Runs in the page: what it sees goes to the server. */
async function page() {
  const url = location.origin.replace('http', 'ws');
  const octets = Uint8Array.from({ length: 100_000 }, (_, at) => (at * 31) % 256);
  const say = [
    'hello',
    '',
    'Füße ✓ 🦈',
    '{"kind":"list","list":[1,2,3]}',
    'x'.repeat(70_000),
    octets.buffer,
    new Blob([octets.subarray(0, 1000)]),
  ];
  const told = async (data) => (typeof data === 'string' ? data : [...new Uint8Array(data)].reduce((sum, octet) => (sum * 31 + octet) % 65521, data.byteLength));
  const chat = () => new Promise((resolve) => {
    const seen = { messages: [] };
    const socket = new WebSocket(`${url}/chat?a=1`, ['one', 'two']);
    socket.binaryType = 'arraybuffer';
    socket.onopen = () => {
      Object.assign(seen, { subprotocol: socket.protocol, extensions: socket.extensions });
      say.forEach((data) => socket.send(data));
    };
    socket.onerror = () => (seen.error = true);
    socket.onmessage = async ({ data }) => {
      const at = seen.messages.push(null);
      if (at === say.length) socket.close(4000, 'done ✓');
      seen.messages[at - 1] = await told(data);
    };
    socket.onclose = ({ code, reason, wasClean }) => resolve({ ...seen, close: [code, reason, wasClean] });
  });
  const closed = (path) => new Promise((resolve) => {
    const socket = new WebSocket(url + path);
    socket.onclose = ({ code, reason, wasClean }) => resolve([code, reason, wasClean]);
  });
  // Another host than the page's own, with a certificate of its own where there is TLS.
  const elsewhere = () => new Promise((resolve) => {
    const host = location.hostname === 'localhost' ? '127.0.0.1' : 'localhost';
    const socket = new WebSocket(`${url.replace(location.hostname, host)}/other`);
    const seen = [];
    socket.onopen = () => socket.send('hello over there');
    socket.onmessage = ({ data }) => (seen.push(data), socket.close(4001, 'seen'));
    socket.onclose = ({ code, reason, wasClean }) => resolve([...seen, code, reason, wasClean]);
  });
  const left = () => new Promise((resolve) => {
    const frame = document.createElement('iframe');
    // Chromium now and then loads a frame, with no proxy there either, and never lets its socket out: it is loaded again.
    const again = setInterval(() => (frame.src = `/frame?again=${Math.random()}`), 5000);
    onmessage = () => (clearInterval(again), frame.remove(), resolve('left'));
    frame.src = '/frame';
    document.body.append(frame);
  });
  const events = () => new Promise((resolve) => {
    const seen = [];
    const source = new EventSource('/events');
    source.onmessage = ({ data }) => {
      seen.push(data);
      if (seen.length === 3) resolve((source.close(), seen));
      else fetch(`/got?at=${seen.length}`, { method: 'POST' });
    };
  });
  const result = { chat: await chat(), events: await events() };
  result.refused = await closed('/refused');
  result.policy = await closed('/policy');
  result.broken = await closed('/broken');
  result.other = await elsewhere();
  result.left = await left();
  await fetch('/result', { method: 'POST', body: JSON.stringify(result) });
}

/** Runs in a frame that is taken away. */
function frame() {
  const socket = new WebSocket(`${location.origin.replace('http', 'ws')}/left`);
  socket.onopen = () => parent.postMessage('open', '*');
}

/** The page, and the server of its sockets. */
async function listen(scheme) {
  const seen = {};
  const happened = new EventEmitter();
  const html = (script) => `<!doctype html><meta charset=utf-8><body><script>(${script})()</script>`;
  const answering = async (asked, answer) => {
    answer.sendDate = false;
    const { pathname, searchParams } = new URL(asked.url, 'http://any');
    if (pathname === '/' || pathname === '/frame') {
      answer.writeHead(200, { 'Content-Type': 'text/html' }).end(html(pathname === '/' ? page : frame));
    } else if (pathname === '/events') {
      answer.writeHead(200, { 'Content-Type': 'text/event-stream' });
      for (let at = 1; at <= 3; at += 1) {
        answer.write(`data: event ${at}\n\n`);
        if (at < 3) await once(happened, `got ${at}`);
      }
    } else if (pathname === '/got') {
      answer.writeHead(204).end();
      happened.emit(`got ${searchParams.get('at')}`);
    } else if (pathname === '/result') {
      const pieces = [];
      for await (const piece of asked) pieces.push(piece);
      answer.end();
      happened.emit('result', JSON.parse(Buffer.concat(pieces)));
    } else answer.writeHead(404).end();
  };
  const secured = { cert: certificate('good.pem'), key: certificate('good.key') };
  const http = scheme === 'https' ? createSecure(secured, answering) : createServer(answering);
  http.on('tlsClientError', () => {});
  const own = ({ req }) => req.url === '/other' || req.headers.origin === `${scheme}://${req.headers.host}`;
  const sockets = new WebSocketServer({
    server: http,
    verifyClient: (info, done) => done(own(info) && info.req.url !== '/refused', 403, 'no'),
    perMessageDeflate: { threshold: 0 },
    handleProtocols: (offered) => (offered.has('two') ? 'two' : false),
  });
  sockets.on('connection', (socket, request) => {
    const path = request.url;
    seen[path] = { messages: [] };
    if (path === '/policy') socket.close(1008, 'policy');
    if (path === '/broken') socket._socket.end(Buffer.from([0x83, 0x02, 0x68, 0x69]));
    if (path.startsWith('/chat')) socket.ping('still there?');
    socket.on('pong', (data) => (seen[path].pong = data.toString()));
    socket.on('message', (data, binary) => {
      seen[path].messages.push([binary, data.length]);
      socket.send(data, { binary });
    });
    socket.on('error', () => {});
    socket.on('close', (code, reason) => {
      seen[path].close = [code, reason.toString()];
      happened.emit(`closed ${path}`);
    });
  });
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  const close = () => (http.closeAllConnections(), http.close());
  return { seen, happened, port: http.address().port, close };
}

/** A home folder whose browser trusts one authority more. */
function trusting(authority) {
  const home = mkdtempSync(join(process.env.SOCKEYE_PEERS, 'chromium-'));
  if (authority) {
    const database = `sql:${home}/.pki/nssdb`;
    mkdirSync(join(home, '.pki/nssdb'), { recursive: true });
    execFileSync('certutil', ['-d', database, '-N', '--empty-password']);
    execFileSync('certutil', ['-d', database, '-A', '-t', 'C,,', '-n', 'sockeye', '-i', authority]);
  }
  return home;
}

/** Starts a browser. */
function launch(home, url, ...options) {
  const quiet = ['--disable-gpu', '--disable-quic', '--no-first-run', '--disable-sync', '--disable-extensions'];
  const offline = ['--disable-background-networking', '--disable-component-update', '--disable-default-apps'];
  const words = ['--headless', '--no-sandbox', ...quiet, ...offline, `--user-data-dir=${home}/profile`, ...options, url];
  const env = { ...process.env, HOME: home };
  const browser = spawn(process.env.SOCKEYE_CHROMIUM, words, { stdio: 'ignore', detached: true, env });
  const over = once(browser, 'exit');
  const end = async () => {
    // its whole group: it is many processes
    if (browser.exitCode === null) process.kill(-browser.pid, 'SIGKILL');
    await over.catch(() => {});
    rmSync(home, { recursive: true, force: true, maxRetries: 5 });
  };
  return { over, end };
}

/** Opens the page in a browser of its own, that trusts `authority` too; gives what it saw. */
async function browse(url, authority, server, ...options) {
  const browser = launch(trusting(authority), url, ...options);
  try {
    const left = once(server.happened, 'closed /left');
    const failed = browser.over.then(([code]) => assert.fail(`chromium ended with ${code}`));
    const [result] = await within(Promise.race([once(server.happened, 'result'), failed]), 'the page', 60);
    await within(left, 'the frame to go');
    return result;
  } finally {
    await browser.end();
  }
}

const forward = (proxy, scheme) => [`--proxy-server=${scheme}://${proxy.at}`, '--proxy-bypass-list=<-loopback>'];
const WAYS = {
  reverse: { mode: 'reverse', reverse: true, options: () => [] },
  'forward, as an HTTP proxy': { mode: 'connect', options: (proxy) => forward(proxy, 'http') },
  'forward, as a SOCKS5 proxy': { mode: 'socks5', options: (proxy) => forward(proxy, 'socks5') },
};

/** What was recorded of the page's sockets. */
function compare(recording, mode, server) {
  const sessions = recording.sessions();
  const of = (path) => sessions.find(({ open }) => open.url.endsWith(path)) ?? assert.fail(`no session ${path}`);
  const chat = of('/chat?a=1');
  assert.equal(chat.open.mode, mode);
  assert.equal(chat.open.subprotocol, 'two');
  assert.match(chat.open.extensions, /^permessage-deflate/);
  assert.match(header(chat.open.request, 'user-agent'), /Chrome/);
  const messages = (lines) => lines.filter(({ type }) => type === 'message').map((line) => [line.op === 'binary', payload(line).length]);
  assert.deepEqual(messages(chat.client), server.seen['/chat?a=1'].messages);
  assert.deepEqual(messages(chat.server), server.seen['/chat?a=1'].messages);
  assert.deepEqual(payload(chat.server.find(({ op }) => op === 'binary')), Buffer.from(OCTETS));
  assert.ok(chat.client.every((line) => line.type !== 'message' || line.compressed !== undefined), 'all compressed');
  const closes = ({ lines }) => lines.filter(({ type }) => type === 'close').map((line) => [line.from, line.code, line.reason]);
  assert.deepEqual(closes(chat), [['client', 4000, 'done ✓'], ['server', 4000, 'done ✓']]);
  assert.deepEqual(closes(of('/policy'))[0], ['server', 1008, 'policy']);
  assert.deepEqual(closes(of('/left'))[0], ['client', 1001, '']);
  const violations = recording.all('violation').map(({ session, section }) => [session, section]);
  assert.ok(violations.length > 0 && violations.every(([session]) => session === of('/broken').open.session), 'the one broken session');
  const [refused, ...others] = recording.all('refused');
  assert.equal(others.length, 0);
  assert.match(refused.response.line, / 403 /);
  assert.deepEqual(closes(of('/other'))[0], ['client', 4001, 'seen']);
  const events = recording.all('exchange').find(({ url }) => url.endsWith('/events'));
  assert.match(events.response.body, /event 1\n\ndata: event 2\n\ndata: event 3/);
}

for (const scheme of ['http', 'https']) {
  const host = scheme === 'https' ? 'localhost' : '127.0.0.1';
  const server = await listen(scheme);
  const page = (port) => `${scheme}://${host}:${port}/`;
  // Directly, the browser trusts who signed the server's certificate; behind sockeye, sockeye's authority alone.
  const [theirs, ours] = scheme === 'https' ? [serversCa, sockeyeCa()] : [];
  const expected = await browse(page(server.port), theirs, server);
  const expectedThere = structuredClone(server.seen);
  for (const [name, way] of Object.entries(WAYS)) {
    await check(`${scheme}, ${name}`, async () => {
      const proxy = await start(way.reverse ? page(server.port).slice(0, -1) : undefined, '--server-ca', serversCa);
      const port = way.reverse ? proxy.port : server.port;
      const seen = await browse(page(port), ours, server, ...way.options(proxy));
      assert.deepEqual(seen, expected, 'what the page sees');
      assert.deepEqual(server.seen, expectedThere, 'what the server sees');
      await proxy.ended(5);
      compare(await proxy.stop(), way.mode, server);
    });
  }
  server.close();
}

await check('https, our CA not trusted', async () => {
  const server = await listen('https');
  const proxy = await start(undefined, '--server-ca', serversCa);
  const home = trusting();
  const browser = launch(home, `https://localhost:${server.port}/`, ...forward(proxy, 'http'));
  try {
    await refusedOurs(proxy, `https://localhost:${server.port}`);
  } finally {
    await browser.end();
  }
  assert.deepEqual(server.seen, {});
  server.close();
  await proxy.stop();
});
process.exit();
