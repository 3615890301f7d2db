// Many sessions at once, under rules, holds and commands that change all the time: what arrives is what was said, in order.
// Not among the parts that always run: what it does differs from run to run. SOCKEYE_SOAK_SECONDS says for how long (20),
// SOCKEYE_SOAK_SEED from what chance is drawn.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';

import { WebSocket, WebSocketServer } from 'ws';

import { check } from './check.mjs';
import { start, within } from './sockeye.mjs';

const SECONDS = Number(process.env.SOCKEYE_SOAK_SECONDS ?? 20);
const SEED = Number(process.env.SOCKEYE_SOAK_SEED ?? Date.now() % 1_000_000);
const SESSIONS = 12;
/** How long a message may take, on a slow machine, once nothing keeps it back. */
const PATIENCE = 30;
const INJECTED = 'injected';

const DEFLATE = [
  false,
  { threshold: 0 },
  { threshold: 0, serverNoContextTakeover: true },
  { threshold: 0, clientNoContextTakeover: true },
  { threshold: 0, serverMaxWindowBits: 9, clientMaxWindowBits: 10 },
];
const KINDS = ['plain', 'plain', 'plain', 'plain', 'slow', 'stalled', 'edited', 'dropped', 'doubled', 'held', 'held'];
const RULES = [
  "when = 'words that nobody says'\nthen = { drop = true }",
  "when = 'kind=slow'\nthen = { delay = ['1us', '100us'] }",
  "when = 'kind=slow'\nthen = { delay = '8ms' }",
  "when = 'kind=stalled'\nthen = { stall = '15ms' }",
  "when = 'kind=edited'\nthen = { set = { edited = true } }",
  "when = 'dir:client kind=dropped'\nthen = { drop = true }",
  "when = 'dir:client kind=doubled'\nthen = { duplicate = 1 }",
  "on = 'message'\nwhen = 'kind=slow'\nthen = { throttle = { messages = 3000 }, from = 'server' }",
];
const HOLDS = ['kind=held', 'dir:client kind=held', 'dir:server kind=held', 'size>20k', null];

/** Numbers from 0 to 1, the same ones for a seed. */
let state = SEED;
function chance() {
  state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
  return state / 0x80000000;
}
const below = (count) => Math.floor(chance() * count);
const pick = (list) => list[below(list.length)];
const pause = (millis) => new Promise((resolve) => setTimeout(resolve, millis));

function words() {
  const some = (count) => Array.from({ length: count }, () => pick(['herring', 'cod', 'sprat', 'plaice'])).join(' ');
  const size = chance();
  if (size < 0.9) return some(1 + below(60));
  return size < 0.97 ? Array.from({ length: 1500 }, () => below(1e9).toString(36)).join('') : some(30_000);
}

/** What one end has received so far of a session's messages. */
class Arrived {
  next = 0;

  constructor(said, where, { mayMiss, mayRepeat }) {
    Object.assign(this, { said, where, mayMiss, mayRepeat });
  }

  /** Whether a message came for the first time; fails where it is not the one that is due. */
  take(text) {
    const { number, words } = JSON.parse(text);
    if (number === this.next - 1 && this.mayRepeat(number)) return false;
    while (this.next < number && this.mayMiss(this.next)) this.next += 1;
    assert.equal(number, this.next, `what arrived at the ${this.where}`);
    assert.equal(words, this.said[number].words, `what message ${number} says at the ${this.where}`);
    this.next += 1;
    return true;
  }

  /** Whether nothing is missing that has to come. */
  isAll() {
    return this.said.slice(this.next).every((_, at) => this.mayMiss(this.next + at));
  }
}

class Soak {
  sessions = [];
  wrong = [];
  over = false;
  said = 0;
  injected = 0;

  /** Notes what goes wrong in `run`, and lets the rest go on. */
  noting(run) {
    return (...all) => {
      try {
        return run(...all);
      } catch (error) {
        this.wrong.push(error.message);
      }
    };
  }

  async begin() {
    this.rules = join(mkdtempSync(join(process.env.SOCKEYE_PEERS, 'recording-')), 'rules.toml');
    writeFileSync(this.rules, '');
    const kinds = DEFLATE.map((perMessageDeflate) => new WebSocketServer({ noServer: true, perMessageDeflate }));
    this.http = createServer().on('upgrade', (request, socket, head) => {
      const [, kind, number] = request.url.split('/');
      kinds[kind].handleUpgrade(request, socket, head, (peer) => this.answer(peer, this.sessions[number]));
    });
    await once(this.http.listen(0, '127.0.0.1'), 'listening');
    this.proxy = await start(`ws://127.0.0.1:${this.http.address().port}`, '--commands', '--rules', this.rules);
  }

  /** The server's end: says each message back. */
  answer(peer, session) {
    peer.on('message', this.noting((data, binary) => {
      const text = data.toString();
      if (text === INJECTED) this.injected += 1;
      else if (session.atServer.take(text)) {
        session.answered.add(JSON.parse(text).number);
        peer.send(text, { binary, compress: chance() < 0.8 });
      }
    }));
  }

