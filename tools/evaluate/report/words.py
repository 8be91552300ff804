"""The report's wording: what is written in English is said in the dataset's language, numbers in its way."""

from __future__ import annotations

import math
from collections.abc import Sequence

from tools.evaluate.report.portuguese import PORTUGUESE
from tools.prepare_dataset.language import Language

_MINUS, _NONE = "\N{MINUS SIGN}", "\N{EM DASH}"


class Words:
    """Says a report's texts and numbers in one language."""

    def __init__(self, language: Language) -> None:
        self.language = language

    def __call__(self, text: str, **values: object) -> str:
        """The English text in this language, its `{names}` filled in. Raises KeyError where it was not translated."""
        said = PORTUGUESE[text] if self.language == "pt" else text
        return said.format(**values) if values else said

    def number(self, value: float, digits: int) -> str:
        """With so many decimals and a real minus sign; a dash where it is no number."""
        if not math.isfinite(value):
            return _NONE
        return self._spelled(f"{value:,.{digits}f}")

    def signed(self, value: float, digits: int) -> str:
        """As `number`, with a plus where it is above zero."""
        return self.number(value, digits) if value <= 0 else f"+{self.number(value, digits)}"

    def percent(self, share: float) -> str:
        """A share from 0 to 1."""
        return f"{self.number(100 * share, 0)}%"

    def heading(self, bases: Sequence[str], dataset: str) -> str:
        """What was compared: tuned models with their base, or those of several bases."""
        if len(bases) == 1:
            return self("Beside its base {base}, on the dataset {dataset}", base=bases[0], dataset=dataset)
        return self("On the dataset {dataset}", dataset=dataset)

    def span(self, low: float, high: float) -> str:
        """An interval of a share from 0 to 1."""
        return f"{self.number(100 * low, 0)}\N{EN DASH}{self.percent(high)}"

    def points(self, said: str) -> str:
        """A change of a share, its number spelled already."""
        return self("{change} point" if said[1:] == "1" else "{change} points", change=said)

    def plain(self, value: float) -> str:
        """As few digits as tell it: for the ticks of an axis."""
        return self._spelled(f"{value:,.6g}")

    def _spelled(self, english: str) -> str:
        if float(english.replace(",", "")) == 0:
            english = english.lstrip("-")
        if self.language == "pt":
            english = english.translate(str.maketrans(",.", "\N{NO-BREAK SPACE},"))
        return english.replace("-", _MINUS)
