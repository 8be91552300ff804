"""JSON schemas as tools publish them: short, and true to results that have no nulls."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel

Schema = dict[str, Any]


def input_schema(model: type[BaseModel]) -> Schema:
    """What the arguments may be. A null counts as not given, so it is not offered."""
    return _published(model, "validation")


def output_schema(model: type[BaseModel]) -> Schema:
    """What the structured result is: a field that may be None is left out when it is.

    Fields may be added in later versions, so that others are not forbidden; what they mean is said
    by the tool's description and their names, which keeps the list of tools short.
    """
    return _published(model, "serialization", ("description", "default", "additionalProperties"))


def _published(
    model: type[BaseModel], mode: Literal["validation", "serialization"], without: tuple[str, ...] = ()
) -> Schema:
    schema: Schema = _tidy(model.model_json_schema(mode=mode), without)
    schema.pop("description", None)  # the tool's own description says it
    return schema


def _tidy(node: Any, without: tuple[str, ...]) -> Any:
    """Without titles and the keys in `without`, and without the nulls of optional fields."""
    if isinstance(node, list):
        return [_tidy(item, without) for item in node]
    if not isinstance(node, dict):
        return node
    tidy: Schema = {}
    nullable = {name for name, field in node.get("properties", {}).items() if _may_be_null(field)}
    for key, value in node.items():
        if key in ("properties", "$defs"):
            tidy[key] = {name: _tidy(inner, without) for name, inner in value.items()}
        elif key == "required":
            required = [name for name in value if name not in nullable]
            if required:
                tidy[key] = required
        elif isinstance(value, dict) or not (key in without or _says_nothing(key, value)):
            tidy[key] = _tidy(value, without)
    return _without_null(tidy)


def _says_nothing(key: str, value: Any) -> bool:
    return (key == "title" and isinstance(value, str)) or (key == "default" and value in (None, {}, []))


def _may_be_null(field: Schema) -> bool:
    if any(option == {"type": "null"} for option in field.get("anyOf", [])):
        return True
    # `Any` has a schema that says nothing: its value may be None.
    return not {"type", "anyOf", "oneOf", "allOf", "$ref", "enum", "const"} & field.keys()


def _without_null(node: Schema) -> Schema:
    options = node.get("anyOf")
    if not isinstance(options, list) or {"type": "null"} not in options:
        return node
    kept = [option for option in options if option != {"type": "null"}]
    rest = {key: value for key, value in node.items() if key != "anyOf"}
    return {**kept[0], **rest} if len(kept) == 1 else {"anyOf": kept, **rest}
