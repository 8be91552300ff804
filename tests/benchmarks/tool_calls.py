"""What a tool's call costs: `training_status` of a run with 200 reports, in process and over HTTP, and beside it
fifty assistants that poll and list, each once a second.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx2

from server.mcp import registry
from server.settings import load_settings
from tests.benchmarks.measurement import Bench, Measurement, run_child
from tests.support.mcp_session import Session, connections
from tests.support.running_server import RunningServer, eventually
from tools.workspace import runs
from tools.workspace.layout import Workspace, open_workspace

CLIENTS = 50
RUN = "medida-20260101-1"
_REPORTS = 200
_REPORT = {
    "tokens": 1000,
    "tokens_per_second": 100.0,
    "step_seconds": 10.0,
    "learning_rate": 1e-5,
    "grad_norm": 1.0,
    "epoch": 0,
    "memory": dict.fromkeys(("active", "peak", "cache", "rss", "system_available", "swap"), 10**9),
}
_ARGUMENTS = {"run": RUN}


def measure(bench: Bench) -> Iterator[Measurement]:
    calls = 20 if bench.quick else 100
    with tempfile.TemporaryDirectory() as folder:
        ws = open_workspace(Path(folder) / "afina")
        add_run(ws)
        context = registry.context_of(ws, load_settings({"workspace": str(ws.root)}, {}))
        in_process = _times(lambda: _in_process(context), calls)
        yield _measurement("training_status in process", in_process)
        with RunningServer(ws) as server:
            eventually(lambda: server.health().get("mcp") == "ready", 30, "the MCP face")
            over_http = asyncio.run(_alone(server.url, calls))
            yield _measurement("training_status over HTTP /mcp", over_http)
            yield _overhead(over_http, in_process)
            together = asyncio.run(_together(server.url, 3 if bench.quick else 10))
            yield _measurement(f"{CLIENTS} clients that poll and list each second", together)


def add_run(ws: Workspace) -> None:
    """A run that ended well, with reports as a worker writes them."""
    now = time.time()
    row = runs.Run(
        run=RUN,
        name="medida",
        state="running",
        dataset="medida@0",
        model="smollm2-135m",
        plan={},
        step=0,
        steps=_REPORTS * 10,
        asked=None,
        error=None,
        adapter=None,
        created=now,
        updated=now,
    )
    assert runs.insert(ws, row, None)
    for number in range(_REPORTS):
        report = {**_REPORT, "loss": 3.0 - number / _REPORTS}
        runs.add_metrics(ws, RUN, 10 * (number + 1), "train", report)
        if number % 20 == 0:
            runs.add_metrics(ws, RUN, 10 * (number + 1), "valid", {"loss": 3.1 - number / _REPORTS})
    runs.set_state(ws, RUN, "succeeded", "Done.")


def _in_process(context: registry.ToolContext) -> None:
    assert registry.call(context, "training_status", _ARGUMENTS).model_dump(mode="json")["run"] == RUN


async def _alone(url: str, count: int) -> list[float]:
    """Milliseconds of each call of one client, after three to warm up."""
    async with connections(url, 1) as http:
        session = await Session.open(http)
        found = [await _timed(session, "training_status", _ARGUMENTS) for _ in range(count + 3)]
    return sorted(found[3:])


async def _together(url: str, seconds: int) -> list[float]:
    """Milliseconds of each call of fifty clients, whose seconds begin one after the other. Each call is answered."""

    async def poll(http: httpx2.AsyncClient, number: int) -> list[float]:
        session = await Session.open(http)
        found = []
        began = time.perf_counter() + 1 + number / CLIENTS
        for second in range(seconds):
            await asyncio.sleep(max(0.0, began + second - time.perf_counter()))
            polls = (number + second) % 2 == 0
            tool, arguments = ("training_status", _ARGUMENTS) if polls else ("list_workspace", {"kind": "runs"})
            found.append(await _timed(session, tool, arguments))
        return found

    async with connections(url, CLIENTS) as http:
        of_each = await asyncio.gather(*(poll(http, number) for number in range(CLIENTS)))
    return sorted(one for found in of_each for one in found)


async def _timed(session: Session, tool: str, arguments: dict[str, str]) -> float:
    began = time.perf_counter()
    assert RUN in str(await session.call(tool, **arguments))
    return 1000 * (time.perf_counter() - began)


def _times(call: Callable[[], None], count: int) -> list[float]:
    """Milliseconds of each call, after three to warm up."""
    found = []
    for number in range(count + 3):
        began = time.perf_counter()
        call()
        if number >= 3:
            found.append(1000 * (time.perf_counter() - began))
    return sorted(found)


def _measurement(case: str, times: list[float]) -> Measurement:
    p95 = times[int(0.95 * len(times))]
    return Measurement(
        "tool_calls",
        case,
        "ms",
        round(statistics.median(times), 3),
        lower_is_better=True,
        notes=f"median of {len(times)}; 95th percentile {p95:.2f} ms",
        more={"p95_ms": round(p95, 3), "most_ms": round(times[-1], 3)},
    )


def _overhead(over_http: list[float], in_process: list[float]) -> Measurement:
    """What the protocol adds to the tool's own work: arguments, rendering, the log of calls, HTTP both ways."""
    added = statistics.median(over_http) - statistics.median(in_process)
    note = "of the call over HTTP, the one in process taken away; the client's part is in it"
    return Measurement("tool_calls", "a call's own overhead", "ms", round(added, 3), lower_is_better=True, notes=note)


if __name__ == "__main__":
    run_child(measure)
