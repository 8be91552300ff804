"""annotate_dataset over datasets of the sample material: handing out, taking in, versions."""

from __future__ import annotations

import json
import shutil
import threading
from pathlib import Path

import pytest

from tests.annotate_dataset.support import SAMPLE, annotate, opened, pair_about, prepare, short_chapters, summary_of
from tests.support.tiny_model import make_tiny_model
from tools.errors import Conflict, NotFound
from tools.prepare_dataset.verify import verify
from tools.workspace.layout import Workspace, open_workspace


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """The two sample books, prepared as `livros` once."""
    ws = open_workspace(tmp_path_factory.mktemp("prepared") / "afina")
    make_tiny_model(ws)
    prepare(ws)
    return ws


@pytest.fixture
def books(prepared: Workspace, tmp_path: Path) -> Workspace:
    """A copy of it for each test."""
    return open_workspace(shutil.copytree(prepared.root, tmp_path / "afina"))


@pytest.fixture
def chapters(tiny_ws: Workspace, tmp_path: Path) -> Workspace:
    """A book of short chapters, prepared as `livros`."""
    prepare(tiny_ws, short_chapters(tmp_path))
    return tiny_ws


# Handing out ---------------------------------------------------------------------------------


def test_passages_of_train_are_handed_out_as_they_stand_in_their_source(books: Workspace) -> None:
    result = annotate(books, limit=3)
    dataset = opened(books)
    assert len(result.passages) == 3
    assert result.remaining == len(dataset.rows("train")) > 30
    assert all(passage.text in dataset.source_text(passage.source) for passage in result.passages)
    assert {passage.id for passage in result.passages} <= {row.id for row in dataset.rows("train")}
    assert result.next.startswith(f'annotate_dataset {{"dataset": "livros@{dataset.version}", "pairs": [')


def test_files_and_chapters_take_turns(books: Workspace) -> None:
    passages = annotate(books, limit=6).passages
    assert len({passage.source for passage in passages[:2]}) == 2
    assert len({(passage.source, passage.document) for passage in passages}) == 6


def test_passages_can_be_asked_for_after_another(books: Workspace) -> None:
    first = annotate(books, limit=4).passages
    assert [passage.id for passage in annotate(books, limit=2, after=first[1].id).passages] == [p.id for p in first[2:]]
    with pytest.raises(NotFound, match="passage"):
        annotate(books, after="nada")


def test_unanswered_passages_come_again_and_answered_ones_do_not(books: Workspace) -> None:
    first = annotate(books, limit=3)
    assert annotate(books, limit=3) == first
    result = annotate(books, [pair_about(first.passages[0])])
    assert result.remaining == first.remaining - 1
    again = annotate(books, limit=50)
    assert [passage.id for passage in again.passages[:2]] == [passage.id for passage in first.passages[1:]]
    assert first.passages[0].id not in {passage.id for passage in again.passages}


def test_a_passage_tells_what_is_still_wanted_of_it(chapters: Workspace) -> None:
    passage = annotate(chapters, form="summary", limit=1).passages[0]
    assert passage.forms == ["question", "summary"]
    annotate(chapters, [pair_about(passage)])
    told = {one.id: one.forms for one in annotate(chapters, form="summary", limit=50).passages}
    assert told[passage.id] == ["summary"]


def test_long_passages_are_handed_out_within_bounds(tiny_ws: Workspace, tmp_path: Path) -> None:
    marker = tiny_ws.models / "tiny" / "afina.json"
    marker.write_text(marker.read_text().replace('"max_positions": 512', '"max_positions": 131072'))
    told = [" ".join(f"No dia {n} o cabo {c} mudou de lugar." for n in range(480)) for c in range(7)]
    long = " ".join(f"Na noite {n} o farol apagou-se outra vez." for n in range(1500))
    book = "".join(f"## Capítulo {n}\n\n{chapter}\n\n" for n, chapter in enumerate([*told, long], 1))
    (tmp_path / "livro.md").write_text(book, encoding="utf-8")
    prepare(tiny_ws, tmp_path / "livro.md", max_tokens=131_072)
    seen, after = set(), None
    while passages := annotate(tiny_ws, limit=50, after=after).passages:
        assert sum(len(passage.text) for passage in passages) <= 40_000
        seen |= {passage.id for passage in passages}
        after = passages[-1].id
    assert len(seen) == annotate(tiny_ws).remaining > 3


