"""The log of a source's mends, one step a line: what was changed and where, so that it can be undone.

A line holds the step's `name`; `starts`, the characters of the text before the step at which the
edits begin, each told as the distance from the one before; and `was` and `now`: two strings where
all edits are the same, else two lists of the distinct ones, with `which`, an index into them for
each edit.
"""

from __future__ import annotations

import json
from array import array
from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import Any

from tools.prepare_dataset.edits import Step


def log_of(steps: Sequence[Step]) -> bytes:
    """The steps as JSON lines, the first first."""
    lines = (json.dumps(_fields(step), ensure_ascii=False, separators=(",", ":")) for step in steps)
    return "".join(line + "\n" for line in lines).encode("utf-8")


def steps_of(log: bytes) -> list[Step]:
    """The steps that `log_of` wrote. Raises ValueError or KeyError for what is no such log."""
    return [_step(json.loads(line)) for line in log.decode("utf-8").split("\n") if line]


def _fields(step: Step) -> dict[str, Any]:
    distances = [after - before for before, after in pairwise([0, *step.starts])]
    if len(step.changes) == 1:
        was, now = step.changes[0]
        return {"name": step.name, "starts": distances, "was": was, "now": now}
    return {
        "name": step.name,
        "starts": distances,
        "was": [was for was, _ in step.changes],
        "now": [now for _, now in step.changes],
        "which": step.which.tolist(),
    }


def _step(fields: dict[str, Any]) -> Step:
    starts = array("Q", accumulate(fields["starts"]))
    if "which" not in fields:
        return Step(fields["name"], starts, ((fields["was"], fields["now"]),), array("I", [0]) * len(starts))
    changes = tuple(zip(fields["was"], fields["now"], strict=True))
    return Step(fields["name"], starts, changes, array("I", fields["which"]))
