"""From JSON to a tool's arguments, strictly; what is wrong is said in our own words."""

from __future__ import annotations

import copy
import functools
import json
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from server.mcp.schema import Schema
from tools.errors import InvalidArgument, Problem, nearest, printable
from tools.next_call import next_call

Model = TypeVar("Model", bound=BaseModel)


def read_arguments(tool: str, model: type[Model], arguments: dict[str, Any]) -> Model:
    """The arguments of `tool`, checked. Types are not bent: "5" is no number.

    A null counts as not given. Lists and objects that a host sent as JSON text are read.
    Raises InvalidArgument naming every field that is wrong and what was expected.
    """
    schema = _schema_of(model)
    given = {name: _unquoted(value, schema, name) for name, value in arguments.items() if value is not None}
    try:
        text = json.dumps(given, allow_nan=False)
    except ValueError as error:
        raise InvalidArgument(
            f"The arguments of {tool} are not JSON.", expected="finite numbers", fix="NaN and infinities are no JSON."
        ) from error
    try:
        return model.model_validate_json(text, strict=True)
    except ValidationError as error:
        raise _refusal(tool, schema, error, given) from error


@functools.cache
def _schema_of(model: type[BaseModel]) -> Schema:
    """Made once: it costs more than all else that reading a call takes."""
    return model.model_json_schema()


def _unquoted(value: Any, schema: Schema, name: str) -> Any:
    """Some hosts send lists and objects as JSON inside a string; take them for what they are."""
    if not isinstance(value, str) or not value.lstrip().startswith(("[", "{")):
        return value
    field = schema.get("properties", {}).get(name, {})
    if any(option.get("type") == "string" for option in [field, *field.get("anyOf", [])]):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value


def _refusal(tool: str, schema: Schema, error: ValidationError, given: dict[str, Any]) -> InvalidArgument:
    errors = error.errors(include_url=False)
    findings = _findings(tool, schema, errors)
    if len(findings) == 1:
        field, message, expected, fix = findings[0]
        return InvalidArgument(
            f"`{field}` {message}" if field else f"The call {message}",
            field=field or None,
            expected=expected,
            fix=fix,
            next=_as_meant(tool, schema, errors, given),
        )
    problems = [
        Problem(path=field or tool, message=message, fix=fix or (f"Expected: {expected}." if expected else ""))
        for field, message, expected, fix in findings
    ]
    return InvalidArgument(f"{len(findings)} arguments of {tool} are wrong.", problems=problems)


def _as_meant(tool: str, schema: Schema, errors: list[ErrorDetails], given: dict[str, Any]) -> str | None:
    """The call with a mistyped argument or choice as it was meant, where the nearest one is clear."""
    if len(errors) != 1:
        return None
    kind, loc = errors[0]["type"], errors[0]["loc"]
    _, at, parent = _locate(schema, loc)
    if kind == "extra_forbidden":
        near = nearest(str(loc[-1]), _resolve(schema, parent).get("properties", {}))
    elif kind == "literal_error":
        near = nearest(str(errors[0].get("input")), _choices(schema, at))
    else:
        return None
    meant = copy.deepcopy(given)
    place: Any = meant
    for part in loc[:-1]:
        try:
            place = place[part]
        except (KeyError, IndexError, TypeError):
            return None  # the branch of a union: which was meant is not clear
    if not near or not isinstance(place, dict) or loc[-1] not in place:
        return None
    value = place.pop(loc[-1])
    place |= {near[0]: value} if kind == "extra_forbidden" else {loc[-1]: near[0]}
    return next_call(tool, **meant)


def _choices(schema: Schema, at: Schema) -> list[str]:
    here = [option for option in _branches(schema, _resolve(schema, at)) if "enum" in option or "const" in option]
    return [str(value) for option in here for value in option.get("enum", [option.get("const")])]


# The field's path, what is wrong, what was expected, what to do.
_Finding = tuple[str, str, str | None, str | None]


def _findings(tool: str, schema: Schema, errors: list[ErrorDetails]) -> list[_Finding]:
    located = [(*_locate(schema, error["loc"]), error) for error in errors]
    findings: dict[str, _Finding] = {}
    for path, at, parent, error in located:
        # Of a union's branches, the one that got further is the one that was meant.
        if any(other != path and other.startswith((f"{path}.", f"{path}[")) for other, _, _, _ in located):
            continue
        findings.setdefault(path, (path, *_judge(tool, schema, at, parent, error)))
    return list(findings.values())


