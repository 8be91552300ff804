"""What an evaluation proves, in words."""

from __future__ import annotations

from tools.evaluate.contract import EvaluationVerdict, Interval
from tools.next_call import next_call


def judge(model: str, intervals: list[Interval], dataset: str, *, zero: bool = False) -> EvaluationVerdict:
    """learned: some figure improved beyond chance and none got worse. worse: some got worse, none improved."""
    if zero:
        return EvaluationVerdict(
            kind="not_proven",
            model=model,
            text="Not proven: the adapter is all zeros, so that it answers as the bare base.",
            action=next_call("start_finetune", dataset=dataset),
        )
    mine = [interval for interval in intervals if interval.model == model]
    better = [i for i in mine if _improved(i)]
    worse = [i for i in mine if _worsened(i)]
    told = "; ".join(_tell(interval) for interval in mine) or "nothing was measured"
    if better and not worse:
        return EvaluationVerdict(
            kind="learned",
            model=model,
            text=f"Learned: {told}.",
            action=next_call("ask_model", prompt="...", models=[model]),
        )
    if worse and not better:
        return EvaluationVerdict(
            kind="worse",
            model=model,
            text=f"Worse than its base: {told}. A lower learning rate or fewer steps may mend it.",
            action=next_call("start_finetune", dataset=dataset, settings={"learning_rate": 1e-5}),
        )
    return EvaluationVerdict(
        kind="not_proven",
        model=model,
        text=f"Not proven: {told}. More test rows and questions (of five documents at least) or more steps would tell.",
        action=next_call("annotate_dataset", dataset=dataset),
    )


def _improved(interval: Interval) -> bool:
    return interval.high < 0 if interval.metric == "bits_per_byte" else interval.low > 0


def _worsened(interval: Interval) -> bool:
    return interval.low > 0 if interval.metric == "bits_per_byte" else interval.high < 0


def _tell(interval: Interval) -> str:
    name = interval.metric.replace("_", " ")
    return f"{name} {interval.change:+.3f} (95% interval {interval.low:+.3f} to {interval.high:+.3f})"
