"""What an adapter says of itself, in the marker beside its weights."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict

from tools.errors import DataError
from tools.models.serving import Serving
from tools.workspace.files import read_json
from tools.workspace.layout import ADAPTER_MARKER


class BaseRef(BaseModel):
    """The base that an adapter was trained on: its name then, and the hash of its weights."""

    model_config = ConfigDict(extra="ignore")

    name: str
    fingerprint: str


class AdapterCard(BaseModel):
    """The origin of an adapter. dataset: `name@version`. serving: how it is asked; older cards do not tell."""

    model_config = ConfigDict(extra="ignore")

    name: str
    version: str
    base: BaseRef
    dataset: str = ""
    run: str | None = None
    serving: Serving | None = None


def read_card(folder: Path, field: str = "adapter") -> AdapterCard:
    """The card of the adapter in `folder`. Raises DataError when it cannot be read or lacks a field."""
    try:
        return AdapterCard(**read_json(folder / ADAPTER_MARKER))
    except (OSError, ValueError, TypeError) as error:
        raise DataError(
            f"The adapter `{folder.parent.name}@{folder.name}` is damaged: its {ADAPTER_MARKER} cannot be read.",
            field=field,
            fix="Name another version of it (list_workspace shows them), or train it again.",
        ) from error
