// A session written as code (`sockeye export --as`), run for real: the server gets what it got when the session was recorded.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { copyFileSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';

import { WebSocket, WebSocketServer } from 'ws';

import { check } from './check.mjs';
import { start, within } from './sockeye.mjs';

const folder = mkdtempSync(join(process.env.SOCKEYE_PEERS, 'recording-'));

/** What no line has of its own. */
const PLAIN = [
  'hello',
  `it's "quoted" \`twice\`, $HOME $(date) \${x} %s %d \\n \\ !! #{y}`,
  '  blanks at both ends  ',
  'Grüße, 日本語, 👩‍👩‍👧, \u202eabc, \u{1f600}',
  '{"type":"order","price":1.5,"note":"a\\"b"}',
  '-n',
  'a\ttab, \u0007 a bell, \u001b[31m red',
  '',
];
const LINES = ['two\nlines', 'carriage\r\nreturn', '\n'];
const BYTES = [Buffer.from([...Array(256).keys()]), Buffer.from('text that is binary'), Buffer.alloc(0)];
const HEADERS = {
  'X-Odd': `it's "odd" \`$HOME\` $(date) %s \\ !`,
  'X-Twice': ['one', 'two'],
  Cookie: 'session=a%20b; theme="dark"',
  Authorization: 'Bearer x.y-z_/+=',
  Origin: 'https://app.example',
  'User-Agent': 'peers/1.0 (of "tests")',
};

/** A server that tells what each of its sessions was asked for and heard, and closes a session that has said its part. */
async function listen() {
  const heard = new EventEmitter();
  const http = createServer();
  const sockets = new WebSocketServer({ server: http });
  const server = { expected: 0, seen: undefined };
  sockets.on('connection', (socket, { url, rawHeaders, headers }) => {
    const fields = rawHeaders.flatMap((name, at) => (at % 2 ? [] : [[name.toLowerCase(), rawHeaders[at + 1]]]));
    const seen = { url, fields, protocols: headers['sec-websocket-protocol'], messages: [] };
    server.seen = seen;
    // One that says nothing, as curl, answers no close either.
    const end = () => (server.expected ? socket.close(1000, 'heard') : socket.terminate());
    const enough = () => seen.messages.length >= server.expected && end();
    socket.on('message', (data, binary) => {
      seen.messages.push(binary ? data : data.toString());
      enough();
    });
    socket.on('close', () => heard.emit('over'));
    socket.on('error', () => {});
    enough();
  });
  await once(http.listen(0, '127.0.0.1'), 'listening');
  server.url = `ws://127.0.0.1:${http.address().port}/chat?room=it's "1"&x=$HOME`.replaceAll(' ', '%20').replaceAll('"', '%22');
  server.heard = heard;
  server.close = () => (http.closeAllConnections(), http.close());
  return server;
}

const server = await listen();

/** Records a session in which a client says this. */
async function record(messages, { headers = HEADERS, protocols = ['chat.v2', 'chat'] } = {}) {
  const proxy = await start(new URL(server.url).origin.replace('http', 'ws'), '--no-redact');
  const { pathname, search } = new URL(server.url);
  server.expected = messages.length;
  const socket = new WebSocket(`ws://127.0.0.1:${proxy.port}${pathname}${search}`, protocols, { headers, perMessageDeflate: true });
  await within(once(socket, 'open'), 'the session');
  const over = once(server.heard, 'over');
  messages.forEach((message) => socket.send(message));
  await within(over, 'the end of what is recorded');
  await proxy.ended(1);
  await proxy.stop();
  return { file: proxy.file, seen: server.seen };
}

/** What a program says and how it ends. */
async function run(command, words, options = {}) {
  // wscat ends with its input.
  const child = spawn(command, words, { stdio: ['pipe', 'pipe', 'pipe'], ...options });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (piece) => (text += piece));
  try {
    const [code] = await within(once(child, 'close'), `${command} ${words.join(' ')} to end, behind ${text}`, 120);
    return { code, text };
  } finally {
    child.kill('SIGKILL');
  }
}

async function exported(file, language) {
  const { code, text } = await run(process.env.SOCKEYE_BIN, ['export', file, '--as', language, '--session', '1']);
  assert.equal(code, 0, text);
  return text;
}

/** Runs a recorded session as code, and gives what the server saw of it. */
async function again({ file, seen }, language, execute, messages = seen.messages) {
  server.expected = messages.length;
  const code = await exported(file, language);
  server.seen = undefined;
  const over = once(server.heard, 'over');
  const { text } = await execute(code);
  assert.ok(server.seen, `${code}\nsaid nothing to the server: ${text}`);
  await within(over, 'the session to end');
  return { ...server.seen, code, printed: text };
}

