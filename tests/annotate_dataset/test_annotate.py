"""annotate_dataset over datasets of the sample material."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tools.annotate_dataset.checking import Fault, check_pair, find_quote
from tools.annotate_dataset.contract import AnnotateArgs, AnnotateResult, Pair, PassageOut
from tools.annotate_dataset.tool import annotate_dataset
from tools.errors import Conflict, NotFound
from tools.prepare_dataset.contract import PrepareArgs
from tools.prepare_dataset.reading_back import Dataset, open_dataset
from tools.prepare_dataset.tool import prepare_dataset
from tools.workspace.layout import Workspace

SAMPLE = Path(__file__).parents[2] / "clients" / "sample"
PASSAGE = "O avô, que tinha sessenta anos, chegou ao farol\nem 1924 com um caderno verde. Chovia."


@pytest.fixture
def books(tiny_ws: Workspace) -> Workspace:
    """The two sample books, prepared as `livros`."""
    prepare(tiny_ws, "text")
    return tiny_ws


def prepare(ws: Workspace, form: str) -> None:
    args = PrepareArgs.model_validate({"sources": [str(SAMPLE / "livros")], "name": "livros", "format": form})
    prepare_dataset(ws, args, default_model="tiny")


def annotate(ws: Workspace, pairs: list[dict[str, str]] | None = None, **more: object) -> AnnotateResult:
    return annotate_dataset(ws, AnnotateArgs.model_validate({"dataset": "livros", "pairs": pairs, **more}))


def opened(ws: Workspace) -> Dataset:
    return open_dataset(ws.dataset_folder("livros"))


def pair_about(passage: PassageOut) -> dict[str, str]:
    """A pair whose answer is the fifth to seventh word of the passage."""
    words = passage.text.split()
    return {
        "passage": passage.id,
        "question": f"O que se lê logo a seguir à palavra número quatro, no início do excerto {passage.id}?",
        "answer": " ".join(words[4:7]).strip(".,;:—«»"),
        "quote": " ".join(words[2:12]),
    }


def test_passages_of_train_are_handed_out_as_they_stand_in_their_source(books: Workspace) -> None:
    result = annotate(books, limit=3)
    dataset = opened(books)
    assert len(result.passages) == 3
    assert result.remaining == len(dataset.rows("train")) > 30
    assert all(passage.text in dataset.source_text(passage.source) for passage in result.passages)
    assert {passage.id for passage in result.passages} <= {row.id for row in dataset.rows("train")}
    assert result.next.startswith(f'annotate_dataset {{"dataset": "livros@{dataset.version}", "pairs": [')


@pytest.mark.parametrize("form", ["text", "completions", "chat"])
def test_accepted_pairs_make_a_new_version_in_the_datasets_format(tiny_ws: Workspace, form: str) -> None:
    prepare(tiny_ws, form)
    old = opened(tiny_ws)
    pairs = [pair_about(passage) for passage in annotate(tiny_ws, limit=4).passages]
    pairs[0]["rephrased"] = "Que palavras vêm depois das quatro primeiras deste trecho do livro?"
    result = annotate(tiny_ws, pairs)
    new = opened(tiny_ws)
    assert (result.accepted, result.refused, result.version) == (4, [], new.version)
    assert new.version != old.version
    assert len(new.rows("train")) == len(old.rows("train")) + 4
    assert new.rows("train")[: len(old.rows("train"))] == old.rows("train")
    assert new.rows("valid") == old.rows("valid")
    row = new.rows("train")[-1]
    told = (row.text or "")[row.response_start or 0 :] if row.text else row.completion or row.messages[-1]["content"]  # type: ignore[index]
    assert told == pairs[3]["answer"]
    questions = [question.question for question in new.questions()]
    assert questions == [pairs[0]["rephrased"], *(pair["question"] for pair in pairs[1:])]
    assert all(question.split == "train" for question in new.questions())
    assert new.card["annotates"] == old.version
    assert new.card["splits"]["train"]["rows"] == len(new.rows("train"))
    assert (new.folder / "card.md").read_text(encoding="utf-8").startswith(f"# livros@{new.version}")


def test_the_quote_is_the_provenance_of_an_accepted_pair(books: Workspace) -> None:
    pair = pair_about(annotate(books, limit=1).passages[0])
    annotate(books, [pair])
    dataset = opened(books)
    origin = [origin for origin in dataset.provenance() if origin.split == "train"][-1]
    span = dataset.source_text(origin.source)[origin.start : origin.end]
    assert span.split() == pair["quote"].split()
    assert origin.id == dataset.rows("train")[-1].id


def test_a_passage_with_a_question_is_handed_out_no_more(books: Workspace) -> None:
    first = annotate(books, limit=1)
    result = annotate(books, [pair_about(first.passages[0])])
    assert result.remaining == first.remaining - 1
    assert first.passages[0].id not in {passage.id for passage in annotate(books, limit=50).passages}


def test_the_old_version_stays_as_it_was(books: Workspace) -> None:
    old = opened(books)
    before = {path.name: path.read_bytes() for path in old.folder.iterdir() if path.is_file()}
    annotate(books, [pair_about(annotate(books, limit=1).passages[0])])
    assert {path.name: path.read_bytes() for path in old.folder.iterdir() if path.is_file()} == before


def test_the_same_pairs_on_the_same_version_give_the_same_version(books: Workspace) -> None:
    name = f"livros@{opened(books).version}"
    pairs = [pair_about(annotate(books, limit=1).passages[0])]
    first, second = annotate(books, pairs, dataset=name), annotate(books, pairs, dataset=name)
    assert (first.version, first.path) == (second.version, second.path)
    assert len(list(Path(first.path).parent.iterdir())) == 2


def test_refused_pairs_say_why_and_the_others_are_taken_in(books: Workspace) -> None:
    one, two = annotate(books, limit=2).passages
    good = pair_about(one)
    bad = [
        {**pair_about(two), "quote": "palavras que não estão no trecho"},
        {**pair_about(two), "passage": one.id[:-1] + "z"},
        good,
    ]
    result = annotate(books, [good, *bad])
    assert result.accepted == 1
    assert [refused.index for refused in result.refused] == [1, 2, 3]
    assert [refused.reason for refused in result.refused] == [
        "The quote does not stand in the passage.",
        "There is no passage of that id in train.",
        "The question is there already.",
    ]
    assert one.id in result.refused[1].fix


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


def test_passages_that_kept_questions_are_about_count_as_asked(tiny_ws: Workspace, tmp_path: Path) -> None:
    ask = {"question": "De que ano é a placa?", "answer": "1871", "source": "livros/o-farol-de-areia.md"}
    (tmp_path / "q.jsonl").write_text(
        json.dumps({**ask, "answer": "a do cento e sessenta e oito", "aliases": ["1871"]})
    )
    sources = [str(SAMPLE / "livros" / "o-farol-de-areia.md"), str(tmp_path / "q.jsonl")]
    args = PrepareArgs.model_validate({"sources": sources, "name": "livros", "max_tokens": 256})
    prepare_dataset(tiny_ws, args, default_model="tiny")
    question = opened(tiny_ws).questions()[0]
    assert question.split == "train"
    texts = [passage.text for passage in annotate(tiny_ws, limit=50).passages]
    assert len(texts) > 5
    assert not any("1871" in text for text in texts)


def test_unknown_datasets_and_models_are_named(books: Workspace) -> None:
    with pytest.raises(NotFound, match="dataset"):
        annotate(books, dataset="livro")
    passage = annotate(books, limit=1).passages[0]
    config = books.models / "tiny" / "tokenizer.json"
    config.write_text(config.read_text().replace('"version"', ' "version"', 1))
    with pytest.raises(Conflict, match="another tokenizer"):
        annotate(books, [pair_about(passage)])


def pair(**changes: str) -> Pair:
    fields = {
        "passage": "p",
        "question": "Em que ano chegou o avô ao farol?",
        "answer": "em 1924",
        "quote": "chegou ao farol em 1924 com um caderno",
    }
    return Pair.model_validate({**fields, **changes})


def test_blanks_and_line_ends_of_a_quote_count_alike() -> None:
    span = find_quote(PASSAGE, "  chegou ao farol \n em   1924 ")
    assert span is not None
    assert PASSAGE[slice(*span)] == "chegou ao farol\nem 1924"
    assert find_quote(PASSAGE, "Chegou ao farol") is None
    assert check_pair(pair(), PASSAGE, "pt") == find_quote(PASSAGE, pair().quote)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"question": " "}, "question is empty"),
        ({"answer": ""}, "answer is empty"),
        ({"quote": ""}, "quote is empty"),
        ({"quote": "chegou ao farol em 1925"}, "does not stand in the passage"),
        ({"answer": "em 1924, de barco"}, "says what the quote does not"),
        ({"answer": "foi o da"}, "no content of its own"),
        ({"question": "Quando foi?"}, "too short to stand alone"),
        ({"question": "Foi em 1924 que chegou o avô?"}, "holds its answer"),
        ({"question": "In what year did the grandfather come to the lighthouse?"}, "not in the passage's language"),
        ({"rephrased": "em que ano chegou o avô, ao farol"}, "repeats the question"),
    ],
)
def test_what_is_wrong_with_a_pair_is_told(changes: dict[str, str], reason: str) -> None:
    found = check_pair(pair(**changes), PASSAGE, "pt")
    assert isinstance(found, Fault)
    assert re.search(reason, found.reason)
    assert found.fix
