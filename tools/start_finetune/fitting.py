"""Make a plan fit the memory: down the guide's ladder, or refused with the largest settings that fit."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tools.errors import DataError, DoesNotFit
from tools.models.catalogue import CATALOGUE
from tools.models.info import ModelInfo, load_info
from tools.start_finetune.contract import Change
from tools.start_finetune.memory import Peak, predict_peak
from tools.workspace.layout import Workspace
from tools.workspace.machine import GB

# Every setting's value and where it came from.
Values = dict[str, tuple[Any, str]]

# The guide's order against too little memory: batch, recomputation, rank, sequence length. A batch is
# computed in parts, so that what is learned from it stays the same.
_LADDER: dict[str, tuple[Any, ...]] = {
    "rows_at_once": (64, 32, 16, 8, 4, 2, 1),
    "grad_checkpoint": (True,),
    "lora_rank": (128, 64, 32, 16, 8, 4),
    "max_seq_length": (16384, 8192, 4096, 2048, 1536, 1024, 512),
}
_MEANING = {
    "rows_at_once": "the batch is computed in parts, and learns the same",
    "grad_checkpoint": "activations are computed again instead of kept, which is slower",
    "lora_rank": "the adapter is smaller",
    "lora_alpha": "so that the adapter's strength stays the same",
    "max_seq_length": "longer rows are cut",
}


def flat(values: Values) -> dict[str, Any]:
    return {name: value for name, (value, _) in values.items()}


def fit_memory(
    ws: Workspace,
    info: ModelInfo,
    values: Values,
    fixed: set[str],
    budget: int,
    peak_of: Callable[[Mapping[str, Any]], Peak],
    longest: int,
) -> list[Change]:
    """Move `values` down the ladder until their peak fits; the changes.

    fixed: settings that were asked for by name and are never moved. Raises DoesNotFit, which tells the
    largest settings that fit, or a model that does.
    """
    first = peak_of(flat(values))
    if first.fits(budget):
        return []

    def fits(moved: Mapping[str, Any]) -> bool:
        return peak_of(flat(_with(values, moved, fixed))).fits(budget)

    moved = _moved_down(values, fits, longest)
    after = _with(values, moved, fixed)
    if not fits(moved):
        raise _never_fits(ws, info, flat(after), peak_of(flat(after)), budget)
    changed = [name for name in after if after[name][0] != values[name][0]]
    if fixed.intersection(changed):
        raise _too_large({name: after[name][0] for name in sorted(changed)}, first, budget)
    changes = [_change(name, values, after, first, budget) for name in changed]
    values.update(after)
    return changes


def _moved_down(values: Values, fits: Callable[[Mapping[str, Any]], bool], longest: int) -> dict[str, Any]:
    """The settings that are to be lower, and how low: no lower than they need to be, where anything fits."""
    moved: dict[str, Any] = {}
    for name in _LADDER:
        for rung in _lower(values, name, longest):
            moved[name] = rung
            if fits(moved):
                break
        if fits(moved):
            break
    else:
        return moved
    # What was lowered first may be higher again, now that others are lower.
    for name in reversed(list(moved)):
        others = {other: rung for other, rung in moved.items() if other != name}
        higher = [others, *({**others, name: rung} for rung in _lower(values, name, longest))]
        moved = next(candidate for candidate in higher if fits(candidate))
    return moved


def _lower(values: Values, name: str, longest: int) -> list[Any]:
    """The rungs of the ladder below a setting. No batch is larger than its rows, no row longer than the longest."""
    value = values[name][0]
    if name == "grad_checkpoint":
        return [] if value else [True]
    now = {"rows_at_once": value or values["batch_size"][0], "max_seq_length": min(value or 0, longest)}.get(
        name, value
    )
    return [rung for rung in _LADDER[name] if rung < now]


def _with(values: Values, moved: Mapping[str, Any], fixed: set[str]) -> Values:
    """`values` with some set lower; an adapter's strength stays the same."""
    after = values | {name: (rung, values[name][1]) for name, rung in moved.items()}
    if "lora_rank" in moved and "lora_alpha" not in fixed:
        (alpha, why), factor = values["lora_alpha"], moved["lora_rank"] / values["lora_rank"][0]
        strength = factor if values["lora_scaling"][0] == "standard" else math.sqrt(factor)
        after["lora_alpha"] = (round(alpha * strength, 6), why)
    return after


def _change(name: str, before: Values, after: Values, peak: Peak, budget: int) -> Change:
    reason = f"{_MEANING[name]}; the peak was predicted at {peak.least / GB:.1f} GB of {budget / GB:.1f} GB"
    asked = before["batch_size"][0] if name == "rows_at_once" and before[name][0] is None else before[name][0]
    return Change(setting=name, asked=asked, used=after[name][0], reason=reason)


def _too_large(largest: dict[str, Any], peak: Peak, budget: int) -> DoesNotFit:
    told = ", ".join(
        f"{name}={str(value).lower() if isinstance(value, bool) else value}" for name, value in largest.items()
    )
    return DoesNotFit(
        f"This run would need {peak.least / GB:.1f} GB at its peak; {budget / GB:.1f} GB can be used.",
        field="settings",
        expected=f"at most {told}",
        fix="Call start_finetune with those settings, leave them out, or close other applications.",
        details={"largest_settings": largest},
    )


def _never_fits(ws: Workspace, info: ModelInfo, smallest: dict[str, Any], peak: Peak, budget: int) -> DoesNotFit:
    smaller = max(
        (
            other
            for other in _models(ws)
            if other.parameters < info.parameters and predict_peak(other, smallest).fits(budget)
        ),
        key=lambda other: other.parameters,
        default=None,
    )
    choose = f"Choose a smaller model, `{smaller.name}` for example" if smaller else "Choose a smaller model"
    return DoesNotFit(
        f"`{info.name}` does not fit here: even the smallest settings need {peak.least / GB:.1f} GB, "
        f"and {budget / GB:.1f} GB can be used.",
        field="model",
        fix=f"{choose} (list_workspace kind=models shows sizes), or close other applications.",
        details={"instead": {"model": smaller.name}} if smaller else None,
    )


def _models(ws: Workspace) -> Iterator[ModelInfo]:
    """Models that could be trained instead: those installed, and those known by name."""
    for name in ws.model_names():
        with contextlib.suppress(DataError):
            yield load_info(ws.models / name)
    yield from (entry.info() for entry in CATALOGUE.values())
