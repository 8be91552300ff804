"""Loaded by schemathesis in its own environment: what it cannot know of a server of language models."""

from __future__ import annotations

import copy
from typing import Any

import jsonschema_rs
import schemathesis

# Refusals of what the schema allows, for want of it in the model that serves: its context, its
# vocabulary, its template, the models that are installed.
OF_THE_MODEL = {"context_length_exceeded", "invalid_argument", "model_not_found"}
# What a JSON schema cannot say: which message answers which call, that names differ, which schemas
# a grammar can be made of.
BEYOND_SCHEMAS = {"invalid_messages", "invalid_tools", "unsupported_schema"}
# Its generator multiplies the alternatives of all rules with one another, and gives up on more.
MOST_RULES = 4

full: dict[str, Any] = {}


@schemathesis.hook
def before_load_schema(ctx: Any, raw_schema: dict[str, Any]) -> None:
    """Draw bodies by a part of the rules; `valid_requests_are_taken` judges them by all."""
    full.update(copy.deepcopy(raw_schema))
    body = raw_schema["components"]["schemas"]["ChatRequest"]
    body["allOf"] = body["allOf"][:MOST_RULES]


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
    """As schemathesis' own `positive_data_acceptance`, less what is beyond schemas or up to the model."""
    if case.meta is None or not case.meta.generation.mode.is_positive or case.method not in ("GET", "POST"):
        return
    if response.status_code == 401:
        return
    if case.method == "POST" and not follows_all_rules(case):
        assert response.status_code == 400, f"contradicts itself, and is answered with {response.status_code}"
        return
    if response.status_code >= 400:
        code = response.json()["error"]["code"]
        assert code in OF_THE_MODEL | BEYOND_SCHEMAS, f"valid, and refused with {response.status_code} {code}"


def follows_all_rules(case: Any) -> bool:
    schema = full["paths"][case.path]["post"]["requestBody"]["content"]["application/json"]["schema"]
    return bool(jsonschema_rs.is_valid({**schema, "components": full["components"]}, case.body))
