"""What of the material the run did not learn: rows that were cut."""

from __future__ import annotations

import json
from collections.abc import Iterator

from tools.training_status.contract import Finding
from tools.training_status.record import Record

_ROUNDED = 32


def cut_rows(record: Record) -> Iterator[Finding]:
    """Rows longer than the run reads: what was cut off was never learned."""
    # A run that was taken up again tells them anew.
    told = list(dict.fromkeys(str(event["message"]) for event in record.told("data")))
    if not told:
        return
    evidence, longest, most = " ".join(told), record.card.get("longest_row_tokens"), record.setting("max_seq_length")
    if most is not None and longest is not None and longest > most:
        evidence += f" It is {most}; the longest row has {longest} tokens."
        longer = json.dumps({"max_seq_length": -(-int(longest) // _ROUNDED) * _ROUNDED})
        change = f"Start again with {longer} where memory allows, or prepare the dataset with max_tokens={most}."
    else:
        change = "Raise max_seq_length, or prepare the dataset with a smaller max_tokens."
    yield Finding(finding="rows were cut", evidence=evidence, change=change)
