// A page in Chromium: it is loaded, asks for JSON, and opens a socket; all of it comes from one server.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';

import { chromium } from 'playwright-core';
import { WebSocketServer } from 'ws';

/** Runs in the page. */
async function page() {
  const { room } = await (await fetch('/config.json')).json();
  const socket = new WebSocket(`${location.origin.replace('http', 'ws')}/rooms/${room}`, 'chat');
  socket.binaryType = 'arraybuffer';
  const seen = [];
  let posted;
  socket.onopen = () => socket.send(JSON.stringify({ say: 'hello', at: Date.now() }));
  socket.onmessage = ({ data }) => {
    if (typeof data === 'string') {
      seen.push(JSON.parse(data));
      // The server tells of it on the socket.
      posted = fetch('/notices', { method: 'POST', body: '{"text":"lunch"}' });
    } else {
      seen.push([...new Uint8Array(data)]);
      socket.close(1000);
    }
  };
  socket.onclose = async ({ code, wasClean }) => {
    window.told = [...seen, code, wasClean, await (await posted).text()];
  };
}

const DOCUMENT = `<!doctype html><title>chat</title><link rel="icon" href="data:,"><script>addEventListener('load', ${page})</script><body></body>`;

export async function listen({ changed }) {
  const http = createServer();
  const sockets = new WebSocketServer({ server: http });
  sockets.on('connection', (socket) => {
    http.once('notice', () => socket.send(Buffer.from([1, 2, 255])));
    socket.once('message', (data) => socket.send(JSON.stringify({ heard: JSON.parse(data).say, users: changed ? 4 : 3 })));
  });
  http.on('request', (request, answer) => {
    if (request.url === '/') answer.setHeader('Content-Type', 'text/html').end(DOCUMENT);
    else if (request.url === '/config.json') answer.end('{"room":"7"}');
    else request.resume().on('end', () => (answer.end('posted'), setImmediate(() => http.emit('notice'))));
  });
  await once(http.listen(0, '127.0.0.1'), 'listening');
  return { port: http.address().port, close: () => (http.close(), http.closeAllConnections()) };
}

export async function use(url) {
  const browser = await chromium.launch({ executablePath: process.env.SOCKEYE_CHROMIUM, args: ['--no-sandbox'] });
  try {
    const tab = await browser.newPage();
    await tab.goto(url.replace('ws', 'http'));
    await tab.waitForFunction(() => window.told, undefined, { timeout: 15_000 });
    const told = await tab.evaluate(() => window.told);
    assert.deepEqual(told, [{ heard: 'hello', users: 3 }, [1, 2, 255], 1000, true, 'posted']);
  } finally {
    await browser.close();
  }
}

export const server = ['--ignore', '$.at'];
/** The notice is told of a POST, which a replay client does not make. */
export const client = ['--step-timeout', '1'];
export const change = { place: '$.users', expected: 3, got: 4 };
