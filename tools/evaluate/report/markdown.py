"""The report as Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tools.evaluate.report.examples import answered
from tools.evaluate.report.tables import Row, Table, standings, tables
from tools.evaluate.report.told import Told
from tools.evaluate.report.verdicts import Card, cards
from tools.evaluate.report.words import Words

_MOST_ANSWERS = 4


def markdown(told: Told) -> str:
    """The report for a person who reads it as text, in the dataset's language."""
    say = Words(told.language)
    lines = [f"# {say('Evaluation')} {told.result.evaluation}", "", f"{say.heading(told.bases, told.dataset)}.", ""]
    for card in cards(told):
        lines += _verdict(card, say)
    lines += [*_standings(told, say), *_sources(told, say)]
    for table in tables(told):
        lines += [f"## {table.title}", "", table.about, "", *_table(told.models, table), ""]
    return "\n".join([*lines, *_examples(told, say)]).rstrip() + "\n"


def _verdict(card: Card, say: Words) -> Iterator[str]:
    yield f"**{card.headline}**: `{card.model}`. {card.meaning}"
    yield ""
    for one in card.evidence:
        values = f"{one.base} → {one.tuned}, " if one.base else ""
        yield f"- {one.name}: {values}{one.change} ({say('95% interval')} {one.span}), {one.said}"
    yield ""
    yield f"{card.advice} `{card.command}`"
    yield ""


def _standings(told: Told, say: Words) -> list[str]:
    rows = [
        f"| {inline(one.model)}{' ★' if one.best else ''} | {one.unseen} | {one.trained} | {one.behind} |"
        for one in standings(told, say)
    ]
    heads = "| ".join(
        ["", "", *(say(head) + " " for head in ("unseen rows", "rows trained on", "behind the best")), ""]
    )
    title = [f"## {say('One against another')}", "", say("Bits per byte; less is better."), ""]
    return [*title, heads.strip(), "|---|---|---|---|", *rows, ""] if rows else []


def _sources(told: Told, say: Words) -> list[str]:
    if not told.result.per_source:
        return []
    rows = [
        Row(
            f"{one.source} ({one.rows})",
            [say.number(value, 2) for value in (one.bits_per_byte.base, *one.bits_per_byte.tuned.values())],
        )
        for one in told.result.per_source
    ]
    table = Table(say("Source by source"), say("Bits per byte, unseen rows"), rows)
    return [f"## {table.title}", "", table.about, "", *_table(told.models, table), ""]


def _table(models: Sequence[str], table: Table) -> list[str]:
    head = ["| | " + " | ".join(f"`{model}`" for model in models) + " |", "|---" * (len(models) + 1) + "|"]
    return head + [f"| {inline(row.name)} | " + " | ".join(_cells(row)) + " |" for row in table.rows]


def _cells(row: Row) -> list[str]:
    if not row.intervals:
        return list(row.values)
    return [f"{value} ({between})" for value, between in zip(row.values, row.intervals, strict=True)]


def _examples(told: Told, say: Words) -> list[str]:
    examples = answered(told, _MOST_ANSWERS, say)
    lines = [f"## {say('Answers side by side')}", ""] if examples else []
    for one in examples:
        lines += [f"**{inline(one.question)}** {inline(one.reference)}", ""]
        lines += [f"- `{answer.model}`, {answer.said}: {inline(answer.text)}" for answer in one.answers]
        lines.append("")
    return lines


def inline(text: str) -> str:
    """Text of a model or a dataset inside a line of Markdown: no markup of its own."""
    flat = " ".join(text.split())
    return "".join(f"\\{c}" if c in "\\`*_[]<>|#" else c for c in flat)
