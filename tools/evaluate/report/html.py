"""The report as one self-contained page: no script, no file and no host beside it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from tools.evaluate.contract import EvaluateResult
from tools.evaluate.figures import bits_per_byte, of_source
from tools.evaluate.items import spread
from tools.evaluate.measured import Measured, Texts
from tools.evaluate.report.plots import Bar, bars, color, curve
from tools.evaluate.report.tables import change, rows
from tools.evaluate.result import Subject
from tools.evaluate.statistics import interval_of_ratio

# Losses by step of one run: `train` and `valid`.
Losses = Mapping[str, Sequence[tuple[float, float]]]

_MOST_ANSWERS, _MOST_CONTINUED = 40, 6


def page(
    result: EvaluateResult, subject: Subject, measured: Measured, runs: Mapping[str, Losses], made: str = ""
) -> str:
    """The page. runs: the losses of the runs that made the adapters, by name. made: when and with what, in words."""
    return _template().render(
        result=result,
        subject=subject,
        made=made,
        color=color,
        change=change,
        rows=list(rows(result)),
        sources=_sources(subject.models, measured.unseen) if result.per_source else "",
        curves=[(name, drawn) for name, losses in runs.items() if (drawn := curve(list(losses.items()), "step"))],
        answered=spread(measured.asked or [], _MOST_ANSWERS),
        continued=spread(measured.continued or [], _MOST_CONTINUED),
    )


def _sources(models: Sequence[str], texts: Texts | None) -> str:
    assert texts is not None
    groups = []
    for name in sorted(set(texts.sources)):
        part = of_source(texts, name)
        groups.append((name, [_bar(part, model) for model in models]))
    return bars(groups)


def _bar(texts: Texts, model: str) -> Bar:
    bits = [nats / math.log(2) for nats in texts.nats[model]]
    found = interval_of_ratio(bits, texts.sizes, texts.documents)
    return Bar(bits_per_byte(texts, model), *(found[1:] if found else ()))


@cache
def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    return environment.get_template("report.html.j2")
