"""Hours of mixed load in short: everything is answered or ended with an error, and nothing is left behind.

`AFINA_SOAK_S` sets the seconds of the long form (default 600, an hour at most):
`AFINA_SOAK_S=3600 pytest -m verify tests/server/test_soak.py`.
"""

from __future__ import annotations

import os
from pathlib import Path

import psutil
import pytest

from tests.support.load import ADAPTERS, BASES, Load, engine_of, sample
from tests.support.running_server import RunningServer, eventually
from tests.support.tiny_adapter import make_tiny_adapter
from tests.support.tiny_model import make_tiny_model
from tools.workspace.layout import Workspace, open_workspace

MB = 1024**2
CLIENTS = 6
# What an engine that is killed, or a line that is full, may tell a request.
EXPECTED = {"engine_died", "engine_died_of_request", "queue_full"}


@pytest.fixture
def loaded_ws(tmp_path: Path) -> Workspace:
    ws = open_workspace(tmp_path / "afina")
    for seed, base in enumerate(BASES):
        make_tiny_model(ws, base, seed=seed)
    for seed, name in enumerate(ADAPTERS):
        make_tiny_adapter(ws, name, seed=seed)
    return ws


def test_a_minute_of_mixed_load_with_two_deaths_leaves_nothing_behind(loaded_ws: Workspace) -> None:
    soak(loaded_ws, 60, kills=2)


@pytest.mark.verify
def test_a_long_mixed_load_leaves_nothing_behind_and_memory_flat(loaded_ws: Workspace) -> None:
    seconds = min(3600.0, float(os.environ.get("AFINA_SOAK_S", "600")))
    load = soak(loaded_ws, seconds, kills=max(3, int(seconds // 120)))
    first, last = load.growth(lambda one: one.server)
    assert last < first * 1.1 + 8 * MB, f"the server grew from {first / MB:.0f} to {last / MB:.0f} MB"
    first, last = load.growth(lambda one: one.engine)
    assert last < first * 1.1 + 16 * MB, f"the engine grew from {first / MB:.0f} to {last / MB:.0f} MB"


def soak(ws: Workspace, seconds: float, kills: int) -> Load:
    with RunningServer(ws, model=BASES[0]) as server:
        eventually(lambda: server.client.get("/ready").status_code == 200, 60)
        assert server.chat(model=ADAPTERS[0]).status_code == 200
        eventually(lambda: server.health()["mcp"] == "ready", 60)
        pid, before, tasks = server.process.pid, sample(server.process.pid), server.health()["tasks"]
        load = Load(server, clients=CLIENTS)
        outcomes = load.run(seconds, kills)
        print(told(load))

        assert outcomes.broken == []
        assert set(outcomes.errors) <= EXPECTED
        assert outcomes.errors["engine_died"] <= outcomes.kills * CLIENTS * 2
        assert outcomes.kills >= kills - 1
        assert outcomes.answered > seconds / 2

        def at_rest() -> bool:
            engine = server.health()["engine"]
            return (engine["running"], engine["waiting"], engine["state"]) == (0, 0, "loaded")

        eventually(at_rest, 60, "the server's rest")
        assert server.process.poll() is None and server.process.pid == pid
        assert server.chat(model=ADAPTERS[-1]).status_code == 200
        assert [child.pid for child in psutil.Process(pid).children()] == [engine_of(pid)]
        # The clients' connections take a moment to close.
        eventually(lambda: sample(pid).handles <= before.handles + 2, 10, "the end of file handles")
        eventually(lambda: server.health()["tasks"] <= tasks + 1, 10, "the end of tasks")
        # The threads of the pool are started as they are needed.
        assert sample(pid).threads <= before.threads + min(32, (os.cpu_count() or 1) + 4)
    return load


def told(load: Load) -> str:
    outcomes = load.outcomes
    parts = [
        f"{outcomes.answered} answered, {outcomes.left} left, {outcomes.refused} bad ones refused, "
        f"errors {dict(outcomes.errors)}, {len(outcomes.broken)} broken",
        f"{outcomes.kills} kills, {outcomes.published} versions published",
        f"longest answer {max(outcomes.seconds, default=0):.1f} s",
    ]
    for name, of in (("server", lambda one: one.server), ("engine", lambda one: one.engine)):
        first, last = load.growth(of)
        parts.append(f"MB of the {name} {first / MB:.0f} to {last / MB:.0f}")
    return "; ".join(parts)
