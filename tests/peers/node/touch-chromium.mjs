// Headless Chromium, a page that came through sockeye in reverse mode: what rules do to its sockets is what its script sees.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';

import { chromium } from 'playwright-core';
import { WebSocketServer } from 'ws';

import { check } from './check.mjs';
import { start, within } from './sockeye.mjs';

const WORDS = ['one one one one', 'two two two two', 'three three three', 'four four four four'];

/** Runs in the page: says all words on a socket, closes it a moment after the last answer, and gives what it saw. */
const talk = ({ words, count }) => new Promise((resolve) => {
  const seen = { messages: [], times: [], error: false, extensions: '' };
  const socket = new WebSocket(`${location.origin.replace('http', 'ws')}/chat`);
  socket.onopen = () => {
    seen.extensions = socket.extensions;
    seen.begun = performance.now();
    words.forEach((word) => socket.send(word));
  };
  socket.onmessage = ({ data }) => {
    seen.times.push(performance.now());
    if (seen.messages.push(data) === count) setTimeout(() => socket.close(4000, 'done'), 100);
  };
  socket.onerror = () => (seen.error = true);
  socket.onclose = ({ code, reason, wasClean }) => resolve({ ...seen, code, reason, wasClean });
});

/** Runs in the page: says all words on a socket, and keeps what comes where it can be asked for. */
const chat = (words) => {
  const seen = { messages: [] };
  const socket = new WebSocket(`${location.origin.replace('http', 'ws')}/chat`);
  Object.assign(globalThis, { seen, socket });
  socket.onopen = () => words.forEach((word) => socket.send(word));
  socket.onmessage = ({ data }) => seen.messages.push(data);
  socket.onclose = ({ code, reason, wasClean }) => (seen.end = { code, reason, wasClean });
};

/** The page, and a server that answers each message, with context takeover both ways. */
async function listen() {
  const seen = { messages: [] };
  const http = createServer((_, answer) => answer.setHeader('Content-Type', 'text/html').end('<!doctype html><link rel="icon" href="data:,">'));
  const sockets = new WebSocketServer({ server: http, perMessageDeflate: { threshold: 0 } });
  sockets.on('connection', (socket) => {
    socket.on('message', (data) => socket.send(`answer ${seen.messages.push(data.toString())} to ${data}`));
    socket.on('pong', (data) => http.emit('pong', data.toString()));
    socket.on('error', () => {});
    socket.on('close', (code, reason) => {
      seen.close = [code, reason.toString()];
      http.emit('closed');
    });
  });
  await once(http.listen(0, '127.0.0.1'), 'listening');
  return { seen, http, sockets, port: http.address().port, close: () => (http.closeAllConnections(), http.close()) };
}

/** Has `run` done with the page, through a proxy with a rule. */
async function visited(rule, run) {
  const server = await listen();
  const rules = join(mkdtempSync(join(process.env.SOCKEYE_PEERS, 'recording-')), 'rules.toml');
  writeFileSync(rules, `[[rule]]\nname = "it"\n${rule}\n`);
  const proxy = await start(`http://127.0.0.1:${server.port}`, '--rules', rules, '--commands');
  const browser = await chromium.launch({ executablePath: process.env.SOCKEYE_CHROMIUM, args: ['--no-sandbox'] });
  try {
    const tab = await browser.newPage();
    await tab.goto(`http://127.0.0.1:${proxy.port}/`);
    return await run({ tab, proxy, server });
  } finally {
    await browser.close();
    proxy.child.kill('SIGKILL');
    server.close();
  }
}

/** Has the page talk through a proxy with a rule; gives what the page and the server saw, and what sockeye did. */
const touched = (rule, { count = WORDS.length, opens = true } = {}) => visited(rule, async ({ tab, proxy, server }) => {
  const closed = opens && once(server.http, 'closed');
  const { extensions, begun, times, ...page } = await within(tab.evaluate(talk, { words: WORDS, count }), 'the page');
  if (opens) {
    assert.match(extensions, /^permessage-deflate/);
    await within(closed, 'the server to see the end');
    await proxy.ended(1);
  }
  const acts = (await proxy.stop()).all('act').map(({ act, rule: name }) => [act, name]);
  return { page, took: times.at(-1) - begun, server: server.seen, acts };
});

