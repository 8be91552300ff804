"""Bad input of every tool: a clear error in our own words, and the workspace as before."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from server.mcp import registry
from server.mcp.tool import ToolContext
from tests.bad_input.cases import CASES, Case
from tests.bad_input.clear import check_clear, check_words
from tests.bad_input.fingerprint import difference, fingerprint
from tests.support.running_server import eventually
from tools.errors import AfinaError, DataError, InvalidArgument
from tools.workspace import runs
from tools.workspace.layout import Workspace

_VALUES: dict[str, Any] = {"string": "texto", "integer": 7, "number": 2.5, "boolean": True, "array": [], "object": {}}
_TAKEN_BY = {"integer": {"integer", "number"}, "number": {"number"}}


@pytest.mark.parametrize("case", CASES, ids=str)
def test_bad_input_is_told_clearly_and_changes_nothing(
    shared_context: ToolContext, material: Path, unchanged: None, case: Case
) -> None:
    arguments, says = case.with_material(material)
    with pytest.raises(AfinaError) as refused:
        registry.call(shared_context, case.tool, arguments)
    assert type(refused.value) is case.kind, repr(refused.value)
    check_clear(refused.value, says, case.field)
    assert AfinaError.from_dict(refused.value.to_dict()).to_dict() == refused.value.to_dict()


def test_the_table_has_every_tool() -> None:
    assert {case.tool for case in CASES} == {tool.name for tool in registry.TOOLS}


def _types(field: dict[str, Any]) -> set[str]:
    return {str(option.get("type", "object")) for option in [field, *field.get("anyOf", [])] if "anyOf" not in option}


def _wrong(tool: str) -> list[tuple[str, Any]]:
    """Each argument of a tool, with a value of every JSON type that it does not take."""
    fields = registry.find(tool).arguments.model_json_schema()["properties"]
    return [
        (name, value)
        for name, field in fields.items()
        for kind, value in _VALUES.items()
        if not _types(field) & _TAKEN_BY.get(kind, {kind})
    ]


@pytest.mark.parametrize("tool", [tool.name for tool in registry.TOOLS])
def test_an_argument_of_another_type_is_named_with_what_was_expected(
    shared_context: ToolContext, unchanged: None, tool: str
) -> None:
    required = {"control_finetune": {"run": "x", "action": "pause"}, "annotate_dataset": {"dataset": "livros"}}
    for name, value in _wrong(tool):
        with pytest.raises(InvalidArgument) as refused:
            registry.call(shared_context, tool, {**required.get(tool, {}), name: value})
        check_clear(refused.value, [f"`{name}`"], name)
        assert refused.value.expected


@pytest.mark.parametrize("tool", [tool.name for tool in registry.TOOLS])
def test_an_unknown_argument_is_refused_with_those_that_there_are(
    shared_context: ToolContext, unchanged: None, tool: str
) -> None:
    required = {"control_finetune": {"run": "x", "action": "pause"}, "annotate_dataset": {"dataset": "livros"}}
    with pytest.raises(InvalidArgument) as refused:
        registry.call(shared_context, tool, {**required.get(tool, {}), "zzz": 1})
    names = list(registry.find(tool).arguments.model_fields)
    listed = ", ".join(f"`{name}`" for name in names) or "none"
    check_clear(refused.value, [f"`zzz` is no argument of {tool}.", listed], "zzz")


def test_a_pair_for_a_dataset_that_somebody_changed_is_not_taken_in(
    shared_context: ToolContext, unchanged: None
) -> None:
    handed: Any = registry.call(shared_context, "annotate_dataset", {"dataset": "livros", "limit": 1})
    words = handed.passages[0].text.split()
    pair = {
        "passage": handed.passages[0].id,
        "question": "Que palavras estão no primeiro registo de todos, a seguir às quatro primeiras?",
        "answer": " ".join(words[4:7]).strip(".,;:—«»"),
        "quote": " ".join(words[2:12]),
    }
    with pytest.raises(DataError) as refused:
        registry.call(shared_context, "annotate_dataset", {"dataset": "mudado", "pairs": [pair]})
    check_clear(refused.value, ["mudado", "train.jsonl", "Make the dataset again with prepare_dataset."])


def test_of_several_models_the_one_that_is_not_there_says_so_beside_the_others_answers(
    shared_context: ToolContext, unchanged: None
) -> None:
    arguments = {"prompt": "olá", "models": ["tiny", "nada"], "max_tokens": 2}
    result: Any = registry.call(shared_context, "ask_model", arguments)
    assert result.answers[0].error is None
    assert result.answers[0].completion_tokens >= 1
    assert "There is no model named `nada`." in result.answers[1].error
    check_words(result.answers[1].error)


def test_the_listing_passes_over_what_is_damaged(shared_context: ToolContext, unchanged: None) -> None:
    result: Any = registry.call(shared_context, "list_workspace", {})
    assert "estragada" not in {model.model for model in result.models}
    assert {"tiny", "outra"} <= {model.model for model in result.models}
    assert {"livros", "pouco"} <= {entry.dataset for entry in result.datasets}
    assert "um" in {entry.adapter for entry in result.adapters}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"dataset": "mudado"}, ["train.jsonl", "not as it was written"]),
        ({"dataset": "livros", "model": "sem-matriz", "name": "mau"}, ["sem-matriz"]),
    ],
)
def test_what_only_the_worker_finds_ends_the_run_and_says_why(
    shared: Workspace, shared_context: ToolContext, arguments: dict[str, Any], says: list[str]
) -> None:
    before = fingerprint(shared)
    started: Any = registry.call(shared_context, "start_finetune", {**arguments, "settings": {"iters": 1}})
    run = eventually(lambda: (r := runs.get(shared, started.run)).state not in runs.ACTIVE and r, 60, "the end")
    assert run
    eventually(lambda: not runs.is_alive(shared, run.run), what="the process's end")
    assert run.state == "failed"
    assert run.error is not None
    check_clear(AfinaError.from_dict(run.error), says)
    status: Any = registry.call(shared_context, "training_status", {"run": run.run})
    assert status.error == run.error
    changed = [key for key in difference(before, fingerprint(shared)) if run.run not in key]
    assert changed == ["table events", "table runs"]
