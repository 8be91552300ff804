"""The figures of a report as rows of text: one list for Markdown and page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tools.evaluate.contract import EvaluateResult, Scores, Standing, Standings
from tools.evaluate.report.told import Told
from tools.evaluate.report.words import Words

Intervals = Mapping[str, tuple[float, float]]


@dataclass(frozen=True)
class Row:
    """A figure of each model in words, the base first, and beside it its 95% interval, empty where there is none."""

    name: str
    values: Sequence[str]
    intervals: Sequence[str] = ()


@dataclass(frozen=True)
class Table:
    """Figures on one thing. about: what a reader needs to know of them."""

    title: str
    about: str
    rows: list[Row] = field(default_factory=list)


_FORMS = {
    "seen": "Exactly, facts of training in other words",
    "taught": "Exactly, facts in training's own words",
    "reversed": "Exactly, facts asked the other way round",
    "held_out": "Exactly, facts held out",
}


@dataclass(frozen=True)
class Place:
    """A model in the table of all, in words. best: whether it has the fewest bits on unseen rows; starts: whether
    memorizing starts there."""

    model: str
    unseen: str
    trained: str
    behind: str
    best: bool
    starts: bool


def standings(told: Told, say: Words) -> list[Place]:
    """Models against one another; empty where there are not three, nor a run's checkpoints."""
    found = told.result.standings
    return [_place(one, found, say) for one in found.table] if found else []


def _place(one: Standing, found: Standings, say: Words) -> Place:
    trained, behind = one.trained_bits_per_byte, one.behind
    span = say("{low} to {high}", low=say.signed(behind.low, 2), high=say.signed(behind.high, 2)) if behind else ""
    return Place(
        model=one.model,
        unseen=say.number(one.bits_per_byte, 3),
        trained=say.number(trained, 3) if trained is not None else "",
        behind=f"{say.signed(behind.change, 2)} ({span})" if behind else "",
        best=one.model == found.best,
        starts=one.model == found.memorizes_from,
    )


def tables(told: Told) -> list[Table]:
    """What was measured, in the order in which a reader asks."""
    result, say = told.result, Words(told.language)
    found = [_texts(result, say), _questions(result, say), _repetition(result, say), _consistency(result, say)]
    return [table for table in found if table.rows]


def _texts(result: EvaluateResult, say: Words) -> Table:
    table = Table(say("How it writes"), say("Bits per byte and perplexity: less is better."))
    named: list[tuple[str, Scores | None]] = [
        (say("Bits per byte, {count} unseen rows", count=result.rows), result.bits_per_byte),
        (say("Bits per byte, rows trained on"), result.trained_bits_per_byte),
        *(
            (say(f"Bits per byte, general text ({language})"), scores)
            for language, scores in (result.forgetting or {}).items()
        ),
    ]
    table.rows.extend(Row(name, _each(scores, say, 3)) for name, scores in named if scores is not None)
    if result.perplexity is not None:
        table.rows.append(Row(say("Perplexity, unseen rows"), _each(result.perplexity, say, 1)))
    return table


def _questions(result: EvaluateResult, say: Words) -> Table:
    asked = result.questions
    if asked is None:
        return Table("", "")
    table = Table(say("What it knows"), say("{count} questions; more is better.", count=asked.asked))
    matched, chosen = (asked.share_intervals.get(name, {}) for name in ("exact_match", "choice_accuracy"))
    table.rows.append(_shares(say("Answered exactly"), asked.exact_match, say, matched))
    table.rows.append(_shares(say("Answer contained"), asked.contains_answer, say))
    for form, scores in asked.forms.items() if len(asked.forms) > 1 else ():
        name = f"{say(_FORMS[form])} ({scores.asked})"
        table.rows.append(_shares(name, scores.exact_match, say, scores.share_intervals))
    if asked.choice_accuracy is not None:
        chance = say.percent(asked.chance or 0.0)
        name = say(
            "Right one of several likeliest ({count} questions, {chance} by chance)", count=asked.choices, chance=chance
        )
        table.rows.append(_shares(name, asked.choice_accuracy, say, chosen))
    table.rows.append(_shares(say("Words in common (token F1)"), asked.token_f1, say))
    table.rows.append(Row(say("Letters in common (chrF2++, of 100)"), _each(asked.chrf, say, 1)))
    table.rows.append(Row(say("Order in common (ROUGE-L, of 100)"), _each(asked.rouge_l, say, 1)))
    if asked.admits_not_knowing is not None:
        name = say("Owns not to know ({count} questions without an answer)", count=asked.unanswerable)
        table.rows.append(_shares(name, asked.admits_not_knowing, say))
    return table


def _repetition(result: EvaluateResult, say: Words) -> Table:
    found = result.repetition
    if found is None:
        return Table("", "")
    about = say("{count} openings of passages that were trained on, continued.", count=found.passages)
    table = Table(say("What it repeats"), about)
    table.rows.append(Row(say("Longest run copied, in tokens"), _each(found.longest, say, 0)))
    table.rows.append(_shares(say("Continuations with 50 tokens or more copied"), found.copied, say))
    table.rows.append(_shares(say("Share of the passage given back"), found.given_back, say))
    return table


def _consistency(result: EvaluateResult, say: Words) -> Table:
    found = result.consistency
    if found is None:
        return Table("", "")
    about = say("{count} questions, each asked four times at rising temperatures.", count=found.questions)
    table = Table(say("How steady it is"), about)
    table.rows.append(_shares(say("Agreement of the answers"), found.agreement, say))
    table.rows.append(_shares(say("Empty answers"), found.empty, say))
    table.rows.append(_shares(say("Answers that go round in circles"), found.looping, say))
    table.rows.append(_shares(say("Answers in another language"), found.other_language, say))
    return table


def _each(scores: Scores, say: Words, digits: int) -> list[str]:
    return [say.number(value, digits) for value in (scores.base, *scores.tuned.values())]


def _shares(name: str, scores: Scores, say: Words, intervals: Intervals | None = None) -> Row:
    """A share of each model in percent."""
    values = [say.percent(value) for value in (scores.base, *scores.tuned.values())]
    if not intervals:
        return Row(name, values)
    models = (next(model for model in intervals if model not in scores.tuned), *scores.tuned)
    return Row(name, values, [say.span(*intervals[model]) for model in models])
