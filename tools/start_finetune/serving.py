"""What an adapter trained on a dataset is asked with: read off the rows that it learns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from tools.models.serving import SamplingDefaults, ServedForm, Serving
from tools.prepare_dataset.reading_back import Dataset, Row
from tools.prepare_dataset.wording import wording

# The share of rows in instruction form from which a question is best asked in it.
_ASKED = 0.05


def serving_of(dataset: Dataset) -> Serving:
    """Form, system prompt, stops and sampling defaults that suit an adapter trained on `dataset`."""
    rows = dataset.rows("train")
    form = _form(dataset, rows)
    instruction = wording(dataset.language).form if form == "instruction" else None
    # A dataset with questions holds answers that are right or wrong: the likeliest one, as evaluate asks.
    factual = dataset.card.get("questions", 0) > 0
    return Serving(
        form=form,
        instruction=instruction,
        system=_system(rows) if form == "chat" else None,
        stop=instruction.stops if instruction else (),
        sampling=SamplingDefaults(temperature=0.0 if factual else None),
    )


def _form(dataset: Dataset, rows: Sequence[Row]) -> ServedForm:
    if dataset.format != "text":
        return dataset.format
    asked = sum(row.response_start is not None for row in rows)
    return "instruction" if asked and asked >= _ASKED * len(rows) else "text"


def _system(rows: Sequence[Row]) -> str | None:
    """The system prompt that more than half of the rows have."""
    found = Counter(row.messages[0]["content"] for row in rows if row.messages and row.messages[0]["role"] == "system")
    text, count = found.most_common(1)[0] if found else (None, 0)
    return text if 2 * count > len(rows) else None
