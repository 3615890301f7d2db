// Live traffic that is touched: rules that break it on purpose, each seen by a real client as what it is; messages held and
// edited under deflate while pings flow; Socket.IO and graphql-ws apps that live through edits.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createTcpServer } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

import { buildSchema } from 'graphql';
import { createClient } from 'graphql-ws';
import { useServer } from 'graphql-ws/use/ws';
import { Server } from 'socket.io';
import { io } from 'socket.io-client';
import { WebSocket, WebSocketServer } from 'ws';

import { check } from './check.mjs';
import { within } from './sockeye.mjs';

const running = new Set();
process.on('exit', () => running.forEach((child) => child.kill('SIGKILL')));

/** A sockeye in front of `port` that takes commands, with `rules` where there are some. */
class Proxy extends EventEmitter {
  lines = [];
  complaints = '';
  #waiting = [];
  #asked = 0;

  static async start(port, rules) {
    const proxy = new Proxy();
    const folder = mkdtempSync(join(process.env.SOCKEYE_PEERS, 'recording-'));
    const words = [`ws://127.0.0.1:${port}`, '-l', '127.0.0.1:0', '--headless', '--output', 'json', '--commands'];
    proxy.record = join(folder, 'recording.jsonl');
    words.push('--record', proxy.record);
    if (rules) {
      proxy.rules = join(folder, 'rules.toml');
      writeFileSync(proxy.rules, rules);
      words.push('--rules', proxy.rules);
    }
    const child = spawn(process.env.SOCKEYE_BIN, words, { stdio: ['pipe', 'pipe', 'pipe'] });
    proxy.child = child;
    running.add(child);
    child.once('exit', () => running.delete(child));
    child.stderr.setEncoding('utf8').on('data', (text) => (proxy.complaints += text));
    createInterface({ input: child.stdout }).on('line', (text) => proxy.#take(JSON.parse(text)));
    const { listen } = await proxy.wait(({ type }) => type === 'recording', 'the recording line');
    proxy.url = `ws://${listen}`;
    return proxy;
  }

  #take(line) {
    this.lines.push(line);
    this.#waiting = this.#waiting.filter(({ wanted, resolve }) => !(wanted(line) && (resolve(line), true)));
  }

