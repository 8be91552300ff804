"""The MCP server in both eras of the protocol, through the SDK's own client."""

from __future__ import annotations

import dataclasses
import logging
import time

import anyio
import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError
from mcp.types import INVALID_PARAMS

from server.mcp import registry
from server.mcp.definitions.workspace import LIST_WORKSPACE
from server.mcp.rendering import structured
from server.mcp.server import RegistryTool, build_server
from server.mcp.tool import Progress, ToolContext

# The stateless protocol of 2026 and the one with a handshake before it.
both_eras = pytest.mark.parametrize("era", ["auto", "legacy"])


def connect(context: ToolContext, era: str) -> Client:
    return Client(build_server(context), raise_exceptions=True, mode=era)


@both_eras
async def test_the_server_says_who_it_is_and_how_to_go_about(context: ToolContext, era: str) -> None:
    async with connect(context, era) as client:
        assert client.server_info is not None
        assert client.server_info.name == "afina"
        assert client.instructions is not None
        assert "prepare_dataset" in client.instructions


@both_eras
async def test_a_call_gives_structured_content_and_the_same_as_text(context: ToolContext, era: str) -> None:
    async with connect(context, era) as client:
        result = await client.call_tool("list_workspace", {"kind": "models", "limit": 1})
        expected = structured(registry.call(context, "list_workspace", {"kind": "models", "limit": 1}))
        assert not result.is_error
        assert result.structured_content == expected
        text = result.content[0].text
        assert "model: tiny" in text
        assert text.splitlines()[-1] == f"next: {expected['next']}"


@both_eras
async def test_every_tool_without_arguments_answers_or_says_what_is_missing(context: ToolContext, era: str) -> None:
    async with connect(context, era) as client:
        for tool in registry.TOOLS:
            result = await client.call_tool(tool.name, {})
            text = result.content[0].text
            assert "Error executing tool" not in text
            assert "defect" not in text, text
            if result.is_error:
                assert len(text) > 20
                assert result.meta is not None
                assert result.meta["afina/error"]["code"] in ("invalid_argument", "not_found"), text


@both_eras
async def test_an_unknown_argument_is_an_error_that_says_what_was_meant(context: ToolContext, era: str) -> None:
    async with connect(context, era) as client:
        result = await client.call_tool("list_workspace", {"kinds": "runs"})
        assert result.is_error
        told, call = result.content[0].text.split("\n")
        assert told == "`kinds` is no argument of list_workspace. Did you mean `kind`?"
        assert call == 'next: list_workspace {"kind": "runs"}'


@both_eras
async def test_a_wrong_type_is_an_error_that_says_what_was_expected(context: ToolContext, era: str) -> None:
    async with connect(context, era) as client:
        result = await client.call_tool("list_workspace", {"limit": "many"})
        assert result.is_error
        assert "a whole number from 1 to 200" in result.content[0].text


@both_eras
async def test_an_unknown_tool_is_a_protocol_error_with_the_nearest(context: ToolContext, era: str) -> None:
    async with connect(context, era) as client:
        with pytest.raises(MCPError) as refused:
            await client.call_tool("list_workspce", {})
        assert refused.value.error.code == INVALID_PARAMS
        assert "Did you mean `list_workspace`?" in refused.value.error.message


async def test_a_defect_shows_nothing_of_the_exception(context: ToolContext) -> None:
    def fail(context: ToolContext, args: object) -> None:
        raise RuntimeError("segredo do texto")

    server = build_server(context)
    broken = RegistryTool.of(dataclasses.replace(LIST_WORKSPACE, handler=fail), context)
    server._tool_manager._tools["list_workspace"] = broken
    async with Client(server) as client:
        result = await client.call_tool("list_workspace", {})
    assert result.is_error
    assert "segredo" not in result.content[0].text
    assert "defect of ours" in result.content[0].text


async def test_a_call_that_waits_tells_how_far_it_is(context: ToolContext) -> None:
    steps = iter(range(1, 100))
    told: list[tuple[float, float | None, str | None]] = []
    heard = anyio.Event()

    async def hear(done: float, total: float | None, message: str | None) -> None:
        told.append((done, total, message))
        heard.set()

    def wait(context: ToolContext, args: object) -> object:
        deadline = time.monotonic() + 20
        while not told and time.monotonic() < deadline:
            time.sleep(0.01)
        return registry.call(context, "list_workspace", {})

    waiting = dataclasses.replace(
        LIST_WORKSPACE, handler=wait, progress=lambda context, args: Progress(next(steps), 100, "training")
    )
    server = build_server(context)
    server._tool_manager._tools["list_workspace"] = RegistryTool.of(waiting, context)
    async with Client(server) as client:
        result = await client.call_tool("list_workspace", {}, progress_callback=hear)
    assert not result.is_error
    assert told[0] == (1, 100, "training")


async def test_a_client_that_goes_away_is_not_waited_for(context: ToolContext) -> None:
    started, ended = anyio.Event(), []

    def slow(context: ToolContext, args: object) -> object:
        anyio.from_thread.run_sync(started.set)
        time.sleep(0.3)
        ended.append(True)
        return registry.call(context, "list_workspace", {})

    tool = RegistryTool.of(dataclasses.replace(LIST_WORKSPACE, handler=slow), context)
    with anyio.move_on_after(20) as scope:
        async with anyio.create_task_group() as group:
            group.start_soon(tool.run, {}, None)
            await started.wait()
            group.cancel_scope.cancel()
    assert not scope.cancelled_caught
    assert not ended


def test_building_a_server_leaves_logging_as_it_was(context: ToolContext) -> None:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    build_server(context)
    assert (list(root.handlers), root.level) == (handlers, level)
