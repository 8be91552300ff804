"""`afina mcp` as hosts start it: a real process, the SDK's client over its pipes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from mcp import Client
from mcp.client.stdio import StdioServerParameters, stdio_client

from server.mcp.endpoint import find
from server.settings import load_settings
from tests.list_workspace.rows import add_run
from tests.support.running_server import eventually
from tests.support.training import FAST, prepare_small, wait_until
from tools.workspace import runs
from tools.workspace.layout import Workspace
from tools.workspace.locks import FileLock, is_held

AFINA = [sys.executable, "-P", "-m", "server.cli"]


@pytest.mark.parametrize("era", ["auto", "legacy"])
async def test_a_host_lists_and_calls_the_tools_over_pipes(tiny_ws: Workspace, era: str) -> None:
    command, *arguments = [*AFINA, "mcp", "--workspace", str(tiny_ws.root)]
    transport = stdio_client(StdioServerParameters(command=command, args=arguments))
    async with Client(transport, mode=era) as client:
        tools = (await client.list_tools()).tools
        assert tools[0].name == "prepare_dataset"
        result = await client.call_tool("list_workspace", {"kind": "models", "limit": 1})
        assert result.structured_content is not None
        assert result.structured_content["models"][0]["model"] == "tiny"
        refused = await client.call_tool("training_status", {"run": "nada"})
        assert refused.is_error
        assert "no run named `nada`" in refused.content[0].text


def test_stdout_carries_the_protocol_alone(tiny_ws: Workspace) -> None:
    hello = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "initialize",
        "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "0"}},
    }
    check = {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {"name": "check_setup", "arguments": {}}}
    ready = {"jsonrpc": "2.0", "method": "notifications/initialized"}
    process = subprocess.Popen(
        [*AFINA, "mcp", "--workspace", str(tiny_ws.root)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write("".join(json.dumps(message) + "\n" for message in (hello, ready, check)))
        process.stdin.flush()
        answers = [json.loads(process.stdout.readline()) for _ in range(2)]
        process.stdin.close()
        assert process.wait(timeout=20) == 0
        assert process.stdout.read() == ""
    finally:
        process.kill()
    assert [answer["id"] for answer in answers] == [1, 2]
    assert answers[1]["result"]["structuredContent"]["workspace"] == str(tiny_ws.root)


def test_a_workspace_that_cannot_be_made_is_told_on_stderr(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = subprocess.run(
        [*AFINA, "mcp", "--workspace", str(tmp_path / "file" / "ws")],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ},
        check=False,
    )
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("afina: ")
    assert "Traceback" not in done.stderr


def test_a_host_that_leaves_in_the_middle_of_a_wait_is_not_waited_for(tiny_ws: Workspace) -> None:
    add_run(tiny_ws, "livros-20261124-1", "running", 1.0)
    alive = FileLock.try_acquire(runs.lock_path(tiny_ws, "livros-20261124-1"))
    assert alive is not None
    hello = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "0"}}
    status = {"name": "training_status", "arguments": {"wait_s": 45}, "_meta": {"progressToken": 1}}
    messages = [
        {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello},
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": status},
    ]
    process = subprocess.Popen(
        [*AFINA, "mcp", "--workspace", str(tiny_ws.root)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin is not None
    assert process.stdout is not None
    with alive:
        try:
            process.stdin.write("".join(json.dumps(message) + "\n" for message in messages))
            process.stdin.flush()
            assert json.loads(process.stdout.readline())["id"] == 1
            progress = json.loads(process.stdout.readline())
            assert progress["method"] == "notifications/progress"
            assert progress["params"]["progress"] == 3
            process.stdin.close()
            assert process.wait(timeout=15) == 0
        finally:
            process.kill()


@pytest.mark.verify
def test_the_first_answer_comes_soon(tiny_ws: Workspace) -> None:
    hello = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "0"}}
    message = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello}) + "\n"
    took = []
    for _ in range(3):
        began = time.monotonic()
        process = subprocess.Popen(
            [*AFINA, "mcp", "--workspace", str(tiny_ws.root)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert process.stdin is not None
        assert process.stdout is not None
        with process:
            process.stdin.write(message)
            process.stdin.flush()
            assert json.loads(process.stdout.readline())["id"] == 1
            took.append(time.monotonic() - began)
    assert min(took) < 8  # 0.8 on an idle core; others may be at work here


@pytest.mark.verify
async def test_what_a_host_began_goes_on_when_it_has_left(tiny_ws: Workspace, tmp_path: Path) -> None:
    prepare_small(tiny_ws, tmp_path / "material")
    command, *arguments = [*AFINA, "mcp", "--workspace", str(tiny_ws.root)]
    env = {**os.environ, "AFINA_DEFAULT_MODEL": "tiny", "AFINA_EXIT_IDLE_S": "3"}
    transport = stdio_client(StdioServerParameters(command=command, args=arguments, env=env))
    async with Client(transport) as client:
        asked = await client.call_tool("ask_model", {"prompt": "olá", "models": ["tiny"], "max_tokens": 4})
        assert not asked.is_error, asked.content
        settings = {**FAST, "iters": 60, "lora_layers": 1}
        started = await client.call_tool("start_finetune", {"dataset": "livros", "settings": settings})
        assert started.structured_content is not None, started.content
        run = started.structured_content["run"]
    # The endpoint that was started for the question is there for others, until nobody asks.
    endpoint = find(tiny_ws, load_settings({"workspace": str(tiny_ws.root)}, {}))
    assert endpoint is not None
    assert runs.get(tiny_ws, run).state in runs.ACTIVE
    assert wait_until(tiny_ws, run, "succeeded").adapter is not None
    eventually(lambda: not is_held(tiny_ws.lock_path("server")), 30, "the end of the idle endpoint")
