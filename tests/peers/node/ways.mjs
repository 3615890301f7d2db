// The ways to a server: directly, and each of those that lead through sockeye.

import { connect } from 'node:net';

import { HttpsProxyAgent } from 'https-proxy-agent';
import { SocksProxyAgent } from 'socks-proxy-agent';

import { start } from './sockeye.mjs';

/**
 * Each way says how sockeye is started for a server, which URL the client opens, and with which further
 * options of Node's http.request.
 */
export const ways = [
  {
    name: 'reverse',
    mode: 'reverse',
    start: (server) => start(`ws://127.0.0.1:${server}`),
    url: (server, proxy) => `ws://127.0.0.1:${proxy.port}`,
    options: () => ({}),
  },
  {
    name: 'CONNECT',
    mode: 'connect',
    start: () => start(),
    url: (server) => `ws://127.0.0.1:${server}`,
    options: (proxy) => ({ agent: new HttpsProxyAgent(`http://127.0.0.1:${proxy.port}`) }),
  },
  {
    name: 'absolute form',
    mode: 'absolute',
    start: () => start(),
    url: (server) => `ws://127.0.0.1:${server}`,
    options: (proxy) => ({
      createConnection: () => connect(proxy.port, '127.0.0.1'),
      finishRequest: (request) => {
        request.path = `ws://${request.getHeader('host')}${request.path}`;
        request.end();
      },
    }),
  },
  {
    name: 'SOCKS5',
    mode: 'socks5',
    start: () => start(),
    url: (server) => `ws://127.0.0.1:${server}`,
    options: (proxy) => ({ agent: new SocksProxyAgent(`socks5h://127.0.0.1:${proxy.port}`) }),
  },
];

export const direct = {
  name: 'direct',
  url: (server) => `ws://127.0.0.1:${server}`,
  options: () => ({}),
};
