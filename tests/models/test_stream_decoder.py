"""Streaming gives, piece by piece, what decoding at once gives."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.sentencepiece import write_sentencepiece
from tests.support.tiny_model import write_tokenizer
from tools.models.tokenizer import Tokenizer

TEXTS = ["  A menina", "mãe 😀👩‍👩‍👧 日本!", "a\n\n b ", " ", "�x", "fim<|im_end|>", ""]


@pytest.fixture
def byte_level(tmp_path: Path) -> Tokenizer:
    write_tokenizer(tmp_path)
    return Tokenizer.load(tmp_path)


@pytest.fixture
def sentencepiece(tmp_path: Path) -> Tokenizer:
    write_sentencepiece(tmp_path)
    return Tokenizer.load(tmp_path)


def pieces(tokenizer: Tokenizer, ids: list[int], context: list[int] | None = None) -> list[str]:
    decoder = tokenizer.stream_decoder(context=context or [])
    return [*(decoder.add(i) for i in ids), decoder.finish()]


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("kind", ["byte_level", "sentencepiece"])
def test_the_pieces_joined_are_the_text(request: pytest.FixtureRequest, kind: str, text: str) -> None:
    tokenizer: Tokenizer = request.getfixturevalue(kind)
    ids = tokenizer.encode(text)
    assert "".join(pieces(tokenizer, ids)) == tokenizer.decode(ids)


@pytest.mark.parametrize("kind", ["byte_level", "sentencepiece"])
def test_no_piece_holds_half_a_character(request: pytest.FixtureRequest, kind: str) -> None:
    tokenizer: Tokenizer = request.getfixturevalue(kind)
    told = pieces(tokenizer, tokenizer.encode("x😀y日"))
    assert "�" not in "".join(told)
    assert {"😀", "日"} <= set(told)


def test_a_leading_space_is_kept(byte_level: Tokenizer) -> None:
    assert "".join(pieces(byte_level, byte_level.encode(" farol"))) == " farol"


def test_an_answer_that_goes_on_a_text_keeps_its_space(sentencepiece: Tokenizer) -> None:
    ids = sentencepiece.encode("o farol da ilha")
    assert (
        "".join(pieces(sentencepiece, ids[3:], context=ids[:3]))
        == sentencepiece.decode(ids)[len(sentencepiece.decode(ids[:3])) :]
    )


def test_a_character_cut_by_the_end_comes_out_as_the_replacement(byte_level: Tokenizer) -> None:
    ids = byte_level.encode("a😀")[:-1]
    told = pieces(byte_level, ids)
    assert told[-1] == "�"
    assert "".join(told) == byte_level.decode(ids)


def test_broken_bytes_do_not_hold_back_what_follows(byte_level: Tokenizer) -> None:
    half = byte_level.encode("😀")[:2]
    ids = [*half, *byte_level.encode("o farol")]
    decoder = byte_level.stream_decoder()
    told = "".join(decoder.add(i) for i in ids)
    assert told.endswith("o farol")


def test_ids_outside_the_vocabulary_are_left_out(byte_level: Tokenizer) -> None:
    assert "".join(pieces(byte_level, [100_000, *byte_level.encode("sim")])) == "sim"


def test_control_tokens_are_shown_when_asked_for(byte_level: Tokenizer) -> None:
    decoder = byte_level.stream_decoder(skip_special=False)
    assert decoder.add(2) + decoder.finish() == "<|im_end|>"
