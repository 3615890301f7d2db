"""A pytest fixture: `def test_chat(replay): url = replay("chat.jsonl", "--ignore", "$.ts")`."""

import json
import subprocess

import pytest


@pytest.fixture
def replay():
    mocks = []

    def start(recording, *options):
        command = ["sockeye", "replay", "server", recording, "--output", "json", "--end-with-stdin", *options]
        mock = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        mocks.append(mock)
        return json.loads(mock.stdout.readline())["url"]

    yield start
    for mock in mocks:
        told, _ = mock.communicate(timeout=30)
        assert mock.returncode == 0, told
