"""`/mcp` of a running server: both eras, keys, host names, and work that outlives its caller."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import anyio
import anyio.to_thread
import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from tests.list_workspace.rows import add_run
from tests.server.mcp.waiting import a_call_that_waits
from tests.support.running_server import RunningServer, eventually
from tests.support.tiny_model import make_tiny_model
from tools.workspace import runs
from tools.workspace.layout import Workspace, open_workspace
from tools.workspace.locks import FileLock


@pytest.fixture(scope="module")
def ws(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    ws = open_workspace(tmp_path_factory.mktemp("mcp") / "afina")
    make_tiny_model(ws)
    return ws


@pytest.fixture(scope="module")
def server(ws: Workspace) -> Iterator[RunningServer]:
    with RunningServer(ws, api_key="segredo,outro", default_model="tiny") as server:
        yield server


def connect(server: RunningServer, era: str, key: str = "segredo") -> Client:
    http = httpx2.AsyncClient(headers={"Authorization": f"Bearer {key}"}, timeout=60)
    return Client(streamable_http_client(f"{server.url}/mcp", http_client=http), mode=era)


@pytest.mark.parametrize("era", ["auto", "legacy"])
async def test_an_assistant_lists_and_calls_the_tools(server: RunningServer, era: str) -> None:
    async with connect(server, era) as client:
        assert [tool.name for tool in (await client.list_tools()).tools][:2] == ["prepare_dataset", "start_finetune"]
        result = await client.call_tool("list_workspace", {"kind": "models", "limit": 1})
        assert result.structured_content is not None
        assert result.structured_content["models"][0]["model"] == "tiny"


async def test_the_server_asks_itself_for_ask_model(server: RunningServer) -> None:
    async with connect(server, "auto", key="outro") as client:
        result = await client.call_tool("ask_model", {"prompt": "olá", "models": ["tiny"], "max_tokens": 4})
    assert not result.is_error, result.content
    assert result.structured_content is not None
    assert result.structured_content["answers"][0]["completion_tokens"] >= 1


def post(server: RunningServer, **headers: str) -> httpx2.Response:
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    accept = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}
    return httpx2.post(f"{server.url}/mcp", json=body, headers={**accept, **headers}, trust_env=False)


def test_without_a_key_nothing_is_told(server: RunningServer) -> None:
    assert post(server).status_code == 401


def test_a_rebound_host_name_and_a_foreign_page_are_refused(server: RunningServer) -> None:
    key = {"Authorization": "Bearer segredo"}
    assert post(server, Host="evil.example", **key).status_code == 421
    assert post(server, Origin="http://evil.example", **key).status_code == 403


def test_the_server_tells_when_its_mcp_face_is_ready(server: RunningServer) -> None:
    def ready() -> bool:
        answer = server.client.get("/health", headers={"Authorization": "Bearer segredo"}).json()
        return answer["mcp"] == "ready"

    assert eventually(ready, what="the MCP face")


async def test_a_server_that_stops_does_not_wait_for_a_call_that_waits(tmp_path: Path) -> None:
    ws = open_workspace(tmp_path / "afina")
    add_run(ws, "livros-20261124-1", "running", 1.0)
    alive = FileLock.try_acquire(runs.lock_path(ws, "livros-20261124-1"))
    assert alive is not None
    with alive, RunningServer(ws) as server:
        async with a_call_that_waits(server.url):
            start = time.monotonic()
            assert await anyio.to_thread.run_sync(server.stop) == 0
            assert time.monotonic() - start < 15
