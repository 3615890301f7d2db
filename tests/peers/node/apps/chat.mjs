// The chat of examples/testing: a page, and a socket on which what is said comes back, with ids that are new in each run.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';

import { chromium } from 'playwright-core';
import { WebSocketServer } from 'ws';

const PAGE = `<!doctype html><title>chat</title><link rel="icon" href="data:,">
<form><input><button>say</button></form><ul></ul>
<script>
const socket = new WebSocket(location.origin.replace('http', 'ws') + '/chat');
const id = () => Math.random().toString(36).slice(2);
document.forms[0].onsubmit = (event) => {
  event.preventDefault();
  socket.send(JSON.stringify({ id: id(), say: document.querySelector('input').value }));
};
socket.onmessage = ({ data }) => {
  const line = document.createElement('li');
  line.textContent = JSON.parse(data).heard;
  document.querySelector('ul').append(line);
  socket.close(1000);
};
</script>
`;

export async function listen({ changed }) {
  const http = createServer((request, answer) => answer.setHeader('Content-Type', 'text/html').end(PAGE));
  new WebSocketServer({ server: http }).on('connection', (socket) => {
    socket.on('message', (data) => {
      const { id, say } = JSON.parse(data);
      socket.send(JSON.stringify({ id, heard: changed ? say.toUpperCase() : say, at: new Date() }));
    });
  });
  await once(http.listen(0, '127.0.0.1'), 'listening');
  return { port: http.address().port, close: () => (http.close(), http.closeAllConnections()) };
}

export async function use(url) {
  const browser = await chromium.launch({ executablePath: process.env.SOCKEYE_CHROMIUM, args: ['--no-sandbox'] });
  try {
    const tab = await browser.newPage();
    const closed = new Promise((resolve) => tab.on('websocket', (socket) => socket.on('close', resolve)));
    await tab.goto(url.replace('ws', 'http'));
    await tab.getByRole('textbox').fill('hello');
    await tab.getByRole('button').click();
    assert.equal(await tab.getByRole('listitem').textContent(), 'hello');
    await closed;
  } finally {
    await browser.close();
  }
}

export const server = ['--bind', 'id=$.id'];
export const client = ['--ignore', '$.at'];
export const change = { place: '$.heard', expected: 'hello', got: 'HELLO' };