const answers = (words = WORDS) => words.map((word, index) => `answer ${index + 1} to ${word}`);
const clean = { error: false, code: 4000, reason: 'done', wasClean: true };

/** The page heard the first answer at the most: what was not told to it by the end is not told any more. */
function cutShort({ messages, ...end }, expected) {
  assert.ok(messages.length < 2, `${messages}`);
  assert.deepEqual(messages, answers().slice(0, messages.length));
  assert.deepEqual(end, expected);
}

await check('held by a rule, of the page and to it, while pings flow: let go, and changed, by commands', () => visited("when = 'two'\nthen = { hold = true }", async ({ tab, proxy, server }) => {
  const closed = once(server.http, 'closed');
  const held = async (from) => (await proxy.wait((line) => line.act === 'held' && line.from === from, `what the ${from} sent to be held`)).held;
  const heard = () => tab.evaluate(() => globalThis.seen.messages);
  const arrived = (count) => within(tab.waitForFunction((wanted) => globalThis.seen.messages.length >= wanted, count), `${count} messages in the page`);
  const pinged = async (word) => {
    const [socket] = server.sockets.clients;
    const pong = once(server.http, 'pong');
    socket.ping(word);
    assert.deepEqual(await within(pong, 'the pong of the page'), [word]);
  };
  await tab.evaluate(chat, WORDS);
  await arrived(1);

  const ofPage = await held('client');
  await proxy.wait(({ type, text }) => type === 'message' && text === WORDS[3], 'the last that the page says');
  await pinged('past what the page sent');
  assert.deepEqual([await heard(), server.seen.messages], [answers().slice(0, 1), WORDS.slice(0, 1)]);

  await proxy.command({ do: 'resume', held: ofPage });
  const toPage = await held('server');
  await proxy.wait(({ type, text }) => type === 'message' && text === answers()[3], 'the last that the server says');
  await pinged('past what the server sent');
  assert.deepEqual([await heard(), server.seen.messages], [answers().slice(0, 1), WORDS]);

  await proxy.command({ do: 'edit', held: toPage, text: 'changed' });
  await arrived(4);
  assert.deepEqual(await heard(), answers().with(1, 'changed'));
  await tab.evaluate(() => globalThis.socket.close(4000, 'done'));
  await within(tab.waitForFunction(() => globalThis.seen.end), 'the end in the page');
  assert.deepEqual(await tab.evaluate(() => globalThis.seen.end), { code: 4000, reason: 'done', wasClean: true });
  await within(closed, 'the server to see the end');
  assert.deepEqual(server.seen.close, [4000, 'done']);
  await proxy.ended(1);
  const acts = (await proxy.stop()).all('act').map(({ act, by, rule, from }) => [act, rule ?? by, from]);
  assert.deepEqual(acts, [['held', 'it', 'client'], ['released', 'user', 'client'], ['held', 'it', 'server'], ['edited', 'user', 'server']]);
}));

await check('a message to the page is edited', async () => {
  const { page, server, acts } = await touched("when = 'dir:server two'\nthen = { substitute = 'two', with = 'zwei' }");
  assert.deepEqual(page, { messages: answers().with(1, 'answer 2 to zwei zwei zwei zwei'), ...clean });
  assert.deepEqual(server, { messages: WORDS, close: [4000, 'done'] });
  assert.deepEqual(acts, [['edited', 'it']]);
});

await check('a message of the page is edited', async () => {
  const { page, server, acts } = await touched("when = 'dir:client two'\nthen = { replace = { text = 'changed' } }");
  const words = WORDS.with(1, 'changed');
  assert.deepEqual(page, { messages: answers(words), ...clean });
  assert.deepEqual(server, { messages: words, close: [4000, 'done'] });
  assert.deepEqual(acts, [['edited', 'it']]);
});

