"""Whether two texts say the same in other forms: figures and number words, dates, small words; never synonyms."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from tools.language.dates import DATE, Date, read_date
from tools.language.numbers import in_figures
from tools.language.words import words

# Words that an answer may add to those of its quote: articles, prepositions, the commonest verbs.
SMALL = frozenset(
    re.findall(
        r"\w+",
        "a o as os um uma uns umas de da do das dos em na no nas nos num numa nuns numas dum duma ao à aos às e por "
        "pelo pela pelos pelas para com que foi era é são foram se the of an in on at and to by was is it were are for "
        "with",
    )
)
_ORDINAL = re.compile(r"\b(\d{1,4})(?:\s?\.?[ºª°]|(?:st|nd|rd|th)\b)")
_WRITTEN_DATE = re.compile(rf"(?<!\w){DATE}")


def folded(text: str) -> str:
    """Words and figures alone, in small letters, accents kept: how texts are told apart."""
    return " ".join(re.findall(r"\w+", unicodedata.normalize("NFC", text).casefold()))


@lru_cache(maxsize=4096)
def tokens(text: str) -> tuple[str, ...]:
    """The words of a text in one form each: numbers in figures (`23`), ordinals (`1.`), dates (`1998-05-12`)."""
    text = unicodedata.normalize("NFC", text)
    found: list[str] = []
    at = 0
    for match in _WRITTEN_DATE.finditer(text):
        date = read_date(match.group())
        if date is None or date.parts == 1:
            continue
        found += _plain(text[at : match.start()])
        found.append(date.iso)
        at = match.end()
    return (*found, *_plain(text[at:]))


def content(text: str) -> list[str]:
    """`tokens` without small words."""
    return [token for token in tokens(text) if token not in SMALL]


def forms(text: str) -> frozenset[str]:
    """Every form in which an answer may give what a text says: its words as they are, and in one form."""
    raw = _split(text)
    found = {*raw, *tokens(text), *in_figures(raw)}
    found |= {"1"} if found & {"um", "uma", "one"} else set()
    for match in _WRITTEN_DATE.finditer(text):
        date = read_date(match.group())
        if date is not None and date.month is not None:
            found |= {date.iso, Date(date.year, date.month).iso, str(date.year)}
    return frozenset(found)


def missing(text: str, others: frozenset[str]) -> list[str]:
    """The words of a text, small ones aside, that are not among the `forms` of another."""
    return [token for token in content(text) if token not in others]


def _plain(text: str) -> list[str]:
    found: list[str] = []
    at = 0
    for match in _ORDINAL.finditer(text):
        found += in_figures(_split(text[at : match.start()]))
        found.append(f"{match[1]}.")
        at = match.end()
    return found + in_figures(_split(text[at:]))


def _split(text: str) -> list[str]:
    return [part for word in words(text) for part in word.split("-")]
