"""Results as JSON without nulls, and as compact text for hosts that read no structured content."""

from __future__ import annotations

import math
from typing import Any

from pydantic import BaseModel

# A text is read by an assistant whose room is limited; handlers bound what they give well below.
LONGEST_TEXT = 24_000
_LINE = 160


def structured(result: BaseModel) -> dict[str, Any]:
    """The result as JSON-ready fields: no nulls, no numbers that JSON lacks."""
    plain: dict[str, Any] = _pruned(result.model_dump(mode="json", exclude_none=True))
    return plain


def _pruned(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _pruned(inner) for key, inner in value.items() if not _absent(inner)}
    if isinstance(value, list):
        return [_pruned(inner) for inner in value if not _absent(inner)]
    return value


def _absent(value: Any) -> bool:
    return value is None or (isinstance(value, float) and not math.isfinite(value))


def as_text(fields: dict[str, Any]) -> str:
    """Fields as indented `name: value` lines, empty ones left out, `next` last.

    What came from files or models stands behind its field's name, or, where it has several lines, behind a
    bar on each: no text can pass for a field, or for the call to make next.
    """
    told = bounded("\n".join(_lines({name: value for name, value in fields.items() if name != "next"}, "")))
    return "\n".join([*([told] if told else []), *(_lines({"next": fields["next"]}, "") if "next" in fields else [])])


def bounded(text: str) -> str:
    if len(text) <= LONGEST_TEXT:
        return text
    return f"{text[:LONGEST_TEXT]}\n… cut here; ask for less, or read the structured result."


def _lines(fields: dict[str, Any], indent: str) -> list[str]:
    lines: list[str] = []
    for name, value in fields.items():
        if value in ({}, [], ""):
            continue
        name = _name(name)
        short = _inline(value)
        if short is not None and len(short) + len(indent) + len(name) <= _LINE:
            lines.append(f"{indent}{name}: {short}")
        elif isinstance(value, dict):
            lines += [f"{indent}{name}:", *_lines(value, indent + "  ")]
        elif isinstance(value, list):
            lines += [f"{indent}{name}:", *(line for item in value for line in _item(item, indent))]
        else:
            lines += _long(f"{indent}{name}: ", printable(str(value)), indent + "  ")
    return lines


def _item(item: Any, indent: str) -> list[str]:
    short = _inline(item)
    if short is not None and len(short) + len(indent) <= _LINE:
        return [f"{indent}- {short}"]
    if isinstance(item, dict):
        inner = _lines(item, indent + "  ")
        return [f"{indent}- {inner[0].lstrip()}", *inner[1:]]
    return _long(f"{indent}- ", printable(str(item)), indent + "  ")


def _long(start: str, text: str, indent: str) -> list[str]:
    """Text on its own lines, under its name, each behind a bar."""
    if "\n" not in text:
        return [start + text]
    return [start.rstrip(), *(f"{indent}| {line}".rstrip() for line in text.split("\n"))]


def _inline(value: Any) -> str | None:
    """The value on one line, or None when it has a structure of its own, or a text that could pass for several."""
    if isinstance(value, dict):
        parts = [(name, _scalar(inner)) for name, inner in value.items() if inner not in ({}, [], "")]
        told = [f"{_name(name)} {short}" for name, short in parts if short is not None]
    elif isinstance(value, list):
        parts = [("", _scalar(inner)) for inner in value]
        told = [short for _, short in parts if short is not None]
    else:
        return _scalar(value)
    return ", ".join(told) if len(told) == len(parts) and not any(", " in one for one in told) else None


def _name(name: str) -> str:
    return printable(name).replace("\n", " ")


def _scalar(value: Any) -> str | None:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, dict | list):
        return None
    text = printable(str(value))
    return None if "\n" in text else text


def printable(text: str) -> str:
    """Text of a person or a model, without what could draw over the lines around it."""
    return "".join(c if c.isprintable() or c in "\n\t" else "�" for c in text)
