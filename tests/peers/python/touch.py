"""Live traffic of Python's websockets that is touched by commands: held, edited, dropped and injected under deflate."""

import asyncio
import contextlib
import sys

from websockets.asyncio.client import connect
from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed

from check import Checks, same
from sockeye import Sockeye

check = Checks("touch-python")
WORDS = ["one one one one", "two two two two", "three three three", "four four four four"]


def answers(words):
    return [f"answer {at} to {word}" for at, word in enumerate(words, 1)]


class Heard:
    """What one end has received so far."""

    def __init__(self):
        self.messages = []
        self.came = asyncio.Event()

    async def listen(self, socket, then=None):
        with contextlib.suppress(ConnectionClosed):
            async for message in socket:
                self.messages.append(message)
                self.came.set()
                if then:
                    await then(message)

    async def count(self, count):
        """Waits until there are so many."""
        while len(self.messages) < count:
            self.came.clear()
            try:
                await asyncio.wait_for(self.came.wait(), 20)
            except TimeoutError:
                raise AssertionError(f"waited for message {count} behind {self.messages}") from None


class Talk:
    """A client and a server that answers each message, with context takeover both ways, and sockeye between them."""

    async def __aenter__(self):
        self.at_client, self.at_server = Heard(), Heard()
        opened = asyncio.get_running_loop().create_future()

        async def handle(socket):
            opened.set_result(socket)
            said = self.at_server.messages
            await self.at_server.listen(socket, lambda message: socket.send(f"answer {len(said)} to {message}"))

        async with contextlib.AsyncExitStack() as stack:
            server = await stack.enter_async_context(serve(handle, "127.0.0.1", 0))
            port = server.sockets[0].getsockname()[1]
            self.proxy = await stack.enter_async_context(Sockeye(f"ws://127.0.0.1:{port}", "--commands"))
            self.client = await stack.enter_async_context(connect(f"ws://127.0.0.1:{self.proxy.port}/chat", proxy=None))
            self.server = await opened
            self.listening = asyncio.create_task(self.at_client.listen(self.client))
            agreed = self.client.response.headers["Sec-WebSocket-Extensions"]
            assert agreed.startswith("permessage-deflate") and "takeover" not in agreed, agreed
            self.stack = stack.pop_all()
        return self

    async def __aexit__(self, *error):
        await self.stack.__aexit__(*error)

    async def until_held(self, sender):
        """The session has begun, and the second message of what it says is held; gives the number of what is held."""
        await self.client.send(WORDS[0])
        await self.at_client.count(1)
        await self.proxy.command(do="hold", filter=f"from:{sender} two")
        for word in WORDS[1:]:
            await self.client.send(word)
        held = await self.proxy.wait(lambda line: line["type"] == "act" and line["act"] == "held")
        same(held["from"], sender, "whose message is held")
        return held["held"]

    async def ended(self, acts):
        """What follows is read right; the recording has no violation, and these acts of the user."""
        count = len(self.at_client.messages)
        await self.client.send("and after that")
        await self.at_client.count(count + 1)
        last = f"answer {len(self.at_server.messages)} to and after that"
        same((self.at_server.messages[-1], self.at_client.messages[-1]), ("and after that", last), "what follows")
        await self.client.close(4000, "bye")
        await self.listening
        await self.proxy.ended()
        lines = self.proxy.lines
        same([line for line in lines if line["type"] == "violation"], [], "violations")
        same([(line["act"], line["from"], line["by"]) for line in lines if line["type"] == "act"], acts, "acts")
        closes = [(line["from"], line["code"]) for line in lines if line["type"] == "close"]
        same(closes, [("client", 4000), ("server", 4000)], "close frames")


async def edited(sender):
    async with Talk() as talk:
        held = await talk.until_held(sender)
        # both ends still hear each other's pings
        for end in talk.client, talk.server:
            await asyncio.wait_for(await end.ping("still there?"), 20)
        same(talk.at_client.messages, answers(WORDS[:1]), "what is not held")
        await talk.proxy.command(do="edit", held=held, text="edited by hand")
        await talk.at_client.count(4)
        if sender == "client":
            expected = answers([WORDS[0], "edited by hand", *WORDS[2:]])
        else:
            expected = answers(WORDS)
            expected[1] = "edited by hand"
        same(talk.at_client.messages, expected, "what the client hears")
        await talk.ended([("held", sender, "user"), ("edited", sender, "user")])


async def dropped(sender):
    async with Talk() as talk:
        await talk.proxy.command(do="drop", held=await talk.until_held(sender))
        await talk.at_client.count(3)
        without = [WORDS[0], *WORDS[2:]]
        if sender == "client":
            same(talk.at_server.messages, without, "what the server hears")
            same(talk.at_client.messages, answers(without), "what the client hears")
        else:
            same(talk.at_server.messages, WORDS, "what the server hears")
            same(talk.at_client.messages, [answers(WORDS)[at] for at in (0, 2, 3)], "what the client hears")
        await talk.ended([("held", sender, "user"), ("dropped", sender, "user")])


async def injected():
    async with Talk() as talk:
        await talk.client.send(WORDS[0])
        await talk.at_client.count(1)
        await talk.proxy.command(do="inject", session=1, to="client", text="to the client")
        await talk.at_client.count(2)
        pieces = [{"text": "to the ", "fin": False}, {"op": "continuation", "text": "server"}]
        await talk.proxy.command(do="inject", session=1, to="server", frames=pieces)
        await talk.at_client.count(3)
        same(talk.at_server.messages, [WORDS[0], "to the server"], "what the server hears")
        expected = ["answer 1 to one one one one", "to the client", "answer 2 to to the server"]
        same(talk.at_client.messages, expected, "what the client hears")
        await talk.ended([])
        same([line["injected"] for line in talk.proxy.lines if "injected" in line], ["user", "user"], "who injected")


async def main():
    for sender in "client", "server":
        await check(f"held and edited from the {sender}, while pings flow", lambda: edited(sender))
        await check(f"held and dropped from the {sender}", lambda: dropped(sender))
    await check("injected to both ends, between compressed messages", injected)
    sys.exit(1 if check.failures else 0)


if __name__ == "__main__":
    asyncio.run(main())