  /** The first line that is wanted, printed already or to come. */
  wait(wanted, what) {
    const before = this.lines.find(wanted);
    if (before) return Promise.resolve(before);
    return within(new Promise((resolve) => this.#waiting.push({ wanted, resolve })), `sockeye to print ${what}`);
  }

  /** Sends a command, and waits for its answer. */
  async command(command) {
    const id = (this.#asked += 1);
    this.child.stdin.write(`${JSON.stringify({ id, ...command })}\n`);
    const answer = await this.wait((line) => line.type === 'answer' && line.id === id, `the answer to ${command.do}`);
    assert.equal(answer.ok, true, answer.error);
  }

  /** The act that begins with holding something, the `count`th of them. */
  held(count) {
    let seen = 0;
    return this.wait((line) => line.type === 'act' && line.act === 'held' && (seen += 1) === count, `a held message, ${count}`);
  }

  /** The first act of this name: it may be told after both ends have seen what it did. */
  act(name) {
    return this.wait(({ type, act }) => type === 'act' && act === name, `the act ${name}`);
  }

  async stop(complaint = /^$/) {
    const over = once(this.child, 'close');
    this.child.kill('SIGTERM');
    const [code] = await within(over, 'sockeye to end');
    assert.equal(code, 0, 'exit code');
    assert.match(this.complaints, complaint, 'standard error');
  }
}

/** A server that answers each message with its number and itself, with context takeover both ways. */
async function listen(options = {}) {
  const seen = { messages: [], closes: [], headers: [] };
  const happened = new EventEmitter();
  const http = createServer();
  const sockets = new WebSocketServer({ server: http, perMessageDeflate: { threshold: 0 }, ...options });
  sockets.on('connection', (socket, request) => {
    seen.headers.push(request.headers);
    socket.on('message', (data, binary) => {
      seen.messages.push(binary ? data : data.toString());
      happened.emit('message');
      socket.send(`answer ${seen.messages.length} to ${data}`);
    });
    socket.on('pong', (data) => happened.emit('pong', data.toString()));
    socket.on('error', () => {});
    socket.on('close', (code, reason) => {
      seen.closes.push([code, reason.toString()]);
      happened.emit('close');
    });
    happened.emit('connection', socket);
  });
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  const close = () => (sockets.clients.forEach((socket) => socket.terminate()), http.closeAllConnections(), http.close());
  return { seen, happened, sockets, port: http.address().port, close };
}

/** A client, and all that happens to it. */
async function connect(url, options = {}) {
  const socket = new WebSocket(url, options);
  const seen = { messages: [], times: [] };
  const happened = new EventEmitter();
  socket.on('message', (data, binary) => {
    seen.messages.push(binary ? data : data.toString());
    seen.times.push(performance.now());
    happened.emit('message');
  });
  socket.on('error', (error) => (seen.error ??= error.code ?? error.message));
  socket.on('unexpected-response', (_, response) => {
    seen.refused = response.statusCode;
    happened.emit('end');
  });
  socket.on('close', (code, reason) => {
    seen.close = [code, reason.toString()];
    happened.emit('end');
  });
  const received = async (count) => {
    while (seen.messages.length < count) await within(once(happened, 'message'), `message ${count} of ${seen.messages}`);
  };
  const ended = () => (seen.close || seen.refused ? undefined : within(once(happened, 'end'), 'the end'));
  if (!options.refused) {
    await within(once(socket, 'open'), 'the session');
    // ws itself says no more of a reset than 1006.
    socket._socket.on('error', (error) => (seen.error ??= error.code));
  }
  return { socket, seen, received, ended };
}

const WORDS = ['one one one one', 'two two two two', 'three three three', 'four four four four'];
const answers = (words = WORDS) => words.map((word, index) => `answer ${index + 1} to ${word}`);
const tried = [];
const rule = (text) => (tried.push(text), `[[rule]]\nname = "it"\n${text}\n`);

/** Has a client say all words through a proxy with a rule, and gives what came of it. */
async function broken(text, run, options = {}) {
  const server = await listen(options.server);
  const proxy = await Proxy.start(server.port, rule(text));
  try {
    const client = await connect(`${proxy.url}/chat`, options.client);
    client.seen.begun = performance.now();
    if (!options.client?.refused) (options.words ?? WORDS).forEach((word) => client.socket.send(word));
    await run({ ...client, server, proxy });
    client.socket.terminate();
    if (!options.stopped) await proxy.stop(options.complaint);
  } finally {
    proxy.child.kill('SIGKILL');
    server.close();
  }
}

await check('drop, under deflate with context takeover', () => broken("when = 'two'\nthen = { drop = true }", async ({ received, seen, server, proxy }) => {
  await received(3);
  assert.deepEqual(seen.messages, answers(WORDS.filter((_, index) => index !== 1)));
  assert.equal(server.seen.messages.length, 3);
  assert.equal((await proxy.act('dropped')).rule, 'it');
}));

await check('behind a dropped one, under deflate, a message too long for rules arrives whole', () => broken("when = 'dir:client'\ntimes = 1\nthen = { drop = true }", async ({ socket, received, server, proxy }) => {
  const long = Array.from({ length: 2_600_000 }, (_, number) => number).join();
  assert.ok(long.length > 16 << 20);
  ['dropped', long, 'and more'].forEach((word) => socket.send(word));
  await received(2);
  assert.ok(server.seen.messages[0] === long, 'it is not what was sent');
  assert.deepEqual(server.seen.messages.slice(1), ['and more']);
  const { n, from } = await proxy.act('unjudged');
  assert.deepEqual([n, from], [2, 'client']);
}, { words: [] }));

await check('replace, in the middle of a compressed stream', () => broken("when = 'dir:server two'\nthen = { replace = { text = 'changed' } }", async ({ received, seen, proxy }) => {
  await received(4);
  assert.deepEqual(seen.messages, answers().map((word, index) => (index === 1 ? 'changed' : word)));
  assert.equal((await proxy.act('edited')).text, 'changed');
}));

await check('substitute by a regular expression', () => broken("when = 'dir:client'\nthen = { substitute = '^(\\w+) .*', with = 'just $1' }", async ({ received, seen }) => {
  await received(4);
  assert.deepEqual(seen.messages, answers(['just one', 'just two', 'just three', 'just four']));
}));

await check('set and remove, in JSON', () => broken(
  "when = 'dir:client a>1'\nthen = [{ set = { 'b.c' = [1, 'x'] } }, { remove = 'a' }]",
  async ({ socket, received, seen }) => {
    ['{"a":1,"b":{}}', '{"a": 2, "b": {"c": null, "d": 1}}'].forEach((text) => socket.send(text));
    await received(6);
    assert.deepEqual(seen.messages.slice(4), ['answer 5 to {"a":1,"b":{}}', 'answer 6 to {"b": {"c": [1,"x"], "d": 1}}']);
  },
));

await check('hold by a rule: commands settle it, and pings flow', () => broken("when = 'dir:client /two|three/'\nthen = { hold = true }", async ({ socket, received, seen, proxy }) => {
  await received(1);
  const held = [await proxy.held(1), await proxy.held(2)];
  assert.deepEqual(held.map(({ rule: name, n }) => [name, n]), [['it', held[0].n], ['it', held[0].n + 1]]);
  socket.ping('still there?');
  await within(once(socket, 'pong'), 'the pong');
  assert.deepEqual(seen.messages, answers(WORDS.slice(0, 1)));
  await proxy.command({ do: 'drop', held: held[1].held });
  await proxy.command({ do: 'resume', held: held[0].held });
  await received(3);
  assert.deepEqual(seen.messages, answers([WORDS[0], WORDS[1], WORDS[3]]));
}));

await check('a held message is answered with a close', () => broken("when = 'dir:client two'\nthen = { hold = true }", async ({ ended, seen, server, proxy }) => {
  const { held } = await proxy.held(1);
  await proxy.command({ do: 'close', held, code: 4008, reason: 'not that' });
  await ended();
  assert.deepEqual(seen.close, [4008, 'not that']);
  if (server.seen.closes.length === 0) await within(once(server.happened, 'close'), 'the server to see it');
  assert.deepEqual([server.seen.messages, server.seen.closes], [WORDS.slice(0, 1), [[4008, 'not that']]]);
}));

await check('what is held goes on, in order, when sockeye ends', () => broken("when = 'dir:client two'\nthen = { hold = true }", async ({ received, server, proxy }) => {
  await received(1);
  await proxy.held(1);
  await proxy.wait(({ type, text }) => type === 'message' && text === WORDS[3], 'the last message');
  const closed = once(server.happened, 'close');
  await proxy.stop();
  await within(closed, 'the server to see the end');
  assert.deepEqual(server.seen.messages, WORDS);
}, { stopped: true }));

await check('mark, and no more of it in the recording', () => broken("when = 'dir:client two'\nthen = [{ mark = true }, { stop-recording = true }]", async ({ received, seen, proxy }) => {
  await received(4);
  assert.deepEqual(seen.messages, answers());
  await proxy.act('recording stopped');
  await proxy.stop();
  const recorded = readFileSync(proxy.record, 'utf8').split('\n').slice(0, -1).map((line) => JSON.parse(line));
  const said = recorded.filter(({ type, from }) => type === 'message' && from === 'client').map(({ text }) => text);
  assert.deepEqual(said, WORDS.slice(0, 2));
  const acts = recorded.filter(({ type }) => type === 'act').map(({ act }) => act);
  assert.deepEqual(acts, ['marked', 'recording stopped']);
  assert.equal(recorded.at(-1).type, 'end');
}, { stopped: true }));

await check('duplicate', () => broken("when = 'dir:client two'\nthen = { duplicate = 1 }", async ({ received, seen }) => {
  await received(5);
  assert.deepEqual(seen.messages, answers([WORDS[0], WORDS[1], WORDS[1], WORDS[2], WORDS[3]]));
}));

await check('reorder', () => broken("when = 'dir:client one'\nthen = { reorder = 2 }", async ({ received, seen }) => {
  await received(4);
  assert.deepEqual(seen.messages, answers([WORDS[1], WORDS[2], WORDS[0], WORDS[3]]));
}));

await check('delay', () => broken("when = 'dir:server two'\nthen = { delay = '300ms' }", async ({ received, seen }) => {
  await received(4);
  assert.deepEqual(seen.messages, answers());
  assert.ok(seen.times[1] - seen.begun > 250, `${seen.times} from ${seen.begun} on`);
}));

await check('throttle', () => broken("then = { throttle = { messages = 20 }, from = 'client' }", async ({ received, seen }) => {
  await received(4);
  assert.deepEqual(seen.messages, answers());
  assert.ok(seen.times[3] - seen.begun > 100, `${seen.times} from ${seen.begun} on`);
}));

await check('throttle in octets', () => broken("then = { throttle = '100', from = 'server' }", async ({ received, seen }) => {
  await received(4);
  assert.deepEqual(seen.messages, answers());
  // Each is of some 15 octets on the wire.
  assert.ok(seen.times[3] - seen.begun > 200, `${seen.times} from ${seen.begun} on`);
}));

await check('corrupt: without deflate, the text is no UTF-8 (1007)', () => broken("when = 'dir:server two'\nthen = { corrupt = true, at = [0], xor = 0x80 }", async ({ ended, seen, server }) => {
  await ended();
  assert.match(seen.error, /WS_ERR_INVALID_UTF8/);
  if (server.seen.closes.length === 0) await within(once(server.happened, 'close'), 'the server to see it');
  assert.equal(server.seen.closes[0][0], 1007);
}, { client: { perMessageDeflate: false } }));

await check('corrupt: a client of deflate says that the data is invalid', () => broken("when = 'dir:server two'\nthen = { corrupt = true, at = [0, 1, 2], xor = 0xff }", async ({ ended, seen }) => {
  await ended();
  assert.match(seen.error, /Z_DATA_ERROR|WS_ERR|invalid/i);
}));

await check('truncate in the middle of a frame: 1006', () => broken("when = 'dir:server two'\nthen = { truncate = 4 }", async ({ ended, seen }) => {
  await ended();
  assert.deepEqual([seen.messages.length, seen.close[0]], [1, 1006]);
}));

/** Has a client read nothing until `over`, and then all that came at once; gives how it saw the end. */
async function readsAtOnce({ socket, seen, ended }, over) {
  const { _handle: handle } = socket._socket;
  socket._socket.once('end', () => (seen.end = true));
  handle.readStop();
  await over();
  handle.readStart();
  await ended();
  return { code: seen.close[0], error: seen.error, end: seen.end };
}

// Where libuv learns of data and of a reset in one go, it reads the data, and takes the reset for an end.
const RESET_BEHIND_DATA = { code: 1006, error: undefined, end: true };

await check('truncate and reset: 1006 with no error, as Node sees a reset that comes along with data', () => broken("when = 'dir:server two'\nthen = { truncate = 4, end = 'reset' }", async ({ proxy, server, ...client }) => {
  const over = async () => {
    client.socket.send('one');
    client.socket.send('two');
    // By then the reset is with the client.
    await proxy.wait(({ type }) => type === 'end', 'the end of the session');
  };
  assert.deepEqual(await readsAtOnce(client, over), RESET_BEHIND_DATA);
  assert.deepEqual(client.seen.messages, ['answer 1 to one']);
  assert.equal((await proxy.act('truncated')).rule, 'it');
}, { words: [] }));

await check('the same of a plain server that cuts a frame and resets, without sockeye', async () => {
  const happened = new EventEmitter();
  const server = createTcpServer((socket) => socket.once('data', (head) => {
    const key = /^sec-websocket-key: (.*)\r$/im.exec(head.toString())[1];
    // RFC 6455 4.2.2
    const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
    socket.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`);
    socket.once('close', () => happened.emit('closed'));
    socket.once('data', () => socket.write(Buffer.from([0x81, 8, 0x61, 0x62]), () => socket.resetAndDestroy()));
  }));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    const client = await connect(`ws://127.0.0.1:${server.address().port}/`);
    const over = async () => {
      const closed = once(happened, 'closed');
      client.socket.send('go');
      await within(closed, 'the server to reset it');
    };
    assert.deepEqual(await readsAtOnce(client, over), RESET_BEHIND_DATA);
  } finally {
    server.close();
  }
});

await check('close with a code: both ends get it', () => broken("when = 'dir:server two'\nthen = { close = 4321, reason = 'on purpose' }", async ({ ended, seen, server }) => {
  await ended();
  assert.deepEqual(seen.close, [4321, 'on purpose']);
  if (server.seen.closes.length === 0) await within(once(server.happened, 'close'), 'the server to see it');
  assert.deepEqual(server.seen.closes, [[4321, 'on purpose']]);
}));

// The first message: no data comes along with the reset.
await check('reset: ECONNRESET', () => broken("when = 'dir:server one'\nthen = { reset = true }", async ({ ended, seen }) => {
  await ended();
  assert.deepEqual([seen.error, seen.close[0]], ['ECONNRESET', 1006]);
}));

await check('stall: nothing comes, and then all', () => broken("when = 'dir:server two'\nthen = { stall = '400ms' }", async ({ received, seen }) => {
  await received(4);
  assert.deepEqual(seen.messages, answers());
  assert.ok(seen.times[1] - seen.begun > 300, `${seen.times} from ${seen.begun} on`);
}));

await check('stall for ever: nothing comes any more, and the other direction lives', () => broken("when = 'dir:server two'\nthen = { stall = true }", async ({ socket, ended, seen, server }) => {
  while (server.seen.messages.length < 4) await within(once(server.happened, 'message'), 'what the client says');
  socket.ping('anybody?');
  const pong = await Promise.race([once(socket, 'pong'), new Promise((resolve) => setTimeout(resolve, 300, 'none'))]);
  assert.equal(pong, 'none');
  assert.deepEqual(seen.messages, answers(WORDS.slice(0, 1)));
  // The client's close arrives; the answer to it does not, and the server's end does.
  socket.close(4001, 'given up');
  await ended();
  assert.equal(seen.close[0], 1006);
  if (server.seen.closes.length === 0) await within(once(server.happened, 'close'), 'the server to see it');
  assert.deepEqual(server.seen.closes, [[4001, 'given up']]);
}));

await check('swallowed pongs: a server that pings gives up its client', () => broken("then = { swallow = 'pong' }", async ({ received, ended, server, seen }) => {
  await received(4);
  const [socket] = server.sockets.clients;
  let alive = true;
  socket.on('pong', () => (alive = true));
  // As ws's own page says it is to be done.
  const beat = setInterval(() => {
    if (!alive) return socket.terminate();
    alive = false;
    socket.ping();
  }, 100);
  await ended();
  clearInterval(beat);
  assert.equal(seen.close[0], 1006);
}));

await check('swallowed pings: no pong comes', () => broken("when = 'op:ping'\nthen = { drop = true }", async ({ received, server }) => {
  await received(4);
  let ponged = false;
  server.happened.once('pong', () => (ponged = true));
  const [socket] = server.sockets.clients;
  socket.ping('anybody?');
  socket.send('after it');
  await received(5);
  assert.equal(ponged, false);
}));

await check('a refused handshake: 503', () => broken("on = 'handshake'\nthen = { refuse = 503, body = 'down' }", async ({ ended, seen, server }) => {
  await ended();
  assert.equal(seen.refused, 503);
  assert.equal(server.seen.headers.length, 0);
}, { client: { refused: true } }));

await check('a late handshake: the client gives up', () => broken("on = 'handshake'\nthen = { delay = '2s' }", async ({ ended, seen }) => {
  await ended();
  assert.match(seen.error, /handshake has timed out/);
}, { client: { refused: true, handshakeTimeout: 200 } }));

await check('an answer without its accept: the client refuses it', () => broken("on = 'response'\nthen = { remove-header = 'Sec-WebSocket-Accept' }", async ({ ended, seen }) => {
  await ended();
  assert.match(seen.error, /Invalid Sec-WebSocket-Accept header/);
}, { client: { refused: true } }));

await check('headers set and removed', () => broken(
  "on = 'handshake'\nthen = [{ set-header = { X-Touched = 'yes' } }, { remove-header = 'Sec-WebSocket-Extensions' }]",
  async ({ received, socket, server }) => {
    await received(4);
    assert.equal(server.seen.headers[0]['x-touched'], 'yes');
    assert.equal(socket.extensions, '');
  },
));

await check('a message of our own', () => broken("when = 'dir:server two'\nthen = { send = { text = 'not from the server' }, to = 'client' }", async ({ received, seen }) => {
  await received(5);
  const expected = answers();
  expected.splice(1, 0, 'not from the server');
  assert.deepEqual(seen.messages, expected);
}));

await check('a hook changes, drops and lets go', async () => {
  const hook = join(mkdtempSync(join(process.env.SOCKEYE_PEERS, 'recording-')), 'hook.mjs');
  writeFileSync(hook, `
    import { createInterface } from 'node:readline';
    for await (const line of createInterface({ input: process.stdin })) {
      const { id, text } = JSON.parse(line);
      const answer = /two/.test(text) ? { do: 'replace', text: 'from the hook' } : { do: /three/.test(text) ? 'drop' : 'forward' };
      process.stdout.write(JSON.stringify({ id, ...answer }) + '\\n');
    }
  `);
  await broken(`when = 'dir:client op:text'\nthen = { run = "${process.execPath} ${hook}", timeout = 10 }`, async ({ received, seen }) => {
    await received(3);
    assert.deepEqual(seen.messages, answers([WORDS[0], 'from the hook', WORDS[3]]));
  });
});

await check('rules are read again when their file changes', () => broken("when = 'nobody says this'\nthen = { drop = true }", async ({ received, seen, socket, proxy }) => {
  await received(4);
  writeFileSync(proxy.rules, rule("when = 'dir:client five'\nthen = { replace = { text = 'new' } }"));
  for (let count = 5; seen.messages.at(-1) !== `answer ${count - 1} to new`; count += 1) {
    assert.ok(count < 500, 'the rules never changed');
    socket.send('five five five');
    await received(count);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}, { complaint: /^sockeye: .*rules.toml: 1 rule holds now\n$/ }));

for (const from of ['client', 'server']) {
  await check(`held and edited from the ${from}, in the middle of a session, while pings flow`, async () => {
    const server = await listen();
    const proxy = await Proxy.start(server.port);
    const { socket, seen, received } = await connect(`${proxy.url}/chat`);
    socket.send(WORDS[0]);
    await received(1);
    await proxy.command({ do: 'hold', filter: `from:${from} two` });
    WORDS.slice(1).forEach((word) => socket.send(word));
    const { held, from: whose } = await proxy.held(1);
    assert.equal(whose, from);
    // Both ends still hear each other's pings.
    socket.ping('to the server');
    await within(once(socket, 'pong'), 'the pong of the server');
    const [there] = server.sockets.clients;
    there.ping('to the client');
    await within(once(there, 'pong'), 'the pong of the client');
    assert.equal(seen.messages.length, 1);
    await proxy.command({ do: 'edit', held, text: 'edited by hand' });
    await received(4);
    const expected = from === 'client' ? answers([WORDS[0], 'edited by hand', WORDS[2], WORDS[3]]) : answers().with(1, 'edited by hand');
    assert.deepEqual(seen.messages, expected);
    // And what follows is read right, too.
    socket.send('and after that');
    await received(5);
    assert.equal(seen.messages[4], 'answer 5 to and after that');
    socket.terminate();
    await proxy.stop();
    server.close();
  });
}

await check('injected to both ends, between compressed messages', async () => {
  const server = await listen();
  const proxy = await Proxy.start(server.port);
  const { socket, seen, received } = await connect(`${proxy.url}/chat`);
  socket.send(WORDS[0]);
  await received(1);
  await proxy.command({ do: 'inject', session: 1, to: 'client', text: 'to the client' });
  await received(2);
  await proxy.command({ do: 'inject', session: 1, to: 'server', frames: [{ text: 'to the ', fin: false }, { op: 'continuation', text: 'server' }] });
  await received(3);
  assert.deepEqual(seen.messages, ['answer 1 to one one one one', 'to the client', 'answer 2 to to the server']);
  await proxy.command({ do: 'close', session: 1, code: 4444, reason: 'by hand' });
  await within(once(socket, 'close'), 'the close');
  assert.deepEqual(seen.close, [4444, 'by hand']);
  await proxy.stop();
  server.close();
});

await check('a held handshake is edited, another refused', async () => {
  const server = await listen();
  const proxy = await Proxy.start(server.port);
  await proxy.command({ do: 'hold', filter: 'path:/chat' });
  const { socket } = await connect(`${proxy.url}/chat`, { refused: true });
  const open = once(socket, 'open');
  const first = await proxy.held(1);
  const key = socket._req.getHeader('sec-websocket-key');
  const head = `GET /other HTTP/1.1\nHost: 127.0.0.1:${server.port}\nUpgrade: websocket\nConnection: Upgrade\nSec-WebSocket-Key: ${key}\nSec-WebSocket-Version: 13\nX-Edited: yes`;
  await proxy.command({ do: 'edit', held: first.held, head });
  await within(open, 'the session');
  assert.equal(server.seen.headers[0]['x-edited'], 'yes');
  const refused = await connect(`${proxy.url}/chat`, { refused: true });
  const second = await proxy.held(2);
  await proxy.command({ do: 'refuse', held: second.held, status: 418, body: 'short and stout' });
  await refused.ended();
  assert.equal(refused.seen.refused, 418);
  socket.terminate();
  await proxy.stop();
  server.close();
});

await check('a Socket.IO app lives through edits', async () => {
  const http = createServer();
  const server = new Server(http, { perMessageDeflate: { threshold: 0 } });
  server.on('connection', (socket) => socket.on('add', (a, b, answer) => answer(a + b)));
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  const proxy = await Proxy.start(http.address().port, rule("when = 'dir:client \"add\"'\nthen = { substitute = '20,22', with = '1,2' }"));
  const socket = io(proxy.url.replace('ws', 'http'), { transports: ['websocket'], forceNew: true, reconnection: false });
  await within(once(socket, 'connect'), 'the connection');
  assert.equal(await socket.timeout(5000).emitWithAck('add', 5, 6), 11);
  assert.equal(await socket.timeout(5000).emitWithAck('add', 20, 22), 3);
  assert.equal(await socket.timeout(5000).emitWithAck('add', 7, 8), 15);
  socket.disconnect();
  await proxy.stop();
  server.close();
});

await check('a graphql-ws app lives through edits', async () => {
  const schema = buildSchema('type Query { hello: String } type Subscription { count: Int }');
  const roots = { subscription: { async *count() { for (let count = 1; count <= 4; count += 1) yield { count }; } } };
  const http = createServer();
  useServer({ schema, roots }, new WebSocketServer({ server: http, path: '/graphql', perMessageDeflate: { threshold: 0 } }));
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  const proxy = await Proxy.start(http.address().port, rule("when = 'dir:server type=next json.payload.data.count=2'\nthen = { set = { 'payload.data.count' = 20 } }"));
  const client = createClient({ url: `${proxy.url}/graphql`, webSocketImpl: WebSocket, retryAttempts: 0 });
  const counts = [];
  await within(new Promise((resolve, reject) => {
    client.subscribe({ query: 'subscription { count }' }, { next: ({ data }) => counts.push(data.count), error: reject, complete: resolve });
  }), 'the subscription to complete');
  assert.deepEqual(counts, [1, 20, 3, 4]);
  await client.dispose();
  await proxy.stop();
  http.closeAllConnections();
  http.close();
});

await check('all that a rule can do was tried', () => {
  const page = readFileSync(join(process.env.SOCKEYE_CERTS, '../docs/rules.md'), 'utf8');
  const names = [...page.matchAll(/^### `([a-z-]+)`$/gm)].map(([, name]) => name);
  assert.ok(names.length > 20, `${names}`);
  const missing = names.filter((name) => !tried.some((text) => new RegExp(`[{ ]${name} = `).test(text)));
  assert.deepEqual(missing, []);
});
process.exit();
