"""A refusal ends with the call that would do, and that call does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from server.mcp import registry
from server.mcp.mending import add_next
from server.mcp.tool import ToolContext
from tests.list_workspace.rows import add_run
from tests.support.training import prepare_small
from tools.errors import AfinaError, DiskFull, DoesNotFit, MachineError, NotFound, Offline, WorkerDied


def refused(context: ToolContext, tool: str, **given: Any) -> AfinaError:
    with pytest.raises(AfinaError) as caught:
        registry.call(context, tool, given)
    return caught.value


def call_of(error: AfinaError) -> tuple[str, dict[str, Any]]:
    assert error.next is not None, str(error)
    tool, _, arguments = error.next.partition(" ")
    return tool, json.loads(arguments)


@pytest.mark.parametrize(
    ("tool", "given", "meant"),
    [
        ("list_workspace", {"knd": "runs", "limit": 2}, {"limit": 2, "kind": "runs"}),
        ("list_workspace", {"kind": "run"}, {"kind": "runs"}),
        ("training_status", {"run": "livros-20261124-2"}, {"run": "livros-20261124-1"}),
        ("training_status", {"run": "livros-20261124-1", "detail": "detailled"}, None),
        ("start_finetune", {"dataset": "livrso", "dry_run": True}, {"dataset": "livros", "dry_run": True}),
        (
            "start_finetune",
            {"dataset": "livros", "dry_run": True, "settings": {"iter": 3}},
            {"dataset": "livros", "dry_run": True, "settings": {"iters": 3}},
        ),
        (
            "start_finetune",
            {"dataset": "livros", "dry_run": True, "name": "tiny"},
            {"dataset": "livros", "dry_run": True, "name": "tiny-afinado"},
        ),
    ],
)
def test_a_slip_is_set_right_and_the_call_then_works(
    context: ToolContext, tmp_path: Path, tool: str, given: dict[str, Any], meant: dict[str, Any] | None
) -> None:
    add_run(context.ws, "livros-20261124-1", "succeeded", 1.0)
    if "dataset" in given:
        prepare_small(context.ws, tmp_path / "material")
    named, arguments = call_of(refused(context, tool, **given))
    assert named == tool
    assert arguments == (meant or {**given, "detail": "detailed"})
    registry.call(context, named, arguments)


def test_a_path_with_a_slip_is_set_right_beside_those_that_are_good(context: ToolContext, tmp_path: Path) -> None:
    folder = context.ws.root / "textos"
    folder.mkdir()
    (folder / "farol.md").write_text("# Um\n\nO farol.\n")
    (folder / "mar.md").write_text("# Um\n\nO mar.\n")
    given = [str(folder / "mar.md"), {"path": str(folder / "faro.md"), "kind": "book"}]
    tool, arguments = call_of(refused(context, "prepare_dataset", sources=given, dry_run=True))
    assert tool == "prepare_dataset"
    assert arguments == {
        "sources": [str(folder / "mar.md"), {"path": str(folder / "farol.md"), "kind": "book"}],
        "dry_run": True,
    }


@pytest.mark.parametrize(
    ("tool", "given", "kind"),
    [
        ("start_finetune", {"dataset": "nada-disto"}, "datasets"),
        ("start_finetune", {}, "datasets"),
        ("evaluate", {"adapter": "nada-disto"}, "adapters"),
        ("evaluate", {}, "adapters"),
        ("training_status", {}, "runs"),
        ("control_finetune", {"action": "pause"}, "runs"),
    ],
)
def test_where_no_name_is_near_the_names_are_to_be_listed(
    context: ToolContext, tool: str, given: dict[str, Any], kind: str
) -> None:
    assert call_of(refused(context, tool, **given)) == ("list_workspace", {"kind": kind})


@pytest.mark.parametrize(
    ("error", "call"),
    [
        (DoesNotFit("Too large.", details={"largest_settings": {"lora_rank": 4}}),
         'start_finetune {"dataset": "a", "settings": {"iters": 3, "lora_rank": 4}}'),
        (DiskFull("Full."), "check_setup {}"),
        (Offline("Away."), 'start_finetune {"dataset": "a", "settings": {"iters": 3}}'),
        (MachineError("Busy."), 'start_finetune {"dataset": "a", "settings": {"iters": 3}}'),
        (WorkerDied("Dead.", next="evaluate {}"), "evaluate {}"),
        (AfinaError("Only a person can say."), None),
    ],
)  # fmt: skip
def test_each_kind_of_failure_has_its_call(error: AfinaError, call: str | None) -> None:
    add_next("start_finetune", {"dataset": "a", "settings": {"iters": 3}}, error)
    assert error.next == call
    assert AfinaError.from_dict(error.to_dict()).next == call


def test_a_long_call_is_not_repeated() -> None:
    error = NotFound("dataset", "livrso", ["livros"])
    add_next("annotate_dataset", {"dataset": "livrso", "pairs": [{"answer": "a" * 1000}]}, error)
    assert error.next is None
