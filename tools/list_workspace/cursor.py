"""Where a listing goes on: an opaque text that names the last entry shown, not a number of entries,
so that what is added meanwhile neither repeats nor hides one."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from typing import TypeVar

from tools.errors import InvalidArgument

Entry = TypeVar("Entry")
# Newest first, then by name: (minus the time in seconds of the epoch, name).
Key = tuple[float, str]


def page(
    kind: str, entries: Sequence[Entry], key: Callable[[Entry], Key], limit: int, cursor: str | None
) -> tuple[list[Entry], str | None]:
    """The first `limit` entries after `cursor`, in the order of `key`, and the next cursor if more follow."""
    ordered = sorted(entries, key=key)
    if cursor is not None:
        after = _decode(kind, cursor)
        ordered = [entry for entry in ordered if key(entry) > after]
    shown = ordered[:limit]
    return shown, _encode(kind, key(shown[-1])) if len(ordered) > limit else None


def _encode(kind: str, key: Key) -> str:
    return base64.urlsafe_b64encode(json.dumps([kind, *key]).encode()).decode().rstrip("=")


def _decode(kind: str, cursor: str) -> Key:
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        of, stamp, name = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        if of == kind:
            return float(stamp), str(name)
    except (ValueError, TypeError, binascii.Error):
        pass
    raise InvalidArgument(
        f"This cursor is not one for {kind}.",
        field="cursor",
        expected=f"the `next_cursor` of an answer about {kind}",
        fix="Leave `cursor` out to start from the newest.",
    )
