// JSON-RPC 2.0 with ids that are new in each run, answers out of order, and a notification that carries one of them.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';

import WebSocket, { WebSocketServer } from 'ws';

export async function listen({ changed }) {
  const sockets = new WebSocketServer({ host: '127.0.0.1', port: 0 });
  sockets.on('connection', (socket) => {
    const say = (message) => socket.send(JSON.stringify({ jsonrpc: '2.0', ...message }));
    let slow;
    socket.on('message', (data) => {
      const { id, method, params } = JSON.parse(data);
      if (method === 'slow') slow = id;
      else if (method === 'sum') {
        say({ method: 'progress', params: { request: id, percent: 50 } });
        say({ id, result: { sum: params.reduce((sum, one) => sum + one, changed ? 100 : 0) } });
        say({ id: slow, result: { done: true } });
      } else say({ id, error: { code: -32601, message: `no method ${method}` } });
    });
  });
  await once(sockets, 'listening');
  return { port: sockets.address().port, close: () => sockets.close() };
}

export async function use(url) {
  const socket = new WebSocket(`${url}/rpc`);
  const waiting = new Map();
  const progress = [];
  socket.on('message', (data) => {
    const { id, method, params, ...answer } = JSON.parse(data);
    if (method === 'progress') progress.push([params.request, params.percent]);
    else waiting.get(id)?.(answer);
  });
  const call = (method, ...params) => {
    const id = randomUUID();
    const answered = new Promise((resolve) => waiting.set(id, resolve));
    socket.send(JSON.stringify({ jsonrpc: '2.0', id, method, params }));
    return Object.assign(answered, { id });
  };
  await once(socket, 'open');
  const slow = call('slow');
  const sum = call('sum', 1, 2, 39);
  assert.deepEqual((await sum).result, { sum: 42 });
  assert.deepEqual((await slow).result, { done: true });
  assert.deepEqual(progress, [[sum.id, 50]]);
  assert.equal((await call('unknown')).error.code, -32601);
  socket.close(1000);
  await once(socket, 'close');
}

export const server = ['--bind', 'id=$.id'];
export const client = [];
export const change = { place: '$.result.sum', expected: 42, got: 142 };
