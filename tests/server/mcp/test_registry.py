"""Calls by name, as `afina call` makes them."""

from __future__ import annotations

import dataclasses

import pytest

from server.mcp import registry
from server.mcp.tool import ToolContext
from tools.errors import InvalidArgument, MachineError, NoPermission, NotFound
from tools.list_workspace.contract import ListResult


def test_a_call_gives_the_tools_result(context: ToolContext) -> None:
    result = registry.call(context, "list_workspace", {"kind": "models", "limit": 1})
    assert isinstance(result, ListResult)
    assert result.models is not None
    assert result.models[0].model == "tiny"


def test_an_unknown_tool_is_refused_with_the_nearest(context: ToolContext) -> None:
    with pytest.raises(NotFound, match="no tool named `list_workspaces`") as refused:
        registry.call(context, "list_workspaces", {})
    assert "Did you mean `list_workspace`?" in str(refused.value)


def test_a_dataset_that_is_not_there_is_refused_with_what_to_do(context: ToolContext) -> None:
    with pytest.raises(NotFound) as refused:
        registry.call(context, "start_finetune", {"dataset": "livros", "dry_run": True})
    assert refused.value.field == "dataset"
    assert "prepare_dataset" in str(refused.value)


def test_a_status_without_a_run_says_how_to_start_one(context: ToolContext) -> None:
    with pytest.raises(NotFound) as refused:
        registry.call(context, "training_status", {})
    assert "start_finetune" in str(refused.value)


def test_what_nobody_foresaw_is_told_in_our_words_and_kept_in_the_log(context: ToolContext) -> None:
    with pytest.raises(MachineError) as told, registry.telling_defects(context.ws, "evaluate"):
        raise KeyError("segredo do texto")
    assert "segredo" not in str(told.value)
    log = context.ws.logs / "defects.log"
    assert str(log) in str(told.value)
    assert "segredo do texto" in log.read_text()


def test_the_systems_refusals_are_told_with_the_place(context: ToolContext) -> None:
    with pytest.raises(NoPermission, match="/etc/shadow"), registry.telling_defects(context.ws, "prepare_dataset"):
        raise PermissionError(13, "denied", "/etc/shadow")


def test_asking_needs_one_of_prompt_and_messages(context: ToolContext) -> None:
    for arguments in ({}, {"prompt": "a", "messages": [{"role": "user", "content": "b"}]}):
        with pytest.raises(InvalidArgument, match="one of them"):
            registry.call(context, "ask_model", arguments)


def test_opening_a_context_makes_the_workspace_right_again(context: ToolContext) -> None:
    context.ws.store.write(
        "INSERT INTO jobs (job, kind, state, request, created, updated) VALUES ('j', 'pull', 'running', '{}', 1, 1)"
    )
    reopened = registry.open_context(context.settings)
    assert dataclasses.is_dataclass(reopened)
    row = reopened.ws.store.row("SELECT state FROM jobs WHERE job = 'j'")
    assert row == {"state": "failed"}
