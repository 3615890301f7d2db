"""Python's websockets, aiohttp and websocket-client: each sees through sockeye what it sees without, by its own support
of proxies where it has any, and sockeye records what was said."""

import asyncio
import contextlib
import logging
import os
import ssl
import sys
import unittest.mock

import aiohttp
import aiohttp.web
import websocket
from websockets.asyncio.client import connect
from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory, ServerPerMessageDeflateFactory

from check import Checks, same
from sockeye import Sockeye, certificate, messages, payload, sockeye_ca, trusting

OCTETS = bytes(at * 167 % 256 for at in range(70_000))
TEXT = "Füße ✓ 🦈 " * 5_000
CLIENT_SAYS = [("text", b"hello"), ("text", b""), ("binary", OCTETS), ("text", TEXT.encode()), ("text", b"in three pieces")]
# made before the first sockeye starts: TLS is opened where there is one
OURS = sockeye_ca()
check = Checks("python")

# Each way: how sockeye is started for a server's port, and what the client connects to: (URL, proxy).
WAYS = {
    "reverse": lambda server: (f"ws://127.0.0.1:{server}", lambda port: (f"ws://127.0.0.1:{port}", None)),
    "connect": lambda server: (None, lambda port: (f"ws://127.0.0.1:{server}", f"http://127.0.0.1:{port}")),
    "socks5": lambda server: (None, lambda port: (f"ws://127.0.0.1:{server}", f"socks5h://127.0.0.1:{port}")),
}


# ---- websockets ----

DEFLATE = {
    "no deflate": (None, None, None),
    "deflate": (ServerPerMessageDeflateFactory(), ClientPerMessageDeflateFactory(), "permessage-deflate"),
    "deflate without context takeover": (
        ServerPerMessageDeflateFactory(server_no_context_takeover=True, client_no_context_takeover=True),
        ClientPerMessageDeflateFactory(),
        "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
    ),
    "deflate with small windows": (
        ServerPerMessageDeflateFactory(server_max_window_bits=9, client_max_window_bits=9),
        ClientPerMessageDeflateFactory(server_max_window_bits=11),
        "permessage-deflate; server_max_window_bits=9; client_max_window_bits=9",
    ),
}


class EchoServer:
    """A server that says everything back, in two pieces if it is long, and keeps what it saw."""

    def __init__(self, deflate, tls=None):
        self.deflate = deflate
        self.tls = tls
        self.seen = asyncio.Queue()

    async def handle(self, socket):
        seen = {"path": socket.request.path, "messages": []}
        seen["headers"] = [
            (name, value) for name, value in socket.request.headers.raw_items() if name != "Sec-WebSocket-Key"
        ]
        with contextlib.suppress(ConnectionClosed):
            async for message in socket:
                seen["messages"].append(message)
                half = len(message) // 2
                await socket.send([message[:half], message[half:]] if half > 1000 else message)
                if message == "you close":
                    await socket.close(1011, "the server's fault")
        seen["close"] = (socket.close_code, socket.close_reason)
        await self.seen.put(seen)

    async def __aenter__(self):
        extensions = [self.deflate] if self.deflate else None
        self.server = await serve(
            self.handle, "127.0.0.1", 0, compression=None, extensions=extensions, subprotocols=["two", "one"],
            server_header=None, process_response=self.undated, ssl=self.tls,
        )
        self.port = self.server.sockets[0].getsockname()[1]
        return self

    @staticmethod
    def undated(_connection, _request, response):
        del response.headers["Date"]
        return response

    async def __aexit__(self, *_):
        self.server.close()
        await self.server.wait_closed()


