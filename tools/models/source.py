"""What a person names when asking for a model: a catalogue name, a folder, a GGUF file or a hub repository."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tools.errors import Conflict, InvalidArgument, NotFound, printable
from tools.models.catalogue import CATALOGUE, CatalogueEntry, find
from tools.workspace.layout import Workspace
from tools.workspace.names import check_name

Kind = Literal["default", "hub", "folder", "gguf"]
_REPOSITORY = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}")


@dataclass(frozen=True)
class Source:
    """Where a model comes from and the name it is installed under.

    place: hub id, absolute path, or the catalogue name of the default model.
    """

    kind: Kind
    place: str
    name: str
    entry: CatalogueEntry | None = None


def find_source(ws: Workspace, asked: str, name: str | None = None) -> Source:
    """Where `asked` is to be had, and the name to install it under (`name`, or one made from it).

    Raises NotFound with the nearest names, InvalidArgument, Conflict for an adapter's name.
    """
    source = _source(ws, asked.strip(), check_name(name, "as_name") if name else None)
    if source.name in ws.adapter_names():
        raise Conflict(
            f"`{source.name}` is the name of an adapter.", field="as_name", fix="Give the model another name."
        )
    return source


def _source(ws: Workspace, asked: str, name: str | None) -> Source:
    entry = find(asked)
    if entry is not None:
        kind: Kind = "hub" if "/" in entry.repository else "default"
        return Source(kind, entry.repository if kind == "hub" else entry.name, name or entry.name, entry)
    path = Path(asked).expanduser()
    if asked.endswith(".gguf") or (path.exists() and path.is_file()):
        return _gguf(path, name)
    if asked.startswith((".", "/", "~")) or (path.is_dir() and asked):
        if not path.is_dir():
            raise NotFound("folder", asked, field="name", fix="Check the path; relative ones start where Afina runs.")
        path = path.resolve()
        return Source("folder", str(path), name or model_name(_called(path)))
    if _REPOSITORY.fullmatch(asked):
        return Source("hub", asked, name or model_name(asked.rpartition("/")[2]))
    raise NotFound(
        "model",
        asked,
        [*CATALOGUE, *ws.model_names()],
        field="name",
        fix="Or name a folder, a .gguf file, or a hub repository (org/name).",
    )


def _gguf(path: Path, name: str | None) -> Source:
    if not path.is_file():
        raise NotFound("file", str(path), field="name", fix="Check the path; relative ones start where Afina runs.")
    if path.suffix != ".gguf":
        raise InvalidArgument(
            f"{printable(str(path), 300)} is not a model.",
            field="name",
            expected="a folder with config.json and safetensors weights, or a .gguf file",
        )
    return Source("gguf", str(path.resolve()), name or model_name(path.stem))


def _called(folder: Path) -> str:
    """What a folder is called; one of the hub's cache (`models--org--name/snapshots/<commit>`) by its repository."""
    if folder.parent.name == "snapshots":
        return folder.parent.parent.name.rpartition("--")[2]
    return folder.name


def model_name(text: str) -> str:
    """A name made from a repository's or file's: lower case, what names cannot bear replaced by hyphens."""
    made = re.sub(r"[^a-z0-9._-]+", "-", text.lower())
    made = re.sub(r"\.{2,}", ".", made).strip("._-")[:63].strip("._-")
    return made or "modelo"
