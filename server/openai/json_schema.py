"""JSON schemas in requests, looked at before the engine is: which keywords, and how deep."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, NoReturn

from server.openai.errors import ApiError
from tools.errors import nearest, printable

# Deeper than any schema or argument that is meant; far from where reading them would fail.
_DEEPEST = 64
_MOST_NODES = 10_000

_SCHEMAS_BY_NAME = frozenset({"properties", "patternProperties", "$defs", "definitions"})
_LISTS_OF_SCHEMAS = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
_SCHEMAS = frozenset({"additionalProperties", "items"})
# Told to people and programs; they say nothing about what is valid.
_NOTES = frozenset(
    {
        "$anchor", "$comment", "$id", "$schema", "default", "deprecated", "description", "examples", "readOnly",
        "title", "writeOnly",
    }
)  # fmt: skip
_RULES = frozenset(
    {
        "$ref", "const", "enum", "exclusiveMaximum", "exclusiveMinimum", "format", "maxItems", "maxLength",
        "maxProperties", "maximum", "minItems", "minLength", "minProperties", "minimum", "multipleOf", "pattern",
        "required", "type",
    }
)  # fmt: skip
SUPPORTED = _SCHEMAS_BY_NAME | _LISTS_OF_SCHEMAS | _SCHEMAS | _NOTES | _RULES


def check_schema(schema: Mapping[str, Any], param: str) -> None:
    """Raises ApiError 400 about `param` for keywords that answers cannot be held to, naming the first.

    What only the engine can tell (a pattern that it cannot read, a schema that nothing meets) it tells later.
    """
    check_depth(schema, param)
    for place, found in _subschemas(schema, ""):
        for keyword in found:
            if keyword in SUPPORTED:
                continue
            near = nearest(keyword, SUPPORTED)
            where = f" (at `{printable(place, 120)}`)" if place else ""
            hint = f" Did you mean `{near[0]}`?" if near else ""
            raise ApiError(
                400,
                f"`{param}`: answers cannot be held to the keyword `{printable(keyword, 60)}`{where}.{hint}",
                param=param,
                code="unsupported_schema",
            )


def check_depth(value: Any, param: str) -> None:
    """Raises ApiError 400 about `param` for JSON that is nested too deep, or is too much of it."""
    nodes, level, depth = 0, [value], 0
    while level:
        nodes += len(level)
        if depth > _DEEPEST or nodes > _MOST_NODES:
            raise ApiError(
                400,
                f"`{param}` is too large: at most {_DEEPEST} levels and {_MOST_NODES} values are taken.",
                param=param,
                code="invalid_value",
            )
        level = [inner for outer in level for inner in _inner(outer)]
        depth += 1


def json_object(text: str) -> dict[str, Any] | None:
    """The object that a text spells, None where it spells none."""
    try:
        value = json.loads(text, parse_constant=_no_constant)
        # Half of a surrogate pair is no character: it cannot be written down again.
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _inner(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        yield from value.values()
    elif isinstance(value, list):
        yield from value


def _subschemas(schema: Any, place: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The schema and all within it, with their places."""
    if not isinstance(schema, dict):
        return
    yield place, schema
    for keyword, value in schema.items():
        at = f"{place}.{keyword}" if place else keyword
        if keyword in _SCHEMAS:
            yield from _subschemas(value, at)
        elif keyword in _SCHEMAS_BY_NAME and isinstance(value, dict):
            for name, inner in value.items():
                yield from _subschemas(inner, f"{at}.{name}")
        elif keyword in _LISTS_OF_SCHEMAS and isinstance(value, list):
            for index, inner in enumerate(value):
                yield from _subschemas(inner, f"{at}[{index}]")


def _no_constant(_name: str) -> NoReturn:
    raise ValueError("JSON has no NaN and no infinity")
