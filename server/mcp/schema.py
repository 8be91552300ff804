"""JSON schemas as tools publish them: short, since every conversation pays for them, and true to
results that have no nulls. What they leave out, the contracts still check."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

Schema = dict[str, Any]

# Lengths are refused with a message when they are wrong; numbers' bounds help to choose.
_NOT_IN_INPUT = frozenset({"minLength", "maxLength", "minItems", "maxItems"})
# Fields may be added in later versions, so that others are not forbidden.
_NOT_IN_OUTPUT = frozenset({"description", "default", "additionalProperties"})


def input_schema(model: type[BaseModel]) -> Schema:
    """What the arguments may be. A null counts as not given, so it is not offered."""
    return _Tidying(model.model_json_schema(), _NOT_IN_INPUT, nested_required=True).root()


def output_schema(model: type[BaseModel]) -> Schema:
    """What the structured result is: a field that may be None is left out when it is.

    Objects within objects of the result are told to be objects, and no more: their names say the rest.
    """
    schema = model.model_json_schema(mode="serialization")
    return _Tidying(schema, _NOT_IN_OUTPUT, nested_required=False, deepest=1).root()


# What a field without a type may hold: a schema that says nothing at all is taken for a mistake.
_ANY_BUT_NULL = [{"type": kind} for kind in ("array", "boolean", "number", "object", "string")]


class _Tidying:
    """A schema without titles, references, nulls of optional fields, and the keywords in `without`."""

    def __init__(
        self, schema: Schema, without: frozenset[str], *, nested_required: bool, deepest: int | None = None
    ) -> None:
        self._schema, self._without, self._nested_required = schema, without, nested_required
        self._deepest = deepest

    def root(self) -> Schema:
        tidy = self._node({key: value for key, value in self._schema.items() if key not in ("$defs", "description")}, 0)
        required = self._required(self._schema)
        return {**tidy, "required": required} if required else tidy

    def _node(self, node: Schema, depth: int) -> Schema:
        node = self._resolved(node)
        if self._deepest is not None and depth > self._deepest and node.get("type") == "object":
            return {"type": "object"}
        tidy: Schema = {}
        for key, value in node.items():
            if key == "properties":
                tidy[key] = {name: self._node(field, depth + 1) for name, field in value.items()}
            elif key in ("items", "additionalProperties") and isinstance(value, dict):
                tidy[key] = self._node(value, depth)
            elif key == "anyOf":
                tidy[key] = [self._node(option, depth) for option in value]
            elif key == "required":
                required = self._required(node) if self._nested_required else []
                tidy |= {"required": required} if required else {}
            elif key not in self._without and not _says_nothing(key, value):
                tidy[key] = value
        return tidy or {"anyOf": _ANY_BUT_NULL}

    def _resolved(self, node: Schema) -> Schema:
        """The node with its reference followed and its null taken out of its options."""
        options = [option for option in node.get("anyOf", []) if option != {"type": "null"}]
        if "anyOf" in node:
            rest = {key: value for key, value in node.items() if key != "anyOf"}
            node = {**self._resolved(options[0]), **rest} if len(options) == 1 else {**rest, "anyOf": options}
        if "$ref" in node:
            target = self._schema["$defs"][node["$ref"].rsplit("/", 1)[1]]
            own = {key: value for key, value in node.items() if key != "$ref"}
            # A class is described for readers of the code; a field, for whoever fills it in.
            node = {**{key: value for key, value in target.items() if key != "description"}, **own}
        return node

    @staticmethod
    def _required(node: Schema) -> list[str]:
        return [name for name in node.get("required", []) if not _may_be_null(node["properties"][name])]


def _may_be_null(field: Schema) -> bool:
    if any(option == {"type": "null"} for option in field.get("anyOf", [])):
        return True
    # `Any` has a schema that says nothing: its value may be None.
    return not {"type", "anyOf", "oneOf", "allOf", "$ref", "enum", "const"} & field.keys()


def _says_nothing(key: str, value: Any) -> bool:
    return key == "title" or (key == "default" and value in (None, {}, []))
