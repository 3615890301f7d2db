import json
import uuid

from websockets.sync.client import connect


def test_chat(replay):
    with connect(replay("chat.jsonl") + "/chat") as socket:
        socket.send(json.dumps({"id": str(uuid.uuid4()), "say": "hello"}))
        assert json.loads(socket.recv())["heard"] == "hello"
