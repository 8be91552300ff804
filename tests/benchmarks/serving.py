"""Starting the server: from the process's start to the first answer of `/health`, and the memory it takes."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator

import psutil

from tests.benchmarks.measurement import Bench, Measurement, run_child
from tests.support.running_server import RunningServer, eventually


def measure(bench: Bench) -> Iterator[Measurement]:
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


if __name__ == "__main__":
    run_child(measure)
