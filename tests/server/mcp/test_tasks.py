"""Long calls as tasks, through the SDK's client; the conformance suite tries the rest."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Literal

import anyio
import pytest
from mcp import Client
from mcp.client.extension import ClientExtension, ResultClaim
from mcp.shared.exceptions import MCPError
from mcp.types import INVALID_PARAMS, CallToolResult, Request, RequestParams, Result
from pydantic import ConfigDict

from server.mcp.server import build_server
from server.mcp.tasks import IDENTIFIER
from server.mcp.tool import ToolContext
from tests.list_workspace.rows import add_run
from tools.workspace import runs
from tools.workspace.locks import FileLock

RUN = "livros-20261124-1"


class Handle(Result):
    model_config = ConfigDict(extra="allow")

    result_type: Literal["task"] = "task"


class Params(RequestParams):
    task_id: str


class Anything(Result):
    model_config = ConfigDict(extra="allow")


class KnowsTasks(ClientExtension):
    identifier = IDENTIFIER

    def claims(self) -> list[ResultClaim[Any]]:
        async def never(handle: Handle, ctx: Any) -> CallToolResult:
            raise AssertionError("the test takes the handle itself")

        return [ResultClaim(result_type="task", model=Handle, resolve=never)]


@asynccontextmanager
async def connected(context: ToolContext) -> AsyncIterator[Client]:
    with anyio.fail_after(30):
        async with Client(build_server(context), extensions=[KnowsTasks()]) as client:
            yield client


async def ask(client: Client, method: str, task: str) -> dict[str, Any]:
    request = Request[Params, str](method=method, params=Params(task_id=task))
    return (await client.session.send_request(request, Anything)).model_dump()


async def ended(client: Client, task: str) -> dict[str, Any]:
    while (told := await ask(client, "tasks/get", task))["status"] == "working":
        await anyio.sleep(0.02)
    return told


async def begun(client: Client) -> str:
    """A call that waits for news of a run, as a task."""
    handle = await client.session.call_tool("training_status", {"run": RUN, "wait_s": 45}, allow_claimed=True)
    assert isinstance(handle, Handle), handle
    return str(handle.model_extra["taskId"])


@pytest.fixture
def alive(context: ToolContext) -> Any:
    add_run(context.ws, RUN, "running", 1.0)
    lock = FileLock.try_acquire(runs.lock_path(context.ws, RUN))
    assert lock is not None
    with lock:
        yield lock


async def test_a_call_that_waits_is_a_task_until_its_answer_is_there(context: ToolContext, alive: FileLock) -> None:
    async with connected(context) as client:
        task = await begun(client)
        told = await ask(client, "tasks/get", task)
        assert (told["status"], told["ttlMs"]) == ("working", 3_600_000)
        runs.set_state(context.ws, RUN, "paused", "Paused.")
        told = await ended(client, task)
    assert told["status"] == "completed"
    assert told["result"]["structuredContent"]["state"] == "paused"


async def test_what_is_answered_at_once_is_no_task(context: ToolContext, alive: FileLock) -> None:
    async with connected(context) as client:
        result = await client.call_tool("training_status", {"run": RUN})
        assert result.structured_content["state"] == "running"
        refused = await client.call_tool("training_status", {"run": "nada", "wait_s": 45})
        assert refused.is_error


async def test_to_cancel_a_task_ends_the_wait_and_leaves_the_run(context: ToolContext, alive: FileLock) -> None:
    async with connected(context) as client:
        task = await begun(client)
        await ask(client, "tasks/cancel", task)
        assert (await ended(client, task))["status"] == "cancelled"
        await ask(client, "tasks/cancel", task)
    assert runs.get(context.ws, RUN).state == "running"
    assert runs.asked(context.ws, RUN) is None


async def test_an_unknown_task_is_told_with_what_to_ask_instead(context: ToolContext) -> None:
    async with connected(context) as client:
        with pytest.raises(MCPError) as refused:
            await ask(client, "tasks/get", "nada")
    assert refused.value.error.code == INVALID_PARAMS
    assert "training_status" in refused.value.error.message


async def test_a_client_that_knows_no_tasks_waits_for_its_answer(context: ToolContext, alive: FileLock) -> None:
    async with Client(build_server(context)) as client:
        result = await client.call_tool("training_status", {"run": RUN, "wait_s": 0.3})
    assert result.structured_content["state"] == "running"
