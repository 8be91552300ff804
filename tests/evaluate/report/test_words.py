"""The report's wording in both languages."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.evaluate.report.made import made
from tools.evaluate.contract import VerdictKind
from tools.evaluate.measured import Measured
from tools.evaluate.report import html
from tools.evaluate.report.html import page
from tools.evaluate.report.markdown import markdown
from tools.evaluate.report.portuguese import PORTUGUESE
from tools.evaluate.report.told import Told
from tools.evaluate.report.verdicts import cards
from tools.evaluate.report.words import Words


def test_numbers_are_written_in_the_way_of_the_language() -> None:
    portuguese, english = Words("pt"), Words("en")
    assert english.signed(-0.531, 2) == "−0.53"
    assert portuguese.signed(-0.531, 2) == "−0,53"
    assert portuguese.signed(0.5, 1) == "+0,5"
    assert portuguese.number(-0.001, 2) == "0,00"
    assert english.number(12345.6, 0) == "12,346"
    assert portuguese.number(12345.6, 0) == "12\N{NO-BREAK SPACE}346"
    assert portuguese.percent(0.4167) == "42%"
    assert english.span(0.19, 0.68) == "19–68%"
    assert english.number(float("inf"), 2) == "—"
    assert portuguese.points("+1") == "+1 ponto"
    assert portuguese.points("+11") == "+11 pontos"


@pytest.mark.parametrize("told", [markdown, page])
def test_the_report_is_in_the_datasets_language(told: Callable[[Told], str]) -> None:
    portuguese, english = told(made(language="pt")), told(made(language="en"))
    for said, meant in (
        ("Aprendeu", "It learned"),
        ("Fonte a fonte", "Source by source"),
        ("O que sabe", "What it knows"),
    ):
        assert said in portuguese
        assert said not in english
        assert meant in english
        assert meant not in portuguese


def test_each_text_keeps_the_names_that_are_filled_in() -> None:
    for english, portuguese in PORTUGUESE.items():
        assert sorted(re.findall(r"{\w+}", english)) == sorted(re.findall(r"{\w+}", portuguese)), english


def test_all_that_the_page_says_is_translated() -> None:
    template = (Path(html.__file__).parent / "report.html.j2").read_text("utf-8")
    said = re.findall(r'say\("([^"]+)"', template)
    assert len(said) > 30
    assert [text for text in said if text not in PORTUGUESE] == []


@pytest.mark.parametrize("kind", ["learned", "not_proven", "memorized", "worse"])
def test_each_verdict_is_told_in_portuguese_with_a_command(kind: VerdictKind) -> None:
    told = made()
    told.result.verdict[0].kind = kind
    found = cards(told)[0]
    assert found.headline in PORTUGUESE.values()
    assert found.meaning in PORTUGUESE.values()
    assert found.command.startswith("afina call ")


def test_what_was_not_measured_is_left_out() -> None:
    text = page(made(part=Measured()))
    assert '<svg class="bars"' not in text
    assert "Respostas lado a lado" not in text
    assert "Nada se pôde medir" in text