  /** A session from its beginning to its end. */
  async session(kind) {
    const said = [];
    const answered = new Set();
    const isOf = (kind) => (number) => said[number].kind === kind;
    const atServer = new Arrived(said, 'server', { mayMiss: isOf('dropped'), mayRepeat: isOf('doubled') });
    const missing = (number) => isOf('dropped')(number) && !answered.has(number);
    const atClient = new Arrived(said, 'client', { mayMiss: missing, mayRepeat: () => false });
    const number = this.sessions.push({ atServer, answered }) - 1;
    const socket = new WebSocket(`ws://127.0.0.1:${this.proxy.port}/${kind}/${number}`, { perMessageDeflate: DEFLATE[kind] && { threshold: 0 } });
    await within(once(socket, 'open'), 'a session', PATIENCE);
    socket.on('message', this.noting((data) => {
      const text = data.toString();
      if (text === INJECTED) this.injected += 1;
      else atClient.take(text);
    }));
    const closed = once(socket, 'close');
    for (let left = 50 + below(400); left > 0 && !this.over; left -= 1) {
      this.say(socket, said);
      if (chance() < 0.2) await pause(below(6));
      // One alone on its way has nothing behind it that would wake its session.
      const alone = chance() < 0.1;
      if (alone || said.length - atClient.next > 60) await this.untilAllCame(atClient);
      if (alone) {
        this.say(socket, said);
        await this.untilAllCame(atClient);
      }
    }
    await this.untilAllCame(atClient);
    socket.close(1000);
    const [code] = await within(closed, 'a close', PATIENCE);
    assert.equal(code, 1000, 'the close that a client sees');
  }

  async untilAllCame(arrived) {
    for (const begun = Date.now(); !arrived.isAll() && this.wrong.length === 0; await pause(2)) {
      assert.ok(Date.now() - begun < PATIENCE * 1000, `${arrived.next} of ${arrived.said.length} messages came back`);
    }
  }

  say(socket, said) {
    const message = { number: said.length, kind: pick(KINDS), words: words() };
    said.push(message);
    this.said += 1;
    const text = JSON.stringify(message);
    if (chance() > 0.1) return socket.send(text, { compress: chance() < 0.9, binary: chance() < 0.2 });
    const cut = below(text.length);
    socket.send(text.slice(0, cut), { fin: false });
    socket.ping();
    socket.send(text.slice(cut), { fin: true });
  }

  /** Has a command done with a session, which may have ended meanwhile; gives 1 where it was done, and else 0. */
  tried(command) {
    return this.proxy.command(command).then(() => 1, () => 0);
  }

  /** Changes the rules, what is held, and what is said, until the time is over. */
  async meddle() {
    let asked = 0;
    for (const begun = Date.now(); Date.now() - begun < SECONDS * 1000; await pause(below(40))) {
      const what = chance();
      if (what < 0.35) {
        const some = RULES.filter(() => chance() < 0.3);
        writeFileSync(this.rules, some.map((rule) => `[[rule]]\n${rule}\n`).join(''));
      } else if (what < 0.6) {
        await this.proxy.command({ do: 'hold', filter: pick(HOLDS) });
      } else if (what < 0.9) {
        // Those alone that hold something: no others are to be woken by it.
        const { held } = await this.proxy.command({ do: 'list' });
        for (const session of new Set(held.map(({ session }) => session))) await this.tried({ do: 'resume', session });
      } else {
        const { sessions } = await this.proxy.command({ do: 'list' });
        const session = sessions.length > 0 && pick(sessions).session;
        const to = pick(['client', 'server']);
        if (session) asked += await this.tried({ do: 'inject', session, to, text: INJECTED });
      }
    }
    this.over = true;
    writeFileSync(this.rules, '');
    await this.proxy.command({ do: 'hold', filter: null });
    return asked;
  }

  async run() {
    await this.begin();
    const clients = Array.from({ length: SESSIONS }, async (_, at) => {
      while (!this.over) await this.session((at + this.sessions.length) % DEFLATE.length);
    });
    const asked = await this.meddle();
    await this.proxy.command({ do: 'resume' });
    const failed = (await Promise.allSettled(clients)).filter(({ reason }) => reason).map(({ reason }) => reason.message);
    assert.deepEqual([...this.wrong, ...failed].slice(0, 5), []);
    await this.proxy.ended(this.sessions.length);
    assert.ok(this.injected <= asked, `${this.injected} messages were injected of ${asked}`);
    assert.deepEqual(this.proxy.printed.filter((line) => line.includes('"type":"violation"')), []);
    assert.match(this.proxy.complaints, /^(sockeye: .*rules.toml: .* rules? holds? now\n)*$/, 'standard error');
    this.http.close();
  }
}

const soak = new Soak();
await check(`${SECONDS} s of changes, seed ${SEED}`, () => soak.run());
console.log(`        ${soak.said} messages in ${soak.sessions.length} sessions`);
process.exit();
