// Run by Node before the program's own code, in each of its processes and workers: has every TCP connection come through
// the proxy that started it, by CONNECT, whatever client makes it. Servers, pipes and what goes to the proxy itself are
// left alone. What a connection is used for makes no difference: one to a database goes through unread.
'use strict';

const proxy = require('./proxy.json');
const net = require('net');
const tls = require('tls');

const loaded = Symbol.for('sockeye.preload');
if (!globalThis[loaded]) {
  Object.defineProperty(globalThis, loaded, { value: true });
  const { connect } = net.Socket.prototype;
  const { connect: secure } = tls;
  net.Socket.prototype.connect = function (...args) {
    const [options, connected] = Array.isArray(args[0]) ? args[0] : net._normalizeArgs(args);
    // A socket with TLS of its own, made by nobody but tls.connect as a rule, has no place for what we say in the clear.
    if (!goesOut(options) || this instanceof tls.TLSSocket) return connect.apply(this, args);
    if (connected) this.once('connect', connected);
    askWhenConnected(this, options);
    connect.call(this, { host: proxy.host, port: proxy.port });
    // By this tls.connect knows whom to verify.
    this._host = options.host;
    return this;
  };
  tls.connect = function (...args) {
    const [options, connected] = net._normalizeArgs(args);
    for (const more of args.slice(1, 3)) if (more && typeof more === 'object') Object.assign(options, more);
    if (!goesOut(options) || options.socket) return secure.apply(this, args);
    return secureThrough(secure, options, connected);
  };
  // For those who import them by name.
  require('module').syncBuiltinESMExports();
}

function goesOut({ path, host, port, onread }) {
  const isPort = /^\d+$/.test(String(port)) && Number(port) > 0 && Number(port) < 65536;
  const isProxy = Number(port) === proxy.port && [proxy.host, 'localhost', undefined].includes(host);
  return !path && !onread && isPort && !isProxy;
}

/** TLS over a connection through the proxy. */
function secureThrough(secure, options, connected) {
  const socket = new net.Socket();
  const over = secure({ ...options, socket }, connected ?? undefined);
  if (options.timeout) over.setTimeout(options.timeout);
  socket.on('error', (error) => over.destroy(error));
  socket.setNoDelay(true);
  socket.connect({ host: options.host, port: options.port, lookup: options.lookup, family: options.family });
  // What is asked of the one is known to the other: a socket that is idle must not keep the program alive.
  for (const name of ['ref', 'unref']) {
    const own = over[name];
    over[name] = function () {
      socket[name]();
      return own.call(this);
    };
  }
  for (const name of ['remoteAddress', 'remotePort', 'remoteFamily', 'localAddress', 'localPort', 'localFamily']) {
    Object.defineProperty(over, name, { configurable: true, get: () => socket[name] });
  }
  return over;
}

/** Keeps from everybody that `socket` is connected, to the proxy as yet, until it is to where `options` say. */
function askWhenConnected(socket, options) {
  socket.emit = function (event, ...rest) {
    if (event !== 'connect') return Object.getPrototypeOf(this).emit.call(this, event, ...rest);
    // `ready` follows at once, and is ours to say as well.
    socket.emit = function (event, ...rest) {
      return event === 'ready' || Object.getPrototypeOf(this).emit.call(this, event, ...rest);
    };
    resolve(options, (error, host) => {
      if (error) socket.destroy(error);
      else if (!socket.destroyed) ask(socket, host, Number(options.port));
    });
    // What the program writes now waits.
    socket.connecting = true;
    return true;
  };
}

/** The host as the proxy is to find it. Where the program looks names up by itself, it knows better. */
function resolve({ host = 'localhost', lookup, family }, done) {
  if (typeof lookup !== 'function' || net.isIP(host)) return done(null, host);
  lookup(host, { family, hints: 0, all: false }, (error, found) => {
    done(error, Array.isArray(found) ? found[0]?.address : found);
  });
}

/** Asks the proxy for a connection, and takes its answer in. */
function ask(socket, host, port) {
  const authority = net.isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`;
  let answer = Buffer.alloc(0);
  socket.push = (bytes) => {
    answer = Buffer.concat([answer, bytes ?? Buffer.alloc(0)]);
    const end = answer.indexOf('\r\n\r\n') + 4;
    const head = answer.subarray(0, end).toString('latin1');
    if (end > 3 && /^HTTP\/1\.[01] 2/.test(head)) {
      delete socket.push;
      opened(socket, answer.subarray(end));
    } else if (bytes === null || (end > 3 && isWhole(head, answer.length - end))) {
      delete socket.push;
      socket.destroy(refused(host, port, answer.subarray(end > 3 ? end : 0).toString().trim()));
    }
    return true;
  };
  socket.connecting = false;
  socket._write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`, 'latin1', (error) => error && socket.destroy(error));
  socket._read(0);
  socket.connecting = !socket.destroyed;
}

function isWhole(head, length) {
  const named = /\r\ncontent-length: *(\d+)/i.exec(head);
  return named !== null && length >= Number(named[1]);
}

/** The connection is what the program thinks it is. */
function opened(socket, rest) {
  delete socket.emit;
  socket.connecting = false;
  socket.emit('connect');
  socket.emit('ready');
  if (rest.length > 0 && !socket.destroyed) socket.push(rest);
}

/** An error as the system would have it, for programs that try again on some and not on others. */
function refused(host, port, why) {
  const code = /^(sockeye: )?cannot find/.test(why) ? 'ENOTFOUND' : /no answer/.test(why) ? 'ETIMEDOUT' : 'ECONNREFUSED';
  const error = new Error(`connect ${code} ${host}:${port} (${why || 'the connection was closed'})`);
  return Object.assign(error, { code, syscall: 'connect', address: host, port });
}