async def dialogue(url, proxy, server, deflate, last, tls=None):
    """One session; gives what both ends saw."""
    seen = {"messages": []}
    extensions = [deflate] if deflate else None
    async with connect(
        f"{url}/chat?a=1", proxy=proxy, compression=None, extensions=extensions, subprotocols=["one", "two"],
        additional_headers=[("X-Twice", "1"), ("X-Twice", "2")], user_agent_header=None, **({"ssl": tls} if tls else {}),
    ) as socket:
        seen["subprotocol"] = socket.subprotocol
        seen["headers"] = [item for item in socket.response.headers.raw_items() if item[0] != "Sec-WebSocket-Accept"]
        for message in ["hello", "", OCTETS, TEXT, ["in ", "three ", "pieces"]]:
            await socket.send(message)
            seen["messages"].append(await socket.recv())
        await (await socket.ping(b"are you there"))
        if last == "the server closes":
            await socket.send("you close")
            seen["messages"].append(await socket.recv())
            await socket.wait_closed()
        elif last == "the client closes":
            await socket.close(4000, "bye ✓")
        else:
            socket.transport.abort()
            await socket.wait_closed()
    seen["close"] = (socket.close_code, socket.close_reason)
    return seen, await server.seen.get()


async def websockets_through(way, deflates, last):
    from_server, from_client, agreed = deflates
    async with EchoServer(from_server) as server:
        expected = await dialogue(f"ws://127.0.0.1:{server.port}", None, server, from_client, last)
        target, how = WAYS[way](server.port)
        async with Sockeye(target) as proxy:
            url, through = how(proxy.port)
            seen = await dialogue(url, through, server, from_client, last)
            await proxy.ended()
    replace_port(expected, server.port, "PORT")
    for view in seen, expected:
        replace_port(view, server.port, "PORT")
    same(seen, expected, "what both ends see")
    lines = proxy.session()
    said = CLIENT_SAYS + ([("text", b"you close")] if last == "the server closes" else [])
    compare(lines, way, agreed, said)
    pings = [(line["type"], line["from"], payload(line)) for line in lines if line["type"] in ("ping", "pong")]
    same(pings, [("ping", "client", b"are you there"), ("pong", "server", b"are you there")], "ping and pong")
    closes = [(line["from"], line["code"], line["reason"]) for line in lines if line["type"] == "close"]
    wanted = {
        "the client closes": [("client", 4000, "bye ✓"), ("server", 4000, "bye ✓")],
        "the server closes": [("server", 1011, "the server's fault"), ("client", 1011, "the server's fault")],
        "the client resets": [],
    }
    same(closes, wanted[last], "close frames")
    frames = [line["frames"] for line in lines if line.get("op") == "text" and line["from"] == "client" and "frames" in line]
    same([len(of) for of in frames], [4], "the pieces of the one message in pieces")


def replace_port(views, port, word):
    for view in views:
        view["headers"] = [(name, value.replace(str(port), word)) for name, value in view["headers"]]


def compare(lines, mode, agreed, said):
    """A recorded session against what was said, and said back."""
    opened = lines[0]
    same(opened["mode"], mode, "mode")
    same(opened["subprotocol"], "two", "subprotocol")
    same(opened["extensions"], agreed, "extensions")
    same([line for line in lines if line["type"] == "violation"], [], "violations")
    for sender in "client", "server":
        same(messages(lines, sender), said, f"what the {sender} said")
    for line in lines:
        if line["type"] == "message" and len(payload(line)) > 100:
            same("compressed" in line, agreed is not None, "compressed")


async def refused(way):
    """The server refuses: the client learns it, with the body."""

    async def refuse(connection, _request):
        return connection.respond(401, "no token\n")

    async with serve(lambda _: None, "127.0.0.1", 0, process_request=refuse) as server:
        port = server.sockets[0].getsockname()[1]
        target, how = WAYS[way](port)
        async with Sockeye(target) as proxy:
            url, through = how(proxy.port)
            try:
                await connect(url, proxy=through)
                raise AssertionError("not refused")
            except InvalidStatus as error:
                same((error.response.status_code, error.response.body), (401, b"no token\n"), "the refusal")
    lines = [line for line in proxy.recording() if line["type"] == "refused"]
    same([line["response"]["body"] for line in lines], ["no token\n"], "the refusal's body")


async def from_environment():
    """Nothing said in the code: http_proxy from the environment, as `sockeye run` will set it."""
    async with EchoServer(None) as server, Sockeye() as proxy:
        os.environ["ws_proxy"] = os.environ["http_proxy"] = f"http://127.0.0.1:{proxy.port}"
        os.environ["no_proxy"] = ""
        try:
            seen, _ = await dialogue(f"ws://127.0.0.1:{server.port}", True, server, None, "the client closes")
        finally:
            for name in "ws_proxy", "http_proxy", "no_proxy":
                del os.environ[name]
        await proxy.ended()
    same(seen["close"], (4000, "bye ✓"), "the close")
    compare(proxy.session(), "connect", None, CLIENT_SAYS)


