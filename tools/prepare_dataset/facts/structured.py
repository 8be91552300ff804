"""Facts in fixed forms: the parenthesis after a name, labelled lines, tables and lists of stations."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import cast

from tools.language.dates import DATE, YEAR, other_forms, read_date
from tools.prepare_dataset.facts.career import when_between
from tools.prepare_dataset.facts.fact import Fact, FactKind, Years
from tools.prepare_dataset.facts.lexicon import DOUBT
from tools.prepare_dataset.facts.names import PERSON, PLACE, without_quotes
from tools.prepare_dataset.facts.sentences import Sentence
from tools.prepare_dataset.facts.subject import Person

_WHOLE_PLACE = rf"{PLACE}(?:,\s*{PLACE})*"
_SIGN = r"(?:n\.|nasc\.|nascid[oa]|b\.|born|\*|†|m\.|d\.|died|falecid[oa])"
_LIFE = re.compile(
    rf"(?P<sign>{_SIGN})?\s*(?:(?:(?:em|in)\s+)?(?P<place>{_WHOLE_PLACE})\s*,\s*)?(?:(?:a|em|on|in)\s+)?(?P<date>{DATE})"
    rf"(?:(?:\s*,|\s+em|\s+in)\s+(?P<place2>{_WHOLE_PLACE}))?"
)
_DASH = re.compile(r"\s+[-–—]\s+|(?<=\d)\s*[–—-]\s*(?=\d{4})|\s*[;]\s+(?=†|m\.|d\.|died|falecid)")
_DEATH_SIGNS = ("†", "m.", "d.", "died", "falecido", "falecida")


def after_name(text: str, start: int, person: Person) -> Iterator[Fact]:
    """`(Lisboa, 3 de março de 1921 – Porto, 4 de julho de 1990)`, where it follows the person's name at the start."""
    lead = text.lstrip()
    named = person.at(lead)
    if named is None:
        return
    match = re.compile(r"(?:,\s+[^,.;()]{3,60}?,?)?\s*\(([^()]{4,160})\)").match(lead, named)
    if match is None:
        return
    begin = start + len(text) - len(lead)
    yield from life_in_parentheses(match[1], begin, begin + match.end())


def life_in_parentheses(content: str, start: int, end: int) -> Iterator[Fact]:
    """Birth and death told as `place, date – place, date`. Nothing unless all of it is understood."""
    parts = _DASH.split(content.strip())
    read = [_LIFE.fullmatch(part.strip()) for part in parts]
    if not 1 <= len(read) <= 2 or any(match is None for match in read):
        return
    found = [match for match in read if match is not None]
    if len(found) == 1 and not found[0]["sign"] and not (found[0]["place"] or found[0]["place2"]):
        return
    for number, match in enumerate(found):
        died = number == 1 or (match["sign"] or "") in _DEATH_SIGNS
        date, place = match["date"], match["place"] or match["place2"]
        if read_date(date) is None or (match["place"] and match["place2"]):
            return
        yield Fact("died_on" if died else "born_on", date, start, end, other_forms(date))
        if place:
            yield _place("died_in" if died else "born_in", place, start, end)


def _place(kind: FactKind, place: str, start: int, end: int, *, sure: bool = True) -> Fact:
    """A place by its nearest name, the wider ones with it as an alias."""
    place = " ".join(place.split())
    near = place.split(",", 1)[0].strip()
    return Fact(kind, near, start, end, (place,) if place != near else (), sure=sure)


# Labelled lines ------------------------------------------------------------------------------

