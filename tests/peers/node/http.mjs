// Plain HTTP beside the sessions: Node's http on both ends, and curl, see what they see without sockeye, while it
// happens; and each exchange is recorded as it was.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { Agent, createServer, request } from 'node:http';
import { connect } from 'node:net';
import { gzipSync } from 'node:zlib';

import { HttpsProxyAgent } from 'https-proxy-agent';
import { SocksProxyAgent } from 'socks-proxy-agent';
import { WebSocketServer } from 'ws';

import { check } from './check.mjs';
import { start, within } from './sockeye.mjs';

const BIG = 48 << 20;
const PIECE = Buffer.from(Array.from({ length: 1 << 16 }, (_, at) => (at * 2654435761) >>> 11));

/** What the server does with each path. */
const PATHS = {
  '/echo': async (asked, answer) => {
    const body = await all(asked);
    answer.writeHead(200, 'All Right Then', [
      ['X-CaSe', 'As It Is'],
      ['Set-Cookie', 'a=1'],
      ['x-other', ' '],
      ['Set-Cookie', 'b=2'],
      ['Content-Length', body.length],
    ].flat());
    answer.end(body);
  },
  '/events': async (_, answer) => {
    answer.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache' });
    for (let at = 1; at <= 5; at += 1) {
      answer.write(`id: ${at}\ndata: {"at":${at}}\n\n`);
      // The next one is sent only when this one has arrived.
      await once(gates, `got ${at}`);
    }
    answer.end();
  },
  '/got': async (asked, answer) => {
    gates.emit(`got ${new URL(asked.url, 'http://any').searchParams.get('at')}`);
    answer.writeHead(204).end();
  },
  '/duplex': (asked, answer) => {
    answer.writeHead(200, { 'Content-Type': 'application/octet-stream' });
    answer.flushHeaders();
    asked.pipe(answer);
  },
  '/trailers': async (asked, answer) => {
    const body = await all(asked);
    answer.writeHead(200, { Trailer: 'X-Sum, X-Asked' });
    answer.write('some ');
    answer.write('pieces ');
    answer.addTrailers({ 'X-Sum': sum(body), 'X-Asked': asked.trailers['x-client-sum'] ?? 'none' });
    answer.end('in all');
  },
  '/head': (_, answer) => answer.writeHead(200, { 'Content-Length': 1234567, ETag: '"e"' }).end(),
  '/same': (_, answer) => answer.writeHead(304, { ETag: '"e"', 'Content-Length': 1234567 }).end(),
  '/early': (_, answer) => {
    answer.writeEarlyHints({ link: '</style.css>; rel=preload; as=style' });
    answer.writeHead(200, { 'Content-Length': 2 }).end('ok');
  },
  '/packed': (_, answer) => {
    const body = gzipSync('packed '.repeat(1000));
    answer.writeHead(200, { 'Content-Encoding': 'gzip', 'Content-Length': body.length }).end(body);
  },
  '/big': async (_, answer) => {
    answer.writeHead(200, { 'Content-Length': BIG });
    for (let sent = 0; sent < BIG; sent += PIECE.length) {
      if (!answer.write(PIECE)) await once(answer, 'drain');
    }
    answer.end();
  },
  '/until-close': (_, answer) => {
    answer.useChunkedEncodingByDefault = false;
    answer.writeHead(200, { Connection: 'close' }).end('as long as it lasts');
  },
  '/breaks': (_, answer) => {
    answer.writeHead(200, { 'Content-Length': 100 });
    answer.write('half of it', () => answer.socket.destroy());
  },
  '/hash': async (asked, answer) => {
    const hash = createHash('sha256');
    for await (const piece of asked) hash.update(piece);
    answer.end(hash.digest('hex'));
  },
};

/** Stands for the host and port that the client believes it talks to. */
const HOST = Symbol('host');