/** The header lines that say something of a session, in the order of their names. */
const telling = ({ fields }, names) => fields.filter(([name]) => names.includes(name)).sort();
const OF_SESSION = ['x-odd', 'x-twice', 'cookie', 'authorization', 'origin', 'user-agent'];

function same(seen, recorded, { messages = recorded.messages, names = OF_SESSION } = {}) {
  assert.equal(seen.url, recorded.url);
  assert.deepEqual(telling(seen, names), telling(recorded, names), seen.code);
  assert.deepEqual(seen.protocols?.split(/, */), recorded.protocols?.split(/, */), seen.code);
  assert.deepEqual(seen.messages, messages, seen.code);
}

const script = (name) => (code) => {
  const file = join(folder, name);
  writeFileSync(file, code);
  return file;
};
const shell = (code) => {
  // The programs that a user would have installed.
  const PATH = `${join(process.env.SOCKEYE_PEERS, 'code/bin')}:${process.env.PATH}`;
  return run('sh', [script('session.sh')(code)], { env: { ...process.env, PATH } });
};

const all = await record([...PLAIN, ...LINES, ...BYTES]);
const long = await record(['x'.repeat(100_000), 'short']);
const bytes = await record([BYTES[0]]);
const bare = await record(['hello'], { headers: { 'User-Agent': 'x' }, protocols: [] });

await check('python', async () => {
  const python = (code) => run(process.env.SOCKEYE_PYTHON, ['-X', 'utf8', script('session.py')(code)]);
  same(await again(all, 'python', python), all.seen);
  same(await again(bare, 'python', python), bare.seen);
});

await check('node', async () => {
  // node looks for packages beside the script
  const node = (code) => {
    const file = join(process.env.SOCKEYE_PEERS, 'node/code-session.mjs');
    writeFileSync(file, code);
    return run(process.execPath, [file]);
  };
  same(await again(all, 'node', node), all.seen);
  same(await again(bare, 'node', node), bare.seen);
});

await check("javascript, in Node's own WebSocket", async () => {
  const browser = (code) => {
    const own = 'WebSocket' in globalThis ? [] : ['--experimental-websocket'];
    return run(process.execPath, [...own, script('session.mjs')(code)]);
  };
  const seen = await again(all, 'javascript', browser);
  // A page sets no headers.
  same(seen, all.seen, { names: [] });
  assert.match(seen.code, /^\/\/ No page can set these headers.*: X-Odd, X-Twice/m);
  same(await again(bare, 'javascript', browser), bare.seen, { names: [] });
});

await check('rust', async () => {
  const crate = join(process.env.SOCKEYE_PEERS, 'code/rust');
  mkdirSync(join(crate, 'src'), { recursive: true });
  copyFileSync(join(process.env.SOCKEYE_SOURCES, 'code/Cargo.toml'), join(crate, 'Cargo.toml'));
  const rust = async (code) => {
    writeFileSync(join(crate, 'src/main.rs'), code);
    const built = await run('cargo', ['build', '--quiet'], { cwd: crate, env: { ...process.env, CARGO_TARGET_DIR: join(crate, 'target') } });
    assert.equal(built.code, 0, built.text);
    return run(join(crate, 'target/debug/session'), []);
  };
  same(await again(all, 'rust', rust), all.seen);
  same(await again(bare, 'rust', rust), bare.seen);
});

await check('websocat', async () => {
  // It takes an empty text for the end.
  const filled = all.seen.messages.filter((message) => message !== '');
  const seen = await again(all, 'websocat', shell, filled);
  same(seen, all.seen, { messages: filled });
  assert.match(seen.code, /^# A message is left out: websocat takes an empty text/m);
  for (const one of [long, bare, bytes]) same(await again(one, 'websocat', shell), one.seen);
});

await check('wscat, which says texts alone', async () => {
  const texts = all.seen.messages.filter((message) => typeof message === 'string');
  const seen = await again(all, 'wscat', shell, texts);
  // It has one header of a name.
  const fields = all.seen.fields.filter(([name]) => name !== 'x-twice').concat([['x-twice', 'one, two']]);
  same(seen, { ...all.seen, fields }, { messages: texts });
  same(await again(bare, 'wscat', shell), bare.seen);
});

await check('curl, for the handshake alone', async () => {
  const seen = await again(all, 'curl', shell, []);
  same(seen, all.seen, { messages: [] });
  assert.match(seen.printed, /^HTTP\/1\.1 101 /);
  same(await again(bare, 'curl', shell, []), bare.seen, { messages: [] });
});

server.close();
process.exit();
