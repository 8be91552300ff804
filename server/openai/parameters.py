"""OpenAI's parameters that this endpoint does not have: refused by name, unless they ask for nothing.

What a client asks for is never ignored without a word.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from server.openai.errors import ApiError

Asks = Callable[[Any], bool]


def _unless(*values: Any) -> Asks:
    """Asks for something unless it is one of these."""
    return lambda value: value not in values


# Accepted and without effect by their nature: they label the request for its sender.
LABELS = frozenset({"user", "metadata", "store", "safety_identifier", "prompt_cache_key", "prompt_cache_retention"})

CHAT: Mapping[str, Asks] = {
    "audio": _unless(),
    "function_call": _unless("none", "auto"),
    "functions": _unless([]),
    "modalities": _unless(["text"]),
    "moderation": _unless(),
    "parallel_tool_calls": _unless(True, False),
    "prediction": _unless(),
    "prompt_cache_options": _unless({}),
    "reasoning_effort": _unless("none"),
    "response_format": _unless({"type": "text"}),
    "service_tier": _unless("auto", "default"),
    "tool_choice": _unless("none", "auto"),
    "tools": _unless([]),
    "verbosity": _unless("medium"),
    "web_search_options": _unless(),
}

COMPLETIONS: Mapping[str, Asks] = {
    "echo": _unless(False),
    "suffix": _unless(""),
}

MESSAGE: Mapping[str, Asks] = {
    "annotations": _unless([]),
    "audio": _unless(),
    "function_call": _unless(),
    "name": _unless(),
    "refusal": _unless(),
    "tool_call_id": _unless(),
    "tool_calls": _unless([]),
}


def without_unsupported(body: Mapping[str, Any], known: Mapping[str, Asks], at: str = "") -> dict[str, Any]:
    """The body less nulls, which mean absent, and less what asks for nothing. Raises ApiError naming the first."""
    kept = {}
    for name, value in body.items():
        if value is None or (not at and name in LABELS):
            continue
        if name not in known:
            kept[name] = value
        elif known[name](value):
            raise ApiError(
                400,
                f"`{at}{name}` is not supported by this endpoint with that value.",
                param=f"{at}{name}",
                code="unsupported_parameter",
            )
    return kept
