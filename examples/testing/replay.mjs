// For Vitest, Jest and node:test: const mock = await replay('test/chat.jsonl', '--ignore', '$.ts'); ...; await mock.finish();
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

export async function replay(recording, ...options) {
  const words = ['replay', 'server', recording, '--output', 'json', '--end-with-stdin', ...options];
  const mock = spawn('sockeye', words, { stdio: ['pipe', 'pipe', 'inherit'] });
  const over = once(mock, 'exit');
  const told = [];
  const lines = createInterface({ input: mock.stdout });
  lines.on('line', (line) => told.push(line));
  await Promise.race([once(lines, 'line'), over]);
  if (!told.length) throw new Error('sockeye replay did not start');
  const finish = async () => {
    mock.stdin.end();
    const [code] = await over;
    if (code !== 0) throw new Error(`not as recorded:\n${told.join('\n')}`);
  };
  return { url: JSON.parse(told[0]).url, finish };
}
