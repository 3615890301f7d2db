// Socket.IO as its client does it by itself: it begins with polls, upgrades to a WebSocket, and acknowledges with octets.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';

import { Server } from 'socket.io';
import { io } from 'socket.io-client';

const OCTETS = Buffer.from([0, 1, 2, 253, 254, 255]);

export async function listen({ changed }) {
  const http = createServer();
  const server = new Server(http);
  server.on('connection', (socket) => {
    socket.on('add', (a, b, answer) => answer({ sum: a + b + (changed ? 1 : 0) }));
    socket.on('mirror', (octets, answer) => answer(octets, { size: octets.length }));
    socket.on('leave', async (answer) => {
      const [said] = await socket.timeout(5000).emitWithAck('question', { octets: OCTETS });
      answer({ said });
    });
  });
  await once(http.listen(0, '127.0.0.1'), 'listening');
  return { port: http.address().port, close: () => server.close() };
}

export const use = (url) => talk(url, {});
/** The same without polls: a replay client plays no plain HTTP. */
export const useAlone = (url) => talk(url, { transports: ['websocket'] });

async function talk(url, options) {
  const socket = io(url.replace('ws', 'http'), { forceNew: true, reconnection: false, ...options });
  socket.on('question', ({ octets }, answer) => answer([octets.length, octets]));
  const upgraded = options.transports ? undefined : once(socket.io.engine, 'upgrade');
  const [error] = await Promise.race([once(socket, 'connect'), once(socket, 'connect_error')]);
  assert.equal(error, undefined);
  assert.deepEqual(await socket.timeout(5000).emitWithAck('add', 20, 22), { sum: 42 });
  await upgraded;
  const mirrored = await new Promise((resolve) => socket.emit('mirror', OCTETS, (...answer) => resolve(answer)));
  assert.deepEqual(mirrored, [OCTETS, { size: 6 }]);
  assert.deepEqual(await socket.timeout(5000).emitWithAck('leave'), { said: 6 });
  const gone = once(socket, 'disconnect');
  socket.disconnect();
  await gone;
}

export const server = [];
export const client = ['--ignore', '$.sid'];
export const change = { place: '$[0].sum', expected: 42, got: 43 };
