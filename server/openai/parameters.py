"""OpenAI's parameters that this endpoint does not have: refused by name, unless they ask for nothing.

What a client asks for is never ignored without a word. Each parameter is listed with the values that
ask for nothing; null always does. The API's description is made from the same tables.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from server.openai.errors import ApiError

# A parameter's name and the values with which it asks for nothing.
Neutral = Mapping[str, tuple[Any, ...]]

CHAT: Neutral = {
    "audio": (),
    "function_call": ("none", "auto"),
    "functions": ([],),
    "modalities": (["text"],),
    "moderation": (),
    "prediction": (),
    "prompt_cache_options": ({},),
    "service_tier": ("auto", "default"),
    "verbosity": ("medium",),
    "web_search_options": (),
}

COMPLETIONS: Neutral = {
    "suffix": ("",),
}

MESSAGE: Neutral = {
    "annotations": ([],),
    "audio": (),
    "function_call": (),
    "name": (),
    "refusal": (),
}


def without_unsupported(body: Mapping[str, Any], known: Neutral, at: str = "") -> dict[str, Any]:
    """The body less nulls, which mean absent, and less what asks for nothing. Raises ApiError naming the first."""
    kept = {}
    for name, value in body.items():
        if value is None:
            continue
        if name not in known:
            kept[name] = value
        elif not any(_same(value, neutral) for neutral in known[name]):
            raise ApiError(
                400,
                f"`{at}{name}` is not supported by this endpoint with that value.",
                param=f"{at}{name}",
                code="unsupported_parameter",
            )
    return kept


def described(known: Neutral) -> dict[str, dict[str, Any]]:
    """JSON schemas of the parameters: what may be given without asking for anything."""
    return {
        name: {"enum": [None, *neutral], "description": "Not supported; the values listed ask for nothing."}
        for name, neutral in known.items()
    }


def _same(value: Any, neutral: Any) -> bool:
    # In Python 1 is True, in JSON it is not.
    return type(value) is type(neutral) and bool(value == neutral)
