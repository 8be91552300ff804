"""Calls that are made again, servers that are killed between two of them, and clients that leave: nothing is lost."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mcp import Client

from tests.list_workspace.rows import add_run
from tests.server.mcp.waiting import a_call_that_waits
from tests.support.running_server import RunningServer, eventually
from tests.support.training import FAST, prepare_small, stop_all
from tools.workspace import runs
from tools.workspace.layout import Workspace
from tools.workspace.locks import FileLock

START = {"dataset": "livros", "settings": {**FAST, "sample_prompts": []}, "request_key": "uma-vez"}
RUN = "livros-20261124-1"


@pytest.fixture
def ready(tiny_ws: Workspace, tmp_path: Path) -> Iterator[Workspace]:
    prepare_small(tiny_ws, tmp_path / "material")
    yield tiny_ws
    stop_all(tiny_ws)


async def call(server: RunningServer, tool: str, **arguments: Any) -> dict[str, Any]:
    async with Client(f"{server.url}/mcp") as client:
        answer = await client.call_tool(tool, arguments)
    assert not answer.is_error, answer.content
    return answer.structured_content or {}


def kill(server: RunningServer) -> None:
    server.stop(signal.SIGKILL)
    server.client.close()


async def test_one_key_makes_one_run_also_at_once_and_after_the_server_was_killed(ready: Workspace) -> None:
    first = RunningServer(ready)
    answers = await asyncio.gather(*(call(first, "start_finetune", **START) for _ in range(3)))
    answers.append(await call(first, "start_finetune", **START))
    kill(first)
    with RunningServer(ready) as second:
        answers.append(await call(second, "start_finetune", **START))
        other = await call(second, "start_finetune", **{**START, "request_key": "outra-vez"}, dry_run=True)
    assert {answer["run"] for answer in answers} == {runs.names(ready)[0]}
    assert len(runs.names(ready)) == 1
    assert answers[0]["plan"] == answers[-1]["plan"]
    assert other["state"] == "planned"


@pytest.mark.verify
async def test_a_server_killed_after_every_call_leaves_the_state_as_it_was(tiny_ws: Workspace, tmp_path: Path) -> None:
    material = tiny_ws.root / "textos"
    prepare_small(tiny_ws, material, name="de-lado")

    async def once(tool: str, **arguments: Any) -> dict[str, Any]:
        server = RunningServer(tiny_ws, default_model="tiny")
        try:
            return await call(server, tool, **arguments)
        finally:
            kill(server)

    async def follow(told: dict[str, Any]) -> dict[str, Any]:
        while told["state"] not in ("succeeded", "failed"):
            tool, _, arguments = str(told["next"]).partition(" ")
            told = await once(tool, **json.loads(arguments))
        return told

    try:
        prepared = await once("prepare_dataset", sources=[str(material)], name="mares", max_tokens=128, wait_s=0)
        assert (await follow(prepared))["dataset"] == "mares"
        planned = await once("start_finetune", dataset="mares", settings=START["settings"], dry_run=True)
        ended = await follow(planned)
        assert ended["state"] == "succeeded"
        evaluation = await once("evaluate", adapter=ended["adapter"], metrics=["likelihood"], max_items=2, wait_s=0)
        judged = await follow(evaluation)
        listed = await once("list_workspace")
    finally:
        stop_all(tiny_ws)
    assert judged["verdict"][0]["model"] == ended["adapter"]
    assert [len(listed[kind]) for kind in ("datasets", "runs", "adapters", "evaluations")] == [2, 1, 1, 1]


async def test_a_client_that_leaves_a_long_poll_finds_all_that_happened_meanwhile(tiny_ws: Workspace) -> None:
    add_run(tiny_ws, RUN, "running", 1.0)
    alive = FileLock.try_acquire(runs.lock_path(tiny_ws, RUN))
    assert alive is not None
    with alive, RunningServer(tiny_ws) as server:
        async with a_call_that_waits(server.url):
            pass
        for step in range(4, 8):
            runs.add_metrics(tiny_ws, RUN, step, "train", {"loss": 1.0 / step})
        told = await call(server, "training_status", run=RUN)
        assert [point["step"] for point in told["metrics"]] == [4, 5, 6, 7]
        assert told["state"] == "running"


def test_a_start_whose_client_left_before_the_answer_is_found_by_its_key(ready: Workspace) -> None:
    with RunningServer(ready) as server:
        eventually(lambda: server.health()["mcp"] == "ready", 30)
        send_and_leave(server, "start_finetune", START)
        eventually(lambda: runs.names(ready), 30, "the run")
        again = asyncio.run(call(server, "start_finetune", **START))
    assert runs.names(ready) == [again["run"]]


def send_and_leave(server: RunningServer, tool: str, arguments: dict[str, Any]) -> None:
    """Make a call as a session of the handshake era, and close the connection before the answer."""
    headers = {"Accept": "application/json, text/event-stream", "MCP-Protocol-Version": "2025-06-18"}
    about = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "0"}}

    def message(**fields: Any) -> dict[str, Any]:
        return {"jsonrpc": "2.0", **fields}

    hello = server.client.post("/mcp", json=message(id=0, method="initialize", params=about), headers=headers)
    headers["Mcp-Session-Id"] = hello.headers["mcp-session-id"]
    server.client.post("/mcp", json=message(method="notifications/initialized"), headers=headers)
    body = json.dumps(message(id=1, method="tools/call", params={"name": tool, "arguments": arguments})).encode()
    host, _, port = server.url.removeprefix("http://").partition(":")
    given = {**headers, "Host": f"{host}:{port}", "Content-Type": "application/json", "Content-Length": str(len(body))}
    head = "POST /mcp HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in given.items()) + "\r\n"
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        connection.sendall(head.encode() + body)
        eventually(lambda: runs.names(server.ws), 20, "the run")
