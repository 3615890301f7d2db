// A program as people write them, with no word of a proxy: run.mjs runs it through `sockeye run`.
//
//   run-client.mjs CLIENT URL     says hello, hears it, closes; ends with 0 where all was as it should be

import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { Worker } from 'node:worker_threads';

import { io } from 'socket.io-client';
import { fetch as undiciFetch, WebSocket as UndiciWebSocket } from 'undici';
import WsWebSocket from 'ws';

const [client, url] = process.argv.slice(2);

/** The browsers' interface, which all three have. */
async function dialogue(Socket) {
  const socket = new Socket(url);
  const next = (name) => new Promise((resolve, reject) => {
    socket[`on${name}`] = resolve;
    socket.onerror = ({ message, error }) => reject(new Error(message || String(error)));
  });
  await next('open');
  const answer = next('message');
  socket.send('hello');
  assert.equal((await answer).data, 'hello');
  const closed = next('close');
  socket.close(4000, 'done');
  const { code, reason } = await closed;
  assert.deepEqual([code, reason], [4000, 'done']);
}

async function rooms() {
  const socket = io(url);
  socket.io.engine.once('upgrade', ({ name }) => assert.equal(name, 'websocket'));
  const upgraded = new Promise((resolve) => socket.io.engine.once('upgrade', resolve));
  assert.equal(await socket.timeout(5000).emitWithAck('echo', 'hello'), 'hello');
  await upgraded;
  assert.equal(await socket.timeout(5000).emitWithAck('echo', 'hello'), 'hello');
  socket.disconnect();
}

async function page(get) {
  assert.equal(await (await get(url.replace('ws', 'http'))).text(), 'a page');
}

/** A server that speaks first, as those of databases do, and a client that answers. */
async function database() {
  const { hostname, port } = new URL(url);
  const socket = connect(port, hostname);
  let heard = '';
  for await (const piece of socket.setEncoding('latin1')) {
    heard += piece;
    if (heard === 'who is there?') socket.write('me');
  }
  assert.equal(heard, 'who is there?welcome me');
}

const clients = {
  ws: () => dialogue(WsWebSocket),
  undici: () => dialogue(UndiciWebSocket),
  global: () => dialogue(globalThis.WebSocket),
  'socket.io': rooms,
  fetch: () => page(fetch),
  'undici-fetch': () => page(undiciFetch),
  database,
  worker: () => new Promise((resolve, reject) => {
    const worker = new Worker(new URL(import.meta.url), { argv: ['ws', url] });
    worker.once('error', reject).once('exit', (code) => (code === 0 ? resolve() : reject(new Error(`exit code ${code}`))));
  }),
  nobody: () => assert.rejects(fetch(url.replace('ws', 'http')), ({ cause }) => cause.code === 'ECONNREFUSED'),
};
await clients[client]();
