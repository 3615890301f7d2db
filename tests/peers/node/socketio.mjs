// Socket.IO: polling over plain HTTP first, then the upgrade to a WebSocket on the same server, as its client does it
// by itself. The polls are listed as exchanges, the rest as a session.

import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { createServer } from 'node:http';

import { HttpsProxyAgent } from 'https-proxy-agent';
import { Server } from 'socket.io';
import { io } from 'socket.io-client';

import { check } from './check.mjs';
import { payload, start, within } from './sockeye.mjs';

const OCTETS = Buffer.from(Array.from({ length: 3000 }, (_, at) => at % 251));

/** A server that answers events with acknowledgements, and calls back. */
async function listen() {
  const seen = [];
  const gone = new EventEmitter();
  const http = createServer();
  const server = new Server(http, { perMessageDeflate: { threshold: 0 }, connectionStateRecovery: {} });
  const room = server.of('/room');
  for (const space of [server, room]) {
    space.on('connection', (socket) => {
      socket.conn.once('upgrade', (transport) => seen.push(['upgrade', transport.name]));
      socket.on('add', (a, b, answer) => answer(a + b));
      socket.on('mirror', (octets, answer) => answer(octets, { size: octets.length }));
      socket.on('leave', async (word, answer) => {
        seen.push(['client says', await socket.timeout(5000).emitWithAck('question', { word, octets: OCTETS })]);
        answer('you may');
      });
      socket.on('disconnect', (reason) => gone.emit('gone', seen.push(['disconnect', reason])));
    });
  }
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  return { seen, disconnected: () => once(gone, 'gone'), port: http.address().port, close: () => server.close() };
}

/** All that one client does. */
async function dialogue(server, port, options, space) {
  const socket = io(`http://127.0.0.1:${port}${space}`, { forceNew: true, reconnection: false, ...options });
  const seen = [];
  socket.on('connect_error', (error) => seen.push(['error', error.message]));
  socket.on('question', ({ word, octets }, answer) => answer({ word, size: octets.length, same: OCTETS.equals(octets) }));
  const upgraded = options.transports ? undefined : new Promise((resolve) => {
    socket.io.engine.once('upgrade', (transport) => resolve(transport.name));
  });
  const gone = once(socket, 'disconnect');
  const there = server.disconnected();
  await within(once(socket, 'connect'), 'the connection');
  seen.push(['sum', await socket.timeout(5000).emitWithAck('add', 20, 22)]);
  const upgrade = await upgraded;
  const mirrored = await new Promise((resolve) => socket.emit('mirror', OCTETS, (...answer) => resolve(answer)));
  seen.push(['mirrored', OCTETS.equals(mirrored[0]), mirrored[1]]);
  seen.push(['leave', await socket.timeout(5000).emitWithAck('leave', 'Füße ✓')]);
  socket.disconnect();
  seen.push((await within(gone, 'the end'))[0]);
  await within(there, 'the server to see it');
  return { seen, upgrade };
}

const texts = (lines) => lines.filter(({ op }) => op === 'text').map((line) => payload(line).toString());

const WAYS = {
  reverse: { mode: 'reverse', reverse: true, options: () => ({}) },
  CONNECT: { mode: 'connect', options: (proxy) => ({ agent: new HttpsProxyAgent(`http://${proxy.at}`) }) },
};
const KINDS = {
  'polling, then upgrade': {},
  'WebSocket only': { transports: ['websocket'] },
  'polling only': { transports: ['polling'] },
};

for (const [kind, options] of Object.entries(KINDS)) {
  for (const space of ['', '/room']) {
    const server = await listen();
    const expected = await dialogue(server, server.port, options, space);
    const expectedThere = server.seen.splice(0);
    for (const [wayName, way] of Object.entries(WAYS)) {
      await check(`${kind}${space && `, in ${space}`}, ${wayName}`, async () => {
        const proxy = await start(way.reverse ? `http://127.0.0.1:${server.port}` : undefined);
        const port = way.reverse ? proxy.port : server.port;
        server.seen.splice(0);
        const seen = await dialogue(server, port, { ...options, ...way.options(proxy) }, space);
        assert.deepEqual(seen, expected, 'the client');
        assert.deepEqual(server.seen, expectedThere, 'the server');
        if (!options.transports?.includes('polling')) await proxy.ended(1);
        const recording = await proxy.stop();
        compare(recording, way, options, space);
      });
    }
    server.close();
  }
}

function compare(recording, way, { transports }, space) {
  const polls = recording.all('exchange').filter(({ request }) => !request.line.startsWith('CONNECT'));
  assert.deepEqual(recording.all('violation'), [], 'no violations');
  for (const { mode, request } of polls) {
    assert.equal(mode, way.mode);
    assert.match(request.line, /socket\.io\/\?EIO=4&transport=polling/);
  }
  const posted = polls.filter(({ request }) => request.line.startsWith('POST')).map(({ request }) => request.body);
  if (transports?.[0] === 'websocket') assert.equal(polls.length, 0, 'no polls');
  else {
    assert.match(polls[0].response.body, /^0\{"sid":/, 'the handshake');
    assert.ok(posted.some((body) => body.includes(space ? '40/room,' : '40')), 'the connect packet');
  }
  if (transports?.[0] === 'polling') {
    assert.equal(recording.sessions().length, 0, 'no sessions');
    assert.ok(posted.some((body) => body.includes('"leave","Füße ✓"')), 'the last event');
    return;
  }
  const [session, ...others] = recording.sessions();
  assert.equal(others.length, 0, 'one session');
  assert.match(session.open.url, /^ws:.*\/socket\.io\/\?EIO=4&transport=websocket/);
  assert.match(session.open.extensions, /^permessage-deflate/);
  const [said, answered] = [texts(session.client), texts(session.server)];
  if (!transports) {
    assert.deepEqual([said[0], answered[0], said[1]], ['2probe', '3probe', '5'], 'the upgrade');
  }
  assert.ok(said.some((text) => text.includes('"leave","Füße ✓"')), 'the last event');
  const binary = [...session.client, ...session.server].filter(({ op }) => op === 'binary');
  assert.equal(binary.length, 3, 'three binary attachments');
  for (const line of binary) assert.deepEqual(payload(line), OCTETS);
  for (const line of [...session.client, ...session.server]) {
    if (line.op && payload(line).length > 100) assert.ok(line.compressed < payload(line).length, 'compressed');
  }
}
process.exit();
