"""What cannot be undone waits for a person; every call leaves a line in the log of calls, and no contents."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from mcp import Client
from mcp.types import ElicitRequestParams, ElicitResult

from server.cli import main
from server.mcp import audit, registry
from server.mcp.server import build_server
from server.mcp.tool import ToolContext
from tests.list_workspace.rows import add_run
from tools.errors import Conflict
from tools.workspace import runs
from tools.workspace.layout import Workspace

RUN = "livros-20261124-1"
CANCEL = {"run": RUN, "action": "cancel"}
both_eras = pytest.mark.parametrize("era", ["auto", "legacy"])


@pytest.fixture(autouse=True)
def run(context: ToolContext) -> None:
    add_run(context.ws, RUN, "paused", 1.0)


def state(context: ToolContext) -> str:
    return runs.get(context.ws, RUN).state


def answering(action: str, confirm: bool | None = None) -> tuple[list[str], Callable[..., Any]]:
    """A client's dialogue that gives this answer, and the questions it showed."""
    shown: list[str] = []

    async def dialogue(_: Any, asked: ElicitRequestParams) -> ElicitResult:
        shown.append(asked.message)
        return ElicitResult(action=action, content=None if confirm is None else {"confirm": confirm})  # type: ignore[arg-type]

    return shown, dialogue


@both_eras
async def test_without_a_dialogue_cancelling_takes_an_explicit_argument(context: ToolContext, era: str) -> None:
    async with Client(build_server(context), mode=era) as client:
        refused = await client.call_tool("control_finetune", CANCEL)
        assert refused.is_error
        text = refused.content[0].text
        assert "nothing was done" in text
        assert "Ask the person" in text
        assert "\nnext: " not in text
        assert state(context) == "paused"
        done = await client.call_tool("control_finetune", {**CANCEL, "confirm": True})
        assert not done.is_error
    assert state(context) == "cancelled"


@both_eras
async def test_a_client_with_a_dialogue_asks_its_person_whatever_the_assistant_says(
    context: ToolContext, era: str
) -> None:
    for action, confirm in (("decline", None), ("cancel", None), ("accept", False), ("accept", None)):
        shown, dialogue = answering(action, confirm)
        async with Client(build_server(context), mode=era, elicitation_callback=dialogue) as client:
            refused = await client.call_tool("control_finetune", {**CANCEL, "confirm": True})
            assert refused.is_error
            assert "did not agree" in refused.content[0].text
        assert shown == [f"Cancel the run {RUN} for good, at step 3 of 10? It cannot be resumed afterwards."]
        assert state(context) == "paused"
    shown, dialogue = answering("accept", True)
    async with Client(build_server(context), mode=era, elicitation_callback=dialogue) as client:
        assert not (await client.call_tool("control_finetune", CANCEL)).is_error
    assert len(shown) == 1
    assert state(context) == "cancelled"


async def test_what_can_be_undone_asks_nobody(context: ToolContext) -> None:
    shown, dialogue = answering("decline")
    async with Client(build_server(context), elicitation_callback=dialogue) as client:
        await client.call_tool("control_finetune", {"run": RUN, "action": "pause"})
        await client.call_tool("control_finetune", {"run": "nada", "action": "cancel"})
    assert not shown


async def test_tools_that_end_what_cannot_be_resumed_are_marked(context: ToolContext) -> None:
    for tool in await build_server(context).list_tools():
        assert tool.annotations is not None
        destroys = registry.find(tool.name).question is not None
        assert destroys == ("confirm" in tool.input_schema["properties"])
        assert bool(tool.annotations.destructive_hint) == destroys, tool.name


def test_a_script_confirms_by_the_argument_too(context: ToolContext) -> None:
    with pytest.raises(Conflict, match="nothing was done"):
        registry.call(context, "control_finetune", CANCEL)
    registry.call(context, "control_finetune", {**CANCEL, "confirm": True})
    assert state(context) == "cancelled"


# The log of calls ---------------------------------------------------------------------------------


@both_eras
async def test_each_call_leaves_who_what_outcome_and_time_and_nothing_of_what_was_said(
    context: ToolContext, era: str
) -> None:
    async with Client(build_server(context), mode=era) as client:
        await client.call_tool("training_status", {"run": RUN})
        await client.call_tool("training_status", {"run": "segredo"})
        await client.call_tool("ask_model", {"promt": "segredo"})
        await client.call_tool("control_finetune", CANCEL)
    entries = audit.read(context.ws, 10)
    assert [(entry.tool, entry.outcome) for entry in entries] == [
        ("training_status", "ok"),
        ("training_status", "not_found"),
        ("ask_model", "invalid_argument"),
        ("control_finetune", "conflict"),
    ]
    assert all(entry.ms >= 0 and entry.via == "stdio" and entry.client for entry in entries)
    assert "segredo" not in (context.ws.logs / audit.FILE_NAME).read_text()


def test_the_terminal_shows_the_calls(context: ToolContext, capsys: pytest.CaptureFixture[str]) -> None:
    workspace = ["--workspace", str(context.ws.root)]
    assert main(["audit", *workspace]) == 0
    assert "No tool has been called yet." in capsys.readouterr().out
    assert main(["call", "training_status", *workspace]) == 0
    assert main(["call", "control_finetune", json.dumps(CANCEL), *workspace]) == 1
    capsys.readouterr()
    assert main(["audit", "--json", *workspace]) == 0
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(entry["via"], entry["tool"], entry["outcome"]) for entry in told] == [
        ("cli", "training_status", "ok"),
        ("cli", "control_finetune", "conflict"),
    ]
    assert main(["audit", "--limit", "1", *workspace]) == 0
    assert [line.split()[1:3] for line in capsys.readouterr().out.splitlines()] == [["control_finetune", "conflict"]]


def test_the_log_of_calls_stays_bounded_and_whole_under_many_writers(
    ws: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "FILE_BYTES", 20_000)
    caller = audit.Caller("http", "chave", "app\n\x1b[31m" + "x" * 500)

    def write(number: int) -> None:
        for _ in range(100):
            audit.write(ws, caller, f"tool_{number}", "ok", 0.0)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(8)))
    sizes = [path.stat().st_size for path in ws.logs.glob(f"{audit.FILE_NAME}*")]
    assert len(sizes) == 2
    assert max(sizes) < 2 * 20_000
    kept = audit.read(ws, 10_000)
    lines = sum(len(path.read_text().splitlines()) for path in ws.logs.glob(f"{audit.FILE_NAME}*"))
    assert len(kept) == lines > 100
    assert all("\x1b" not in entry.app and len(entry.app) <= 60 for entry in kept)
