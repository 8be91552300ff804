"""What the tours of OpenAI's clients share: their arguments, and the frame that runs their steps.

A tour prints one JSON object: what each step found, or why it failed. It exits with 1 when one did.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

LOCAL = "http://127.0.0.1:8321/v1"
QUESTION = "What is the capital of Portugal?"
BEGINNING = "Once upon a time, in a lighthouse"
MESSAGES = [{"role": "user", "content": QUESTION}]
# Greedy: what two ways of asking bring can be compared.
GREEDY = {"temperature": 0, "max_tokens": 10}

CITY = {"type": "string", "enum": ["Lisboa", "Porto", "Faro"]}
SCHEMA = {
    "type": "object",
    "properties": {"city": CITY, "capital": {"type": "boolean"}},
    "required": ["city", "capital"],
    "additionalProperties": False,
}
WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "Tells the weather in a city.",
        "parameters": {
            "type": "object",
            "properties": {"city": CITY},
            "required": ["city"],
            "additionalProperties": False,
        },
    },
}
# One call is enough, and the answer must hold to it.
CALLING = {"tools": [WEATHER], "tool_choice": "required", "parallel_tool_calls": False}
RESULT = "Sunny, 24 degrees."


@dataclass(frozen=True)
class Place:
    """Where to ask: the address of an OpenAI-compatible server, its key, a model, and an adapter where there is one."""

    base_url: str
    key: str
    model: str
    adapter: str | None


Step = Callable[[Place], dict[str, Any]]


def run(description: str, *functions: Step) -> int:
    """The `main` of a tour. Its steps bear the names of their functions."""
    steps = {step.__name__: step for step in functions}
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--base-url", default=os.environ.get("OPENAI_BASE_URL", LOCAL), help=f"default {LOCAL}")
    parser.add_argument("--model", default="smollm2-135m", help="base to ask")
    parser.add_argument("--adapter", help="adapter to ask by its name beside the base")
    parser.add_argument("--only", nargs="*", choices=list(steps), metavar="STEP", help=", ".join(steps))
    arguments = parser.parse_args()
    key = os.environ.get("AFINA_API_KEY", "none")
    place = Place(arguments.base_url, key, arguments.model, arguments.adapter)
    found: dict[str, Any] = {}
    failed = False
    for name in arguments.only or steps:
        try:
            found[name] = steps[name](place)
        except Exception as error:  # whatever a client raises is the finding
            found[name] = {"failed": f"{type(error).__name__}: {error}"}
            failed = True
    json.dump(found, sys.stdout, ensure_ascii=False, indent=1)
    print()
    return 1 if failed else 0


def refusal(ask: Callable[[], object], *expected: type[Exception]) -> dict[str, Any]:
    """The error that `ask` meets: the client's class for it, and what the server told. Raises when there is none."""
    try:
        ask()
    except expected as error:
        told = {name: getattr(error, name, None) for name in ("status_code", "code", "param")}
        return {"error": type(error).__name__, "message": str(error), **told}
    raise AssertionError("the request was not refused")
