"""The server's own life: start, one per workspace, health, readiness, end."""

from __future__ import annotations

import asyncio
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx2
import pytest
from starlette.responses import PlainTextResponse

from server.app import serve
from server.keys import local_key
from server.lazy_mount import LazyMount
from server.settings import Settings
from tests.support.running_server import RunningServer, eventually
from tests.support.tiny_adapter import make_tiny_adapter
from tools.errors import Conflict, InvalidArgument, NotFound
from tools.workspace import runs
from tools.workspace.layout import Workspace
from tools.workspace.locks import is_held
from tools.workspace.processes import child_command, child_environment


@pytest.mark.parametrize(
    ("module", "slow"),
    [
        (
            "server.app",
            [
                "mlx",
                "mlx_lm",
                "transformers",
                "openai",
                "mcp",
                "numpy",
                "tokenizers",
                "llguidance",
                "server.openai.openapi",
            ],
        ),
        # `afina mcp`, which a host waits for.
        ("server.mcp.stdio", ["mlx", "mlx_lm", "transformers", "openai", "numpy", "tokenizers", "llguidance", "rich"]),
        # The tool in the server's process; the work is its child's.
        ("tools.prepare_dataset.tool", ["mlx", "numpy", "lxml", "tools.prepare_dataset.pipeline"]),
    ],
)
def test_importing_brings_no_slow_library(module: str, slow: list[str]) -> None:
    program = f"import sys, {module}; print([name for name in {slow!r} if name in sys.modules])"
    told = subprocess.run(
        [sys.executable, "-P", "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env=child_environment(),
        cwd="/",
    )
    assert told.stdout.strip() == "[]"


def test_health_answers_within_a_second_of_the_start(tiny_ws: Workspace) -> None:
    def once() -> float:
        start = time.monotonic()
        with RunningServer(tiny_ws) as server:
            assert server.health()["status"] == "ok"
            return time.monotonic() - start

    # The machine may be busy with other things: one start that is not held up proves it.
    assert any(once() < 1.0 for _ in range(8))


def test_health_tells_what_goes_on(tiny_ws: Workspace) -> None:
    with RunningServer(tiny_ws) as server:
        told = server.health()
        assert told["engine"]["state"] == "idle"
        assert told["run"] is None
        eventually(lambda: server.health()["mcp"] == "ready")
        assert server.chat().status_code == 200
        told = server.health()
        assert (told["engine"]["state"], told["engine"]["base"]) == ("loaded", "tiny")


def test_the_line_of_the_start_tells_the_url(tiny_ws: Workspace) -> None:
    with RunningServer(tiny_ws) as server:
        assert server.line == f"Afina serves at {server.url}"
        row = tiny_ws.store.row("SELECT * FROM servers")
        assert row is not None
        assert (row["url"], row["pid"]) == (server.url, server.process.pid)


def test_a_second_server_is_told_where_the_first_is(tiny_ws: Workspace) -> None:
    with RunningServer(tiny_ws) as server, pytest.raises(Conflict, match=server.url):
        serve(Settings(workspace=tiny_ws.root, port=0))


def test_a_taken_port_is_told(tiny_ws: Workspace) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(Conflict, match=str(port)) as refused:
            serve(Settings(workspace=tiny_ws.root, port=port))
    assert refused.value.field == "port"
    assert not is_held(tiny_ws.lock_path("server"))


def test_an_address_of_another_machine_is_told(tiny_ws: Workspace) -> None:
    with pytest.raises(InvalidArgument, match="no address of this machine"):
        serve(Settings(workspace=tiny_ws.root, host="203.0.113.7", port=0, api_key="x"))


def test_an_unknown_model_is_told_before_serving(tiny_ws: Workspace) -> None:
    with pytest.raises(NotFound, match="tiny"):
        serve(Settings(workspace=tiny_ws.root, port=0, model="tinny"))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_server_in_order(tiny_ws: Workspace, number: signal.Signals) -> None:
    server = RunningServer(tiny_ws)
    assert server.chat().status_code == 200
    server.client.close()
    assert server.stop(number) == 0
    assert tiny_ws.store.row("SELECT * FROM servers") is None
    assert not is_held(tiny_ws.lock_path("server"))
    assert not is_held(tiny_ws.lock_path("engine"))
    assert local_key(tiny_ws) is None


def test_the_model_of_the_settings_is_loaded_and_answers_for_no_name(tiny_ws: Workspace) -> None:
    make_tiny_adapter(tiny_ws, "um")
    with RunningServer(tiny_ws, model="um") as server:
        early = server.client.get("/ready")
        assert early.status_code in (200, 503)
        eventually(lambda: server.client.get("/ready").status_code == 200)
        assert server.health()["engine"]["base"] == "tiny"
        assert server.chat(model=None).json()["model"] == "um"


def test_a_server_without_a_model_is_ready_at_once(ws: Workspace) -> None:
    with RunningServer(ws) as server:
        eventually(lambda: server.client.get("/ready").status_code == 200, 5)
        assert server.client.get("/v1/models").json() == {"object": "list", "data": []}


def test_what_a_crash_left_is_made_right_at_the_start(tiny_ws: Workspace) -> None:
    dead = runs.Run(
        run="livros-20261124-1", name="livros", state="running", dataset="d@1", model="tiny", plan={}, step=3, steps=9,
        asked=None, error=None, adapter=None, created=1.0, updated=1.0,
    )  # fmt: skip
    runs.insert(tiny_ws, dead, None)
    with RunningServer(tiny_ws):
        eventually(lambda: runs.get(tiny_ws, dead.run).state == "interrupted", 5)


def test_a_server_that_nobody_uses_leaves_when_it_is_told_to(tiny_ws: Workspace) -> None:
    server = RunningServer(tiny_ws, exit_idle_s=1)
    server.client.get("/v1/models")
    started = time.monotonic()
    while server.process.poll() is None and time.monotonic() - started < 10:
        time.sleep(0.05)
    server.client.close()
    assert server.process.poll() == 0


def test_answers_on_a_kept_connection_are_not_held_back(tiny_ws: Workspace) -> None:
    with RunningServer(tiny_ws) as server:
        eventually(lambda: server.health()["mcp"] == "ready")
        took = []
        for _ in range(20):
            began = time.monotonic()
            server.health()
            took.append(time.monotonic() - began)
    # The delayed acknowledgement that this is about costs 40 ms each time.
    assert sorted(took)[len(took) // 2] < 0.03


def test_the_mcp_endpoint_is_mounted(tiny_ws: Workspace) -> None:
    hello = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "initialize",
        "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}},
    }
    with RunningServer(tiny_ws) as server:
        answer = server.client.post("/mcp", json=hello, headers={"accept": "application/json, text/event-stream"})
        assert answer.status_code == 200
        assert "serverInfo" in answer.text


async def test_a_lazy_part_makes_its_requests_wait() -> None:
    gate, end = asyncio.Event(), asyncio.Event()

    @asynccontextmanager
    async def factory() -> AsyncIterator[PlainTextResponse]:
        await gate.wait()
        yield PlainTextResponse("pronto")

    mount = LazyMount("It", factory)
    running = asyncio.create_task(mount.run(end))
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(mount), base_url="http://x") as client:
        asked = asyncio.create_task(client.get("/"))
        await asyncio.sleep(0)
        assert not asked.done()
        gate.set()
        assert (await asked).text == "pronto"
    end.set()
    await running


async def test_a_part_that_is_missing_answers_503() -> None:
    @asynccontextmanager
    async def factory() -> AsyncIterator[PlainTextResponse]:
        raise ModuleNotFoundError("x", name="x")
        yield

    mount = LazyMount("The part", factory)
    await mount.run(asyncio.Event())
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(mount), base_url="http://x") as client:
        answer = await client.get("/")
    assert answer.status_code == 503
    assert answer.json()["error"]["code"] == "unavailable"


def test_a_foreign_tools_package_does_not_stand_before_ours(tiny_ws: Workspace, tmp_path) -> None:
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools" / "__init__.py").write_text("raise RuntimeError('foreign')")
    (tmp_path / "server").mkdir()
    (tmp_path / "server" / "__init__.py").write_text("raise RuntimeError('foreign')")
    told = subprocess.run(
        child_command("server.cli", ["doctor", "--workspace", str(tiny_ws.root)]),
        capture_output=True,
        text=True,
        env=child_environment(),
        cwd=tmp_path,
        check=False,
    )
    assert "foreign" not in told.stderr
