// OpenSSL and curl verify what sockeye answers with as strictly as they can: chain, name, address, and both TLS versions.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';

import { check } from './check.mjs';
import { listen, refusedOurs, run, serversCa, sockeyeCa } from './secure.mjs';
import { payload, startAt, start } from './sockeye.mjs';

const ours = sockeyeCa();
const servers = { 4: await listen('good'), 6: await listen('good', '::1') };

const STRICT = ['-verify_return_error', '-x509_strict', '-purpose', 'sslserver', '-CAfile', ours];
const HOSTS = {
  localhost: { at: 4, names: ['-servername', 'localhost', '-verify_hostname', 'localhost'] },
  '127.0.0.1': { at: 4, names: ['-noservername', '-verify_ip', '127.0.0.1'] },
  '[::1]': { at: 6, names: ['-noservername', '-verify_ip', '::1'] },
};

/** What s_client says of a connection, with a request sent inside. */
async function verified(words) {
  const input = 'GET / HTTP/1.1\r\nHost: any\r\nConnection: close\r\n\r\n';
  const all = ['s_client', '-ign_eof', '-alpn', 'http/1.1', ...STRICT, ...words];
  const { code, out, complaints } = await run('openssl', all, { input });
  assert.equal(code, 0, complaints);
  assert.match(out, /Verification: OK/);
  assert.match(out, /ALPN protocol: http\/1\.1/);
  assert.match(out, /HTTP\/1\.1 200/);
  return out;
}

for (const version of ['-tls1_2', '-tls1_3']) {
  for (const [host, { at, names }] of Object.entries(HOSTS)) {
    const { port } = servers[at];
    await check(`s_client ${version} to ${host}`, async () => {
      // s_client writes an IPv6 address into its CONNECT without brackets, which nobody can read: reverse, then, where
      // the certificate is for the address that the client came to.
      const reverse = at === 6;
      const [listen, target] = reverse ? ['[::1]:0', `wss://${host}:${port}`] : ['127.0.0.1:0'];
      const proxy = await startAt(listen, target, '--server-ca', serversCa);
      const way = reverse ? ['-connect', proxy.at] : ['-proxy', proxy.at, '-connect', `${host}:${port}`];
      const out = await verified([version, ...names, ...way]);
      assert.match(out, /issuer=.*Sockeye CA/);
      const [exchange] = (await proxy.stop()).all('exchange');
      assert.match(exchange.url, new RegExp(`^https://${host.replaceAll(/[[\].]/g, '\\$&')}`));
    });
  }
}

for (const version of ['-tls1_2', '-tls1_3']) {
  await check(`s_client ${version} to a leaf with an RSA key`, async () => {
    const proxy = await start(undefined, '--server-ca', serversCa, '--leaf-key', 'rsa');
    const place = ['-proxy', proxy.at, '-connect', `localhost:${servers[4].port}`];
    const out = await verified([version, ...HOSTS.localhost.names, ...place]);
    assert.match(out, /Peer signature type: RSA/i);
    await proxy.stop();
  });
}

await check('s_client refuses our leaf for another name', async () => {
  const proxy = await start(undefined, '--server-ca', serversCa);
  const place = ['-proxy', proxy.at, '-connect', `localhost:${servers[4].port}`, '-servername', 'localhost'];
  const { code, complaints } = await run('openssl', ['s_client', ...STRICT, ...place, '-verify_hostname', 'elsewhere.invalid']);
  assert.notEqual(code, 0);
  assert.match(complaints, /hostname mismatch/i);
  await proxy.stop();
});

const CURL = ['-sS', '-i', '--max-time', '20'];
const WAYS = {
  'an HTTP proxy': { mode: 'connect', words: (proxy) => ['-x', `http://${proxy.at}`] },
  'a SOCKS5 proxy': { mode: 'socks5', words: (proxy) => ['--socks5-hostname', proxy.at] },
};
for (const [name, way] of Object.entries(WAYS)) {
  const { port } = servers[4];
  const url = `https://localhost:${port}/echo`;

  for (const [from, words, env] of [
    ['--cacert', ['--cacert', ours], {}],
    ['CURL_CA_BUNDLE', [], { CURL_CA_BUNDLE: ours }],
    ['SSL_CERT_FILE', [], { SSL_CERT_FILE: ours, CURL_CA_BUNDLE: undefined, SSL_CERT_DIR: undefined }],
  ]) {
    await check(`curl https:// through ${name}, ${from}`, async () => {
      const proxy = await start(undefined, '--server-ca', serversCa);
      const { code, out, complaints } = await run('curl', [...CURL, ...words, ...way.words(proxy), '-d', 'a body', url], { env });
      assert.equal(code, 0, complaints);
      assert.match(out, /\r\n\r\na body$/);
      const exchange = (await proxy.stop()).all('exchange').find(({ request }) => request);
      assert.deepEqual([exchange.url, exchange.mode, exchange.request.body], [url, way.mode, 'a body']);
    });
  }

  await check(`curl through ${name}, our CA not trusted`, async () => {
    const proxy = await start(undefined, '--server-ca', serversCa);
    const { code, complaints } = await run('curl', [...CURL, '--cacert', serversCa, ...way.words(proxy), url]);
    assert.equal(code, 60, complaints);
    await refusedOurs(proxy, `https://localhost:${port}`);
    await proxy.stop();
  });

  await check(`curl opens a WebSocket through ${name}`, async () => {
    const proxy = await start(undefined, '--server-ca', serversCa);
    const key = randomBytes(16).toString('base64');
    const upgrade = ['Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13', `Sec-WebSocket-Key: ${key}`];
    const headers = upgrade.flatMap((line) => ['-H', line]);
    // It has nothing to say as a WebSocket, and goes when its time is over.
    const words = ['-sS', '-iN', '--http1.1', '--max-time', '1', '--cacert', ours, ...way.words(proxy), ...headers, url];
    const { code, out } = await run('curl', words);
    assert.equal(code, 28, 'it waits for more until its time is over');
    assert.match(out, /^HTTP\/1\.1 101 /m);
    await proxy.ended(1);
    const [session] = (await proxy.stop()).sessions();
    assert.deepEqual([session.open.mode, session.open.url], [way.mode, url.replace('https', 'wss')]);
    assert.deepEqual(session.client.map(payload), []);
  });
}
Object.values(servers).forEach(({ close }) => close());
process.exit();
