// Starts the real sockeye, and reads what it printed and recorded.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const binary = process.env.SOCKEYE_BIN;
const work = process.env.SOCKEYE_PEERS;
const running = new Set();
process.on('exit', () => running.forEach((child) => child.kill('SIGKILL')));

/** A running sockeye: `server` is where all goes (reverse), or nothing (forward). */
export const start = (server, ...options) => startAt('127.0.0.1:0', server, ...options);

/** The same at an address of one's choice. With `--commands` among the options, it takes those. */
export async function startAt(address, server, ...options) {
  const file = join(mkdtempSync(join(work, 'recording-')), 'recording.jsonl');
  const words = [...(server ? [server] : []), '--listen', address, '--headless', '--output', 'json'];
  const child = spawn(binary, [...words, '--record', file, ...options], { stdio: [options.includes('--commands') ? 'pipe' : 'ignore', 'pipe', 'pipe'] });
  const proxy = new Sockeye(child, file);
  running.add(child);
  child.once('exit', () => running.delete(child));
  const { listen } = await proxy.wait((line) => line.type === 'recording', 'the recording line');
  return Object.assign(proxy, { port: Number(listen.split(':').at(-1)), at: listen });
}

class Sockeye {
  printed = [];
  complaints = '';
  #waiting = [];
  #asked = 0;

  constructor(child, file) {
    Object.assign(this, { child, file });
    child.stderr.setEncoding('utf8').on('data', (text) => (this.complaints += text));
    createInterface({ input: child.stdout }).on('line', (text) => {
      const line = JSON.parse(text);
      // What answers a command is not of what happened, and is not recorded.
      if (line.type !== 'answer') this.printed.push(text);
      this.#waiting = this.#waiting.filter(({ wanted, resolve }) => !(wanted(line) && (resolve(line), true)));
    });
  }

  /** The first line that is wanted, printed already or to come. */
  wait(wanted, what) {
    const before = this.printed.map((text) => JSON.parse(text)).find(wanted);
    if (before) return Promise.resolve(before);
    return this.#next(wanted, what);
  }

  /** The first line to come that is wanted. */
  #next(wanted, what) {
    const came = new Promise((resolve) => this.#waiting.push({ wanted, resolve }));
    return within(came, `sockeye to print ${what}`);
  }

  /** Has a command done; gives its answer. */
  async command(command) {
    const id = (this.#asked += 1);
    const coming = this.#next((line) => line.type === 'answer' && line.id === id, `the answer to ${command.do}`);
    this.child.stdin.write(`${JSON.stringify({ id, ...command })}\n`);
    const answer = await coming;
    assert.equal(answer.ok, true, answer.error);
    return answer;
  }

  /** The sessions that have ended so far: waits until there are `count`. */
  async ended(count) {
    const seen = new Set();
    const all = (line) => line.type === 'end' && seen.add(line.session).size === count;
    await this.wait(all, `the end of ${count} sessions`);
  }

  /** Ends it as a user would; gives what it recorded, after the checks that hold for every run. */
  async stop() {
    const over = once(this.child, 'close');
    this.child.kill('SIGTERM');
    const [code, signal] = await within(over, 'sockeye to end');
    assert.deepEqual([code, signal], [0, null], 'exit code and signal');
    assert.equal(this.complaints, '', 'standard error');
    const recorded = readFileSync(this.file, 'utf8').split('\n').slice(0, -1);
    assert.deepEqual(recorded, this.printed, 'the recording is what was printed');
    assert.deepEqual(await print(this.file, '--output', 'json'), recorded, 'sockeye print gives the recording back');
    return new Recording(recorded.map((line) => JSON.parse(line)));
  }
}

/** `sockeye print`, as lines. */
export async function print(file, ...options) {
  const child = spawn(binary, ['print', file, ...options], { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (piece) => (text += piece));
  const [code] = await within(once(child, 'close'), 'sockeye print to end');
  assert.equal(code, 0, 'exit code of sockeye print');
  return text.split('\n').slice(0, -1);
}

/** The lines of a recording, by what they are about. */
class Recording {
  constructor(lines) {
    this.lines = lines;
  }

  all(type) {
    return this.lines.filter((line) => line.type === type);
  }

  /** Every session that opened, with its lines. */
  sessions() {
    return this.all('open').map((open) => {
      const lines = this.lines.filter((line) => line.session === open.session);
      const from = (sender) => lines.filter((line) => line.from === sender && line.type !== 'violation');
      const end = lines.find((line) => line.type === 'end');
      return { open, lines, end, client: from('client'), server: from('server') };
    });
  }
}

/** The payload of a message, ping or pong as it was sent. */
export function payload(line) {
  if ('json' in line) return Buffer.from(JSON.stringify(line.json));
  if ('text' in line) return Buffer.from(line.text);
  return Buffer.from(line.base64, 'base64');
}

export function header(head, name) {
  return head.headers.filter(([key]) => key.toLowerCase() === name).map(([, value]) => value).join(', ');
}

/** Fails, with what it was for, where a promise takes too long. */
export async function within(promise, what, seconds = 20) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`waited ${seconds} s for ${what}`)), seconds * 1000);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
