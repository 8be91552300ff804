"""What a tool's call costs: `training_status` of a run with 200 reports, in process and over HTTP."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx2

from server.mcp import registry
from server.settings import load_settings
from tests.benchmarks.measurement import Bench, Measurement, run_child
from tests.support.running_server import RunningServer, eventually
from tools.workspace import runs
from tools.workspace.layout import Workspace, open_workspace

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
        yield _measurement("in process", _times(lambda: _in_process(context), calls))
        with RunningServer(ws) as server:
            eventually(lambda: server.health().get("mcp") == "ready", 30, "the MCP face")
            yield _measurement("over HTTP /mcp", _times(_Session(server).call, calls))


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


class _Session:
    """An assistant's connection over plain HTTP, so that no client library's time is counted."""

    def __init__(self, server: RunningServer) -> None:
        self._server = server
        self._headers = {"Accept": "application/json, text/event-stream"}
        about = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "bench", "version": "1"}}
        answer = self._post({"id": 0, "method": "initialize", "params": about})
        self._headers["Mcp-Session-Id"] = answer.headers["mcp-session-id"]
        self._headers["MCP-Protocol-Version"] = "2025-06-18"
        self._post({"method": "notifications/initialized"})

    def call(self) -> None:
        params = {"name": "training_status", "arguments": _ARGUMENTS}
        answer = self._post({"id": 1, "method": "tools/call", "params": params})
        assert RUN in answer.text, answer.text
        assert '"isError":true' not in answer.text.replace(" ", ""), answer.text

    def _post(self, message: dict[str, object]) -> httpx2.Response:
        answer = self._server.client.post("/mcp", json={"jsonrpc": "2.0", **message}, headers=self._headers)
        assert answer.is_success, answer.text
        return answer


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
    return Measurement(
        "tool_calls",
        f"training_status {case}",
        "ms",
        round(statistics.median(times), 3),
        lower_is_better=True,
        notes=f"median of {len(times)}; 95th percentile {times[int(0.95 * len(times))]:.2f} ms",
        more={"p95_ms": round(times[int(0.95 * len(times))], 3), "most_ms": round(times[-1], 3)},
    )


if __name__ == "__main__":
    run_child(measure)
