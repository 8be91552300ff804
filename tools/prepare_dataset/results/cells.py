"""What stands in a cell: a score, a date, a season's years; or nothing, in the many ways of saying so."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from functools import lru_cache
from itertools import pairwise

from tools.prepare_dataset.records import plain_letters

_MISSING = frozenset({"", "-", "–", "—", "?", "na", "n/a", "n/d", "nd", "nan", "null", "none", "s/d", "...", "…"})
_NOT_PLAYED = re.compile(
    r"(?:x|v|vs\.?|[-–:]|\d{1,2}h\d\d|p-p|ppd?\.?|adiad[oa]|suspens[oa]|cancelad[oa]|anulad[oa]|por jogar|a jogar"
    r"|interrompid[oa]|abandonad[oa]|postponed|cancell?ed|abandoned|suspended|void|tbd|adi?\.|canc\.)",
    re.IGNORECASE,
)
_CLOCK = re.compile(r"(?:1\d|2[0-3]):[0-5][05]")
_SCORE = re.compile(
    r"([-−]?\d{1,3})\s*(?:[-–—:xX×]|\ba\b)\s*([-−]?\d{1,3})(?:\s*[(\[].*[)\]]|\s+[^\d\s].*)?", re.DOTALL
)
_TIME = r"(?:[T ,]+\d{1,2}[:h]\d{2}.*)?"
_ISO = re.compile(rf"(\d{{4}})[-/.](\d{{1,2}})[-/.](\d{{1,2}}){_TIME}")
_NUMERIC = re.compile(rf"(?:[^\W\d]+\.?,?\s+)?(\d{{1,2}})[-/.](\d{{1,2}})[-/.](\d{{4}}|\d{{2}}){_TIME}")
_NAMED = re.compile(
    r"(?:[a-z-]+\.?,?\s+)?(\d{1,2})(?:\.?o|\.|st|nd|rd|th)?[\s/-]+(?:de\s+|of\s+)?([a-z]{3,9})\.?,?[\s/-]+(?:de\s+)?"
    rf"(\d{{4}}|\d{{2}}){_TIME}"
)
_MONTH_FIRST = re.compile(rf"(?:[a-z-]+\.?,?\s+)?([a-z]{{3,9}})\.?\s+(\d{{1,2}})(?:st|nd|rd|th)?,?\s+(\d{{4}}){_TIME}")
_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "jan",
            "fev feb",
            "mar",
            "abr apr",
            "mai may",
            "jun",
            "jul",
            "ago aug",
            "set sep",
            "out oct",
            "nov",
            "dez dec",
        ),
        1,
    )
    for name in names.split()
}
# Two-digit years from here on are of the last century.
_CENTURY = 50
_SEASON = re.compile(r"(?<![\d.,])((?:18|19|20)\d\d)(?:\s*[-–/_]\s*(\d{4}|\d\d)(?!\d))?(?!\d)")
_SHORT_SEASON = re.compile(r"(?<!\d)(\d\d)\s*/\s*(\d\d)(?!\d)")


def is_missing(cell: str) -> bool:
    """Whether a cell says that it holds nothing: empty, `-`, `NA`."""
    return cell.strip().casefold() in _MISSING


def is_not_played(cell: str) -> bool:
    """Whether a cell in a score's place tells that there is none: nothing, `x`, `15h30`, `adiado`."""
    return is_missing(cell) or _NOT_PLAYED.fullmatch(cell.strip()) is not None


def is_clock(cell: str) -> bool:
    """Whether a cell could be the hour of a match, `20:30`, in the place of its score."""
    return _CLOCK.fullmatch(cell.strip()) is not None


def parse_score(cell: str) -> tuple[int, int] | None:
    """Both sides' goals: `2-1`, `2:1`, `2 x 1`, `2–1 (1–0)`; None for anything else."""
    match = _SCORE.fullmatch(cell.strip())
    return (int(match[1].replace("−", "-")), int(match[2].replace("−", "-"))) if match else None


class DateColumn:
    """Reads the dates of one column, whose cells tell together whether day or month comes first.

    uncertain: no cell tells, so that day before month is assumed.
    """

    def __init__(self, cells: Sequence[str]) -> None:
        numeric = [match for cell in cells if (match := _NUMERIC.fullmatch(cell.strip()))]
        first = sum(int(match[1]) > 12 >= int(match[2]) for match in numeric)
        second = sum(int(match[2]) > 12 >= int(match[1]) for match in numeric)
        self.uncertain = False
        self._day_first = first >= second
        if first == second and any(match[1] != match[2] for match in numeric):
            day, month = _goes_back(numeric, day_first=True), _goes_back(numeric, day_first=False)
            # A list in the order of its dates is one in only one of the two readings.
            self._day_first = not (day and not month)
            self.uncertain = bool(day) == bool(month)

    def read(self, cell: str) -> date | None:
        """The date in a cell; None where there is none or no such day."""
        return _read_date(cell.strip(), self._day_first)


@lru_cache(maxsize=16384)
def _read_date(cell: str, day_first: bool) -> date | None:
    if match := _ISO.fullmatch(cell):
        return _day(int(match[1]), int(match[2]), int(match[3]))
    if match := _NUMERIC.fullmatch(cell):
        return _numeric_day(match, day_first=day_first)
    plain = plain_letters(cell)
    if match := _NAMED.fullmatch(plain):
        return _day(_full_year(match[3]), _MONTHS.get(match[2][:3], 0), int(match[1]))
    if match := _MONTH_FIRST.fullmatch(plain):
        return _day(int(match[3]), _MONTHS.get(match[1][:3], 0), int(match[2]))
    return None


def _numeric_day(match: re.Match[str], *, day_first: bool) -> date | None:
    day, month = (match[1], match[2]) if day_first else (match[2], match[1])
    return _day(_full_year(match[3]), int(month), int(day))


def _full_year(digits: str) -> int:
    year = int(digits)
    return year if len(digits) == 4 else year + (1900 if year >= _CENTURY else 2000)


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _goes_back(matches: Sequence[re.Match[str]], *, day_first: bool) -> int:
    """How often a date is before the one above it."""
    days = [day for match in matches if (day := _numeric_day(match, day_first=day_first))]
    return sum(after < before for before, after in pairwise(days))


def season_years(text: str) -> tuple[int, int] | None:
    """First and last calendar year of the one season that a text names: `2023/24`, `1998-1999`, `98/99`, `2004`.

    None where it names none, or more than one.
    """
    found = {years for match in _SEASON.finditer(text) for years in _years(match[1], match[2])}
    if not found and (match := _SHORT_SEASON.search(text)):
        first = _full_year(match[1])
        found = {(first, first + 1)} if _follows(first, match[2]) else set()
    return found.pop() if len(found) == 1 else None


def _years(first: str, second: str | None) -> list[tuple[int, int]]:
    year = int(first)
    if second is None:
        return [(year, year)]
    if _follows(year, second):
        return [(year, year + 1)]
    return [(year, year), (int(second), int(second))] if len(second) == 4 else [(year, year)]


def _follows(year: int, second: str) -> bool:
    return str(year + 1).endswith(second)


def season_name(years: tuple[int, int]) -> str:
    """`2004`, or `2023/24` where a season lies in two years."""
    first, last = years
    return str(first) if first == last else f"{first}/{last % 100:02d}"