def _judge(
    tool: str, root: Schema, at: Schema, parent: Schema, error: ErrorDetails
) -> tuple[str, str | None, str | None]:
    kind = error["type"]
    expected = describe(root, at) if at else None
    if kind == "missing":
        return "is missing.", expected, None
    if kind == "extra_forbidden":
        known = list(_resolve(root, parent).get("properties", {}))
        near = nearest(str(error["loc"][-1]), known)
        hint = "Did you mean " + " or ".join(f"`{n}`" for n in near) + "?" if near else None
        listed = ", ".join(f"`{n}`" for n in known) or "none"
        return f"is no argument of {tool}.", None, hint or f"The arguments are: {listed}."
    if kind == "value_error":
        # Raised by a contract of ours, in our own words.
        return f"is not right: {error.get('ctx', {}).get('error', 'it was refused')}.", expected, None
    if kind == "json_invalid":
        return "holds text that is not Unicode.", None, "Send the text as UTF-8."
    if kind.endswith("_type") or kind == "literal_error":
        return f"is {_told(error.get('input'))}.", expected, None
    return _BEYOND.get(kind, "is out of range."), expected, None


# Of lists and texts; numbers are out of range.
_BEYOND = {
    "too_short": "has too few items.",
    "too_long": "has too many items.",
    "string_too_short": "is empty.",
    "string_too_long": "is too long.",
}


def _told(value: Any) -> str:
    """What was given, by its kind; short text and numbers as they are."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f'the text "{printable(value, 60)}"'
    if isinstance(value, int | float):
        return f"the number {value}"
    if isinstance(value, list):
        return "a list"
    return "an object" if isinstance(value, dict) else "of another type"


def _locate(root: Schema, loc: tuple[int | str, ...]) -> tuple[str, Schema, Schema]:
    """The path as a person writes it (`pairs[0].quote`), the schema there and the one above.

    pydantic's location also names the branches of unions, which nobody wrote: those are passed over.
    """
    path, at, parent = "", root, root
    for place, part in enumerate(loc):
        here = _resolve(root, at)
        if isinstance(part, int):
            items: Schema = next((b["items"] for b in _branches(root, here) if isinstance(b.get("items"), dict)), {})
            path, parent, at = f"{path}[{part}]", here, items
            continue
        owner = next((b for b in _branches(root, here) if part in b.get("properties", {})), None)
        if owner is not None:
            path, parent, at = f"{path}.{part}" if path else part, owner, owner["properties"][part]
        elif place == len(loc) - 1 and not _names_branch(root, here, part):
            owner = next((b for b in _branches(root, here) if "properties" in b), here)
            path, parent, at = f"{path}.{printable(part)}" if path else printable(part), owner, {}
    return path, at, parent


def _resolve(root: Schema, at: Schema) -> Schema:
    reference = at.get("$ref")
    return dict(root["$defs"][reference.rsplit("/", 1)[1]]) if isinstance(reference, str) else at


def _branches(root: Schema, at: Schema) -> list[Schema]:
    options = at.get("anyOf") or at.get("oneOf")
    return [_resolve(root, option) for option in options] if options else [at]


def _names_branch(root: Schema, at: Schema, part: str) -> bool:
    names = {"str", "int", "float", "bool", "none"} | {str(b.get("title")) for b in _branches(root, at)}
    # `constrained-str` is pydantic's name for text with a length.
    return len(_branches(root, at)) > 1 and (part in names or "[" in part or part.startswith("constrained-"))


def describe(root: Schema, at: Schema) -> str:
    """A schema in a few words: "a whole number from 1 to 50"."""
    here = _resolve(root, at)
    options = [option for option in _branches(root, here) if option.get("type") != "null"]
    if len(options) > 1:
        return " or ".join(describe(root, option) for option in options)
    here = options[0] if options else here
    if "enum" in here or "const" in here:
        return " or ".join(f"`{value}`" for value in here.get("enum", [here.get("const")]))
    kind = here.get("type")
    if kind in ("integer", "number"):
        return ("a whole number" if kind == "integer" else "a number") + _bounds(here)
    if kind == "array":
        return f"a list of {_count(here)}{describe(root, here['items'])}" if here.get("items") else "a list"
    if kind == "object":
        return f"an object with {', '.join(f'`{name}`' for name in here.get('properties', {}))}".removesuffix(" with ")
    if kind == "string":
        return "text" + _lengths(here)
    return "true or false" if kind == "boolean" else "any value"


def _bounds(at: Schema) -> str:
    low, high = at.get("minimum"), at.get("maximum")
    above, below = at.get("exclusiveMinimum"), at.get("exclusiveMaximum")
    if low is not None and high is not None:
        return f" from {_plain(low)} to {_plain(high)}"
    bounds = (("at least", low), ("above", above), ("at most", high), ("below", below))
    told = " and ".join(f"{words} {_plain(bound)}" for words, bound in bounds if bound is not None)
    return f" {told}" if told else ""


def _plain(bound: float) -> str:
    return str(int(bound)) if float(bound).is_integer() else f"{bound:g}"


def _count(at: Schema) -> str:
    low, high = at.get("minItems"), at.get("maxItems")
    if high is not None:
        return f"{low or 0} to {high} items, each "
    return f"at least {low} item, each " if low else ""


def _lengths(at: Schema) -> str:
    low, high = at.get("minLength"), at.get("maxLength")
    if high is not None:
        return f" of {low or 0} to {high} characters"
    return " that is not empty" if low else ""
