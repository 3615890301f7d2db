// Node's ws on both ends, and undici's WebSocket: what both apps see is what they see without sockeye, and what
// sockeye recorded is what they said.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';

import { ProxyAgent, WebSocket as Undici } from 'undici';
import { WebSocket, WebSocketServer } from 'ws';

import { check } from './check.mjs';
import { header, payload, print, start, within } from './sockeye.mjs';
import { direct, ways } from './ways.mjs';

const JSON_TEXT = JSON.stringify({ list: Array.from({ length: 9000 }, (_, at) => ({ at, word: `word ${at % 97}` })) });
const ANY_OCTETS = Buffer.from(Array.from({ length: 1 << 20 }, (_, at) => (at * 2654435761) >>> 13));

/** What the client says, in order; the server says each data message back. */
const CLIENT_SAYS = [
  { op: 'text', data: 'hello' },
  { op: 'text', data: '' },
  { op: 'text', data: 'Füße ✓ 🦈' },
  { op: 'ping', data: 'are you there' },
  { op: 'binary', data: Buffer.alloc(0) },
  { op: 'binary', data: ANY_OCTETS.subarray(0, 256) },
  { op: 'text', data: JSON_TEXT },
  { op: 'text', data: 'hello' },
  { op: 'binary', data: ANY_OCTETS },
  { op: 'text', pieces: ['one, ', 'two, ', 'three'] },
  { op: 'ping', data: '' },
  { op: 'binary', pieces: [ANY_OCTETS.subarray(5, 70005), Buffer.alloc(0), ANY_OCTETS.subarray(9, 20)] },
  { op: 'pong', data: 'nobody asked' },
  { op: 'text', data: 'x'.repeat(125) },
  { op: 'text', data: 'x'.repeat(126) },
  { op: 'text', data: 'x'.repeat(65535) },
  { op: 'text', data: 'x'.repeat(65536) },
];
const DATA = CLIENT_SAYS.filter(({ op }) => op === 'text' || op === 'binary');

const DEFLATE = {
  'no deflate': { server: false, client: false, agreed: '' },
  'deflate with context takeover': { server: { threshold: 0 }, client: { threshold: 0 }, agreed: 'permessage-deflate' },
  'deflate without context takeover': {
    server: { threshold: 0, serverNoContextTakeover: true, clientNoContextTakeover: true },
    client: { threshold: 0 },
    agreed: 'permessage-deflate; server_no_context_takeover; client_no_context_takeover',
  },
  'deflate with small windows': {
    server: { threshold: 0, serverMaxWindowBits: 9, clientMaxWindowBits: 10 },
    client: { threshold: 0, serverMaxWindowBits: 12, clientMaxWindowBits: 13 },
    agreed: 'permessage-deflate; server_max_window_bits=9; client_max_window_bits=10',
  },
  // ws minds its threshold only where no context is taken over.
  'deflate above a threshold': {
    server: { threshold: 1024, serverNoContextTakeover: true, clientNoContextTakeover: true },
    client: { threshold: 1024 },
    agreed: 'permessage-deflate; server_no_context_takeover; client_no_context_takeover',
  },
};

/** How a session ends: who does what, once all was said. */
const ENDINGS = {
  'the client closes': { client: (socket) => socket.close(4001, 'done ✓'), first: ['client', 4001, 'done ✓'] },
  'the server closes': { server: (socket) => socket.close(1008, 'policy'), first: ['server', 1008, 'policy'] },
  'a close without a code': { client: (socket) => socket.close(), first: ['client', undefined, undefined] },
  'the client just leaves': { client: (socket) => socket._socket.destroy() },
  'the server just leaves': { server: (socket) => socket._socket.destroy() },
  'the server resets': { server: (socket) => socket._socket.resetAndDestroy() },
  'the client resets': { client: (socket) => socket._socket.resetAndDestroy() },
};

function note(socket, seen) {
  socket.on('message', (data, binary) => seen.messages.push([binary ? 'binary' : 'text', data.toString('base64')]));
  socket.on('ping', (data) => seen.pings.push(data.toString('base64')));
  socket.on('pong', (data) => seen.pongs.push(data.toString('base64')));
  socket.on('error', (error) => seen.errors.push(error.code ?? error.message));
  return new Promise((resolve) => {
    socket.on('close', (code, reason) => resolve((seen.close = [code, reason.toString()])));
  });
}

const nothing = () => ({ messages: [], pings: [], pongs: [], errors: [] });