/** What a client does; gives what it saw. */
const CLIENTS = {
  'headers, their case and order': (ask) =>
    ask('/echo', { method: 'POST', headers: ['X-One', '1', 'HOST', HOST, 'x-TWO', ' ', 'X-One', 'again', 'Content-Length', '5'] }, 'hello'),
  'server-sent events, one by one': async (ask) => {
    const seen = [];
    await ask('/events', {}, undefined, async (piece) => {
      seen.push(piece.toString());
      await ask(`/got?at=${seen.length}`, { alone: true, method: 'POST' });
    });
    return seen;
  },
  'a body that is answered while it is sent': async (ask) => {
    const seen = [];
    await ask('/duplex', { method: 'POST' }, 'piece 1', async (piece, asked) => {
      seen.push(piece.toString());
      if (seen.length === 5) asked.end();
      else asked.write(`piece ${seen.length + 1}`);
    });
    return seen;
  },
  'chunks and trailers, both ways': (ask) =>
    ask('/trailers', { method: 'POST', headers: { Trailer: 'X-Client-Sum' }, trailers: { 'X-Client-Sum': 'mine' } }, 'a body'),
  '100 (Continue)': (ask) => ask('/echo', { method: 'PUT', headers: { Expect: '100-continue', 'Content-Length': 7 } }, 'waited!'),
  'no 100, but 417': (ask) => ask('/refuse', { method: 'PUT', headers: { Expect: '100-continue', 'Content-Length': 7 } }, 'waited!'),
  HEAD: (ask) => ask('/head', { method: 'HEAD' }),
  '304 (Not Modified)': (ask) => ask('/same', { headers: { 'If-None-Match': '"e"' } }),
  '103 (Early Hints)': (ask) => ask('/early'),
  'gzip, as packed': (ask) => ask('/packed', { headers: { 'Accept-Encoding': 'gzip' } }),
  'a body until the connection closes': (ask) => ask('/until-close'),
  'a body that breaks off': (ask) => ask('/breaks'),
  'one connection for several requests': async (ask) => {
    const seen = [];
    for (const at of [1, 2, 3]) seen.push(await ask('/echo', { method: 'POST', headers: { 'Content-Length': 1 } }, `${at}`));
    return seen;
  },
  'an upgrade after other requests on the same connection': async (ask) => {
    const first = await ask('/echo', { method: 'POST', headers: { 'Content-Length': 1 } }, '1');
    const headers = {
      Connection: 'Upgrade',
      Upgrade: 'websocket',
      'Sec-WebSocket-Version': 13,
      'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
    };
    return [first, await ask('/socket', { headers })];
  },
  'a big upload and a big download': async (ask) => {
    const up = await ask('/hash', { method: 'POST', headers: { 'Content-Length': BIG } }, async function* () {
      for (let sent = 0; sent < BIG; sent += PIECE.length) yield PIECE;
    });
    return [up, await ask('/big')];
  },
};

const gates = createServer(); // for its events only

async function all(stream) {
  const pieces = [];
  for await (const piece of stream) pieces.push(piece);
  return Buffer.concat(pieces);
}

function sum(octets) {
  return octets.length > 4096 ? `${octets.length} octets, ${createHash('sha256').update(octets).digest('hex')}` : octets.toString('latin1');
}