def test_passages_that_kept_questions_are_about_count_as_asked(tiny_ws: Workspace, tmp_path: Path) -> None:
    ask = {"question": "De que ano é a placa?", "answer": "1871", "source": "livros/o-farol-de-areia.md"}
    (tmp_path / "q.jsonl").write_text(
        json.dumps({**ask, "answer": "a do cento e sessenta e oito", "aliases": ["1871"]})
    )
    dataset = prepare(tiny_ws, SAMPLE / "livros" / "o-farol-de-areia.md", tmp_path / "q.jsonl", max_tokens=256)
    assert dataset.questions()[0].split == "train"
    texts = [passage.text for passage in annotate(tiny_ws, limit=50).passages]
    assert len(texts) > 5
    assert not any("1871" in text for text in texts)


def test_lives_whose_dates_are_asked_by_themselves_are_handed_out_for_more(tiny_ws: Workspace) -> None:
    dataset = prepare(tiny_ws, SAMPLE / "biografias")
    assert dataset.questions()
    lives = [origin for origin in dataset.provenance() if origin.split == "train" and origin.row_start is not None]
    result = annotate(tiny_ws, limit=50)
    assert result.remaining == len(lives)
    again = annotate(tiny_ws, [pair_about(result.passages[0])])
    assert again.remaining == result.remaining - 1


# Taking in -----------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["text", "completions", "chat"])
def test_accepted_pairs_make_a_new_version_in_the_datasets_format(
    tiny_ws: Workspace, tmp_path: Path, form: str
) -> None:
    old = prepare(tiny_ws, short_chapters(tmp_path), form=form)
    pairs = [pair_about(passage) for passage in annotate(tiny_ws, limit=4).passages]
    pairs[0]["rephrased"] = "Que palavras vêm depois das quatro primeiras deste livro de registos?"
    result = annotate(tiny_ws, pairs)
    new = opened(tiny_ws)
    assert (result.accepted, result.refused, result.version) == (4, [], new.version)
    assert new.version != old.version
    taught = len(old.rows("train"))
    assert new.rows("train")[:taught] == old.rows("train")
    assert new.rows("valid") == old.rows("valid")
    told = [row.completion or row.text or row.messages[-1]["content"] for row in new.rows("train")[taught:]]  # type: ignore[index]
    assert all(text.endswith(pair["answer"]) for text, pair in zip(told[::2], pairs, strict=True))
    questions = [question.question for question in new.questions()]
    assert questions == [pairs[0]["rephrased"], *(pair["question"] for pair in pairs[1:])]
    assert all(question.split == "train" for question in new.questions())
    assert new.card["annotates"] == old.version
    assert new.card["splits"]["train"]["rows"] == len(new.rows("train")) == taught + 8
    assert (new.folder / "card.md").read_text(encoding="utf-8").startswith(f"# livros@{new.version}")


def test_a_question_is_learned_alone_and_with_its_paragraph_at_hand(books: Workspace) -> None:
    passage = annotate(books, limit=1).passages[0]
    pair = pair_about(passage)
    annotate(books, [pair])
    alone, informed = opened(books).rows("train")[-2:]
    assert alone.text == f"### Instrução:\n{pair['question']}\n\n### Resposta:\n{pair['answer']}"
    assert informed.text is not None
    lead = "### Instrução:\nCom base nas informações fornecidas, responde:\n\n### Contexto:\nInformação: "
    assert informed.text.startswith(lead)
    assert informed.text.endswith(f"\n\nPergunta: {pair['question']}\n\n### Resposta:\n{pair['answer']}")
    information = informed.text.removeprefix(lead).partition("\n\nPergunta: ")[0]
    assert information in passage.text
    assert informed.text[informed.response_start or 0 :] == pair["answer"]


