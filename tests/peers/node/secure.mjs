// A server behind TLS that says everything back, and the authority that sockeye opens its TLS with.

import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { join } from 'node:path';

import { WebSocketServer } from 'ws';

const certs = process.env.SOCKEYE_CERTS;

/** A file of the test certificates. */
export const certificate = (name) => readFileSync(join(certs, name));

/** The authority that signed the servers' certificates: its file. */
export const serversCa = join(certs, 'ca.pem');

/** Sockeye's own authority, made where there is none yet: its file. */
export const sockeyeCa = () => execFileSync(process.env.SOCKEYE_BIN, ['ca', 'path']).toString().trim();

/** A server with the certificate of that name; it says each message back, and each body. */
export async function listen(name, address = '127.0.0.1') {
  const https = createServer({ cert: certificate(`${name}.pem`), key: certificate(`${name}.key`) });
  const sockets = new WebSocketServer({ server: https, perMessageDeflate: { threshold: 0 } });
  https.on('request', (asked, answer) => asked.pipe(answer.writeHead(200, { 'X-Host': asked.headers.host })));
  https.on('tlsClientError', () => {});
  sockets.on('connection', (socket) => socket.on('message', (data, binary) => socket.send(data, { binary })));
  https.listen(0, address);
  await once(https, 'listening');
  return { port: https.address().port, close: () => (https.closeAllConnections(), https.close()) };
}

/** Waits until sockeye says that a client refused its certificate, and why. */
export async function refusedOurs(proxy, url) {
  const failed = (line) => line.type === 'exchange' && line.url === url;
  assert.match((await proxy.wait(failed, 'the failure')).error, /trust the Sockeye CA/);
}

/** A program's exit code and output; it gets `input`, and the environment with `env` on top. */
export function run(program, words, { input = '', env = {} } = {}) {
  return new Promise((resolve) => {
    const options = { timeout: 30_000, env: { ...process.env, ...env } };
    const child = execFile(program, words, options, (error, out, complaints) =>
      resolve({ code: error ? (error.code ?? error.signal) : 0, out, complaints }),
    );
    child.stdin.on('error', () => {}); // it may have gone before it has read all
    child.stdin.end(input);
  });
}
