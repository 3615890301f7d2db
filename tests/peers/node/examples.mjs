// The examples of docs/testing.md, run by their test runners: they pass as they are, and fail where the recording is of a
// client that said something else.

import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { check } from './check.mjs';
import { run } from './secure.mjs';

const { SOCKEYE_BIN, SOCKEYE_CHROMIUM, SOCKEYE_PEERS, SOCKEYE_PYTHON, SOCKEYE_SOURCES } = process.env;
process.env.PATH = `${dirname(SOCKEYE_BIN)}:${process.env.PATH}`;
process.env.CHROMIUM = SOCKEYE_CHROMIUM;
const go = { GO111MODULE: 'off', GOPATH: `${join(SOCKEYE_PEERS, 'go')}:/usr/share/gocode`, GOCACHE: join(SOCKEYE_PEERS, 'go/cache'), GOFLAGS: '', CGO_ENABLED: '0' };
Object.assign(process.env, go);
const bin = join(import.meta.dirname ?? join(SOCKEYE_PEERS, 'node'), 'node_modules/.bin');

const RUNNERS = {
  pytest: [SOCKEYE_PYTHON, '-B', '-m', 'pytest', '-q', '-p', 'no:cacheprovider'],
  vitest: [join(bin, 'vitest'), 'run', 'chat.test.mjs'],
  go: ['go', 'test', '-count=1', '.'],
  playwright: [join(bin, 'playwright'), 'test', '--reporter=line'],
};

/** A copy of the examples, with what was said in the recording replaced, and how its runner ends. */
async function result(runner, said) {
  // Beside node's packages, which are looked for in the folders above.
  const folder = mkdtempSync(join(SOCKEYE_PEERS, 'node/recording-'));
  cpSync(join(SOCKEYE_SOURCES, '../../examples/testing'), folder, { recursive: true });
  const recording = join(folder, 'chat.jsonl');
  const changed = readFileSync(recording, 'utf8').replace('"say":"hello"', `"say":"${said}"`);
  writeFileSync(recording, changed);
  const { code, out, complaints } = await run('sh', ['-c', 'cd "$0" && exec "$@"', folder, ...RUNNERS[runner]]);
  return { code, told: out + complaints, folder };
}

for (const runner of Object.keys(RUNNERS)) {
  await check(`${runner} passes`, async () => {
    const { code, told, folder } = await result(runner, 'hello');
    assert.equal(code, 0, told);
    if (runner === 'playwright') assert.match(readFileSync(join(folder, 'replay.xml'), 'utf8'), /tests="1" failures="0"/);
  });
  await check(`${runner} finds what differs`, async () => {
    const { code, told, folder } = await result(runner, 'hallo');
    if (runner === 'playwright') {
      assert.match(readFileSync(join(folder, 'replay.xml'), 'utf8'), /\$\.say: expected &quot;hallo&quot;, got &quot;hello&quot;/);
    } else {
      assert.notEqual(code, 0);
      assert.match(told, /\$\.say: expected .{0,4}"hallo.{0,4}", got .{0,4}"hello/);
    }
  });
}
process.exit();
