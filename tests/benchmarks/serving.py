"""The server: its start, what it adds to an answer, and the loads of `serving_cases` beside mlx_lm.server."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil

from tests.benchmarks import serving_cases
from tests.benchmarks.measurement import Bench, Measurement, run_child
from tests.support.running_server import RunningServer, eventually
from tests.support.tiny_model import make_tiny_model
from tools.compute import device
from tools.compute.generation import GenerationRequest, Generator
from tools.compute.loading import load_base
from tools.compute.routing import AdapterRouter
from tools.workspace.layout import Workspace, open_workspace

_MESSAGES = [{"role": "user", "content": "O farol da ilha de areia"}]


def measure(bench: Bench) -> Iterator[Measurement]:
    yield from _start(bench)
    with tempfile.TemporaryDirectory() as folder:
        yield _added_latency(open_workspace(Path(folder)), 20 if bench.quick else 200)
    yield from serving_cases.measure(bench)


def _start(bench: Bench) -> Iterator[Measurement]:
    runs = 2 if bench.quick else 5
    seconds, sizes = [], []
    for _ in range(runs):
        with RunningServer(bench.ws) as server:
            server.health()
            seconds.append(time.monotonic() - server.started)
            # The MCP face is imported just after the start: what stays is what counts.
            eventually(lambda server=server: server.health().get("mcp") == "ready", 30, "the MCP face")
            sizes.append(psutil.Process(server.process.pid).memory_info().rss / 1e6)
    median = statistics.median(seconds)
    yield Measurement(
        "serving",
        "start to first /health",
        "s",
        round(median, 3),
        lower_is_better=True,
        notes=f"median of {runs}, {min(seconds):.2f} to {max(seconds):.2f}",
        more={"all": [round(value, 3) for value in seconds]},
    )
    yield Measurement(
        "serving",
        "memory of the server, no model",
        "MB",
        round(statistics.median(sizes), 1),
        lower_is_better=True,
        notes=f"RSS, median of {runs}",
        more={"all": [round(value, 1) for value in sizes]},
    )


def _added_latency(ws: Workspace, times: int) -> Measurement:
    """One request for one token by HTTP less the same in process, on a tiny model whose own time is small."""
    device.set_up()
    base = load_base(make_tiny_model(ws), "serve")
    generator = Generator(AdapterRouter(base.model), base.tokenizer)
    prompt = base.tokenizer.encode_chat(_MESSAGES)
    with RunningServer(ws) as server:

        def by_http() -> None:
            assert server.chat(messages=_MESSAGES, max_tokens=1, temperature=0).status_code == 200

        def in_process() -> None:
            generator.generate_all([GenerationRequest(prompt, max_tokens=1)])

        taken: dict[Callable[[], None], list[float]] = {by_http: [], in_process: []}
        for number in range(times + 5):
            for ask, found in taken.items():
                began = time.perf_counter()
                ask()
                if number >= 5:  # the first loads the model
                    found.append(1000 * (time.perf_counter() - began))
    whole, own = (statistics.median(found) for found in taken.values())
    return Measurement(
        "serving",
        "added by HTTP and the queue",
        "ms",
        round(whole - own, 2),
        lower_is_better=True,
        notes=f"{whole:.2f} with them, {own:.2f} without, one token, medians of {times}",
        more={"whole_ms": round(whole, 3), "in_process_ms": round(own, 3)},
    )


if __name__ == "__main__":
    run_child(measure)
