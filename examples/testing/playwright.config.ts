// Playwright starts the mock before the tests; the app is told of ws://127.0.0.1:9090.
import { defineConfig } from '@playwright/test';

export default defineConfig({
  webServer: {
    command: 'sockeye replay server e2e/chat.jsonl --listen 127.0.0.1:9090 --repeat --report junit=replay.xml',
    port: 9090,
    gracefulShutdown: { signal: 'SIGTERM', timeout: 5000 },
  },
});
