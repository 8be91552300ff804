"""The whole way over MCP with the ready program, on the sample's biographies and the tiny model."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.clients.environments import Environment, node_environment
from tests.support.running_server import RunningServer
from tools.workspace.layout import Workspace

CLIENTS = Path(__file__).parents[2] / "clients"
SETTINGS = {
    "iters": 8,
    "max_seq_length": 64,
    "steps_per_report": 2,
    "steps_per_eval": 4,
    "val_batches": 1,
    "save_every": 8,
    "sample_prompts": ["Quem foi Gil?"],
}


def finetune(ws: Workspace, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(CLIENTS / "finetune_over_mcp.py"), str(CLIENTS / "sample" / "biografias")]
    return subprocess.run(
        [*command, "--name", "vidas", "--settings", json.dumps(SETTINGS), "--max-items", "3", *arguments],
        capture_output=True,
        text=True,
        timeout=240,
        env={**os.environ, "AFINA_WORKSPACE": str(ws.root), "AFINA_DEFAULT_MODEL": "tiny", **environment},
        check=False,
    )


def check(done: subprocess.CompletedProcess[str], ws: Workspace) -> None:
    assert done.returncode == 0, done.stdout + done.stderr
    for told in ("train: ", "rows", "succeeded: step 8 of 8", "vidas@", "Next: "):
        assert told in done.stdout, told
    assert ws.adapter_names() == ["vidas"]
    report = next(line for line in done.stdout.splitlines() if line.startswith("Report: "))
    assert Path(report.removeprefix("Report: ")).is_file()


def test_the_whole_way_over_pipes(tiny_ws: Workspace) -> None:
    check(finetune(tiny_ws, "--command", f"{sys.executable} -P -m server.cli mcp"), tiny_ws)


@pytest.mark.verify
def test_the_whole_way_over_http(tiny_ws: Workspace) -> None:
    with RunningServer(tiny_ws, api_key="segredo", default_model="tiny") as server:
        check(finetune(tiny_ws, "--url", f"{server.url}/mcp", AFINA_API_KEY="segredo"), tiny_ws)


@pytest.fixture(scope="module")
def node() -> Environment:
    return node_environment("@modelcontextprotocol/client", "2.4.0")


def finetune_in_typescript(
    node: Environment, ws: Workspace, *arguments: str, **environment: str
) -> subprocess.CompletedProcess[str]:
    command = [node.bin / "node", CLIENTS / "finetune_over_mcp.ts", CLIENTS / "sample" / "biografias", "vidas"]
    afina = f"{sys.executable} -P -m server.cli mcp"
    own = {"AFINA_WORKSPACE": str(ws.root), "AFINA_DEFAULT_MODEL": "tiny", "AFINA_COMMAND": afina}
    return subprocess.run(
        [*command, *arguments],
        capture_output=True,
        text=True,
        timeout=240,
        cwd=node.folder,
        env={**os.environ, **own, **environment},
        check=False,
    )


@pytest.mark.verify
def test_the_whole_way_in_typescript_over_pipes(node: Environment, tiny_ws: Workspace) -> None:
    check_typescript(finetune_in_typescript(node, tiny_ws, json.dumps(SETTINGS), "3"), tiny_ws)


@pytest.mark.verify
def test_the_whole_way_in_typescript_over_http(node: Environment, tiny_ws: Workspace) -> None:
    with RunningServer(tiny_ws, api_key="segredo", default_model="tiny") as server:
        url = {"AFINA_URL": f"{server.url}/mcp", "AFINA_API_KEY": "segredo"}
        check_typescript(finetune_in_typescript(node, tiny_ws, json.dumps(SETTINGS), "3", **url), tiny_ws)


def check_typescript(done: subprocess.CompletedProcess[str], ws: Workspace) -> None:
    assert done.returncode == 0, done.stdout + done.stderr
    for told in ("train: vidas-", "rows to learn from", "  succeeded: ", "vidas@", "Next: "):
        assert told in done.stdout, told
    assert ws.adapter_names() == ["vidas"]


@pytest.mark.verify
def test_a_refusal_in_typescript_is_told_in_the_servers_words(node: Environment, tiny_ws: Workspace) -> None:
    done = finetune_in_typescript(node, tiny_ws, '{"iterations": 8}')
    assert done.returncode == 1
    assert "`iters`" in done.stderr, done.stdout + done.stderr


def test_a_refusal_is_told_in_the_servers_words(tiny_ws: Workspace) -> None:
    done = finetune(tiny_ws, "--model", "tinny", "--command", f"{sys.executable} -P -m server.cli mcp")
    assert done.returncode == 1
    assert "Did you mean `tiny`?" in done.stderr
    assert "Traceback" not in done.stderr
