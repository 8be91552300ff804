"""Words and forms as they are compared."""

from __future__ import annotations

import pytest

from tools.language.one_form import tokens
from tools.language.words import words


def test_words_keep_hyphens_apostrophes_and_accents() -> None:
    assert words("Guarda-chuva, d’água, Conceição!") == ["guarda-chuva", "d'água", "conceição"]


@pytest.mark.parametrize("text", ["1.234,5", "1 234,5", "1234.5", "1234,50"])
def test_a_number_has_one_form(text: str) -> None:
    assert words(text) == ["1234.5"]


@pytest.mark.parametrize("text", ["3 de outubro de 1953", "03/10/1953", "3-10-1953", "October 3, 1953", "1953-10-03"])
def test_a_date_has_one_form(text: str) -> None:
    assert tokens(text) == ("1953-10-03",)


@pytest.mark.parametrize("text", ["3.º", "3º", "terceira", "terceiro", "3rd", "third"])
def test_an_ordinal_has_one_form(text: str) -> None:
    assert tokens(text) == ("3.",)
