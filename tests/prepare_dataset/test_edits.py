from __future__ import annotations

import re
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.prepare_dataset.edits import Edit, EditedText, undone
from tools.prepare_dataset.repair_log import log_of, steps_of

WORDS = st.text(alphabet="abã\n-. ", max_size=60)


def edited_thrice(text: str) -> EditedText:
    edited = EditedText(text)
    edited.substitute("doubled", re.compile("a+"), lambda m: m.group() * 2)
    edited.substitute("removed", re.compile("-\n?"), "")
    edited.substitute("longer", re.compile(r"\."), "ponto")
    return edited


@given(WORDS)
def test_what_was_edited_can_be_had_back(text: str) -> None:
    assert edited_thrice(text).original() == text


@given(WORDS)
def test_what_was_edited_can_be_had_back_from_its_log(text: str) -> None:
    edited = edited_thrice(text)
    log = log_of(edited.steps)
    assert log.count(b"\n") == len(edited.steps)
    assert steps_of(log) == edited.steps
    assert undone(edited.text, steps_of(log)) == text


@given(WORDS, st.data())
def test_a_place_is_followed_to_where_it_stands_now(text: str, data: st.DataObject) -> None:
    position = data.draw(st.integers(0, len(text)))
    marked = EditedText(text[:position] + "§" + text[position:])
    marked.substitute("removed", re.compile("[ -]+"), "")
    marked.substitute("longer", re.compile("b"), "bbb")
    assert marked.text[marked.moved([position])[0]] == "§"


def test_places_are_followed_through_edits_of_unlike_lengths() -> None:
    edited = EditedText("um dois três")
    edited.apply("changed", [Edit(0, "um", "1"), Edit(3, "dois", "dous e"), Edit(8, "três", "III")])
    assert edited.text == "1 dous e III"
    assert edited.moved([0, 1, 2, 3, 7, 8, 11, 12]) == [0, 1, 1, 2, 8, 9, 12, 12]


def test_an_edit_that_does_not_fit_the_text_is_refused() -> None:
    edited = EditedText("casa")
    with pytest.raises(ValueError, match="does not fit"):
        edited.apply("wrong", [Edit(0, "casco", "")])
    with pytest.raises(ValueError, match="does not fit"):
        edited.apply("overlapping", [Edit(0, "cas", ""), Edit(2, "sa", "")])
    assert (edited.text, edited.steps) == ("casa", [])


def test_another_text_cannot_be_undone() -> None:
    edited = EditedText("a\r\nb")
    edited.substitute("line_ends", re.compile("\r\n"), "\n")
    with pytest.raises(ValueError, match="does not fit"):
        undone("ab\n", edited.steps)


def test_what_stays_the_same_is_no_edit() -> None:
    edited = EditedText("a b")
    edited.substitute("nothing", re.compile(" "), " ")
    assert (edited.steps, edited.counts()) == ([], {})


def test_the_log_of_edits_that_are_all_alike_is_small() -> None:
    edited = EditedText("linha\r\n" * 1000)
    edited.substitute("line_ends", re.compile("\r\n"), "\n")
    assert len(log_of(edited.steps)) < 2100


def test_a_large_text_is_mended_in_little_more_memory_than_it_takes() -> None:
    text = "uma linha de texto corrido com a largura do costume\r\n" * 40_000
    tracemalloc.start()
    edited = EditedText(text)
    edited.substitute("line_ends", re.compile("\r\n"), "\n")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3.5 * len(text)
    assert edited.original() == text
