// A Go client, gorilla's Dialer with its Proxy and TLSClientConfig: it sees through sockeye what it sees without.

import assert from 'node:assert/strict';

import { check } from './check.mjs';
import { listen, refusedOurs, run, serversCa, sockeyeCa } from './secure.mjs';
import { payload, start } from './sockeye.mjs';

const client = process.env.SOCKEYE_GO_CLIENT;
const server = await listen('good');
const url = `wss://localhost:${server.port}/chat?a=1`;
const ours = sockeyeCa();

async function dialogue(words, env) {
  const { code, out, complaints } = await run(client, words, { env });
  assert.equal(code, 0, complaints);
  return JSON.parse(out);
}

const { issuer, ...expected } = await dialogue([url, '', serversCa]);

/** What was recorded, against what was said. */
function compare(recording, mode) {
  const [session, ...others] = recording.sessions();
  assert.deepEqual([session.open.mode, session.open.url, others.length], [mode, url, 0]);
  assert.match(session.open.extensions, /^permessage-deflate/);
  for (const side of [session.client, session.server]) {
    assert.deepEqual(side.filter(({ type }) => type === 'message').map((line) => payload(line).length), [5, 100_000, 80_000]);
    assert.deepEqual([side.at(-1).code, side.at(-1).reason], [4000, 'done']);
  }
  assert.deepEqual(recording.all('violation'), []);
}

for (const [name, scheme, mode] of [
  ['an HTTP proxy', 'http', 'connect'],
  ['a SOCKS5 proxy', 'socks5', 'socks5'],
]) {
  for (const [from, roots, env] of [
    ['TLSClientConfig', [ours], {}],
    ['SSL_CERT_FILE', [], { SSL_CERT_FILE: ours }],
  ]) {
    await check(`${name}, roots from ${from}`, async () => {
      const proxy = await start(undefined, '--server-ca', serversCa);
      const seen = await dialogue([url, `${scheme}://${proxy.at}`, ...roots], env);
      assert.match(seen.issuer, /^Sockeye CA/);
      assert.deepEqual({ ...seen, issuer: undefined }, { ...expected, issuer: undefined });
      await proxy.ended(1);
      compare(await proxy.stop(), mode);
    });
  }

  await check(`${name}, our CA not trusted`, async () => {
    const proxy = await start(undefined, '--server-ca', serversCa);
    const { code, complaints } = await run(client, [url, `${scheme}://${proxy.at}`, serversCa]);
    assert.equal(code, 1);
    assert.match(complaints, /x509: certificate signed by unknown authority/);
    await refusedOurs(proxy, `https://localhost:${server.port}`);
    await proxy.stop();
  });
}
server.close();
process.exit();
