"""What an evaluation proves, in words.

Two kinds of learning are told apart: how the texts are written (likelihood of unseen passages) and
what they say (answers nearer to their own question's than to like ones', and the choice of the right one
among answers of the same form). Where questions were asked, knowing decides; an adapter that only took
on the form of answers has proven nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tools.evaluate.contract import EvaluationVerdict, Interval, Repetition, VerdictKind
from tools.next_call import next_call

ABOVE_CHANCE = "token_f1_above_chance"
KNOWING = (ABOVE_CHANCE, "choice_accuracy")
WRITING = "bits_per_byte"
TRAINED = "trained_bits_per_byte"
GENERAL = "general_bits_per_byte"
# Of the general text's bits a byte: a larger rise is told as forgetting.
_FORGOT = 0.15
# Trained passages gained so many times what unseen ones did, and so many bits a byte more: learned by heart rather
# than understood.
_BY_HEART, _GAP = 4.0, 0.1
# Share of continuations copied word for word that the base does not have.
_COPIES = 0.25


def judge(
    model: str, intervals: Sequence[Interval], dataset: str, *, zero: bool = False, repetition: Repetition | None = None
) -> EvaluationVerdict:
    """The verdict on one tuned model.

    learned: it knows more, or where nothing was asked it writes better, beyond chance; who knows more may still
    take unseen rows for less likely, since they tell of what it was not taught. memorized: it knows its own
    passages by heart, and neither answers nor unseen passages are better. worse: some figure fell beyond chance
    and none rose. not_proven: all else.
    """
    if zero:
        text = "the adapter is all zeros, so that it answers as the bare base."
        return _verdict("not_proven", model, text, next_call("start_finetune", dataset=dataset, dry_run=True))
    mine = {one.metric: one for one in intervals if one.model == model}
    kind = _kind(mine, copies=_copies(repetition, model))
    told = "; ".join(tell(one) for one in mine.values()) or "nothing could be measured"
    remark, action = _advice(kind, model, dataset, mine)
    return _verdict(kind, model, f"{told}. {remark}{_forgotten(mine.values())}", action)


def _kind(mine: dict[str, Interval], *, copies: float) -> VerdictKind:
    knowing = [mine[name] for name in KNOWING if name in mine]
    judged = [*knowing, *([mine[WRITING]] if WRITING in mine else [])]
    better, worse = [one for one in judged if improved(one)], [one for one in judged if worsened(one)]
    if _by_heart(mine, copies) and not better:
        return "memorized"
    if any(map(improved, knowing)) and not any(map(worsened, knowing)):
        return "learned"
    if worse and not better:
        return "worse"
    return "not_proven" if worse or knowing or not better else "learned"


def _by_heart(mine: dict[str, Interval], copies: float) -> bool:
    """Whether the passages that were trained on come word for word, or far more easily than unseen ones."""
    if copies >= _COPIES:
        return True
    trained, unseen = mine.get(TRAINED), mine.get(WRITING)
    if trained is None or unseen is None or not improved(trained) or trained.high >= unseen.low:
        return False
    return trained.change <= min(min(0.0, unseen.change) * _BY_HEART, unseen.change - _GAP)


def _copies(repetition: Repetition | None, model: str) -> float:
    if repetition is None or model not in repetition.copied.tuned:
        return 0.0
    return repetition.copied.tuned[model] - repetition.copied.base


def _advice(kind: VerdictKind, model: str, dataset: str, mine: dict[str, Interval]) -> tuple[str, str]:
    """What to do next, in words and as a call."""
    if kind == "learned":
        dear = WRITING in mine and worsened(mine[WRITING])
        remark = " Unseen rows got less likely all the same: fewer steps, a lower rate or more rows may keep both."
        return (
            f"Ask it something.{remark if dear else ''}",
            next_call("ask_model", prompt="PROMPT", models=[model]),
        )
    if kind == "memorized":
        unseen = "unseen ones no better" if WRITING in mine else "unseen rows are of too few documents to compare"
        return (
            f"It knows its passages by heart and {unseen}: fewer steps, or more rows, would help.",
            next_call("start_finetune", dataset=dataset, settings={"patience": 2}, dry_run=True),
        )
    if kind == "worse":
        return (
            "A lower learning rate or fewer steps may mend it.",
            next_call("start_finetune", dataset=dataset, settings={"learning_rate": 1e-5}, dry_run=True),
        )
    if WRITING in mine and improved(mine[WRITING]) and any(name in mine for name in KNOWING):
        return (
            "It writes more like the texts, but knows no more of their facts: train on questions about them.",
            next_call("annotate_dataset", dataset=dataset),
        )
    return (
        "More test rows and questions (of five documents at least) or more steps would tell.",
        next_call("annotate_dataset", dataset=dataset),
    )


def _forgotten(mine: Iterable[Interval]) -> str:
    lost = [one for one in mine if one.metric.startswith(GENERAL) and one.low > _FORGOT]
    if not lost:
        return ""
    return " It forgot some of what its base knew: a lower rate, fewer steps or fewer layers keep more."


def improved(one: Interval) -> bool:
    """Whether the whole interval is on the good side; fewer bits are better, more of all else."""
    return one.high < 0 if "bits" in one.metric else one.low > 0


def worsened(one: Interval) -> bool:
    return one.low > 0 if "bits" in one.metric else one.high < 0


def tell(one: Interval) -> str:
    name = one.metric.replace("_", " ")
    return f"{name} {one.change:+.3f} (95% interval {one.low:+.3f} to {one.high:+.3f})"


_WORDS: dict[VerdictKind, str] = {
    "learned": "Learned",
    "not_proven": "Not proven",
    "memorized": "Memorized",
    "worse": "Worse than its base",
}


def _verdict(kind: VerdictKind, model: str, text: str, action: str) -> EvaluationVerdict:
    return EvaluationVerdict(kind=kind, model=model, text=f"{_WORDS[kind]}: {text}", action=action)