_LABELS: dict[str, FactKind] = {
    "nome completo": "full_name", "nome de nascimento": "full_name", "full name": "full_name",
    "birth name": "full_name",
    "alcunha": "nickname", "conhecido como": "nickname", "conhecida como": "nickname", "nickname": "nickname",
    "also known as": "nickname", "nascimento": "born_on", "data de nascimento": "born_on", "nasceu": "born_on",
    "born": "born_on", "date of birth": "born_on", "birth": "born_on", "birth date": "born_on",
    "local de nascimento": "born_in", "naturalidade": "born_in", "natural de": "born_in", "place of birth": "born_in",
    "birthplace": "born_in", "birth place": "born_in", "morte": "died_on", "falecimento": "died_on", "óbito": "died_on",
    "data de morte": "died_on", "data de falecimento": "died_on", "died": "died_on", "death": "died_on",
    "date of death": "died_on", "death date": "died_on", "local de morte": "died_in", "local de falecimento": "died_in",
    "place of death": "died_in", "death place": "died_in", "nacionalidade": "nationality", "nationality": "nationality",
    "profissão": "profession", "ocupação": "profession", "occupation": "profession", "profession": "profession",
    "cônjuge": "spouse", "spouse": "spouse", "pai": "father", "father": "father", "mãe": "mother", "mother": "mother",
    "pais": "parents", "progenitores": "parents", "parents": "parents", "alma mater": "studied_at",
}  # fmt: skip
_PEOPLE = ("full_name", "spouse", "father", "mother", "parents")
_WHO = rf"{PERSON}(?:\s+(?:e|and)\s+{PERSON})?"
_LABELLED = re.compile(
    r"\s*(?:[-*•+|]\s*)?(?P<label>[^\W\d_][^:|=\n]{1,30}?)\s*[:|=]\s*(?P<value>[^|\n]{1,120}?)\s*\|?\s*"
)
_AGE = re.compile(r"\s*\(\s*\d+\s+(?:anos|years)[^()]*\)\s*$|\s*\((?:age|aged|idade)[^()]*\)\s*$")
_DATE_AND_PLACE = re.compile(
    rf"(?:(?:a|em|on|in)\s+)?(?P<date>{DATE})(?:(?:\s*,\s*|\s+)(?:(?:em|in)\s+)?(?P<place>{_WHOLE_PLACE}))?"
    rf"|(?P<place2>{_WHOLE_PLACE})(?:(?:\s*,\s*|\s+)(?:(?:a|em|on|in)\s+)?(?P<date2>{DATE}))?"
)
_OTHER_PLACE: dict[FactKind, FactKind] = {"born_on": "born_in", "died_on": "died_in"}


def labelled(line: Sentence) -> Iterator[Fact]:
    """`Nascimento: 12 de maio de 1950, Beja`, in a list, a table of two columns or on its own."""
    match = _LABELLED.fullmatch(line.text)
    kind = _LABELS.get(" ".join(match["label"].lower().split())) if match else None
    if match is None or kind is None:
        return
    value = _AGE.sub("", match["value"]).strip().rstrip(".;")
    sure = DOUBT.search(value) is None and not re.search(r"\b(?:ou|or|c)\b|[?]|desconhecid|unknown", value)
    if kind in ("born_on", "born_in", "died_on", "died_in"):
        yield from _dated(kind, value, line, sure=sure)
    elif kind in _PEOPLE and re.fullmatch(_WHO, re.sub(r"\s*\([^()]*\)$", "", value)) is None:
        return
    elif value and len(value.split()) <= 14 and not re.fullmatch(r"[\W_]*", value):
        value = re.sub(r"\s*\([^()]*\)$", "", value) if kind in _PEOPLE else value
        yield Fact(kind, without_quotes(" ".join(value.split())), line.start, line.end, sure=sure)


def _dated(kind: FactKind, value: str, line: Sentence, *, sure: bool) -> Iterator[Fact]:
    match = _DATE_AND_PLACE.fullmatch(value)
    date = (match["date"] or match["date2"]) if match else None
    place = (match["place"] or match["place2"]) if match else None
    if kind in _OTHER_PLACE:
        if date and read_date(date) is not None:
            yield Fact(kind, " ".join(date.split()), line.start, line.end, other_forms(date), sure=sure)
        elif not date and not sure:
            # A doubt that is not understood speaks against what is told elsewhere.
            yield Fact(kind, value, line.start, line.end, sure=False)
        kind = _OTHER_PLACE[kind]
    if place:
        yield _place(kind, place, line.start, line.end, sure=sure)