/** The head as ws got it, but for what is new in each handshake. */
function plain(rawHeaders) {
  const secret = /^sec-websocket-(key|accept)$/i;
  return rawHeaders.map((value, at) => (at % 2 && secret.test(rawHeaders[at - 1]) ? '(a key)' : value));
}

/** A server that says everything back, and keeps what it saw of each session. */
async function listen(deflate, ending) {
  const sessions = [];
  const http = createServer();
  const server = new WebSocketServer({
    server: http,
    perMessageDeflate: deflate,
    handleProtocols: (offered) => [...offered].at(-1),
  });
  server.on('connection', (socket, request) => {
    const seen = { ...nothing(), path: request.url, head: plain(request.rawHeaders) };
    seen.over = note(socket, seen);
    sessions.push(seen);
    socket.ping('from the server');
    socket.on('message', (data, binary) => {
      socket.send(data, { binary });
      if (seen.messages.length === DATA.length) ending.server?.(socket);
    });
  });
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  const close = () => new Promise((resolve) => (server.close(), http.closeAllConnections(), http.close(resolve)));
  return { sessions, close, port: http.address().port };
}

async function say(socket) {
  for (const { op, data, pieces } of CLIENT_SAYS) {
    if (op === 'ping' || op === 'pong') socket[op](data);
    else if (pieces) pieces.forEach((piece, at) => socket.send(piece, { fin: at + 1 === pieces.length, binary: op === 'binary' }));
    else socket.send(data, { binary: op === 'binary' });
  }
}

/** One session from the first byte to the last; gives both views. */
async function dialogue(way, proxy, server, { client: deflate }, ending) {
  const socket = new WebSocket(`${way.url(server.port, proxy)}/chat/room?a=1&b=%20`, ['one', 'two'], {
    perMessageDeflate: deflate,
    origin: `http://127.0.0.1:${proxy && way.name === 'reverse' ? proxy.port : server.port}`,
    headers: { 'X-Case': 'As It Is', Cookie: 'a=1; b=2' },
    ...way.options(proxy, server.port),
  });
  const client = nothing();
  const over = note(socket, client);
  socket.on('upgrade', (response) => (client.head = plain(response.rawHeaders)));
  socket.on('open', () => {
    Object.assign(client, { subprotocol: socket.protocol, extensions: socket.extensions });
    say(socket);
  });
  socket.on('message', () => client.messages.length === DATA.length && ending.client?.(socket));
  await within(over, 'the client to see the end');
  await within(server.sessions.at(-1).over, 'the server to see the end');
  return { client, server: { ...server.sessions.at(-1), over: undefined } };
}

const octets = ({ data, pieces }) => Buffer.concat((pieces ?? [data]).map((piece) => Buffer.from(piece)));
const told = (line) => [line.op ?? line.type, payload(line).toString('base64')];

/** What sockeye recorded of a session against what was said in it. */
function compare(session, way, { agreed, client: { threshold } = {} }, [code, reason] = []) {
  const { open, client, server, end } = session;
  assert.equal(open.mode, way.mode);
  assert.equal(open.subprotocol, 'two');
  assert.equal(open.extensions ?? '', agreed);
  assert.match(open.url, /^ws:\/\/127\.0\.0\.1:\d+\/chat\/room\?a=1&b=%20$/);
  assert.equal(header(open.request, 'x-case'), 'As It Is');
  assert.deepEqual(session.lines.filter(({ type }) => type === 'violation'), [], 'no violations');
  const said = (lines) => lines.filter(({ type }) => type !== 'close');
  const pong = { op: 'pong', data: 'from the server' };
  const expected = CLIENT_SAYS.map((one) => [one.op, octets(one).toString('base64')]);
  const withoutPong = said(client).map(told).filter((one) => one[1] !== octets(pong).toString('base64'));
  assert.deepEqual(withoutPong, expected, 'what the client said, in its order');
  assert.equal(said(client).length, expected.length + 1, 'and one pong');
  const data = DATA.map((one) => [one.op, octets(one).toString('base64')]);
  assert.deepEqual(server.filter(({ type }) => type === 'message').map(told), data, 'what the server said back');
  const pongs = CLIENT_SAYS.filter(({ op }) => op === 'ping').map((one) => octets(one).toString('base64'));
  assert.deepEqual(server.filter(({ type }) => type === 'pong').map((line) => told(line)[1]), pongs, 'its pongs');
  for (const lines of [client, server]) {
    for (const line of lines.filter(({ type }) => type === 'message')) {
      // A message in pieces is compressed or not by its first piece; here all first pieces say the same.
      const size = line.frames?.length > 1 ? 0 : payload(line).length;
      if (size) assert.equal('compressed' in line, agreed !== '' && size >= threshold, `compressed, of ${size} octets`);
    }
  }
  const pieces = CLIENT_SAYS.filter((one) => one.pieces).map((one) => one.pieces.length);
  const fragmented = client.filter(({ frames }) => frames?.length > 1).map(({ frames }) => frames.length);
  assert.deepEqual(fragmented, pieces, 'the fragments, as cut');
  assert.ok(end, 'its end');
  compareClose(session, code, reason);
}

