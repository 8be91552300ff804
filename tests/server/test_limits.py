"""Slow, greedy and malformed clients, over sockets of their own: none holds what others need."""

from __future__ import annotations

import asyncio
import contextlib
import json
import select
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass

import httpx2
import pytest
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from server.limits import Limits
from server.settings import Settings
from tests.support.running_server import RunningServer, eventually
from tools.workspace.layout import Workspace, open_workspace

SLOW_S = 0.5
CONNECTIONS = 16
# Well above what the server waits for, on a machine that has other work.
PATIENCE_S = 20.0
HEAD = b"GET /v1/models HTTP/1.1\r\nHost: localhost\r\n"


@pytest.fixture(scope="module")
def impatient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    ws = open_workspace(tmp_path_factory.mktemp("impatient") / "afina")
    with RunningServer(ws, slow_client_s=SLOW_S, keep_alive_s=1, max_connections=CONNECTIONS) as running:
        eventually(lambda: running.health()["mcp"] == "ready")
        yield running


@dataclass
class Told:
    """What came before the server closed: nothing is status 0."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def code(self) -> str:
        return str(json.loads(self.body)["error"]["code"])


class Raw:
    """A connection, byte by byte."""

    def __init__(self, server: RunningServer, receive_buffer: int | None = None) -> None:
        host, _, port = server.url.removeprefix("http://").rpartition(":")
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(PATIENCE_S)
        self.socket.connect((host, int(port)))

    def __enter__(self) -> Raw:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def trickle(self, data: bytes) -> None:
        """A byte at a time, never as slow as the limit between two, until the server has had enough."""
        deadline = time.monotonic() + PATIENCE_S
        self.socket.settimeout(SLOW_S / 5)
        with contextlib.suppress(OSError):
            while time.monotonic() < deadline:
                self.send(data)
                with contextlib.suppress(TimeoutError):
                    if self.socket.recv(1, socket.MSG_PEEK) is not None:
                        break
        self.socket.settimeout(PATIENCE_S)

    def until_closed(self) -> Told:
        received = b""
        with contextlib.suppress(ConnectionResetError):
            while piece := self.socket.recv(65536):
                received += piece
        return _parsed(received)

    def answer(self) -> Told:
        """One answer on a connection that stays open."""
        received = b""
        while b"\r\n\r\n" not in received:
            received += self.socket.recv(65536)
        told = _parsed(received)
        while len(told.body) < int(told.headers["content-length"]):
            told.body += self.socket.recv(65536)
        return told


def _parsed(received: bytes) -> Told:
    head, _, body = received.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
    return Told(int(lines[0].split()[1]) if received else 0, headers, body)


def test_headers_that_never_end_are_a_408(impatient: RunningServer) -> None:
    began = time.monotonic()
    with Raw(impatient) as raw:
        raw.send(HEAD + b"X-Slow: ")
        raw.trickle(b"a")
        told = raw.until_closed()
    assert (told.status, told.code) == (408, "request_timeout")
    assert told.headers["x-request-id"]
    assert time.monotonic() - began < PATIENCE_S


def test_a_connection_that_says_nothing_is_closed(impatient: RunningServer) -> None:
    with Raw(impatient) as raw:
        assert raw.until_closed().status == 0


def test_an_idle_kept_connection_is_closed(impatient: RunningServer) -> None:
    with Raw(impatient) as raw:
        raw.send(HEAD + b"\r\n")
        assert raw.answer().status == 200
        assert raw.until_closed().status == 0


def test_a_second_request_on_a_kept_connection_is_as_bounded_as_the_first(impatient: RunningServer) -> None:
    with Raw(impatient) as raw:
        raw.send(HEAD + b"\r\n")
        assert raw.answer().status == 200
        raw.send(b"GET /v1")
        raw.trickle(b"x")
        assert raw.until_closed().status == 408


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/mcp"])
def test_a_body_that_comes_too_slowly_is_a_408(impatient: RunningServer, path: str) -> None:
    with Raw(impatient) as raw:
        raw.send(_post(path, b"Content-Length: 1000\r\n", b"{"))
        raw.trickle(b" ")
        told = raw.until_closed()
    assert (told.status, told.code) == (408, "request_timeout")


def test_a_chunked_body_that_never_ends_is_a_408(impatient: RunningServer) -> None:
    with Raw(impatient) as raw:
        raw.send(_post("/v1/completions", b"Transfer-Encoding: chunked\r\n", b"1\r\n{\r\n"))
        raw.trickle(b"1\r\n \r\n")
        assert raw.until_closed().status == 408


def test_a_body_that_comes_slowly_but_steadily_is_read(impatient: RunningServer) -> None:
    piece = b" " * 4096
    with Raw(impatient) as raw:
        raw.send(_post("/v1/completions", b"Content-Length: %d\r\n" % (11 * len(piece)), piece))
        for _ in range(10):
            time.sleep(SLOW_S / 5)
            raw.send(piece)
        told = raw.answer()
    assert (told.status, told.code) == (400, "invalid_json")


def test_a_client_that_asks_before_it_sends_too_much_is_told_not_to(impatient: RunningServer) -> None:
    with Raw(impatient) as raw:
        raw.send(_post("/v1/completions", b"Expect: 100-continue\r\nContent-Length: 100000000\r\n", b""))
        told = raw.until_closed()
    assert (told.status, told.code) == (413, "request_too_large")


@pytest.mark.verify
def test_hundreds_of_slow_clients_leave_the_server_to_the_others(ws: Workspace) -> None:
    """Slowloris: 400 connections that send a byte of their headers now and then, for as long as they are let."""
    with RunningServer(ws, slow_client_s=3, max_connections=500) as server, contextlib.ExitStack() as held:
        slow = [held.enter_context(Raw(server)) for _ in range(400)]
        for raw in slow:
            raw.send(HEAD + b"X-Slow: ")
        took = []
        for _ in range(10):
            began = time.monotonic()
            assert server.client.get("/v1/models").status_code == 200
            took.append(time.monotonic() - began)
            for raw in slow:
                with contextlib.suppress(OSError):
                    raw.send(b"a")
        assert {raw.until_closed().status for raw in slow} == {408}
        assert sorted(took)[5] < 0.5


def test_a_body_that_goes_on_after_its_answer_is_cut(impatient: RunningServer) -> None:
    with Raw(impatient) as raw:
        raw.send(_post("/nowhere", b"Content-Length: 1000000\r\n", b"{"))
        deadline = time.monotonic() + PATIENCE_S
        with pytest.raises(OSError, match=r"reset|pipe"):
            while time.monotonic() < deadline:
                raw.send(b" ")
                time.sleep(0.02)


def test_a_reader_that_takes_nothing_is_let_go(impatient: RunningServer) -> None:
    asked = 400
    with Raw(impatient, receive_buffer=4096) as raw:
        one = impatient.client.get("/openapi.json").content
        raw.send(b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n" * asked)
        broken = select.poll()
        broken.register(raw.socket, 0)
        assert broken.poll(PATIENCE_S * 1000)
        received = 0
        with contextlib.suppress(ConnectionResetError):
            while piece := raw.socket.recv(1 << 20):
                received += len(piece)
    assert received < asked * len(one)


@pytest.mark.parametrize(
    "headers",
    [
        b"X-Large: " + b"a" * 40_000 + b"\r\n\r\n",
        b"".join(b"X-%d: a\r\n" % number for number in range(200)) + b"\r\n",
        b"X-Endless: " + b"a" * 100_000,
        b"Cookie: " + b"a" * 20_000 + b"\r\nX-Other: " + b"a" * 20_000 + b"\r\n\r\n",
    ],
    ids=["one is large", "many", "one never ends", "together"],
)
def test_headers_beyond_the_limit_are_a_431(impatient: RunningServer, headers: bytes) -> None:
    with Raw(impatient) as raw:
        with contextlib.suppress(OSError):
            raw.send(HEAD + b"Connection: close\r\n" + headers)
        told = raw.until_closed()
    assert (told.status, told.code) == (431, "headers_too_large")


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"GET /v1/models\r\n\r\n",
        b"GET /v1/models HTTP/1.1\r\n\r\n",
        b"GET /v1/models HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n",
        HEAD + b"X : a\r\n\r\n",
        HEAD + b"Content-Length: -1\r\n\r\n",
        HEAD + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n",
        HEAD + b"Transfer-Encoding: gzip\r\n\r\n",
        HEAD + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n0\r\n\r\n",
    ],
    ids=[
        "tls",
        "no version",
        "no host",
        "two hosts",
        "space",
        "negative",
        "two lengths",
        "coding",
        "length and coding",
    ],
)
def test_what_is_no_sound_request_is_refused(impatient: RunningServer, request_bytes: bytes) -> None:
    with Raw(impatient) as raw:
        raw.send(request_bytes)
        told = raw.until_closed()
    assert told.status in (400, 501)
    assert told.code == "invalid_http_request"
    assert told.headers["x-request-id"]


def test_a_body_longer_than_it_says_is_no_second_request(impatient: RunningServer) -> None:
    with Raw(impatient) as raw:
        raw.send(_post("/v1/completions", b"Content-Length: 2\r\n", b'{}{"model": "tiny"}'))
        assert raw.answer().status == 400
        assert raw.until_closed().status in (0, 400)


def test_an_upgrade_to_a_websocket_is_not_made(impatient: RunningServer) -> None:
    with Raw(impatient) as raw:
        raw.send(HEAD + b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\r\n")
        assert raw.answer().status == 200


def test_one_connection_too_many_is_told_and_the_next_is_served_again(impatient: RunningServer) -> None:
    eventually(lambda: _served(impatient), PATIENCE_S)
    with contextlib.ExitStack() as held:
        opened = [held.enter_context(Raw(impatient)) for _ in range(2 * CONNECTIONS)]
        refused = [told for raw in opened if (told := raw.until_closed()).status]
    assert len(refused) >= CONNECTIONS
    assert {(told.status, told.code) for told in refused} == {(503, "too_many_connections")}
    assert refused[0].headers["retry-after"] == "1"
    eventually(lambda: _served(impatient), PATIENCE_S)


def _served(server: RunningServer) -> bool:
    with contextlib.suppress(httpx2.HTTPError):
        return httpx2.get(f"{server.url}/health", trust_env=False).status_code == 200
    return False


def _post(path: str, headers: bytes, body: bytes) -> bytes:
    start = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    return start.encode() + b"Accept: application/json, text/event-stream\r\n" + headers + b"\r\n" + body


async def test_a_client_has_so_many_requests_at_once_and_others_have_their_own(ws: Workspace) -> None:
    gate = asyncio.Event()
    begun = asyncio.Semaphore(0)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        begun.release()
        await gate.wait()
        await PlainTextResponse("pronto")(scope, receive, send)

    limits = Limits(app, Settings(workspace=ws.root, max_client_requests=2))

    async def named(scope: Scope, receive: Receive, send: Send) -> None:
        name = dict(scope["headers"]).get(b"x-name")
        scope["state"] = {"client": name.decode()} if name else {}
        await limits(scope, receive, send)

    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(named), base_url="http://x") as client:
        asked = [asyncio.create_task(client.get("/v1/models")) for _ in range(2)]
        for _ in asked:
            await begun.acquire()
        refused = await client.get("/v1/models")
        assert refused.status_code == 429
        assert refused.json()["error"]["code"] == "too_many_requests"
        assert refused.headers["retry-after"] == "1"
        other = asyncio.create_task(client.get("/v1/models", headers={"x-name": "outra"}))
        await begun.acquire()
        gate.set()
        assert [(await one).status_code for one in [*asked, other]] == [200, 200, 200]
        assert (await client.get("/v1/models")).status_code == 200
