// A recording exported as HAR, loaded into Chromium's own DevTools by its button for that: the network panel lists the
// session among the requests, and shows its messages.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

import { chromium } from 'playwright-core';

import { check } from './check.mjs';
import { run } from './secure.mjs';
import { within } from './sockeye.mjs';

const { SOCKEYE_BIN, SOCKEYE_CHROMIUM, SOCKEYE_PEERS, SOCKEYE_SOURCES } = process.env;
const folder = mkdtempSync(join(SOCKEYE_PEERS, 'recording-'));

/** Chromium, which serves its DevTools as a page; gives its port. */
async function debugged() {
  const words = ['--headless', '--no-sandbox', '--disable-gpu', `--user-data-dir=${folder}`, '--remote-debugging-port=0', '--remote-allow-origins=*'];
  const browser = spawn(SOCKEYE_CHROMIUM, [...words, 'about:blank'], { stdio: ['ignore', 'ignore', 'pipe'] });
  process.on('exit', () => browser.kill('SIGKILL'));
  const port = new Promise((resolve) => {
    createInterface({ input: browser.stderr }).on('line', (line) => {
      const listening = /DevTools listening on ws:\/\/127\.0\.0\.1:(\d+)/.exec(line);
      if (listening) resolve(listening[1]);
    });
  });
  return within(port, 'Chromium to listen');
}

await check('DevTools show the messages of an exported session', async () => {
  const har = join(folder, 'page.har');
  const { code, complaints } = await run(SOCKEYE_BIN, ['export', join(SOCKEYE_SOURCES, '../data/replay/page.jsonl'), har]);
  assert.equal(code, 0, complaints);
  const port = await debugged();
  const targets = await (await fetch(`http://127.0.0.1:${port}/json/list`)).json();
  const { id } = targets.find(({ type }) => type === 'page');
  const browser = await chromium.connectOverCDP(`http://127.0.0.1:${port}`);
  const page = await browser.contexts()[0].newPage();
  await page.setViewportSize({ width: 1400, height: 1000 });
  await page.goto(`http://127.0.0.1:${port}/devtools/devtools_app.html?ws=127.0.0.1:${port}/devtools/page/${id}&panel=network`);
  const chosen = page.waitForEvent('filechooser');
  await page.getByLabel(/Import HAR/i).first().click();
  await (await chosen).setFiles(har);
  const row = page.locator('.network-log-grid tr', { hasText: 'websocket' });
  await row.first().waitFor();
  const names = await page.locator('.network-log-grid td.name-column').allTextContents();
  assert.deepEqual(names.map((name) => name.replace(/127\.0\.0\.1(\/rooms)?$/, '')).filter(Boolean).slice(-3), ['config.json', '7', 'notices']);
  await row.locator('td.name-column').first().click();
  await page.locator('.tabbed-pane-header-tab', { hasText: 'Messages' }).click();
  const shown = page.locator('td.data-column');
  await shown.nth(2).waitFor();
  const messages = await shown.allTextContents();
  const [said, ...heard] = messages.filter(Boolean);
  assert.match(said, /^\{"say":"hello","at":\d+\}$/);
  assert.deepEqual(heard, ['{"heard":"hello","users":3}', 'Binary message']);
});
process.exit();
