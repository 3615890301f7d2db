"""Live traffic of Python's websockets that is touched by commands and by rules, under deflate: held, edited, dropped and
injected; and each fault, seen as what it is."""

import asyncio
import contextlib
import os
import sys
import tempfile
import time

from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed, InvalidHeader, InvalidStatus

from check import Checks, same
from sockeye import WORK, Sockeye

check = Checks("touch-python")
WORDS = ["one one one one", "two two two two", "three three three", "four four four four"]


def answers(words):
    return [f"answer {at} to {word}" for at, word in enumerate(words, 1)]


class Heard:
    """What one end has received so far."""

    def __init__(self):
        self.messages = []
        self.last = None
        self.came = asyncio.Event()

    async def listen(self, socket, then=None):
        with contextlib.suppress(ConnectionClosed):
            async for message in socket:
                self.messages.append(message)
                self.last = time.monotonic()
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


class Noting(ClientConnection):
    """Keeps what its transport said of the connection's end, which the library does not tell."""

    def connection_lost(self, error):
        self.lost = error
        super().connection_lost(error)


class Talk:
    """A client and a server that answers each message, with context takeover both ways, and sockeye between them."""

    def __init__(self, rule=None, **options):
        self.words, self.options = ["--commands"], {"ping_interval": None, **options}
        if rule:
            file = os.path.join(tempfile.mkdtemp(prefix="recording-", dir=WORK), "rules.toml")
            with open(file, "w", encoding="utf-8") as rules:
                rules.write(f"[[rule]]\nname = 'it'\n{rule}\n")
            self.words += ["--rules", file]

    async def __aenter__(self):
        self.at_client, self.at_server = Heard(), Heard()
        opened = asyncio.get_running_loop().create_future()

        async def handle(socket):
            opened.set_result(socket)
            said = self.at_server.messages
            await self.at_server.listen(socket, lambda message: socket.send(f"answer {len(said)} to {message}"))

        async with contextlib.AsyncExitStack() as stack:
            server = await stack.enter_async_context(serve(handle, "127.0.0.1", 0, ping_interval=None))
            port = server.sockets[0].getsockname()[1]
            self.proxy = await stack.enter_async_context(Sockeye(f"ws://127.0.0.1:{port}", *self.words))
            url = f"ws://127.0.0.1:{self.proxy.port}/chat"
            self.client = await stack.enter_async_context(connect(url, proxy=None, create_connection=Noting, **self.options))
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


async def broken(rule, **options):
    """What the client hears, and how its session ends, where it says all words and a rule holds."""
    async with Talk(rule, **options) as talk:
        for word in WORDS:
            await talk.client.send(word)
        await asyncio.wait_for(talk.client.wait_closed(), 20)
        await talk.listening
        return talk.at_client.messages, talk.client.protocol.close_exc, talk.client.lost


async def heard(rule, expected, seconds=0):
    """The client hears this where a rule holds, over so many seconds at the least."""
    async with Talk(rule) as talk:
        begun = time.monotonic()
        for word in WORDS:
            await talk.client.send(word)
        await talk.at_client.count(len(expected))
        took = talk.at_client.last - begun
        # nothing else came along
        await talk.client.close(4000, "bye")
        await talk.listening
        same(talk.at_client.messages, expected, "what the client hears")
        assert took >= seconds, took


async def faults():
    one, two, three, four = answers(WORDS)
    by_server = "when = 'dir:server two'\nthen = "
    for name, rule, expected, seconds in [
        ("drop", by_server + "{ drop = true }", [one, three, four], 0),
        ("duplicate", by_server + "{ duplicate = 2 }", [one, two, two, two, three, four], 0),
        ("reorder", by_server + "{ reorder = 1 }", [one, three, two, four], 0),
        ("substitute", by_server + "{ substitute = 'o$', with = '0' }", [one, two[:-1] + "0", three, four], 0),
        ("send", by_server + "{ send = 'ours', to = 'client' }", [one, "ours", two, three, four], 0),
        ("delay", by_server + "{ delay = '300ms' }", [one, two, three, four], 0.25),
        ("stall", by_server + "{ stall = '300ms' }", [one, two, three, four], 0.25),
        ("throttle in octets", "then = { throttle = '100', from = 'server' }", [one, two, three, four], 0.2),
        ("swallow", "then = { swallow = 'both' }", [one, two, three, four], 0),
    ]:
        await check(name, lambda: heard(rule, expected, seconds))
    for name, rule, sent, received in [
        ("close with a code", by_server + "{ close = 4321, reason = 'on purpose' }", 4321, (4321, "on purpose")),
        # the library's word for what cannot be inflated
        ("corrupt", by_server + "{ corrupt = true, at = [0, 1, 2], xor = 0xff }", 1002, None),
        ("truncate", by_server + "{ truncate = 4 }", None, None),
        ("truncate, and reset", by_server + "{ truncate = 4, end = 'reset' }", None, None),
        ("reset", by_server + "{ reset = true }", None, None),
    ]:
        await check(name, lambda: ended_so(name, rule, sent, received))
    impatient = {"ping_interval": 0.2, "ping_timeout": 0.4, "close_timeout": 0.5}
    for name, rule in [
        ("swallowed pongs: keepalive fails", "then = { swallow = 'pong' }"),
        ("a stall for ever: keepalive fails", by_server + "{ stall = true }"),
    ]:
        await check(name, lambda: ended_so(name, rule, 1011, None, **impatient))
    for name, rule, error in [
        ("a refused handshake", "then = { refuse = 503, body = 'down' }", InvalidStatus),
        ("an answer without its accept", "on = 'response'\nthen = { remove-header = 'Sec-WebSocket-Accept' }", InvalidHeader),
    ]:
        await check(name, lambda: unopened(rule, error))
    await check("hold by a rule, and resumed", resumed)


async def ended_so(name, rule, sent, received, **options):
    messages, closed, lost = await broken(rule, **options)
    if "swallow" not in name:
        same(messages, answers(WORDS)[:1], "what the client hears")
    same(closed.sent and closed.sent.code, sent, "the client's close")
    same(closed.rcvd and (closed.rcvd.code, closed.rcvd.reason), received, "the close that the client got")
    same(type(lost), ConnectionResetError if "reset" in name else type(None), "the connection's end")


async def unopened(rule, error):
    try:
        async with Talk(rule):
            raise AssertionError("a session came about")
    except error as told:
        if error is InvalidStatus:
            same((told.response.status_code, told.response.body), (503, b"down"), "the answer")


async def resumed():
    async with Talk("when = 'dir:client two'\nthen = { hold = true }") as talk:
        for word in WORDS:
            await talk.client.send(word)
        await talk.at_client.count(1)
        held = await talk.proxy.wait(lambda line: line["type"] == "act" and line["act"] == "held")
        same((held["rule"], held["from"]), ("it", "client"), "what holds")
        await asyncio.wait_for(await talk.client.ping("still there?"), 20)
        same(talk.at_client.messages, answers(WORDS[:1]), "what is not held")
        await talk.proxy.command(do="resume")
        await talk.at_client.count(4)
        same(talk.at_client.messages, answers(WORDS), "what the client hears")


async def main():
    for sender in "client", "server":
        await check(f"held and edited from the {sender}, while pings flow", lambda: edited(sender))
        await check(f"held and dropped from the {sender}", lambda: dropped(sender))
    await check("injected to both ends, between compressed messages", injected)
    await faults()
    sys.exit(1 if check.failures else 0)


if __name__ == "__main__":
    asyncio.run(main())
