"""A request's JSON as its schema, or a refusal that names the field."""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from server.openai import parameters
from server.openai.errors import ApiError
from server.openai.schemas import Common
from tools.errors import nearest, printable

Parsed = TypeVar("Parsed", bound=Common)

# What was expected, by the kind of pydantic's complaint.
_WORDS = {
    "bool_type": "must be true or false",
    "dict_type": "must be an object",
    "finite_number": "must be a finite number",
    "float_type": "must be a number",
    "greater_than": "must be more than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "int_from_float": "must be a whole number",
    "int_type": "must be a whole number",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be at most {le}",
    "list_type": "must be a list",
    "literal_error": "must be {expected}",
    "model_type": "must be an object",
    "string_too_long": "must have at most {max_length} characters",
    "string_type": "must be a string",
    "too_long": "must have at most {max_length} entries",
}


def parse(kind: type[Parsed], body: Any) -> Parsed:
    """The body as `kind`. Raises ApiError 400 that names the field."""
    if not isinstance(body, dict):
        raise ApiError(400, "The body must be a JSON object.", code="invalid_json")
    plain = parameters.without_unsupported(body, kind.unsupported)
    messages = plain.get("messages")
    if isinstance(messages, list):
        plain["messages"] = [
            parameters.without_unsupported(message, parameters.MESSAGE, f"messages[{i}].")
            if isinstance(message, dict)
            else message
            for i, message in enumerate(messages)
        ]
    try:
        asked = kind.model_validate(plain)
    except ValidationError as error:
        raise _refusal(kind, error, plain) from error
    asked.check()
    return asked


def _refusal(kind: type[Common], error: ValidationError, body: dict[str, Any]) -> ApiError:
    # Of a union's several complaints, the one that came deepest is about what was meant.
    found = error.errors(include_url=False, include_input=False)
    first = max(found, key=lambda one: len(one["loc"]))
    missing = first["type"] == "missing"
    param = _path(first["loc"], body, missing)
    match first["type"]:
        case "missing":
            return ApiError(400, f"`{param}` is missing.", param=param, code="missing_required_parameter")
        case "extra_forbidden":
            near = nearest(param, kind.model_fields)
            hint = f" Did you mean `{near[0]}`?" if near else ""
            return ApiError(
                400, f"`{param}` is no parameter of this endpoint.{hint}", param=param, code="unknown_parameter"
            )
        case "too_short" | "string_too_short":
            return ApiError(400, f"`{param}` must not be empty.", param=param, code="invalid_value")
        case "unsupported":
            return ApiError(400, f"`{param}`: {first['msg']}.", param=param, code="unsupported_value")
    return ApiError(400, _told(param, first), param=param, code="invalid_value")


def _told(param: str, complaint: ErrorDetails) -> str:
    words = _WORDS.get(complaint["type"])
    if words is None:  # our own validators' words
        return f"`{param}`: {complaint['msg']}."
    return f"`{param}` {words.format_map(complaint.get('ctx', {}))}."


def _path(location: tuple[int | str, ...], body: Any, missing: bool) -> str:
    """`messages[0].role`; the names of a union's members, which pydantic puts in, are left out.

    missing: the last name of the location is not in the body.
    """
    path = ""
    at = body
    for depth, part in enumerate(location):
        if isinstance(part, int):
            path += f"[{part}]"
            at = at[part] if isinstance(at, list) and part < len(at) else None
        elif isinstance(at, dict) and (part in at or (missing and depth == len(location) - 1)):
            name = printable(part, 60)
            path += f".{name}" if path else name
            at = at.get(part)
    return path
