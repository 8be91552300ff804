"""Loaded by schemathesis in its own environment: what it cannot know of a server of language models."""

from __future__ import annotations

from typing import Any

import schemathesis

# Refusals of what the schema allows, for want of it in the model that serves: its context, its
# vocabulary, its template, the models that are installed.
OF_THE_MODEL = {"context_length_exceeded", "invalid_argument", "model_not_found"}
# And of what no schema can say: that calls and results match, what a schema within the request holds.
OF_NO_SCHEMA = {"invalid_messages", "invalid_tools", "unsupported_schema"}


@schemathesis.hook
def before_call(ctx: Any, case: Any, kwargs: dict[str, Any]) -> None:
    """A drawn model id is never there: most valid requests ask the one that is, so that they get to the engine."""
    body = case.body
    if case.meta is None or not case.meta.generation.mode.is_positive or not isinstance(body, dict):
        return
    if isinstance(body.get("model"), str) and len(body["model"]) % 4:
        body["model"] = "tiny"
    if isinstance(body.get("models"), list) and len(body["models"]) % 2 == 0:
        body["models"] = ["tiny", "um"]


@schemathesis.check
def valid_requests_are_taken(ctx: Any, response: Any, case: Any) -> None:
    """As schemathesis' own `positive_data_acceptance`, less what only the model can refuse."""
    if case.meta is None or not case.meta.generation.mode.is_positive or response.status_code < 400:
        return
    if response.status_code == 401 or case.method not in ("GET", "POST"):
        return
    code = response.json()["error"]["code"]
    assert code in OF_THE_MODEL | OF_NO_SCHEMA, f"valid, and refused with {response.status_code} {code}"
