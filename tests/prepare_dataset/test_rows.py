"""Rows of whole sources: what repeats, how long they are, and that it is told."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.prepare_dataset.support import source
from tests.support.tiny_model import write_tokenizer
from tools.errors import InvalidArgument
from tools.models.tokenizer import Tokenizer
from tools.prepare_dataset.compose import Composer
from tools.prepare_dataset.contract import SPLITS, PrepareArgs
from tools.prepare_dataset.counting import RowCounter
from tools.prepare_dataset.dropped import Drops
from tools.prepare_dataset.material import Parsed, Passage, Span
from tools.prepare_dataset.reading_back import Origin, open_dataset
from tools.prepare_dataset.rows import RowMaker
from tools.prepare_dataset.stages import Stages
from tools.prepare_dataset.tool import prepare_dataset
from tools.prepare_dataset.wording import wording
from tools.prepare_dataset.write import lengths_of
from tools.workspace.layout import Workspace

BOOKS = Path(__file__).parents[2] / "clients" / "sample" / "livros"


def test_only_rows_of_train_repeat_the_end_of_the_one_before(tiny_ws: Workspace) -> None:
    args = PrepareArgs(sources=[str(BOOKS)], name="livros", format="text", max_tokens=400, overlap_tokens=120)
    result = prepare_dataset(tiny_ws, args, default_model="tiny")
    assert result.path is not None
    dataset = open_dataset(Path(result.path))
    repeated = dict.fromkeys(SPLITS, 0)
    for before, after in pairwise(dataset.provenance()):
        if (before.document, before.split) == (after.document, after.split):
            repeated[after.split] += after.start < before.end
    assert repeated["train"] > 10
    assert (repeated["valid"], repeated["test"]) == (0, 0)
    assert result.longest_row_tokens <= 400
    assert result.overlap is not None
    assert result.overlap.rows == 0
    check_lengths(dataset.card["splits"], dataset.provenance())


def check_lengths(splits: dict[str, Any], origins: list[Origin]) -> None:
    for split in SPLITS:
        tokens = [origin.tokens or 0 for origin in origins if origin.split == split]
        assert splits[split]["lengths"]["0%"] == min(tokens) > 0
        assert splits[split]["lengths"]["100%"] == max(tokens)
        assert splits[split]["tokens"] == sum(tokens)


def test_a_heading_without_text_is_no_row(tmp_path: Path) -> None:
    write_tokenizer(tmp_path)
    composer = Composer("text", wording("pt"), RowCounter(Tokenizer.load(tmp_path), ""))
    text = "Capítulo I\n\nO farol acendeu-se.\n\nNota de Copyright\n-----------------\n"
    book, last = source("a.txt", text, "book"), text.index("Nota")
    spans = [
        Span("a.txt", "book", f"a.txt#{n}", str(n), *ends) for n, ends in enumerate([(0, last), (last, len(text))])
    ]
    drops = Drops()
    maker = RowMaker(composer, 400, drops)
    rows = maker.make([book], [Parsed(units=[Passage(span) for span in spans])], Stages(lambda *_: None))
    assert [row.span for row in rows] == spans[:1]
    assert drops.counts() == {"heading without text": 1}


def test_an_overlap_of_more_than_half_a_row_is_refused(tiny_ws: Workspace) -> None:
    args = PrepareArgs(sources=[str(BOOKS)], max_tokens=400, overlap_tokens=201)
    with pytest.raises(InvalidArgument, match="too little") as told:
        prepare_dataset(tiny_ws, args, default_model="tiny")
    assert told.value.field == "overlap_tokens"


def test_lengths_are_told_by_the_share_of_rows_that_are_no_longer() -> None:
    assert lengths_of(range(1, 101)) == {"0%": 1, "10%": 10, "50%": 50, "90%": 90, "99%": 99, "100%": 100}
    assert lengths_of([7]) == dict.fromkeys(("0%", "10%", "50%", "90%", "99%", "100%"), 7)
    assert lengths_of([]) == {}
