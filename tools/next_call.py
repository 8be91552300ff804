"""The `next` of a result: the exact call to make, as `TOOL {JSON}`, which `afina call` takes as it is."""

from __future__ import annotations

import json
from typing import Any


def next_call(tool: str, **arguments: Any) -> str:
    """`tool` with `arguments`; those that are None are left out."""
    given = {name: value for name, value in arguments.items() if value is not None}
    return f"{tool} {json.dumps(given, ensure_ascii=False)}"
