"""One measurement from those of several groups of models, which were given the same texts and questions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from tools.evaluate.measured import Asked, Continued, Measured, Repeated, Texts

T = TypeVar("T", Asked, Continued, Repeated)

# What is told by model, in each kind of item; all else is the same in every group.
_BY_MODEL = {Asked: ("answers", "nats"), Continued: ("texts", "longest", "extracted"), Repeated: ("answers",)}


def merge(parts: Sequence[Measured]) -> Measured:
    """What was measured of all models, in the order of the parts; the first part's is told of what they share."""
    first = parts[0]
    return Measured(
        unseen=_texts([part.unseen for part in parts]),
        trained=_texts([part.trained for part in parts]),
        general=None
        if first.general is None
        else {
            language: _given(_texts([(part.general or {}).get(language) for part in parts]))
            for language in first.general
        },
        asked=_items([part.asked for part in parts]),
        continued=_items([part.continued for part in parts]),
        repeated=_items([part.repeated for part in parts]),
    )


def _texts(parts: Sequence[Texts | None]) -> Texts | None:
    known = [part for part in parts if part is not None]
    if not known:
        return None
    nats, tokens = _united([part.nats for part in known]), _united([part.tokens for part in known])
    return known[0].model_copy(update={"nats": nats, "tokens": tokens})


def _items(parts: Sequence[list[T] | None]) -> list[T] | None:
    known = [part for part in parts if part is not None]
    return [_item(same) for same in zip(*known, strict=True)] if known else None


def _item(same: Sequence[T]) -> T:
    fields = _BY_MODEL[type(same[0])]
    return same[0].model_copy(update={name: _united([getattr(one, name) for one in same]) for name in fields})


def _united(parts: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return {model: value for part in parts for model, value in part.items()}


def _given(texts: Texts | None) -> Texts:
    assert texts is not None
    return texts