/** The server; `asked` is what it was asked, and on which of its connections. */
async function listen() {
  const asked = [];
  const connections = [];
  const server = createServer();
  const note = ({ method, url, httpVersion, rawHeaders, socket }) => {
    if (!connections.includes(socket)) connections.push(socket);
    asked.push({ method, url, httpVersion, rawHeaders, connection: connections.indexOf(socket) });
  };
  const serve = (message, answer) => {
    note(message);
    answer.sendDate = false;
    PATHS[new URL(message.url, 'http://any').pathname](message, answer);
  };
  server.on('request', serve);
  server.on('checkContinue', (message, answer) => {
    if (message.url === '/refuse') {
      note(message);
      answer.sendDate = false;
      return answer.writeHead(417, { Connection: 'close' }).end('not this');
    }
    answer.writeContinue();
    serve(message, answer);
  });
  server.on('dropRequest', assert.fail);
  const sockets = new WebSocketServer({ noServer: true });
  server.on('upgrade', (message, socket, head) => {
    note(message);
    sockets.handleUpgrade(message, socket, head, (opened) => opened.close(1001, 'later'));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const forget = () => (asked.splice(0), connections.splice(0));
  return { asked, forget, port: server.address().port, close: () => (server.closeAllConnections(), server.close()) };
}

const KEEP = { keepAlive: true, maxSockets: 1 };
const WAYS = {
  reverse: { mode: 'reverse', reverse: true, agent: () => new Agent(KEEP) },
  'absolute form': {
    mode: 'absolute',
    agent: ({ port }) => Object.assign(new Agent(KEEP), { createConnection: () => connect(port, '127.0.0.1') }),
    path: (path, server) => `http://127.0.0.1:${server}${path}`,
  },
  CONNECT: { mode: 'connect', agent: (proxy) => new HttpsProxyAgent(`http://${proxy.at}`, KEEP) },
  SOCKS5: { mode: 'socks5', agent: (proxy) => new SocksProxyAgent(`socks5h://${proxy.at}`, KEEP) },
};
const DIRECT = { agent: () => new Agent(KEEP) };

/** Runs one client; gives both views. */
async function run(client, server, way, proxy) {
  server.forget();
  const agents = [way.agent(proxy), way.agent(proxy)];
  const port = way.reverse ? proxy.port : server.port;
  const ask = (path, { alone, ...options } = {}, body, each) => {
    const place = { host: '127.0.0.1', port, path: way.path?.(path, port) ?? path, agent: agents[alone ? 1 : 0] };
    if (Array.isArray(options.headers)) {
      options.headers = options.headers.map((word) => (word === HOST ? `127.0.0.1:${port}` : word));
    }
    return exchange({ ...place, ...options }, body, each);
  };
  const seen = await within(client(ask), 'the client to be done', 60);
  agents.forEach((agent) => agent.destroy());
  return { client: seen, server: structuredClone(server.asked) };
}

/** One request; gives all that the client saw of the answer. */
async function exchange({ trailers, ...options }, body, each) {
  const asked = request(options);
  const seen = { interim: [] };
  asked.on('information', ({ statusCode, rawHeaders }) => seen.interim.push([statusCode, ...rawHeaders]));
  const answered = new Promise((resolve, reject) => {
    asked.on('response', resolve).on('error', reject);
    asked.on('upgrade', (response, socket, head) => resolve(Object.assign(response, { after: [socket, head] })));
  });
  asked.flushHeaders();
  if (asked.getHeader('expect')) await Promise.race([once(asked, 'continue').then(() => asked.end(body)), answered]);
  else if (typeof body === 'function') await send(asked, body);
  else if (each && body) asked.write(body);
  else {
    if (trailers) asked.addTrailers(trailers);
    asked.end(body);
  }
  const response = await answered;
  Object.assign(seen, { status: response.statusCode, reason: response.statusMessage, headers: response.rawHeaders });
  if (response.after) return { ...seen, frames: (await afterUpgrade(...response.after)).toString('latin1') };
  try {
    const pieces = [];
    for await (const piece of response) {
      pieces.push(piece);
      await each?.(piece, asked);
    }
    seen.body = sum(Buffer.concat(pieces));
  } catch (error) {
    seen.error = error.code;
  }
  return { ...seen, trailers: response.rawTrailers };
}

async function send(asked, body) {
  for await (const piece of body()) if (!asked.write(piece)) await once(asked, 'drain');
  asked.end();
}

/** The frames that the server sends, until its end. */
async function afterUpgrade(socket, head) {
  const pieces = [head];
  socket.on('data', (piece) => {
    pieces.push(piece);
    // a close frame, masked with zeros
    socket.write(Buffer.from([0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe9]));
  });
  if (head.length) socket.write(Buffer.from([0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe9]));
  await within(once(socket, 'close'), 'the session to end');
  return Buffer.concat(pieces);
}

/** What was recorded against what the server was asked. */
function compare(recording, way, views, port) {
  const exchanges = recording.all('exchange').filter(({ request: { line } }) => !line.startsWith('CONNECT'));
  const sessions = recording.sessions();
  const listed = [...exchanges.map(({ request }) => request), ...sessions.map(({ open }) => open.request)];
  const line = ({ method, url, httpVersion }) => `${method} ${url} HTTP/${httpVersion}`;
  const own = (text) => text.replace(`http://127.0.0.1:${port}`, '');
  const sorted = (lines) => lines.toSorted();
  assert.deepEqual(sorted(listed.map((head) => own(head.line))), sorted(views.server.map(line)), 'the exchanges listed');
  for (const { mode, url, response, took } of exchanges) {
    assert.equal(mode, way.mode);
    assert.match(url, /^http:\/\/127\.0\.0\.1:\d+\//);
    assert.ok(response.line, 'an answer');
    assert.ok(took >= 0, 'how long it took');
  }
  for (const session of sessions) assert.deepEqual(session.server.map(({ type, code }) => [type, code]), [['close', 1001]]);
}

const server = await listen();
for (const [name, client] of Object.entries(CLIENTS)) {
  const expected = await run(client, server, DIRECT);
  for (const [wayName, way] of Object.entries(WAYS)) {
    await check(`${name}, ${wayName}`, async () => {
      const proxy = await start(way.reverse ? `http://127.0.0.1:${server.port}` : undefined);
      const views = await run(client, server, way, proxy);
      assert.deepEqual(views.client, expected.client, 'the client sees what it sees without sockeye');
      assert.deepEqual(views.server, expected.server, 'and so does the server');
      compare(await proxy.stop(), way, views, server.port);
    });
  }
}

/** curl's output and exit code. */
async function curl(...words) {
  const child = spawn('curl', ['-sS', '-i', '--max-time', '20', ...words], { stdio: ['pipe', 'pipe', 'pipe'] });
  child.stdin.on('error', () => {}); // curl does not always read it
  child.stdin.end('from standard input, '.repeat(100_000));
  const [output, errors, [code]] = await Promise.all([all(child.stdout), all(child.stderr), once(child, 'close')]);
  return { output: sum(output), errors: errors.toString(), code };
}

const CURLS = {
  GET: ['/echo'],
  HEAD: ['--head', '/head'],
  'POST with 100 (Continue)': ['--expect100-timeout', '20', '-H', 'Expect: 100-continue', '--data-binary', '@-', '/echo'],
  'chunked upload': ['-T', '-', '/echo'],
  'HTTP/1.0': ['--http1.0', '/echo'],
  'two requests': ['/echo', '/echo'],
  'gzip': ['--compressed', '/packed'],
  'until close': ['/until-close'],
  'broken off': ['/breaks'],
};

for (const [name, words] of Object.entries(CURLS)) {
  const line = (port) => words.map((word) => (word.startsWith('/') ? `http://127.0.0.1:${port}${word}` : word));
  server.forget();
  const expected = await curl(...line(server.port));
  const asked = structuredClone(server.asked);
  const through = {
    reverse: (proxy) => line(proxy.port),
    '-x': (proxy) => ['-x', `http://${proxy.at}`, ...line(server.port)],
    '-x -p': (proxy) => ['-p', '--suppress-connect-headers', '-x', `http://${proxy.at}`, ...line(server.port)],
    '--socks5': (proxy) => ['--socks5', proxy.at, ...line(server.port)],
    '--socks5-hostname': (proxy) => ['--socks5-hostname', proxy.at, ...line(server.port)],
  };
  for (const [wayName, way] of Object.entries(through)) {
    await check(`curl ${name}, ${wayName}`, async () => {
      const proxy = await start(wayName === 'reverse' ? `127.0.0.1:${server.port}` : undefined);
      server.forget();
      const seen = await curl(...way(proxy));
      assert.deepEqual(seen, expected, 'curl prints what it prints without sockeye');
      assert.deepEqual(server.asked, asked, 'the server is asked what it is asked without sockeye');
      const recording = await proxy.stop();
      const listed = recording.all('exchange').filter(({ request }) => !request.line.startsWith('CONNECT'));
      assert.equal(listed.length, asked.length, 'the exchanges listed');
    });
  }
}
server.close();
process.exit();
