"""Arguments are read strictly, and what is wrong is said with the field, what was expected and the nearest name."""

from __future__ import annotations

from typing import Any

import pytest

from server.mcp.arguments import read_arguments
from server.mcp.ask_model import AskArgs
from tools.errors import InvalidArgument
from tools.list_workspace.contract import ListArgs
from tools.prepare_dataset.contract import PrepareArgs, SourceSpec
from tools.start_finetune.contract import ControlArgs, StartArgs


def refusal(model: type, arguments: dict[str, Any]) -> InvalidArgument:
    with pytest.raises(InvalidArgument) as refused:
        read_arguments("the_tool", model, arguments)
    return refused.value


def test_good_arguments_are_read() -> None:
    args = read_arguments("list_workspace", ListArgs, {"kind": "runs", "limit": 3})
    assert (args.kind, args.limit) == ("runs", 3)


def test_null_counts_as_not_given() -> None:
    assert read_arguments("list_workspace", ListArgs, {"kind": None, "limit": None}).limit == 20


def test_an_unknown_argument_is_refused_with_the_nearest_one() -> None:
    error = refusal(ListArgs, {"kinds": "runs"})
    assert error.field == "kinds"
    assert str(error) == "`kinds` is no argument of the_tool. Did you mean `kind`?"


def test_an_unknown_argument_like_no_other_is_refused_with_the_list() -> None:
    assert refusal(ListArgs, {"zzz": 1}).fix == "The arguments are: `kind`, `limit`, `cursor`."


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"limit": "5"}, '`limit` is the text "5". Expected: a whole number from 1 to 200.'),
        ({"limit": 2.5}, "`limit` is the number 2.5. Expected: a whole number from 1 to 200."),
        ({"limit": True}, "`limit` is true. Expected: a whole number from 1 to 200."),
        ({"limit": 0}, "`limit` is out of range. Expected: a whole number from 1 to 200."),
        ({"limit": [1]}, "`limit` is a list. Expected: a whole number from 1 to 200."),
        (
            {"kind": "run"},
            '`kind` is the text "run". Expected: `datasets` or `models` or `runs` or `adapters` or `evaluations`.',
        ),
        ({"cursor": {}}, "`cursor` is an object. Expected: text of 0 to 400 characters."),
    ],
)
def test_a_wrong_value_is_told_with_what_was_expected(arguments: dict[str, Any], message: str) -> None:
    assert str(refusal(ListArgs, arguments)) == message


def test_a_missing_argument_is_named() -> None:
    error = refusal(ControlArgs, {"run": "x"})
    assert str(error) == "`action` is missing. Expected: `pause` or `resume` or `cancel`."


def test_every_wrong_field_is_told_at_once_by_its_path() -> None:
    error = refusal(StartArgs, {"settings": {"iter": 3, "lora_rank": 0}, "preset": "fast"})
    assert {problem.path for problem in error.problems} == {"settings.iter", "settings.lora_rank", "preset"}
    assert "Did you mean `iters`?" in str(error)


def test_of_two_forms_the_one_that_was_meant_is_judged() -> None:
    error = refusal(PrepareArgs, {"sources": ["a.txt", {"pat": "b.txt"}, 3]})
    assert [problem.path for problem in error.problems] == ["sources[1].path", "sources[1].pat", "sources[2]"]
    assert "Expected: text of 1 to 4096 characters or an object with `path`, `kind`." in str(error)


def test_lists_and_objects_sent_as_json_text_are_read() -> None:
    args = read_arguments("prepare_dataset", PrepareArgs, {"sources": '["a.txt", {"path": "b.csv"}]'})
    assert args.sources == ["a.txt", SourceSpec(path="b.csv")]
    assert read_arguments("start_finetune", StartArgs, {"settings": '{"iters": 5}'}).settings.iters == 5


def test_text_that_looks_like_json_stays_text_where_text_is_asked_for() -> None:
    assert read_arguments("ask_model", AskArgs, {"prompt": '["a"]'}).prompt == '["a"]'


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_numbers_that_json_lacks_are_refused(value: float) -> None:
    assert "not JSON" in str(refusal(ListArgs, {"limit": value}))


def test_half_a_surrogate_pair_is_refused() -> None:
    assert "not Unicode" in str(refusal(AskArgs, {"prompt": "\ud800"}))


def test_a_long_or_odd_value_is_told_in_one_bounded_line() -> None:
    message = str(refusal(ListArgs, {"kind": "x\n" * 500}))
    assert "\n" not in message
    assert len(message) < 250
