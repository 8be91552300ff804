"""Which bases are here, and which could be."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from tools.errors import DataError, NotFound
from tools.models.catalogue import CATALOGUE, CatalogueEntry, Fit, find
from tools.models.info import ModelInfo, load_info
from tools.workspace.layout import Workspace
from tools.workspace.locks import is_held

PARTIAL = ".partial-"


@dataclass(frozen=True)
class Installed:
    """A base on disk."""

    name: str
    folder: Path
    info: ModelInfo


class ModelRow(BaseModel):
    """A base in a listing."""

    model_config = ConfigDict(extra="forbid")

    name: str
    state: Literal["installed", "installing", "partial", "available"] = Field(
        description="`partial`: a download that stopped, which a pull goes on with"
    )
    source: str = Field(description="Hub id, package or path that it comes from")
    parameters: int
    bytes: int = Field(description="Of the weights, on disk")
    bits: float = Field(description="Mean bits a parameter")
    languages: list[str] = Field(description="ISO 639-1 codes, as far as they are known")
    has_chat_template: bool
    fit: Fit | None = Field(None, description="How it fits a Mac with 16 GB, for models of the catalogue")
    warning: str | None = None


def resolve(ws: Workspace, name: str, field: str = "model") -> Installed | CatalogueEntry:
    """The installed base of that name, or the catalogue's entry for it. Raises NotFound with the nearest names."""
    entry = find(name)
    for known in (name, entry.name if entry else name):
        if known in ws.model_names():
            return Installed(known, ws.models / known, load_info(ws.models / known))
    if entry is not None:
        return entry
    raise NotFound(
        "model",
        name,
        [*ws.model_names(), *CATALOGUE],
        field=field,
        fix="`afina models list` shows all; a folder, a .gguf file or a hub repository is installed by "
        "`afina models pull`.",
    )


def ensure_installed_or_explain(ws: Workspace, name: str, field: str = "model") -> Installed:
    """The installed base of that name. Raises NotFound that tells how to install it."""
    found = resolve(ws, name, field)
    if isinstance(found, Installed):
        return found
    size = f"{(found.download_bytes or found.bytes) / 1e9:.1f} GB"
    raise NotFound(
        "installed model",
        name,
        ws.model_names(),
        field=field,
        fix=f"`afina models pull {found.name}` installs it ({size} to download).",
    )


def list_models(ws: Workspace) -> list[ModelRow]:
    """The installed bases, then the others of the catalogue."""
    here = [_of_info(info) for info in _whole(ws)]
    known = {row.name for row in here}
    return [*here, *(_of_entry(ws, entry) for entry in CATALOGUE.values() if entry.name not in known)]


def _whole(ws: Workspace) -> Iterator[ModelInfo]:
    """The installed bases but the damaged ones: those say so when they are named."""
    for name in ws.model_names():
        with contextlib.suppress(DataError):
            yield load_info(ws.models / name)


def _of_info(info: ModelInfo) -> ModelRow:
    entry = find(info.name)
    return ModelRow(
        name=info.name,
        state="installed",
        source=info.source,
        parameters=info.parameters,
        bytes=info.weight_bytes,
        bits=info.bits,
        languages=info.languages,
        has_chat_template=info.has_chat_template,
        fit=entry.fit if entry else None,
        warning=entry.warning if entry else None,
    )


def _of_entry(ws: Workspace, entry: CatalogueEntry) -> ModelRow:
    row = _of_info(entry.info())
    if is_held(ws.lock_path(f"pull-{entry.name}")):
        return row.model_copy(update={"state": "installing"})
    partial = (ws.models / f"{PARTIAL}{entry.name}").is_dir()
    return row.model_copy(update={"state": "partial" if partial else "available"})
