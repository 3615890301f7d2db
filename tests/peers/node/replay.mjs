// Applications recorded and replayed: what their client tests against the real server holds against the mock with that
// server gone, and a server that was changed is found out by `sockeye replay client`, down to the field.
//
// UPDATE_RECORDINGS=1 writes the recordings to tests/data/replay, and that of chat to examples/testing; without it, those that are there are played as well.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

import * as chat from './apps/chat.mjs';
import * as graphql from './apps/graphql.mjs';
import * as jsonrpc from './apps/jsonrpc.mjs';
import * as page from './apps/page.mjs';
import * as python from './apps/python.mjs';
import * as socketio from './apps/socketio.mjs';
import { check } from './check.mjs';
import { start, within } from './sockeye.mjs';

const fixtures = join(process.env.SOCKEYE_SOURCES, '../data/replay');
const socketioAlone = { ...socketio, use: socketio.useAlone };
const examples = join(process.env.SOCKEYE_SOURCES, '../../examples/testing');
const APPS = { chat, socketio, 'socketio-websocket': socketioAlone, graphql, jsonrpc, python, page };

/** The application used once against its real server, through sockeye; gives the recording's file. */
async function record(name, app) {
  const real = await app.listen({ changed: false });
  const proxy = await start(`http://127.0.0.1:${real.port}`, '--keep-host');
  await app.use(`ws://127.0.0.1:${proxy.port}`);
  await proxy.ended(1);
  await proxy.stop();
  real.close();
  return proxy.file;
}

/** `sockeye replay server`, used by the application's client; gives what it said at its end. */
async function replay(file, app, ...options) {
  const words = ['replay', 'server', file, '--output', 'json', '--end-with-stdin', ...app.server, ...options];
  const mock = spawn(process.env.SOCKEYE_BIN, words, { stdio: ['pipe', 'pipe', 'inherit'] });
  const over = once(mock, 'close');
  const told = [];
  const lines = createInterface({ input: mock.stdout }).on('line', (line) => told.push(JSON.parse(line)));
  await within(once(lines, 'line'), 'the mock to listen');
  let failure;
  await app.use(told[0].url).catch((error) => (failure = error));
  // All was played, and so it ends by itself.
  if (failure) mock.stdin.end();
  const [code] = await within(over, 'the mock to end', 30);
  const problems = told.filter(({ ok }) => ok === false);
  assert.equal(failure, undefined, `${failure}\n${JSON.stringify(problems, undefined, 1)}`);
  assert.deepEqual([code, problems], [0, []]);
  return told;
}

/** `sockeye replay client`, against a server; gives its exit code and report. */
async function play(file, app, port) {
  const words = ['replay', 'client', file, `ws://127.0.0.1:${port}`, '--report', 'json=-', ...app.client];
  const client = spawn(process.env.SOCKEYE_BIN, words, { stdio: ['ignore', 'pipe', 'ignore'] });
  let text = '';
  client.stdout.setEncoding('utf8').on('data', (piece) => (text += piece));
  const [code] = await within(once(client, 'close'), 'the replay client to end', 30);
  return { code, report: JSON.parse(text) };
}

async function served(app, how, use) {
  const real = await app.listen(how);
  try {
    return await use(real.port);
  } finally {
    real.close();
  }
}

for (const [name, app] of Object.entries(APPS)) {
  const fixture = join(app === chat ? examples : fixtures, `${name}.jsonl`);
  let file;
  await check(`${name}: recorded, and its client's test passes with the server gone`, async () => {
    file = await record(name, app);
    const told = await replay(file, app);
    assert.equal(told.at(-1).ok, true);
    // Once more, since a mock that depends on who is faster passes now and then.
    for (let times = 0; times < 3; times += 1) await replay(file, app);
  });
  if (file && process.env.UPDATE_RECORDINGS) {
    mkdirSync(fixtures, { recursive: true });
    copyFileSync(file, fixture);
  } else if (existsSync(fixture)) {
    await check(`${name}: the recording in tests/data passes too`, () => replay(fixture, app));
  }
  if (app === socketio) continue;
  await check(`${name}: a server that was changed is found out, by field and line`, async () => {
    const { code, report } = await served(app, { changed: true }, (port) => play(file, app, port));
    assert.equal(code, 1);
    const problems = report.sessions.flatMap((session) => session.problems).filter(({ kind }) => kind === 'different');
    assert.deepEqual(problems.map(({ differences }) => differences), [[app.change]]);
    const recorded = readFileSync(file, 'utf8').split('\n')[problems[0].line - 1];
    assert.match(recorded, /"from":"server"/);
    assert.ok(recorded.includes(String(app.change.expected)), recorded);
  });
  if (app === page) continue;
  await check(`${name}: one that was not is as recorded`, async () => {
    const { code, report } = await served(app, { changed: false }, (port) => play(file, app, port));
    assert.deepEqual([code, report.sessions.flatMap(({ problems }) => problems)], [0, []]);
  });
}
process.exit();
