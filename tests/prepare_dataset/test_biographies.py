from __future__ import annotations

from pathlib import Path

import pytest

from tests.prepare_dataset.support import source
from tools.prepare_dataset.biographies import parse_biographies
from tools.prepare_dataset.language import Language
from tools.prepare_dataset.lives import looks_like_biography
from tools.prepare_dataset.material import Exchange, Parsed, Passage
from tools.prepare_dataset.wording import wording

SAMPLE = sorted((Path(__file__).parents[2] / "clients" / "sample" / "biografias").glob("*.md"))


def parse(text: str, name: str = "ana.md", language: Language = "pt") -> Parsed:
    return parse_biographies(source(name, text, "biography"), wording(language))


def facts(parsed: Parsed) -> dict[str, str]:
    return {
        unit.messages[0]["content"]: unit.messages[1]["content"] for unit in parsed.units if isinstance(unit, Exchange)
    }


def test_every_sample_life_is_recognized_with_its_birth() -> None:
    for path in SAMPLE:
        text = path.read_text(encoding="utf-8")
        parsed = parse(text, path.name)
        passage = parsed.units[0]
        assert looks_like_biography(text)
        assert isinstance(passage, Passage)
        assert passage.heading == f"## Biografia de {passage.title}\n\n"
        assert text.startswith(f"# {passage.title}\n")
        assert {"Quando nasceu", "Onde nasceu"} <= {" ".join(question.split()[:2]) for question in facts(parsed)}


def test_every_answer_stands_in_the_sentence_that_is_its_source() -> None:
    for path in SAMPLE:
        text = path.read_text(encoding="utf-8")
        for unit in parse(text, path.name).units:
            if isinstance(unit, Exchange):
                assert unit.messages[1]["content"] in text[unit.span.start : unit.span.end]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "# Ana Reis\n\nAna Reis nasceu em Beja, a 3 de março de 1950.",
            {"Quando nasceu Ana Reis?": "3 de março de 1950", "Onde nasceu Ana Reis?": "Beja"},
        ),
        ("# Ana Reis\n\nNascida em 1950 no Porto, Ana Reis pinta.", {"Quando nasceu Ana Reis?": "1950"}),
        (
            "# Ana Reis\n\nAna nasceu no Funchal. Morreu em 2001.",
            {"Onde nasceu Ana Reis?": "Funchal", "Quando morreu Ana Reis?": "2001"},
        ),
    ],
)
def test_dates_and_places_are_the_texts_own_words(text: str, expected: dict[str, str]) -> None:
    assert expected.items() <= facts(parse(text)).items()


@pytest.mark.parametrize(
    "text",
    [
        "# Ana Reis\n\nA filha de Ana Reis nasceu em 1980.",
        "# Ana Reis\n\nO pai, que nasceu em Faro, era padeiro.",
        "# Ana Reis\n\nPinta. O irmão era padeiro. Morreu em 1950.",
        "# Ana Reis\n\nAna Reis, cujo avô nasceu em Faro, pinta.",
    ],
)
def test_the_facts_of_others_are_not_taken_for_the_persons(text: str) -> None:
    assert facts(parse(text)) == {}


def test_several_lives_in_one_file_are_parted() -> None:
    text = "# Gente\n\n## Ana Reis\n\nAna Reis nasceu em Beja.\n\n## Biografia de Rui Sá\n\nRui Sá nasceu em Faro.\n"
    parsed = parse(text)
    passages = [unit for unit in parsed.units if isinstance(unit, Passage)]
    assert [unit.title for unit in passages] == ["Ana Reis", "Rui Sá"]
    assert text[passages[1].span.start : passages[1].span.end] == "Rui Sá nasceu em Faro."


def test_subheadings_stay_inside_a_life() -> None:
    parsed = parse("## Biografia de Ana Reis\n\nNasceu em Beja.\n\n### Carreira\nPintou.\n")
    assert [unit.title for unit in parsed.units if isinstance(unit, Passage)] == ["Ana Reis"]


@pytest.mark.parametrize(
    ("name", "text"),
    [("biografia-rui-melo.txt", "Foi pintor e nasceu longe."), ("x.txt", "Rui Melo nasceu em Faro, em 1950.")],
)
def test_the_name_comes_from_the_text_or_else_the_file(name: str, text: str) -> None:
    passage = parse(text, name).units[0]
    assert isinstance(passage, Passage)
    assert passage.title == "Rui Melo"


def test_english_lives_are_asked_in_english() -> None:
    parsed = parse("John Doe was born on March 3, 1950 in New York. He died on 4 May 2001.", "j.txt", "en")
    assert facts(parsed) == {
        "When was John Doe born?": "March 3, 1950",
        "Where was John Doe born?": "New York",
        "When did John Doe die?": "4 May 2001",
    }