function compareClose({ lines, client, server }, from, closing) {
  const closes = lines.filter(({ type }) => type === 'close');
  if (!closing) return assert.deepEqual(closes, [], 'no close frames');
  assert.equal(closes.length, 2, 'two close frames');
  assert.equal(closes[0].from, from, 'who closed first');
  for (const close of closes) assert.deepEqual([close.code, close.reason], closing, 'what they said');
  assert.equal([client, server].filter((side) => side.at(-1).type === 'close').length, 2, 'as the last of each side');
}

for (const [name, deflate] of Object.entries(DEFLATE)) {
  const server = await listen(deflate.server, ENDINGS['the client closes']);
  const expected = await dialogue(direct, null, server, deflate, ENDINGS['the client closes']);
  assert.equal(expected.client.messages.length, DATA.length);
  for (const way of ways) {
    await check(`${name}, ${way.name}`, async () => {
      const proxy = await way.start(server.port);
      const seen = await dialogue(way, proxy, server, deflate, ENDINGS['the client closes']);
      assert.deepEqual(seen, expected, 'both ends see what they see without sockeye');
      await proxy.ended(1);
      const recording = await proxy.stop();
      assert.equal(recording.sessions().length, 1);
      assert.deepEqual(recording.all('refused'), []);
      const [from, ...closing] = ENDINGS['the client closes'].first;
      compare(recording.sessions()[0], way, deflate, [from, closing]);
    });
  }
  await server.close();
}

for (const [name, ending] of Object.entries(ENDINGS)) {
  const server = await listen(true, ending);
  const expected = await dialogue(direct, null, server, { client: true }, ending);
  for (const way of [ways[0], ways[1]]) {
    await check(`${name}, ${way.name}`, async () => {
      const proxy = await way.start(server.port);
      const seen = await dialogue(way, proxy, server, { client: true }, ending);
      assert.deepEqual(seen.client.close, expected.client.close, 'how the client saw it end');
      assert.deepEqual(seen.server.close, expected.server.close, 'how the server saw it end');
      assert.deepEqual(seen.client.errors, expected.client.errors, 'errors of the client');
      assert.deepEqual(seen.server.errors, expected.server.errors, 'errors of the server');
      await proxy.ended(1);
      const [session] = (await proxy.stop()).sessions();
      const [from, ...closing] = ending.first ?? [];
      compareClose(session, from, ending.first && closing);
      const resets = /the (.*) resets/.exec(name);
      if (resets) assert.equal(session.end[resets[1]], 'reset', 'who reset the connection');
      if (resets || name.includes('leaves')) assert.equal(session.end.first, name.split(' ')[1], 'who ended it');
    });
  }
  await server.close();
}

await check('refused with 401 and a body', async () => {
  const http = createServer();
  new WebSocketServer({ server: http, verifyClient: (_, done) => done(false, 401, 'no token', { 'X-Why': 'none' }) });
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  const ask = async (url) => {
    const socket = new WebSocket(url);
    socket.on('error', () => {});
    const [, response] = await within(once(socket, 'unexpected-response'), 'the refusal');
    let body = '';
    for await (const piece of response) body += piece;
    return { status: response.statusCode, reason: response.statusMessage, head: response.rawHeaders, body };
  };
  const proxy = await start(`ws://127.0.0.1:${http.address().port}`);
  const expected = await ask(`ws://127.0.0.1:${http.address().port}/`);
  assert.deepEqual(await ask(`ws://${proxy.at}/`), expected);
  await proxy.wait(({ type }) => type === 'refused', 'the refusal');
  const [refused] = (await proxy.stop()).all('refused');
  assert.match(refused.response.line, /^HTTP\/1.1 401 /);
  assert.equal(refused.response.body, expected.body);
  assert.match(refused.why, /401/);
  http.close();
});

