"""Fifty assistants at once: each gets every answer, and its own."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import httpx2
import pytest

from server.mcp import audit
from tests.list_workspace.rows import add_run
from tests.support.mcp_session import Session, connections
from tests.support.running_server import RunningServer, eventually
from tools.workspace.layout import Workspace, open_workspace

CLIENTS, ROUNDS = 50, 2


@pytest.fixture(scope="module")
def ws(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    ws = open_workspace(tmp_path_factory.mktemp("load") / "afina")
    for number in range(CLIENTS):
        add_run(ws, run_of(number), "paused", float(number))
    return ws


@pytest.fixture(scope="module")
def server(ws: Workspace) -> Iterator[RunningServer]:
    with RunningServer(ws) as server:
        eventually(lambda: server.health()["mcp"] == "ready", 60, "the MCP face")
        yield server


def run_of(number: int) -> str:
    return f"livros-20261124-{number + 1}"


async def test_fifty_clients_that_poll_and_list_each_get_every_answer_of_theirs(
    server: RunningServer, ws: Workspace
) -> None:
    connected = asyncio.Barrier(CLIENTS)

    async def poll(http: httpx2.AsyncClient, number: int) -> None:
        session = await Session.open(http)
        await connected.wait()  # all of them are there at once
        for _ in range(ROUNDS):
            status = await session.call("training_status", run=run_of(number))
            assert status["run"] == run_of(number)
            listed = await session.call("list_workspace", kind="runs", limit=1 + number % 3)
            assert len(listed["runs"]) == 1 + number % 3

    async with connections(server.url, CLIENTS) as http:
        await asyncio.gather(*(poll(http, number) for number in range(CLIENTS)))
    recorded = audit.read(ws, 10_000)
    assert [entry.outcome for entry in recorded] == ["ok"] * (2 * ROUNDS * CLIENTS)