# ---- the same behind TLS ----

SECURE_WAYS = {
    "reverse": lambda server: (f"wss://localhost:{server}", lambda port: (f"wss://localhost:{port}", None)),
    "connect": lambda server: (None, lambda port: (f"wss://localhost:{server}", f"http://127.0.0.1:{port}")),
    "socks5": lambda server: (None, lambda port: (f"wss://localhost:{server}", f"socks5h://127.0.0.1:{port}")),
}


def server_tls():
    """What a server speaks TLS by."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate("good.pem"), certificate("good.key"))
    return tls


def proxy_to(target=None):
    """A sockeye that trusts the server."""
    return Sockeye(target, "--server-ca", certificate("ca.pem"))


async def websockets_over_tls(way):
    """The client trusts sockeye's authority alone, so the certificate that it gets is sockeye's."""
    from_server, from_client, agreed = DEFLATE["deflate"]
    async with EchoServer(from_server, server_tls()) as server:
        direct = f"wss://localhost:{server.port}"
        theirs = trusting(certificate("ca.pem"))
        expected = await dialogue(direct, None, server, from_client, "the client closes", theirs)
        target, how = SECURE_WAYS[way](server.port)
        async with proxy_to(target) as proxy:
            url, through = how(proxy.port)
            seen = await dialogue(url, through, server, from_client, "the client closes", trusting(OURS))
            await proxy.ended()
    for view in (*seen, *expected):
        replace_port([view], server.port, "PORT")
    same(seen, expected, "what both ends see")
    compare(proxy.session(), way, agreed, CLIENT_SAYS)


async def environment_over_tls():
    """Nothing said in the code: the proxy and the roots are the environment's."""
    async with EchoServer(None, server_tls()) as server, proxy_to() as proxy:
        words = {"https_proxy": f"http://127.0.0.1:{proxy.port}", "no_proxy": "", "SSL_CERT_FILE": OURS}
        words["SSL_CERT_DIR"] = "/nowhere"
        with unittest.mock.patch.dict(os.environ, words):
            await dialogue(f"wss://localhost:{server.port}", True, server, None, "the client closes")
        await proxy.ended()
    compare(proxy.session(), "connect", None, CLIENT_SAYS)


async def untrusted(way):
    """The client does not trust sockeye's authority: it says so, and so does sockeye."""
    async with EchoServer(None, server_tls()) as server:
        target, how = SECURE_WAYS[way](server.port)
        async with proxy_to(target) as proxy:
            url, through = how(proxy.port)
            # websockets trips over a proxy's connection that ends so early, in a callback of its own
            logging.disable()
            try:
                await connect(url, proxy=through, ssl=trusting(certificate("ca.pem")))
                raise AssertionError("not refused")
            except ssl.SSLCertVerificationError as error:
                assert "certificate verify failed" in str(error), str(error)
                await proxy.refused_ours()
            finally:
                logging.disable(logging.NOTSET)


# ---- aiohttp ----


async def aiohttp_server(tls=None):
    """A server that says everything back; gives its runner and its port."""

    async def handle(request):
        socket = aiohttp.web.WebSocketResponse(protocols=["two", "one"])
        await socket.prepare(request)
        async for message in socket:
            if message.type == aiohttp.WSMsgType.TEXT:
                await socket.send_str(message.data)
            elif message.type == aiohttp.WSMsgType.BINARY:
                await socket.send_bytes(message.data)
        return socket

    app = aiohttp.web.Application()
    app.router.add_get("/chat", handle)
    runner = aiohttp.web.AppRunner(app)
    await runner.setup()
    site = aiohttp.web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
    await site.start()
    return runner, site._server.sockets[0].getsockname()[1]