await check('undici, its own proxy agent and reverse', async () => {
  const server = await listen({ threshold: 0 }, {});
  for (const reverse of [true, false]) {
    const proxy = await start(reverse ? `ws://127.0.0.1:${server.port}` : undefined);
    const dispatcher = reverse ? undefined : new ProxyAgent(`http://${proxy.at}`);
    const socket = new Undici(`ws://${reverse ? proxy.at : `127.0.0.1:${server.port}`}/`, { protocols: ['two'], dispatcher });
    socket.binaryType = 'arraybuffer';
    const got = [];
    const over = new Promise((resolve, reject) => {
      socket.onerror = ({ error, message }) => reject(error ?? new Error(message));
      socket.onclose = ({ code, reason, wasClean }) => resolve([code, reason, wasClean]);
    });
    socket.onopen = () => (socket.send('hello '.repeat(100)), socket.send(ANY_OCTETS.subarray(0, 70000)));
    socket.onmessage = ({ data }) => {
      got.push(typeof data === 'string' ? data : Buffer.from(data).toString('base64'));
      if (got.length === 2) socket.close(3333, 'enough');
    };
    assert.deepEqual(await within(over, 'the end'), [3333, 'enough', true]);
    assert.deepEqual(got, ['hello '.repeat(100), ANY_OCTETS.subarray(0, 70000).toString('base64')]);
    await proxy.ended(1);
    const [session] = (await proxy.stop()).sessions();
    const messages = (lines) => lines.filter(({ type }) => type === 'message').map((line) => payload(line).toString('base64'));
    const said = [Buffer.from(got[0]).toString('base64'), got[1]];
    assert.deepEqual(messages(session.client), said);
    assert.deepEqual(messages(session.server), said);
    assert.match(session.open.extensions, /^permessage-deflate/);
    compareClose(session, 'client', [3333, 'enough']);
    await dispatcher?.close();
  }
  await server.close();
});

await check('three hundred sessions at once', async () => {
  const server = await listen({ threshold: 0 }, {});
  const proxy = await start(`ws://127.0.0.1:${server.port}`);
  const words = (at) => Array.from({ length: 20 }, (_, word) => `session ${at}, word ${word}`);
  const talk = (at) => new Promise((resolve, reject) => {
    const socket = new WebSocket(`ws://${proxy.at}/${at}`, ['two']);
    const got = [];
    socket.on('open', () => words(at).forEach((word) => socket.send(word)));
    socket.on('message', (data) => got.push(data.toString()) === 20 && socket.close(4000, `${at}`));
    socket.on('close', () => resolve(got));
    socket.on('error', reject);
  });
  const all = await within(Promise.all(Array.from({ length: 300 }, (_, at) => talk(at))), 'all of them', 60);
  assert.deepEqual(all, Array.from({ length: 300 }, (_, at) => words(at)));
  await proxy.ended(300);
  const sessions = (await proxy.stop()).sessions();
  assert.equal(sessions.length, 300);
  for (const session of sessions) {
    const at = Number(new URL(session.open.url).pathname.slice(1));
    for (const lines of [session.client, session.server]) {
      assert.deepEqual(lines.filter(({ type }) => type === 'message').map((line) => payload(line).toString()), words(at));
      assert.deepEqual([lines.at(-1).code, lines.at(-1).reason], [4000, `${at}`]);
    }
  }
  await server.close();
});

await check('64 MiB in one message, both ways', async () => {
  const server = await listen(false, {});
  const proxy = await start(`ws://127.0.0.1:${server.port}`);
  const socket = new WebSocket(`ws://${proxy.at}/`, ['two'], { maxPayload: 0 });
  const big = Buffer.alloc(64 << 20, ANY_OCTETS);
  await once(socket, 'open');
  socket.send(big);
  const [back] = await within(once(socket, 'message'), 'the message to come back', 60);
  assert.ok(back.equals(big), 'what came back');
  socket.close(4000);
  await once(socket, 'close');
  await proxy.ended(1);
  const [session] = (await proxy.stop()).sessions();
  for (const lines of [session.client, session.server]) {
    assert.ok(payload(lines.find(({ type }) => type === 'message')).equals(big), 'what was recorded');
  }
  await server.close();
});

await check('lines for eyes', async () => {
  const server = await listen({ threshold: 0 }, {});
  const proxy = await start(`ws://127.0.0.1:${server.port}`);
  const socket = new WebSocket(`ws://${proxy.at}/chat`, ['two']);
  await once(socket, 'open');
  socket.send('{"kind":"hello"}');
  await once(socket, 'message');
  socket.close(4002, 'seen');
  await once(socket, 'close');
  await proxy.ended(1);
  await proxy.stop();
  const text = (await print(proxy.file)).join('\n');
  for (const wanted of [/\/chat/, /two/, /deflate/, /hello/, /4002/, /seen/]) assert.match(text, wanted);
  await server.close();
});
process.exit();
