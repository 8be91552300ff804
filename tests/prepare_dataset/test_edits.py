from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.prepare_dataset.edits import Edit, EditedText

WORDS = st.text(alphabet="abã\n-. ", max_size=60)


@given(WORDS)
def test_what_was_edited_can_be_had_back(text: str) -> None:
    edited = EditedText(text)
    edited.substitute("doubled", re.compile("a+"), lambda m: m.group() * 2)
    edited.substitute("removed", re.compile("-\n?"), "")
    edited.substitute("longer", re.compile(r"\."), "ponto")
    assert edited.original() == text


@given(WORDS, st.data())
def test_a_place_is_followed_to_where_it_stands_now(text: str, data: st.DataObject) -> None:
    position = data.draw(st.integers(0, len(text)))
    marked = EditedText(text[:position] + "§" + text[position:])
    marked.substitute("removed", re.compile("[ -]+"), "")
    marked.substitute("longer", re.compile("b"), "bbb")
    assert marked.text[marked.moved([position])[0]] == "§"


def test_an_edit_that_does_not_fit_the_text_is_refused() -> None:
    with pytest.raises(ValueError, match="does not fit"):
        EditedText("casa").apply("wrong", [Edit(0, "casco", "")])


def test_what_stays_the_same_is_no_edit() -> None:
    edited = EditedText("a b")
    edited.substitute("nothing", re.compile(" "), " ")
    assert (edited.steps, edited.counts()) == ([], {})
