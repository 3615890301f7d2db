"""Checks that print one line each."""

import asyncio
import os
import traceback


class Checks:
    """The checks of one part."""

    def __init__(self, part):
        self.part = part
        self.failures = 0

    async def __call__(self, name, run):
        """Runs one check and says how it came out."""
        try:
            await asyncio.wait_for(run(), 60)
            print(f"ok      {self.part}: {name}", flush=True)
        except Exception as error:  # whatever went wrong is the reason
            self.failures += 1
            reason = f"{type(error).__name__}: {error}"[:2000].replace("\n", "\n          ")
            print(f"FAILED  {self.part}: {name}\n          {reason}", flush=True)
            if os.environ.get("SOCKEYE_PEERS_TRACE"):
                traceback.print_exc()


def same(seen, expected, what):
    assert seen == expected, f"{what}: {seen!r:.600} and not {expected!r:.600}"
