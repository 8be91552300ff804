"""What the server adds to one request: a one-token answer over HTTP, beside the same asked of an engine directly.

Both are asked in turns on the tiny random model, so that what is left of the difference is the server's
own: HTTP, checks, the line, and the events on their way back.
"""

from __future__ import annotations

import asyncio
import http.client
import itertools
import json
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from server.engine.process import EngineProcess
from server.engine.protocol import Conversation, Done, Failed, FromEngine, Generate, Load, Loaded
from tests.benchmarks.measurement import Bench, Measurement, run_child
from tests.support.running_server import RunningServer, copy_of, eventually
from tests.support.tiny_model import make_tiny_model
from tools.models.sampling import GREEDY
from tools.workspace.layout import Workspace, open_workspace
from tools.workspace.locks import FileLock

_ROOM = 256 * 1024**2
_WARM_UP = 10


def measure(bench: Bench) -> Iterator[Measurement]:
    direct, over_http = added_latency(50 if bench.quick else 300)
    added = statistics.median(over_http) - statistics.median(direct)
    yield Measurement(
        "serving",
        "added by HTTP and the line",
        "ms",
        round(added, 2),
        lower_is_better=True,
        notes=f"medians of {len(direct)}: {statistics.median(over_http):.2f} over HTTP, "
        f"{statistics.median(direct):.2f} from the engine; tiny model, one token",
        more={"p95_over_http_ms": round(_p95(over_http), 2), "p95_direct_ms": round(_p95(direct), 2)},
    )


def added_latency(count: int) -> tuple[list[float], list[float]]:
    """Milliseconds of one-token answers: from an engine's process directly, and over HTTP."""
    with tempfile.TemporaryDirectory() as folder:
        ws = open_workspace(Path(folder) / "afina")
        make_tiny_model(ws)
        with RunningServer(copy_of(ws), model="tiny") as server:
            eventually(lambda: server.client.get("/ready").status_code == 200, 120)
            eventually(lambda: server.health()["mcp"] == "ready", 60)
            return asyncio.run(_in_turns(ws, server, count))


async def _in_turns(ws: Workspace, server: RunningServer, count: int) -> tuple[list[float], list[float]]:
    host, _, port = server.url.removeprefix("http://").partition(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=60)
    engine = await _Direct.start(ws)
    direct, over_http = [], []
    try:
        for number in range(count + _WARM_UP):
            # Every prompt is new: neither engine has read it before.
            question = f"quem foi o campeão número {number}?"
            began = time.perf_counter()
            await engine.ask(question)
            between = time.perf_counter()
            await asyncio.to_thread(_ask, connection, question)
            if number >= _WARM_UP:
                direct.append(1000 * (between - began))
                over_http.append(1000 * (time.perf_counter() - between))
    finally:
        connection.close()
        await engine.process.stop()
    return direct, over_http


class _Direct:
    """An engine's process that is spoken to as the server does."""

    def __init__(self) -> None:
        self.process: EngineProcess
        self._numbers = itertools.count(1)
        self._answers: asyncio.Queue[FromEngine] = asyncio.Queue()

    @classmethod
    async def start(cls, ws: Workspace) -> _Direct:
        made = cls()
        lock = FileLock.acquire(ws.lock_path("engine"))
        made.process = await EngineProcess.spawn(ws, lock, made._hear, lambda _: None)
        made.process.send(
            Load(base="tiny", folder=str(ws.models / "tiny"), max_rows=8, room=_ROOM, most=_ROOM, max_adapters=4)
        )
        await made._answers.get()
        return made

    async def ask(self, question: str) -> None:
        messages = [{"role": "user", "content": question}]
        self.process.send(
            Generate(id=next(self._numbers), prompts=[Conversation(messages=messages)], max_tokens=1, sampling=GREEDY)
        )
        assert isinstance(await self._answers.get(), Done)

    def _hear(self, message: FromEngine) -> None:
        if isinstance(message, Done | Failed | Loaded):
            self._answers.put_nowait(message)


def _ask(connection: http.client.HTTPConnection, question: str) -> None:
    messages = [{"role": "user", "content": question}]
    body = json.dumps({"model": "tiny", "messages": messages, "max_tokens": 1, "temperature": 0})
    connection.request("POST", "/v1/chat/completions", body, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    read = answer.read()
    assert answer.status == 200, read


def _p95(values: list[float]) -> float:
    return sorted(values)[int(0.95 * len(values))]


if __name__ == "__main__":
    run_child(measure)