await check('a close with a code: onclose gets it', async () => {
  const { page, server, acts } = await touched("when = 'dir:server two'\nthen = { close = 4321, reason = 'on purpose' }");
  assert.deepEqual(page, { messages: answers().slice(0, 1), error: false, code: 4321, reason: 'on purpose', wasClean: true });
  assert.deepEqual(server.close, [4321, 'on purpose']);
  // What came behind it did not go on.
  assert.deepEqual(acts.filter(([act]) => act !== 'dropped'), [['closed', 'it']]);
});

await check('a truncated frame: 1006', async () => {
  const { page, acts } = await touched("when = 'dir:server two'\nthen = { truncate = 4 }");
  // an end without a close frame: Chromium has no error event for it
  assert.deepEqual(page, { messages: answers().slice(0, 1), error: false, code: 1006, reason: '', wasClean: false });
  // What came behind it did not go on.
  assert.deepEqual(acts.filter(([act]) => act !== 'dropped'), [['truncated', 'it']]);
});
await check('a reset: 1006', async () => {
  const { page, acts } = await touched("when = 'dir:server two'\nthen = { reset = true }");
  cutShort(page, { error: false, code: 1006, reason: '', wasClean: false });
  assert.ok(acts.some(([act]) => act === 'reset'), `${acts}`);
});

await check('octets changed on the wire: an error, and no more of it', async () => {
  const { page, acts } = await touched("when = 'dir:server two'\nthen = { corrupt = true, at = [0, 1, 2], xor = 0xff }");
  cutShort(page, { error: true, code: 1006, reason: '', wasClean: false });
  assert.deepEqual(acts, [['corrupted', 'it']]);
});

await check('a refused handshake: an error, and 1006', async () => {
  const { page, server, acts } = await touched("then = { refuse = 503 }", { opens: false });
  assert.deepEqual(page, { messages: [], error: true, code: 1006, reason: '', wasClean: false });
  assert.deepEqual(server, { messages: [] });
  assert.deepEqual(acts, [['refused', 'it']]);
});

await check('an answer without its accept: an error, and 1006', async () => {
  const { page } = await touched("on = 'response'\nthen = { remove-header = 'Sec-WebSocket-Accept' }", { opens: false });
  assert.deepEqual(page, { messages: [], error: true, code: 1006, reason: '', wasClean: false });
});

await check('a stall for ever: nothing comes, and no close', async () => {
  const { page, server, acts } = await touched("when = 'dir:server two'\nthen = { stall = true }", { count: 1 });
  assert.deepEqual(page, { messages: answers().slice(0, 1), error: false, code: 1006, reason: '', wasClean: false });
  assert.deepEqual(server, { messages: WORDS, close: [4000, 'done'] });
  assert.ok(acts.some(([act]) => act === 'stalled'), `${acts}`);
});

await check('messages dropped, doubled, put behind, sent, delayed and slowed down', async () => {
  const [one, two, three, four] = answers();
  const by = (then) => `when = 'dir:server two'\nthen = ${then}`;
  for (const [rule, messages, millis] of [
    [by('{ drop = true }'), [one, three, four], 0],
    [by('{ duplicate = 1 }'), [one, two, two, three, four], 0],
    [by('{ reorder = 1 }'), [one, three, two, four], 0],
    [by("{ send = 'ours', to = 'client' }"), [one, 'ours', two, three, four], 0],
    [by("{ delay = '300ms' }"), answers(), 250],
    ["then = { throttle = '100', from = 'server' }", answers(), 200],
  ]) {
    const { page, took } = await touched(rule, { count: messages.length });
    assert.deepEqual(page, { messages, ...clean });
    assert.ok(took >= millis, `${took} ms`);
  }
});
process.exit();
