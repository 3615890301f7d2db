"""A program as people write them, with no word of a proxy: node/run.mjs runs it through `sockeye run`.

run.py CLIENT URL     says hello, hears it, closes; ends with 0 where all was as it should be"""

import asyncio
import sys
import urllib.request

import aiohttp
import websocket
import websockets


async def with_websockets(url):
    async with websockets.connect(url) as socket:
        await socket.send("hello")
        assert await socket.recv() == "hello"
        await socket.close(4000, "done")


async def with_aiohttp(url):
    async with aiohttp.ClientSession(trust_env=True) as session, session.ws_connect(url) as socket:
        await socket.send_str("hello")
        assert await socket.receive_str() == "hello"
        await socket.close(code=4000, message=b"done")


async def with_websocket_client(url):
    socket = websocket.create_connection(url)
    socket.send("hello")
    assert socket.recv() == "hello"
    socket.close(4000, b"done")


async def with_urllib(url):
    with urllib.request.urlopen(url.replace("ws", "http")) as answer:
        assert answer.read() == b"a page"


CLIENTS = {
    "websockets": with_websockets,
    "aiohttp": with_aiohttp,
    "websocket-client": with_websocket_client,
    "urllib": with_urllib,
}
asyncio.run(asyncio.wait_for(CLIENTS[sys.argv[1]](sys.argv[2]), 30))
