"""The ready configurations and programs, each run as its user would run it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from mcp.client.stdio import StdioServerParameters, stdio_client

from tests.support.running_server import RunningServer
from tests.support.tiny_adapter import make_tiny_adapter
from tools.workspace.layout import Workspace

CLIENTS = Path(__file__).parents[2] / "clients"
PROGRAMS = Path(sys.executable).parent


def servers(name: str) -> dict[str, dict[str, Any]]:
    return json.loads((CLIENTS / name).read_text())["mcpServers"]


def environment(ws: Workspace) -> dict[str, str]:
    """As a shell in which Afina is installed."""
    path = f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "AFINA_WORKSPACE": str(ws.root), "AFINA_DEFAULT_MODEL": "tiny"}


def expanded(text: str, env: dict[str, str]) -> str:
    """`${NAME:-default}`, as Claude Code expands it."""
    return re.sub(r"\$\{(\w+)(?::-([^}]*))?\}", lambda m: env.get(m[1]) or m[2] or "", text)


@pytest.mark.parametrize("config", ["claude-desktop.json", "claude-code.json", "generic-mcp.json"])
async def test_a_configurations_command_starts_a_server_that_answers(tiny_ws: Workspace, config: str) -> None:
    entry = servers(config)["afina"]
    env = environment(tiny_ws)
    own = {**entry.get("env", {}), "AFINA_WORKSPACE": str(tiny_ws.root)}
    parameters = StdioServerParameters(
        command=entry["command"], args=[expanded(a, env) for a in entry["args"]], env={**env, **own}
    )
    async with Client(stdio_client(parameters)) as client:
        assert len((await client.list_tools()).tools) == 10
        result = await client.call_tool("list_workspace", {"kind": "models", "limit": 1})
        assert result.structured_content is not None
        assert result.structured_content["workspace"] == str(tiny_ws.root)


@pytest.fixture
def server(tiny_ws: Workspace) -> Iterator[RunningServer]:
    make_tiny_adapter(tiny_ws, "livros")
    with RunningServer(tiny_ws, api_key="segredo") as server:
        yield server


def test_the_openai_program_asks_plainly_and_streaming(server: RunningServer, tiny_ws: Workspace) -> None:
    done = run("openai_chat.py", "olá", "--model", "livros", "--max-tokens", "6", ws=tiny_ws, server=server)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith("livros")
    assert "tokens" in done.stdout
    assert "livros, streamed: " in done.stdout


def test_the_openai_program_tells_a_refusal_in_one_line(server: RunningServer, tiny_ws: Workspace) -> None:
    done = run("openai_chat.py", "olá", "--model", "livro", ws=tiny_ws, server=server)
    assert done.returncode == 1
    assert done.stderr.startswith("404: ")
    assert "Traceback" not in done.stderr


def test_the_openai_program_says_when_nobody_serves(tiny_ws: Workspace) -> None:
    done = run("openai_chat.py", "--base-url", "http://127.0.0.1:1/v1", ws=tiny_ws)
    assert done.returncode == 1
    assert "start `afina serve`" in done.stderr


async def test_the_generic_configuration_reaches_a_running_server(server: RunningServer) -> None:
    import httpx2
    from mcp.client.streamable_http import streamable_http_client

    entry = servers("generic-mcp.json")["afina-http"]
    assert entry["url"] == "http://127.0.0.1:8321/mcp"  # the port of a plain `afina serve`
    headers = {k: v.replace("YOUR_AFINA_API_KEY", "segredo") for k, v in entry["headers"].items()}
    http = httpx2.AsyncClient(headers=headers)
    async with Client(streamable_http_client(f"{server.url}/mcp", http_client=http)) as client:
        assert len((await client.list_tools()).tools) == 10


async def test_open_webuis_connections_reach_a_running_server(server: RunningServer) -> None:
    """Its two connections, with the requests that it makes of them; the application itself is not installed."""
    import httpx2
    from mcp.client.streamable_http import streamable_http_client

    lines = (CLIENTS / "open-webui.env").read_text().splitlines()
    given = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    given = {
        name: value.replace("http://host.docker.internal:8321", server.url).replace("YOUR_AFINA_API_KEY", "segredo")
        for name, value in given.items()
    }
    headers = {"Authorization": f"Bearer {given['OPENAI_API_KEY']}"}
    listed = server.client.get(f"{given['OPENAI_API_BASE_URL']}/models", headers=headers)
    assert "livros" in [model["id"] for model in listed.json()["data"]]
    [tools] = json.loads(given["TOOL_SERVER_CONNECTIONS"])
    assert (tools["type"], tools["auth_type"], tools["info"]["id"]) == ("mcp", "bearer", "afina")
    http = httpx2.AsyncClient(headers={"Authorization": f"Bearer {tools['key']}"})
    # It speaks the protocol with a handshake.
    async with Client(streamable_http_client(tools["url"], http_client=http), mode="legacy") as client:
        assert len((await client.list_tools()).tools) == 10


def run(
    program: str, *arguments: str, ws: Workspace, server: RunningServer | None = None
) -> subprocess.CompletedProcess[str]:
    env = environment(ws)
    if server is not None:
        env |= {"OPENAI_BASE_URL": f"{server.url}/v1", "AFINA_API_KEY": "segredo"}
    return subprocess.run(
        [sys.executable, str(CLIENTS / program), *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        env=env,
        check=False,
    )
