// Python's websockets with permessage-deflate: ../../python/app.py, as server and as client.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const start = (...words) => {
  const program = join(process.env.SOCKEYE_SOURCES, 'python/app.py');
  return spawn(process.env.SOCKEYE_PYTHON, ['-B', program, ...words], { stdio: ['pipe', 'pipe', 'pipe'] });
};

export async function listen({ changed }) {
  const server = start('serve', changed ? 'changed' : 'as it was');
  const [port] = await once(createInterface({ input: server.stdout }), 'line');
  return { port: Number(port), close: () => server.stdin.end() };
}

export async function use(url) {
  const client = start('use', url);
  let complaints = '';
  client.stderr.setEncoding('utf8').on('data', (text) => (complaints += text));
  const [code] = await once(client, 'close');
  assert.equal(code, 0, complaints);
}

export const server = ['--volatile', 'iso'];
export const client = [];
export const change = { place: '$.rows[2].total', expected: 9, got: 10 };