async def aiohttp_through(way, window, secure=False):
    runner, port = await aiohttp_server(server_tls() if secure else None)
    target, how = (SECURE_WAYS if secure else WAYS)[way](port)
    options = {"ssl": trusting(OURS)} if secure else {}
    try:
        async with proxy_to(target) as proxy, aiohttp.ClientSession() as session:
            url, through = how(proxy.port)
            got = []
            async with session.ws_connect(f"{url}/chat", proxy=through, compress=window, protocols=["two"], **options) as socket:
                for op, data in CLIENT_SAYS:
                    await (socket.send_str(data.decode()) if op == "text" else socket.send_bytes(data))
                    answer = await socket.receive()
                    got.append((answer.type.name.lower(), answer.data.encode() if op == "text" else answer.data))
                same(socket.protocol, "two", "subprotocol")
                await socket.close(code=4000, message=b"bye")
            same(got, CLIENT_SAYS, "what came back")
            await proxy.ended()
    finally:
        await runner.cleanup()
    lines = proxy.session()
    # aiohttp asks an HTTP proxy for a ws:// server in absolute form
    mode = "absolute" if way == "connect" and not secure else way
    agreed = lines[0]["extensions"]
    assert (agreed or "").startswith("permessage-deflate") == bool(window), f"extensions: {agreed}"
    same(lines[0]["mode"], mode, "mode")
    same([line for line in lines if line["type"] == "violation"], [], "violations")
    for sender in "client", "server":
        same(messages(lines, sender), CLIENT_SAYS, f"what the {sender} said")
    closes = [(line["from"], line["code"], line["reason"]) for line in lines if line["type"] == "close"]
    same(closes, [("client", 4000, "bye"), ("server", 1000, "")], "close frames")


# ---- websocket-client ----


async def websocket_client_through(way, secure=False):
    def talk(url, proxy):
        options = {"sslopt": {"ca_certs": OURS}} if secure else {}
        if proxy:
            kind, _, place = proxy.partition("://")
            host, port = place.split(":")
            options |= {"http_proxy_host": host, "http_proxy_port": int(port), "proxy_type": kind}
        socket = websocket.create_connection(f"{url}/chat", subprotocols=["two"], timeout=20, http_no_proxy=[""], **options)
        got = []
        for op, data in CLIENT_SAYS:
            socket.send(data, websocket.ABNF.OPCODE_TEXT if op == "text" else websocket.ABNF.OPCODE_BINARY)
            opcode, answer = socket.recv_data()
            got.append(("text" if opcode == websocket.ABNF.OPCODE_TEXT else "binary", answer))
        socket.close(4000, b"bye")
        return got

    async with EchoServer(None, server_tls() if secure else None) as server:
        target, how = (SECURE_WAYS if secure else WAYS)[way](server.port)
        async with proxy_to(target) as proxy:
            same(await asyncio.to_thread(talk, *how(proxy.port)), CLIENT_SAYS, "what came back")
            await proxy.ended()
    compare(proxy.session(), way, None, CLIENT_SAYS)


async def main():
    for name, deflates in DEFLATE.items():
        for way in WAYS:
            await check(f"websockets, {name}, {way}", lambda: websockets_through(way, deflates, "the client closes"))
    for last in "the server closes", "the client resets":
        for way in WAYS:
            await check(f"websockets, {last}, {way}", lambda: websockets_through(way, DEFLATE["deflate"], last))
    for way in WAYS:
        await check(f"websockets, refused, {way}", lambda: refused(way))
    await check("websockets, the environment's proxy", from_environment)
    for way in "reverse", "connect":
        for window in 0, 15, 9:
            words = f"deflate, window of {window} bits" if window else "no deflate"
            await check(f"aiohttp, {words}, {way.replace('connect', 'absolute form')}", lambda: aiohttp_through(way, window))
    for way in "reverse", "connect":
        await check(f"websocket-client, {way}", lambda: websocket_client_through(way))
    for way in SECURE_WAYS:
        await check(f"websockets, wss, {way}", lambda: websockets_over_tls(way))
        await check(f"websockets, wss, our CA not trusted, {way}", lambda: untrusted(way))
    await check("websockets, wss, the environment's proxy and roots", environment_over_tls)
    for way in "reverse", "connect":
        await check(f"aiohttp, wss, {way}", lambda: aiohttp_through(way, 15, secure=True))
        await check(f"websocket-client, wss, {way}", lambda: websocket_client_through(way, secure=True))
    sys.exit(1 if check.failures else 0)


if __name__ == "__main__":
    asyncio.run(main())
