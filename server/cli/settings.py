"""From flags to settings: each setting is a flag of `afina serve`, so that none is forgotten."""

from __future__ import annotations

import argparse
import types
import typing
from typing import Any

from pydantic.fields import FieldInfo

from server.settings import Settings, load_settings

COMMON = ("workspace", "default_model")
# A key on the command line would stand in the list of processes.
_NO_FLAG = (*COMMON, "api_key")


def settings_of(arguments: argparse.Namespace, *, only: tuple[str, ...] = ()) -> Settings:
    """The settings in force, the flags that were given first. `only`: flags that are settings; default all of them."""
    names = only or tuple(Settings.model_fields)
    return load_settings({name: getattr(arguments, name, None) for name in names})


def add_flags(parser: argparse.ArgumentParser) -> None:
    """A flag for each setting, with its description and its default."""
    for name, field in Settings.model_fields.items():
        if name not in _NO_FLAG:
            parser.add_argument(f"--{name.replace('_', '-')}", default=argparse.SUPPRESS, **_form(field))


def _form(field: FieldInfo) -> dict[str, Any]:
    """How argparse is to read a setting. Its range is checked with all other settings'."""
    kind = _plain(field.annotation)
    told = (field.description or "").replace("%", "%%")
    if kind is bool:
        return {"help": told, "action": argparse.BooleanOptionalAction if field.default else "store_true"}
    if field.default not in (None, "", 0):
        told += f" ({field.default})"
    if typing.get_origin(kind) is typing.Literal:
        return {"help": told, "choices": typing.get_args(kind)}
    return {"help": told, "type": kind if kind in (int, float) else str, "metavar": _METAVARS.get(kind, "TEXT")}


_METAVARS: dict[Any, str] = {int: "N", float: "N"}


def _plain(annotation: Any) -> Any:
    """The type that is not None of `X | None`."""
    if isinstance(annotation, types.UnionType) or typing.get_origin(annotation) is typing.Union:
        return next(part for part in typing.get_args(annotation) if part is not types.NoneType)
    return annotation
