// Checks that print one line each; the process fails when one of them did.

import { basename } from 'node:path';

const part = basename(process.argv[1], '.mjs');

/** Runs one check and says how it came out. */
export async function check(name, run) {
  try {
    await run();
    console.log(`ok      ${part}: ${name}`);
  } catch (error) {
    process.exitCode = 1;
    const reason = String(error?.message ?? error).split('\n').slice(0, 40).join('\n          ');
    console.log(`FAILED  ${part}: ${name}\n          ${reason}`);
    if (process.env.SOCKEYE_PEERS_TRACE) console.log(error?.stack);
  }
}

process.on('unhandledRejection', (error) => {
  console.log(`FAILED  ${part}: nobody waited for this: ${error?.stack ?? error}`);
  process.exit(1);
});
