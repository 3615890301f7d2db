// Playwright starts the mock before the tests, which plays the page and its socket; replay.xml says what was otherwise.
import { defineConfig } from '@playwright/test';

export default defineConfig({
  testMatch: '*.spec.ts',
  use: { baseURL: 'http://127.0.0.1:9090', launchOptions: { executablePath: process.env.CHROMIUM } },
  webServer: {
    command: 'sockeye replay server chat.jsonl --listen 127.0.0.1:9090 --repeat --report junit=replay.xml',
    port: 9090,
    gracefulShutdown: { signal: 'SIGTERM', timeout: 5000 },
  },
});