# Tables and lists of stations ----------------------------------------------------------------

_COLUMNS: dict[str, str] = {
    "período": "years", "ano": "years", "anos": "years", "year": "years", "years": "years", "period": "years",
    "clube": "played", "equipa": "played", "equipe": "played", "club": "played", "team": "played",
    "cargo": "held", "função": "held", "position": "held", "office": "held",
    "prémio": "won", "prêmio": "won", "award": "won", "prize": "won",
    "obra": "published", "livro": "published", "work": "published", "book": "published",
}  # fmt: skip
_LISTS: dict[str, str] = {
    "clubes": "played", "carreira de clubes": "played", "clubs": "played", "club career": "played",
    "títulos": "won", "palmarés": "won", "honours": "won", "honors": "won",
    "prémios": "won", "prêmios": "won", "awards": "won", "prizes": "won", "prémios e distinções": "won",
    "obras": "published", "livros": "published", "obras publicadas": "published", "works": "published",
    "books": "published", "livros publicados": "published",
}  # fmt: skip
_PERIOD = rf"(?P<first>{YEAR})(?:\s*(?:[-–—/]|a|to)\s*(?P<last>{YEAR}))?"
_LISTED = re.compile(
    rf"\s*(?:[-*•+]|\d{{1,3}}[.)])\s+(?:{_PERIOD}\s*[:–—-]\s*(?P<what>[^:\n]+?)"
    rf"|(?P<what2>[^:\n]+?)\s*[,(]\s*{_PERIOD.replace('first', 'first2').replace('last', 'last2')}\s*\)?)\s*[.;]?\s*"
)


class Stations:
    """Reads tables and lists line by line; headings and header rows say what they list."""

    def __init__(self) -> None:
        self._columns: list[str] = []
        self._list = ""

    def enter(self, sentence: Sentence) -> None:
        if sentence.heading:
            self._list = _LISTS.get(sentence.text.strip().lower(), "")
        if not sentence.line or "|" not in sentence.text:
            self._columns = []

    def read(self, line: Sentence) -> Iterator[Fact]:
        """The facts of one line of a table (`Período | Clube`) or of a list below a heading (`Clubes`)."""
        if "|" in line.text:
            yield from self._row(line)
        elif self._list and (match := _LISTED.fullmatch(line.text)) is not None:
            first, last = match["first"] or match["first2"], match["last"] or match["last2"]
            yield from _station(self._list, match["what"] or match["what2"], first, last, line)

    def _row(self, line: Sentence) -> Iterator[Fact]:
        cells = [cell.strip() for cell in line.text.strip().strip("|").split("|")]
        if not self._columns:
            found = [_COLUMNS.get(cell.lower(), "") for cell in cells]
            self._columns = found if found.count("years") == 1 and len(set(found) - {"", "years"}) >= 1 else []
            return
        if len(cells) != len(self._columns) or all(re.fullmatch(r":?-*:?", cell) for cell in cells):
            return
        period = re.fullmatch(_PERIOD, cells[self._columns.index("years")])
        for column, cell in zip(self._columns, cells, strict=True):
            if period is not None and column not in ("", "years"):
                yield from _station(column, cell, period["first"], period["last"], line)


def _station(kind: str, what: str, first: str, last: str | None, line: Sentence) -> Iterator[Fact]:
    what = without_quotes(" ".join(what.split()).strip(" ,"))
    if not what or re.search(r"[()?]|\d{4}", what) or len(what) > 100 or (last and int(first) >= int(last)):
        return
    told = line.text[line.text.index(first) : line.text.rindex(last) + 4] if last else first
    years: Years = (first, last) if last else (first,)
    aliases = when_between(first, last, told).aliases if last else ()
    where = line.start, line.end
    yield Fact(cast(FactKind, kind), what, *where, years=years)
    if last or kind not in ("played", "held"):
        yield Fact(cast(FactKind, f"{kind}_when"), " ".join(told.split()), *where, aliases, what=what, listed=True)
