"""What train and held-out text share: found, taken out, and measured as gone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.prepare_dataset.support import source
from tests.support.prose import paragraph
from tools.models.tokenizer import Tokenizer
from tools.prepare_dataset.checks.ngrams import Words
from tools.prepare_dataset.checks.overlap import cut_held_out, drop_copies, measure
from tools.prepare_dataset.compose import Composer
from tools.prepare_dataset.contract import Format, Split
from tools.prepare_dataset.counting import RowCounter
from tools.prepare_dataset.dropped import Drops
from tools.prepare_dataset.material import Exchange, Parsed, Passage, RowDraft, Source, Span, UnitKind
from tools.prepare_dataset.shortening import Shortener
from tools.prepare_dataset.wording import wording
from tools.workspace.layout import Workspace

QUOTED = "Quem parte leva saudades, quem fica saudades tem, e o mar que está no meio não sabe nada de ninguém."


class Made:
    """Rows of one format with the sources they come from."""

    def __init__(self, tokenizer: Tokenizer, form: Format = "text") -> None:
        self.composer = Composer(form, wording("pt"), RowCounter(tokenizer, QUOTED))
        self.sources: dict[str, Source] = {}
        self.parsed = Parsed()
        self.split: dict[Split, list[RowDraft]] = {"train": [], "valid": [], "test": []}
        self.drops, self.words = Drops(), Words()

    def passage(self, split: Split, text: str, kind: UnitKind = "book", composed: str | None = None) -> RowDraft:
        name = f"{len(self.sources)}.md"
        self.sources[name] = source(name, text, kind)
        span = Span(name, kind, f"{name}#um", "um", 0, len(text))
        unit = Passage(span, title="Livro", composed=composed)
        self.parsed.units.append(unit)
        row = self.composer.passage(unit, text if composed is None else composed, 0, index=0, whole=True)
        self.split[split].append(row)
        return row

    def exchange(self, split: Split, ask: str, answer: str) -> RowDraft:
        name = f"{len(self.sources)}.jsonl"
        self.sources[name] = source(name, "{}", "examples")
        turns = ({"role": "user", "content": ask}, {"role": "assistant", "content": answer})
        unit = Exchange(Span(name, "examples", f"{name}#um", "line 1", 0, 2), turns, "completion")
        [row] = self.composer.exchange(unit)
        self.split[split].append(row)
        return row

    def clean(self) -> None:
        drop_copies(self.split, self.sources, self.words, self.drops)
        cut_held_out(self.split, self.sources, self.words, Shortener(self.composer, [self.parsed], 100_000), self.drops)

    def texts(self, split: Split) -> list[str]:
        return [row.learned for row in self.split[split]]


@pytest.fixture
def tokenizer(tiny_ws: Workspace) -> Tokenizer:
    return Tokenizer.load(tiny_ws.model_folder("tiny"))


def test_nothing_shared_is_nothing_dropped(tokenizer: Tokenizer) -> None:
    made = Made(tokenizer)
    for n, split in enumerate(("train", "valid", "test")):
        made.passage(split, f"Capítulo de número {n}. " + " ".join(f"palavra{n}x{k}" for k in range(60)))
    before = {name: list(rows) for name, rows in made.split.items()}
    made.clean()
    assert made.split == before
    assert measure(made.split, made.sources, made.words).model_dump() == {"ngram": 13, "valid": 0, "test": 0, "rows": 0}


def test_the_share_is_that_of_the_runs_of_thirteen_words(tokenizer: Tokenizer) -> None:
    made = Made(tokenizer)
    words = [f"palavra{n}" for n in range(100)]
    made.passage("train", " ".join(words[:15] + words[50:90]))
    made.passage("test", " ".join(words[:15] + [f"outra{n}" for n in range(25)]))
    overlap = measure(made.split, made.sources, made.words)
    # 40 words make 28 runs of 13, of which 3 lie within the 15 that are shared.
    assert (overlap.test, overlap.valid, overlap.rows) == (pytest.approx(3 / 28, abs=1e-6), 0, 1)


@pytest.mark.parametrize("form", ["text", "completions", "chat"])
def test_a_quotation_is_cut_out_of_the_held_out_side_with_its_sentence(tokenizer: Tokenizer, form: Format) -> None:
    made = Made(tokenizer, form)
    before, after = paragraph(1), paragraph(2)
    text = f"{before}\n\n{QUOTED}\n\n{after}"
    made.passage("test", text)
    made.passage("train", f"{paragraph(3)} {QUOTED} {paragraph(4)}")
    made.clean()
    assert made.texts("test") == [before, after]
    assert len(made.texts("train")) == 1
    for row, wanted in zip(made.split["test"], (before, after), strict=True):
        learned = row.content.get("text") or row.content.get("completion") or row.content["messages"][-1]["content"]
        assert row.row_start == 0
        assert learned == text[row.span.start : row.span.end]
        assert wanted.endswith(learned)
    assert measure(made.split, made.sources, made.words).rows == 0
    assert made.drops.counts() == {"stands in train": 1}
    [drop] = made.drops.all
    assert text[drop.span.start : drop.span.end] == QUOTED


def test_a_row_of_train_that_is_a_copy_goes(tokenizer: Tokenizer) -> None:
    made = Made(tokenizer)
    made.passage("test", f"{paragraph(1)} {paragraph(2)}")
    made.passage("train", f"{paragraph(2)} Mais nada.")
    made.passage("train", f"{paragraph(3)} {paragraph(4)}")
    made.clean()
    assert len(made.texts("test")) == 1
    assert made.texts("train") == [f"{paragraph(3)} {paragraph(4)}"]
    assert made.drops.counts() == {"repeats held-out text": 1}


def test_a_short_row_of_train_that_is_a_held_out_row_goes(tokenizer: Tokenizer) -> None:
    made = Made(tokenizer)
    made.passage("valid", "olá mundo")
    made.passage("train", "Olá, MUNDO!")
    made.passage("train", "Outra coisa.")
    made.clean()
    assert made.texts("train") == ["Outra coisa."]


def test_a_held_out_row_of_which_little_is_left_goes_whole(tokenizer: Tokenizer) -> None:
    made = Made(tokenizer)
    made.passage("test", f"Adeus.\n\n{QUOTED}\n\nFim.")
    made.passage("train", f"{paragraph(3)} {QUOTED} {paragraph(4)}")
    made.clean()
    assert made.texts("test") == []


def test_an_answer_given_in_train_too_is_held_out_no_more(tokenizer: Tokenizer) -> None:
    made = Made(tokenizer)
    refusal = "Não encontro resposta a essa pergunta nos textos que li, e por isso prefiro não inventar nada."
    for split, ask in (("train", "Quem?"), ("train", "Onde?"), ("test", "Quando?"), ("test", "Como?")):
        made.exchange(split, f"{ask} {paragraph(1)}", refusal if ask != "Como?" else paragraph(7))
    made.clean()
    assert len(made.texts("train")) == 2
    # A prompt that stands in train and in test is no overlap: it is given, not learned.
    assert [row.own for row in made.split["test"]] == [paragraph(7)]
    assert measure(made.split, made.sources, made.words).rows == 0


def test_a_formula_that_many_answers_of_train_have_is_no_overlap(tokenizer: Tokenizer) -> None:
    made = Made(tokenizer)
    closing = "Se ainda tiver dúvidas, escreva para a nossa casa ou venha falar connosco ao balcão da praça."
    for n in range(5):
        made.exchange("train", f"Pergunta {n}?", f"{paragraph(n, 1)} {closing}")
    made.exchange("test", "Pergunta 5?", f"{paragraph(5, 1)} {closing}")
    made.clean()
    assert made.texts("test") == [f"Pergunta 5?\n{paragraph(5, 1)} {closing}"]
    assert measure(made.split, made.sources, made.words).rows == 0


def test_lines_of_a_table_that_another_season_has_too_are_cut(tokenizer: Tokenizer) -> None:
    made = Made(tokenizer)
    same = [("Faroleiros do Areal da Moura", 25), ("Recreativo de Pedralva do Mar", 23), ("União do Cabo Lento", 20)]
    for split, names in (("train", "Náutico Grémio Atlético Sport"), ("test", "Estrela Desportivo Leões Águias")):
        first, *others = [(f"{name} {name} Clube", len(name)) for name in names.split()]
        lines = [first, *same, *others]
        composed = "\n".join(f"{n}. {team} - {points} pontos" for n, (team, points) in enumerate(lines, 1))
        made.passage(split, "\n".join(f"{team},{points}" for team, points in lines), "table", composed)
    assert measure(made.split, made.sources, made.words).rows == 1
    made.clean()
    [left] = made.texts("test")
    assert [line[0] for line in left.split("\n")] == ["1", "5", "6", "7"]
    assert made.split["test"][0].span.end > 100
    assert measure(made.split, made.sources, made.words).rows == 0


def test_our_wording_alone_is_no_overlap(tokenizer: Tokenizer) -> None:
    made = Made(tokenizer)
    told = "A equipa terminou o campeonato da temporada em que entrou com um total de {} pontos, ou seja, {} por jogo."
    for split, points in (("train", (12, 3)), ("test", (45, 2))):
        made.passage(split, ",".join(map(str, points)), "table", " ".join([told.format(*points)] * 2))
    assert measure(made.split, made.sources, made.words).rows == 0


def test_words_shared_over_a_line_taken_out_are_found_too(tokenizer: Tokenizer) -> None:
    made = Made(tokenizer)
    first, second, third = (" ".join(f"{letter}{n}" for n in range(9)) for letter in "abc")
    shared = " ".join(f"s{n}" for n in range(14))
    composed = f"{first}\n{shared}\n{second}\n{third}"
    cells = composed.replace("\n", ",")
    made.passage("test", cells, "table", composed)
    made.passage("train", f"{paragraph(1)} {shared}. {paragraph(2)} {first} {second}. {paragraph(3)}")
    made.clean()
    assert measure(made.split, made.sources, made.words).rows == 0
    assert made.texts("test") == []


def test_the_same_rows_give_the_same_result_whatever_their_order_in_train(tokenizer: Tokenizer) -> None:
    results = []
    for order in ((0, 1), (1, 0)):
        made = Made(tokenizer)
        made.passage("test", f"{paragraph(1)}\n\n{QUOTED}\n\n{paragraph(2)}")
        for n in order:
            made.passage("train", f"{paragraph(10 + n)} {QUOTED} {paragraph(20 + n)}")
        made.clean()
        results.append(made.texts("test"))
    assert results[0] == results[1] == [paragraph(1), paragraph(2)]


def test_rows_that_would_grow_over_the_limit_by_being_cut_go(tokenizer: Tokenizer) -> None:
    made = Made(tokenizer)
    row = made.passage("test", f"{paragraph(1)}\n\n{QUOTED}\n\n{paragraph(2)}")
    made.split["test"] = [replace(row)]
    made.passage("train", f"{paragraph(3)} {QUOTED} {paragraph(4)}")
    cut_held_out(made.split, made.sources, made.words, Shortener(made.composer, [made.parsed], 10), made.drops)
    assert made.texts("test") == []