def test_a_summary_is_learned_in_the_guides_form_and_is_no_question(chapters: Workspace) -> None:
    passage = annotate(chapters, form="summary", limit=1).passages[0]
    before = opened(chapters)
    pair = summary_of(passage)
    result = annotate(chapters, [pair], form="summary")
    dataset = opened(chapters)
    assert (result.accepted, result.refused) == (1, [])
    row, origin = dataset.rows("train")[-1], [one for one in dataset.provenance() if one.split == "train"][-1]
    assert row.text == (
        f"### Instrução:\nResume o seguinte texto:\n\n### Contexto:\n{passage.text}\n\n### Resposta:\n{pair['answer']}"
    )
    text = dataset.source_text(origin.source)
    assert (origin.form, text[origin.start : origin.end]) == ("summary", passage.text)
    assert [" ".join(text[start:end].split()) for start, end in origin.quotes] == pair["quote"]
    assert dataset.questions() == before.questions()
    assert result.remaining == annotate(chapters, form="summary").remaining
    refused = annotate(chapters, [pair]).refused
    assert refused[0].reason == "The passage has a summary already."
    # The passage still lacks a question.
    assert passage.id in {one.id for one in annotate(chapters, limit=50).passages}


def test_a_passage_as_long_as_a_row_is_summed_up_in_part(books: Workspace) -> None:
    dataset = opened(books)
    passage = annotate(books, form="summary", limit=1).passages[0]
    whole = next(one for one in annotate(books, limit=50).passages if one.id == passage.id)
    assert whole.text.startswith(passage.text)
    assert passage.more == len(whole.text) - len(passage.text) > 0
    assert whole.forms == ["question"]
    result = annotate(books, [summary_of(passage)])
    assert (result.accepted, result.refused) == (1, [])
    assert max(one.tokens or 0 for one in opened(books).provenance()) <= dataset.card["model"]["max_positions"]


def test_the_quote_is_the_provenance_of_an_accepted_pair(books: Workspace) -> None:
    pair = pair_about(annotate(books, limit=1).passages[0])
    annotate(books, [pair])
    dataset = opened(books)
    origins = [origin for origin in dataset.provenance() if origin.split == "train"][-2:]
    for origin, row in zip(origins, dataset.rows("train")[-2:], strict=True):
        span = dataset.source_text(origin.source)[origin.start : origin.end]
        assert span.split() == pair["quote"].split()
        assert (origin.id, origin.form, origin.quotes) == (row.id, "question", [[origin.start, origin.end]])


def test_an_answer_that_is_a_date_is_right_in_its_other_forms(tiny_ws: Workspace) -> None:
    prepare(tiny_ws, SAMPLE / "biografias")
    passage = next(
        p for p in annotate(tiny_ws, limit=50).passages if "17 de janeiro de 1954" in p.text or "1954" in p.text
    )
    quote = next(sentence for sentence in passage.text.split(". ") if "1954" in sentence)
    ask = {"passage": passage.id, "question": "Em que noite girou Baltasar Nogueira a lente à mão?", "quote": quote}
    annotate(tiny_ws, [{**ask, "answer": "17 de janeiro de 1954"}])
    assert opened(tiny_ws).questions()[-1].aliases == ["1954-01-17", "17/01/1954"]


def test_refused_pairs_say_why_and_the_others_are_taken_in(books: Workspace) -> None:
    one, two = annotate(books, limit=2).passages
    good = pair_about(one)
    bad = [
        {**pair_about(two), "quote": "palavras que não estão no trecho"},
        {**pair_about(two), "passage": one.id[:-1] + "z"},
        good,
        {**good, "answer": " ".join(one.text.split()[8:11]).strip(".,;:—«»")},
        {**good, "question": good["question"].replace("estão", "estão mesmo")},
    ]
    result = annotate(books, [good, *bad])
    assert result.accepted == 1
    assert [refused.index for refused in result.refused] == [1, 2, 3, 4, 5]
    assert [refused.reason for refused in result.refused] == [
        "The quote does not stand in the passage.",
        "There is no passage of that id in train.",
        "The question is there already.",
        "The question is there already, with another answer.",
        "Nearly the same question is there already.",
    ]
    assert one.id in result.refused[1].fix


def test_what_was_taken_in_before_is_neither_repeated_nor_contradicted(books: Workspace) -> None:
    passage = annotate(books, limit=1).passages[0]
    pair = {**pair_about(passage), "rephrased": "Que palavras vêm depois das quatro primeiras no livro de registos?"}
    annotate(books, [pair])
    again = [
        {**pair_about(passage), "question": pair["question"].replace("Que palavras estão", "Estão que palavras")},
        {**pair_about(passage), "question": pair["rephrased"], "answer": passage.text.split()[9].strip(".,;:—«»")},
    ]
    assert [refused.reason for refused in annotate(books, again).refused] == [
        "The question is there already.",
        "The question is there already, with another answer.",
    ]


