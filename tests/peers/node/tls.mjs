// Servers behind TLS: reached in reverse mode; opened in forward mode for clients that trust sockeye's CA, and left
// closed, and listed as tunnels, where that is wanted.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:http';

import { HttpsProxyAgent } from 'https-proxy-agent';
import { SocksProxyAgent } from 'socks-proxy-agent';
import { WebSocket } from 'ws';

import { check } from './check.mjs';
import { certificate, listen, refusedOurs, serversCa, sockeyeCa } from './secure.mjs';
import { header, payload, start, within } from './sockeye.mjs';

const ca = certificate('ca.pem');
// sockeye trusts what the platform trusts; here that is this authority
process.env.SSL_CERT_FILE = serversCa;

const SAYS = ['hello', 'x'.repeat(100_000), Buffer.from(Array.from({ length: 50_000 }, (_, at) => (at * 7) % 256))];

async function dialogue(url, options) {
  const socket = new WebSocket(url, { ca, ...options });
  const seen = [];
  await within(once(socket, 'open'), 'the connection');
  SAYS.forEach((data) => socket.send(data));
  await within(new Promise((resolve) => {
    socket.on('message', (data) => seen.push(data) === SAYS.length && resolve());
  }), 'what comes back');
  socket.close(4000, 'done');
  const [code, reason] = await within(once(socket, 'close'), 'the end');
  return { messages: seen.map((data) => data.toString('latin1')), code, reason: reason.toString() };
}

const server = await listen('good');
const expected = await dialogue(`wss://localhost:${server.port}`);

await check('reverse to wss://', async () => {
  const proxy = await start(`wss://localhost:${server.port}`);
  assert.deepEqual(await dialogue(`ws://${proxy.at}`), expected);
  await proxy.ended(1);
  const [session] = (await proxy.stop()).sessions();
  assert.equal(header(session.open.sent, 'host'), `localhost:${server.port}`);
  for (const side of [session.client, session.server]) {
    const messages = side.filter(({ type }) => type === 'message').map(payload);
    assert.deepEqual(messages, SAYS.map((data) => Buffer.from(data)));
    assert.deepEqual([side.at(-1).code, side.at(-1).reason], [4000, 'done']);
  }
  assert.deepEqual(session.lines.filter(({ type }) => type === 'violation'), []);
  assert.deepEqual([session.end.client, session.end.server], ['fin', 'fin']);
});

await check('reverse to https://, one connection for several requests', async () => {
  const proxy = await start(`https://localhost:${server.port}`);
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  for (const at of [1, 2, 3]) {
    const asked = request({ host: '127.0.0.1', port: proxy.port, path: `/${at}`, method: 'POST', agent });
    asked.end(`body ${at}`);
    const [response] = await within(once(asked, 'response'), 'the answer');
    let body = '';
    for await (const piece of response) body += piece;
    assert.deepEqual([body, response.headers['x-host']], [`body ${at}`, `localhost:${server.port}`]);
  }
  agent.destroy();
  const exchanges = (await proxy.stop()).all('exchange');
  assert.deepEqual(exchanges.map(({ request }) => request.body), ['body 1', 'body 2', 'body 3']);
});

const url = `wss://localhost:${server.port}`;

await check('CONNECT to wss:// without a CA is left closed', async () => {
  const proxy = await start();
  assert.deepEqual(await dialogue(url, { agent: new HttpsProxyAgent(`http://${proxy.at}`) }), expected);
  await proxy.ended(1);
  assert.match((await proxy.stop()).all('tunnel')[0].why, /TLS/);
});

const ours = readFileSync(sockeyeCa());

for (const [name, mode, agent] of [
  ['CONNECT', 'connect', (proxy) => new HttpsProxyAgent(`http://${proxy.at}`)],
  ['SOCKS5', 'socks5', (proxy) => new SocksProxyAgent(`socks5h://${proxy.at}`)],
]) {
  await check(`${name} to wss:// is opened`, async () => {
    const proxy = await start();
    // The client trusts our authority alone: the certificate it gets is ours.
    assert.deepEqual(await dialogue(url, { agent: agent(proxy), ca: ours }), expected);
    await proxy.ended(1);
    const [session] = (await proxy.stop()).sessions();
    assert.deepEqual([session.open.mode, session.open.url], [mode, `${url}/`]);
    assert.equal(session.open.sent, undefined);
    for (const side of [session.client, session.server]) {
      const messages = side.filter(({ type }) => type === 'message').map(payload);
      assert.deepEqual(messages, SAYS.map((data) => Buffer.from(data)));
    }
  });

  await check(`${name} to wss:// is left closed`, async () => {
    const proxy = await start(undefined, '--tls-passthrough', 'local*');
    // The client verifies the server's own certificate: nobody stands between them.
    assert.deepEqual(await dialogue(url, { agent: agent(proxy) }), expected);
    await proxy.ended(1);
    const recording = await proxy.stop();
    const [tunnel, ...others] = recording.all('tunnel');
    assert.deepEqual([tunnel.mode, tunnel.target, others.length], [mode, `localhost:${server.port}`, 0]);
    assert.match(tunnel.why, /TLS/);
    const [end] = recording.all('end');
    const octets = SAYS.reduce((sum, data) => sum + data.length, 0);
    assert.ok(end.octets.client > 1000 && end.octets.server > 1000 && end.octets.client < octets, 'how much passed');
    assert.deepEqual(recording.all('message'), []);
  });

  await check(`${name} by a client that does not trust our CA`, async () => {
    const proxy = await start();
    await assert.rejects(dialogue(url, { agent: agent(proxy) }), /certificate/);
    await refusedOurs(proxy, `https://localhost:${server.port}`);
    await proxy.stop();
  });
}

await check('reverse, TLS on both sides', async () => {
  const proxy = await start(url);
  assert.deepEqual(await dialogue(`wss://localhost:${proxy.port}`, { ca: ours }), expected);
  await proxy.ended(1);
  assert.equal((await proxy.stop()).sessions().length, 1);
});

const other = await listen('wrong-name');
await check('a certificate for another name', async () => {
  const proxy = await start(`wss://localhost:${other.port}`);
  const socket = new WebSocket(`ws://${proxy.at}`);
  socket.on('error', () => {});
  const [, response] = await within(once(socket, 'unexpected-response'), 'the refusal');
  assert.equal(response.statusCode, 502);
  let body = '';
  for await (const piece of response) body += piece;
  assert.match(body, /localhost/);
  const recording = await proxy.stop();
  assert.equal(recording.all('refused').length, 1);
  assert.match(recording.all('refused')[0].why, /localhost/);
});
process.exit();
