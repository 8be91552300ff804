"""Dates as Portuguese and English texts write them: found, read, and written in the other forms."""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass

_MONTHS = (
    ("janeiro", "january"), ("fevereiro", "february"), ("março", "march"), ("abril", "april"), ("maio", "may"),
    ("junho", "june"), ("julho", "july"), ("agosto", "august"), ("setembro", "september"),
    ("outubro", "october"), ("novembro", "november"), ("dezembro", "december"),
)  # fmt: skip
_NUMBER_OF = {name: number for number, names in enumerate(_MONTHS, 1) for name in names}
MONTH = rf"(?i:{'|'.join(_NUMBER_OF)})"
YEAR = r"[12]\d{3}"
_DAY = r"(?:[0-3]?\d(?:\.?[ºo°]|st|nd|rd|th)?|(?i:primeiro))"
_FIGURES = rf"[0-3]?\d(?:/[01]?\d/|\.[01]?\d\.|-[01]?\d-){YEAR}"
# Whole dates first, then month and year, then the year alone. No groups, to stand inside other patterns.
DATE = (
    rf"(?:{_DAY}\s+de\s+{MONTH}\s+de\s+{YEAR}|{_DAY}\s+(?:of\s+)?{MONTH},?\s+{YEAR}|{MONTH}\s+{_DAY},\s+{YEAR}"
    rf"|{YEAR}-[01]\d-[0-3]\d|{_FIGURES}|{MONTH}\s+de\s+{YEAR}|{MONTH}\s+{YEAR}|{YEAR})(?!\w|[/.,–-]\d)"
)
_READ = re.compile(
    rf"(?:(?P<iso>{YEAR})-(?P<iso_month>\d\d)-(?P<iso_day>\d\d)"
    rf"|(?P<day>\d{{1,2}})(?P<sep>[/.-])(?P<month>\d{{1,2}})(?P=sep)(?P<year>{YEAR})"
    rf"|(?:(?P<first>{_DAY})\s+(?:de\s+|of\s+)?)?(?P<name>{MONTH})(?:\s+(?P<after>{_DAY}),)?,?\s+(?:de\s+)?(?P<named>{YEAR})"
    rf"|(?P<alone>{YEAR}))"
)


@dataclass(frozen=True)
class Date:
    """A date as far as it is told: month and day are None where they are not."""

    year: int
    month: int | None = None
    day: int | None = None

    def refines(self, other: Date) -> bool:
        """Whether this says the same as `other`, or the same and more."""
        return (self.year, self.month, self.day)[: other.parts] == (other.year, other.month, other.day)[: other.parts]

    @property
    def parts(self) -> int:
        return 1 + (self.month is not None) + (self.day is not None)

    @property
    def iso(self) -> str:
        numbers = [f"{self.year:04}", *(f"{part:02}" for part in (self.month, self.day) if part is not None)]
        return "-".join(numbers)


def read_date(text: str) -> Date | None:
    """The date that a text is; None where it is none, or one that no calendar has (31 de abril).

    Figures alone are read with the day first, as both languages' countries but one write them.
    """
    match = _READ.fullmatch(" ".join(text.split()))
    if match is None:
        return None
    if match["iso"]:
        return _checked(int(match["iso"]), int(match["iso_month"]), int(match["iso_day"]))
    if match["year"]:
        return _checked(int(match["year"]), int(match["month"]), int(match["day"]))
    if match["name"]:
        day = match["first"] or match["after"]
        return _checked(int(match["named"]), _NUMBER_OF[match["name"].lower()], _day(day) if day else None)
    return Date(int(match["alone"]))


def other_forms(text: str) -> tuple[str, ...]:
    """A whole date in the forms that an answer may give it: `1998-05-12`, `12/05/1998`, `12 de maio de 1998`.

    None for a year or a month: the year alone of a whole date would count wrong days as right.
    """
    date = read_date(text)
    if date is None or date.month is None or date.day is None:
        return ()
    year, month, day = date.year, date.month, date.day
    portuguese, english = _MONTHS[month - 1]
    forms = [date.iso, f"{day:02}/{month:02}/{year}"]
    if english in text.lower() and english != portuguese:
        name = english.capitalize()
        forms += [f"{day} {name} {year}", f"{name} {day}, {year}"]
    else:
        forms.append(f"{day} de {portuguese} de {year}")
    return tuple(form for form in forms if form != " ".join(text.split()))


def _day(text: str) -> int:
    return 1 if text.lower() == "primeiro" else int(re.sub(r"\D", "", text))


def _checked(year: int, month: int, day: int | None) -> Date | None:
    if not 1 <= month <= 12 or (day is not None and not 1 <= day <= calendar.monthrange(year, month)[1]):
        return None
    return Date(year, month, day)
