"""Streams that have to wait, fail on the way, or are left, over the app itself with an engine that answers nothing."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from starlette.types import Message

from server.app import make_app
from server.openai.connection import with_pauses
from server.settings import Settings
from tools.workspace.layout import Workspace


class Waiting:
    """A streamed chat request to an engine that has not been started: it stays in line."""

    def __init__(self, ws: Workspace, **settings: Any) -> None:
        app = make_app(Settings(workspace=ws.root, **settings), ws)
        self.engine = app.state.afina.engine
        self.sent: list[Message] = []
        self._inbox: asyncio.Queue[Message] = asyncio.Queue()
        body = {"model": "tiny", "messages": [{"role": "user", "content": "olá"}], "stream": True}
        self._inbox.put_nowait({"type": "http.request", "body": json.dumps(body).encode()})
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": "POST",
            "scheme": "http",
            "path": "/v1/chat/completions",
            "raw_path": b"/v1/chat/completions",
            "query_string": b"",
            "root_path": "",
            "headers": [(b"host", b"localhost"), (b"content-type", b"application/json")],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 80),
        }
        self.task = asyncio.create_task(app(scope, self._inbox.get, self._send))

    async def _send(self, message: Message) -> None:
        self.sent.append(message)

    def leave(self) -> None:
        self._inbox.put_nowait({"type": "http.disconnect"})

    @property
    def text(self) -> str:
        return b"".join(message.get("body", b"") for message in self.sent).decode()

    async def has_said(self, text: str, times: int = 1) -> None:
        async with asyncio.timeout(10):
            while self.text.count(text) < times:
                await asyncio.sleep(0.005)


@asynccontextmanager
async def waiting(ws: Workspace, **settings: Any) -> AsyncIterator[Waiting]:
    made = Waiting(ws, **settings)
    try:
        yield made
    finally:
        made.leave()
        await asyncio.wait_for(made.task, 10)


async def test_a_stream_that_waits_tells_that_it_lives(tiny_ws: Workspace) -> None:
    async with waiting(tiny_ws, heartbeat_s=0.02) as stream:
        await stream.has_said(": waiting\n\n", times=3)
        assert stream.sent[0]["status"] == 200
        assert stream.engine.status()["waiting"] == 1


async def test_a_client_that_leaves_while_it_waits_leaves_the_line(tiny_ws: Workspace) -> None:
    for heartbeat_s in (0.02, 30):
        async with waiting(tiny_ws, heartbeat_s=heartbeat_s) as stream:
            async with asyncio.timeout(10):
                while not stream.engine.status()["waiting"]:
                    await asyncio.sleep(0.005)
        assert stream.engine.status()["waiting"] == 0


async def test_what_fails_after_the_first_byte_is_an_event_of_the_stream(tiny_ws: Workspace) -> None:
    async with waiting(tiny_ws, heartbeat_s=0.02) as stream:
        await stream.has_said(": waiting\n\n")
        await stream.engine.stop(0)
        await stream.has_said("[DONE]")
        error, done = stream.text.rstrip("\n").split("\n\n")[-2:]
        assert done == "data: [DONE]"
        kind, data = error.split("\n")
        assert kind == "event: error"
        assert json.loads(data.removeprefix("data: "))["error"]["code"] == "server_stopping"


async def test_what_fails_before_the_first_byte_is_told_by_the_status(tiny_ws: Workspace) -> None:
    async with waiting(tiny_ws, heartbeat_s=30) as stream:
        async with asyncio.timeout(10):
            while not stream.engine.status()["waiting"]:
                await asyncio.sleep(0.005)
        await stream.engine.stop(0)
        await stream.has_said("server_stopping")
        assert stream.sent[0]["status"] == 503
        assert "[DONE]" not in stream.text


async def test_pauses_are_told_between_events_and_none_is_lost() -> None:
    async def slow() -> AsyncIterator[int]:
        for number in range(3):
            await asyncio.sleep(0.05)
            yield number

    told = [one async for one in with_pauses(slow(), 0.02)]
    assert [one for one in told if one is not None] == [0, 1, 2]
    assert told.count(None) >= 3
