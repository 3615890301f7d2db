"""Starts the real sockeye, and reads what it recorded."""

import asyncio
import base64
import json
import os
import signal
import ssl
import subprocess
import tempfile

BINARY = os.environ["SOCKEYE_BIN"]
WORK = os.environ["SOCKEYE_PEERS"]


class Sockeye:
    """A running sockeye: `server` is where all goes (reverse), or None (forward)."""

    def __init__(self, server=None, *options):
        self.server = server
        self.options = options
        self.file = os.path.join(tempfile.mkdtemp(prefix="recording-", dir=WORK), "recording.jsonl")
        self.lines = []
        self.asked = 0

    async def __aenter__(self):
        words = [self.server] if self.server else []
        words += ["--listen", "127.0.0.1:0", "--headless", "--output", "json", "--record", self.file, *self.options]
        self.process = await asyncio.create_subprocess_exec(
            BINARY, *words, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=1 << 28
        )
        first = await self.line()
        self.port = int(first["listen"].rsplit(":", 1)[1])
        return self

    async def line(self):
        text = await asyncio.wait_for(self.process.stdout.readline(), 20)
        assert text, "sockeye ended"
        self.lines.append(json.loads(text))
        return self.lines[-1]

    async def wait(self, wanted):
        """The first line that is wanted, printed already or to come."""
        for line in self.lines:
            if wanted(line):
                return line
        while not wanted(await self.line()):
            pass
        return self.lines[-1]

    async def command(self, **command):
        """Sends a command, where it was started to take them, and waits for its answer."""
        self.asked += 1
        self.process.stdin.write(json.dumps({"id": self.asked, **command}).encode() + b"\n")
        answer = await self.wait(lambda line: line["type"] == "answer" and line["id"] == self.asked)
        assert answer["ok"], answer["error"]

    async def refused_ours(self):
        """Waits until it says that a client refused its certificate."""
        while "trust the Sockeye CA" not in (self.lines[-1].get("error") or ""):
            await self.line()

    async def ended(self, count=1):
        """Waits until so many sessions have ended."""
        while sum(line["type"] == "end" for line in self.lines) < count:
            await self.line()

    async def __aexit__(self, *_):
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGTERM)
        await asyncio.wait_for(self.process.stdout.read(), 20)
        await self.process.wait()

    def recording(self):
        """What it recorded, once it has ended."""
        assert self.process.returncode == 0, f"exit code {self.process.returncode}"
        with open(self.file, encoding="utf-8") as lines:
            return [json.loads(line) for line in lines]

    def session(self):
        """The lines of the one session that there was, `open` first."""
        lines = self.recording()
        opened = [line for line in lines if line["type"] == "open"]
        assert len(opened) == 1, f"{len(opened)} sessions"
        return [line for line in lines if line.get("session") == opened[0]["session"]]


def certificate(name):
    """A file of the test certificates."""
    return os.path.join(os.environ["SOCKEYE_CERTS"], name)


def trusting(authority):
    """What a client speaks TLS by that trusts this authority alone."""
    return ssl.create_default_context(cafile=authority)


def sockeye_ca():
    """The file of sockeye's own authority, made where there is none yet."""
    return subprocess.run([BINARY, "ca", "path"], check=True, capture_output=True, text=True).stdout.strip()


def payload(line):
    """What a message, ping or pong carried."""
    if "json" in line:
        return json.dumps(line["json"], separators=(",", ":"), ensure_ascii=False).encode()
    if "text" in line:
        return line["text"].encode()
    return base64.b64decode(line["base64"])


def messages(lines, sender):
    """The data messages of one side: (op, payload)."""
    return [(line["op"], payload(line)) for line in lines if line["type"] == "message" and line["from"] == sender]
