"""The report as one self-contained page: no script, no file and no host beside it."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from tools.evaluate.figures import bits_per_byte, of_source
from tools.evaluate.items import spread
from tools.evaluate.measured import Texts
from tools.evaluate.report import plots
from tools.evaluate.report.examples import Example, answered
from tools.evaluate.report.plots import Bar, Curve, Group, Line
from tools.evaluate.report.tables import standings, tables
from tools.evaluate.report.told import Told
from tools.evaluate.report.verdicts import Evidence, cards
from tools.evaluate.report.words import Words
from tools.evaluate.statistics import interval_of_ratio

_MOST_ANSWERS, _MOST_CONTINUED, _MOST_REPEATED, _MOST_SOURCES = 40, 6, 4, 24
# Examples that stand open; the others are a click away.
_OPEN = 6


def page(told: Told) -> str:
    """The page, in the dataset's language."""
    say = Words(told.language)
    sources = _sources(told, say)
    return _template().render(
        told=told,
        say=say,
        cards=cards(told),
        strip=_strip,
        tone=lambda model: plots.tone(told.models.index(model)),
        standings=standings(told, say),
        steps=_steps(told, say),
        curves=[(run, drawn) for run, losses in told.losses.items() if (drawn := _curve(run, losses, say)) is not None],
        sources=[(group, Markup(plots.bars(group, _most(sources)))) for group in sources],
        sources_all=len(set(told.measured.unseen.sources)) if told.measured.unseen else 0,
        sources_most=_MOST_SOURCES,
        tables=tables(told),
        answers=_parted(answered(told, _MOST_ANSWERS, say)),
        continued=spread(told.measured.continued or [], _MOST_CONTINUED),
        repeated=spread(told.measured.repeated or [], _MOST_REPEATED),
        snug=_snug,
    )


def _parted(examples: list[Example]) -> tuple[list[Example], list[Example]]:
    """Those that stand open, from all over, and the others."""
    shown = spread(examples, _OPEN)
    return shown, [one for one in examples if one not in shown]


def _snug(text: str) -> str:
    """Without empty lines, of which some models write many."""
    return re.sub(r"\n\s*\n", "\n", text)


def _strip(one: Evidence) -> Markup:
    return Markup(plots.strip(*one.for_better, one.kind))


def _steps(told: Told, say: Words) -> tuple[Curve, list[Line]] | None:
    """Bits a byte over a run's checkpoints, of unseen rows and of those trained on; the base stands at step 0."""
    found = told.result.standings
    if found is None or all(one.step is None for one in found.table):
        return None
    table = [one for one in found.table if one.step is not None or one.model == told.models[0]]
    trained = [(one.step or 0, one.trained_bits_per_byte) for one in table]
    lines = [
        Line(say("rows trained on"), [(step, bits) for step, bits in trained if bits is not None], marked=True),
        Line(say("unseen rows"), [(one.step or 0, one.bits_per_byte) for one in table], marked=True),
    ]
    drawn = plots.curve(lines, say("Bits per byte by checkpoint; less is better."))
    return (drawn, lines) if drawn is not None else None


def _curve(run: str, losses: Any, say: Words) -> tuple[Curve, list[Line]] | None:
    lines = [Line(say(name), points, marked=name == "validation") for name, points in losses.items()]
    drawn = plots.curve(lines, say("Loss of {run}, in nats a token; less is better.", run=run))
    return (drawn, lines) if drawn is not None else None


def _sources(told: Told, say: Words) -> list[Group]:
    """All unseen rows, and each source where there are several, the largest where there are many."""
    texts = told.measured.unseen
    if texts is None or not texts.sizes:
        return []
    groups = [_group(say("All sources"), texts, told, say)]
    parts = [(name, of_source(texts, name)) for name in sorted(set(texts.sources))]
    if len(parts) > 1:
        largest = sorted(parts, key=lambda part: -sum(part[1].sizes))[:_MOST_SOURCES]
        groups += [_group(name, part, told, say) for name, part in parts if (name, part) in largest]
    return groups


def _group(name: str, texts: Texts, told: Told, say: Words) -> Group:
    count = len(texts.sizes)
    note = say("1 row") if count == 1 else say("{count} rows", count=count)
    return Group(name, note, [_bar(texts, model, told, say) for model in told.beside])


def _bar(texts: Texts, model: str, told: Told, say: Words) -> Bar:
    bits = [nats / math.log(2) for nats in texts.nats[model]]
    found = interval_of_ratio(bits, texts.sizes, texts.documents)
    value = bits_per_byte(texts, model)
    return Bar(told.models.index(model), value, say.number(value, 2), *(found[1:] if found else ()))


def _most(groups: Sequence[Group]) -> float:
    return max((bar.end for group in groups for bar in group.bars), default=1.0)


@cache
def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html.j2")