def test_pairs_that_are_all_refused_make_no_version(books: Workspace) -> None:
    before = opened(books).version
    passage = annotate(books, limit=1).passages[0]
    result = annotate(books, [{**pair_about(passage), "answer": "outra coisa"}])
    assert (result.accepted, result.version) == (0, before)
    assert len(list((books.data / "livros").iterdir())) == 1


def test_passages_of_valid_and_test_are_not_open_to_questions(books: Workspace) -> None:
    dataset = opened(books)
    held = dataset.rows("test")[0]
    pair = {"passage": held.id, "question": "O que diz este trecho?", "answer": "nada", "quote": "nada"}
    assert annotate(books, [pair]).refused[0].reason == "There is no passage of that id in train."
    handed = {passage.document for passage in annotate(books, limit=50).passages}
    places = {origin.place for origin in dataset.provenance() if origin.split != "train"}
    assert not handed & places


# Versions ------------------------------------------------------------------------------------


def test_the_old_version_stays_as_it_was(books: Workspace) -> None:
    old = opened(books)
    before = {path: path.read_bytes() for path in old.folder.rglob("*") if path.is_file()}
    annotate(books, [pair_about(annotate(books, limit=1).passages[0])])
    assert {path: path.read_bytes() for path in old.folder.rglob("*") if path.is_file()} == before


def test_a_new_version_is_whole_by_itself(books: Workspace) -> None:
    annotate(books, [pair_about(annotate(books, limit=1).passages[0])])
    new = opened(books)
    assert {str(path.relative_to(new.folder)) for path in new.folder.rglob("*") if path.is_file()} == {
        *new.card["files"], "card.json", "card.md",
    }  # fmt: skip
    assert verify(new) == []


def test_the_same_pairs_on_the_same_version_give_the_same_version(books: Workspace) -> None:
    name = f"livros@{opened(books).version}"
    pairs = [pair_about(annotate(books, limit=1).passages[0])]
    first, second = annotate(books, pairs, dataset=name), annotate(books, pairs, dataset=name)
    assert (first.version, first.path) == (second.version, second.path)
    assert len(list(Path(first.path).parent.iterdir())) == 2


def test_pairs_for_an_older_version_are_taken_in_on_top_of_the_newest(books: Workspace) -> None:
    name = f"livros@{opened(books).version}"
    one, two = annotate(books, limit=2).passages
    annotate(books, [pair_about(one)], dataset=name)
    annotate(books, [pair_about(two)], dataset=name)
    assert [question.question for question in opened(books).questions()] == [
        pair_about(one)["question"],
        pair_about(two)["question"],
    ]
    assert one.id not in {passage.id for passage in annotate(books, dataset=name, limit=50).passages}


def test_pairs_that_come_at_once_are_all_kept(books: Workspace) -> None:
    passages = annotate(books, limit=4).passages
    threads = [threading.Thread(target=annotate, args=(books, [pair_about(passage)])) for passage in passages]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    asked = {question.question for question in opened(books).questions()}
    assert asked == {pair_about(passage)["question"] for passage in passages}


def test_the_card_tells_all_that_was_taken_in_in_one_note(chapters: Workspace) -> None:
    base = opened(chapters)
    for passage in annotate(chapters, form="summary", limit=3).passages:
        annotate(chapters, [pair_about(passage), summary_of(passage)])
    told = "3 questions and 3 summaries were taken in by annotate_dataset, on top of version"
    assert verify(opened(chapters)) == []
    card = opened(chapters).card
    assert card["notes"] == [*base.card["notes"], f"{told} {base.version}."]
    assert card["questions"] == 3


def test_unknown_datasets_and_models_are_named(books: Workspace) -> None:
    with pytest.raises(NotFound, match="dataset"):
        annotate(books, dataset="livro")
    passage = annotate(books, limit=1).passages[0]
    config = books.models / "tiny" / "tokenizer.json"
    config.write_text(config.read_text().replace('"version"', ' "version"', 1))
    with pytest.raises(Conflict, match="another tokenizer"):
        annotate(books, [pair_about(passage)])
