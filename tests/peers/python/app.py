"""A server and its client, over websockets with permessage-deflate; node/apps/python.mjs records and replays them.

app.py serve 'as it was'|changed     prints its port, and ends when its standard input does
app.py use URL                       the client's own test: ends with 0 where all is as it should be"""

import asyncio
import datetime
import json
import sys

from websockets.asyncio.client import connect
from websockets.asyncio.server import serve


async def answer(socket, changed):
    async for message in socket:
        if isinstance(message, bytes):
            await socket.send(message[::-1])
            continue
        count = json.loads(message)["rows"]
        rows = [{"row": row, "total": row * row + 5 + (changed and row == 2)} for row in range(count)]
        await socket.send(json.dumps({"rows": rows, "note": "much of the same " * 8}))


async def run_server(changed):
    async with serve(lambda socket: answer(socket, changed), "127.0.0.1", 0) as server:
        print(server.sockets[0].getsockname()[1], flush=True)
        await asyncio.to_thread(sys.stdin.read)


async def use(url):
    async with connect(f"{url}/reports", compression="deflate") as socket:
        assert "permessage-deflate" in socket.response.headers["Sec-WebSocket-Extensions"]
        asked = datetime.datetime.now(datetime.timezone.utc).isoformat()
        await socket.send(json.dumps({"rows": 4, "asked": asked}))
        report = json.loads(await socket.recv())
        assert [row["total"] for row in report["rows"]] == [5, 6, 9, 14], report
        await socket.send(b"\x00\x01\xff" * 20)
        assert await socket.recv() == b"\xff\x01\x00" * 20


WHAT, WORD = sys.argv[1:]
asyncio.run(asyncio.wait_for(run_server(WORD == "changed") if WHAT == "serve" else use(WORD), 60))
