"""The JSON of a request's body, or a refusal that says what is wrong with it."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import Any, NoReturn

from starlette.requests import Request

from server.openai.errors import ApiError
from tools.errors import printable

_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


async def read_json(request: Request) -> Any:
    """Raises ApiError 415 for another content type, 400 for what is not JSON."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise ApiError(
            415,
            "The body must be JSON, sent with the header `Content-Type: application/json`.",
            code="unsupported_media_type",
        )
    data = await request.body()
    try:
        value = json.loads(data.decode("utf-8"), parse_constant=_no_constant, object_pairs_hook=_no_duplicates)
        if _SURROGATE.search(data):
            # Half of a pair is no character: it cannot be written down again, nor tokenized.
            json.dumps(value, ensure_ascii=False).encode("utf-8")
        return value
    except (ValueError, RecursionError) as error:
        place = f" (line {error.lineno}, column {error.colno})" if isinstance(error, json.JSONDecodeError) else ""
        raise ApiError(400, f"The body is not valid JSON{place}.", code="invalid_json") from error


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A key given twice asks for two things; which of them was meant is not to be guessed."""
    found = dict(pairs)
    if len(found) < len(pairs):
        counts = Counter(name for name, _ in pairs)
        twice = printable(counts.most_common(1)[0][0], 60)
        raise ApiError(400, f"The body has the key `{twice}` twice in one object.", param=twice, code="invalid_json")
    return found


def _no_constant(_name: str) -> NoReturn:
    raise ValueError("JSON has no NaN and no infinity")
