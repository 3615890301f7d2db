import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import WebSocket from 'ws';
import { replay } from './replay.mjs';

test('what is said is heard', async () => {
  const mock = await replay('chat.jsonl');
  const socket = new WebSocket(`${mock.url}/chat`);
  await once(socket, 'open');
  socket.send(JSON.stringify({ id: randomUUID(), say: 'hello' }));
  const [data] = await once(socket, 'message');
  expect(JSON.parse(data).heard).toBe('hello');
  socket.close(1000);
  await mock.finish();
});
