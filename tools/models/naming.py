"""What a model id means in a workspace: one way for the endpoint and for `evaluate`.

An id is an installed base; an adapter's `name` (its newest version) or `name@version`; a run, which
stands for the adapter it made; or `name@step-<n>` while that checkpoint of the run is kept.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tools.errors import Conflict, DataError, NotFound, printable
from tools.models.info import ModelInfo, load_info
from tools.models.serving import Serving
from tools.workspace import runs
from tools.workspace.adapters import AdapterCard, read_card
from tools.workspace.layout import ADAPTER_MARKER, Workspace

_CHECKPOINT = re.compile(r"step-(\d+)")


@dataclass(frozen=True)
class Adapter:
    """An adapter in its folder, a run's checkpoint too."""

    folder: Path
    card: AdapterCard

    @property
    def step(self) -> int | None:
        """Of a checkpoint."""
        match = _CHECKPOINT.fullmatch(self.folder.name)
        return int(match[1]) if match else None

    @property
    def version(self) -> str:
        return self.card.version if self.step is None else self.folder.name


@dataclass(frozen=True)
class Named:
    """A base in its folder, and the adapter to put on it."""

    base: ModelInfo
    folder: Path
    adapter: Adapter | None = None

    @property
    def id(self) -> str:
        """The id that goes on meaning this: `name@version`, or `run@step-<n>`; a base's own name."""
        if self.adapter is None:
            return self.folder.name
        folder = self.adapter.folder
        owner = folder.parent.name if self.adapter.step is None else folder.parent.parent.name
        return f"{owner}@{folder.name}"

    @property
    def serving(self) -> Serving | None:
        """How the model was trained to be asked, where it is known."""
        return self.adapter.card.serving if self.adapter else self.base.serving


def find_model(ws: Workspace, name: str, field: str, listed_by: str) -> Named:
    """What `name` stands for. listed_by: says where the ids are listed.

    Raises NotFound with the nearest ids, Conflict for an adapter whose base is gone or differs,
    DataError for a base or an adapter whose description is damaged.
    """
    if name in ws.model_names():
        return Named(load_info(ws.models / name), ws.models / name)
    adapter, _, version = name.partition("@")
    if _CHECKPOINT.fullmatch(version):
        folder = _checkpoint(ws, adapter, version)
    elif adapter in ws.adapter_names():
        folder = ws.adapter_folder(name, field)
    else:
        folder = _of_run(ws, name, field)
    if folder is None:
        known = [*ws.model_names(), *ws.adapter_names(), *runs.names(ws)]
        raise NotFound("model", name, known, field=field, fix=listed_by)
    card = read_card(folder, field)
    base = _base_of(ws, name, card, field)
    return Named(base.base, base.folder, Adapter(folder, card))


def whole_bases(ws: Workspace) -> Iterator[Named]:
    """The installed bases, those that are damaged left out: they are told of when they are named."""
    for name in ws.model_names():
        with contextlib.suppress(DataError):
            yield Named(load_info(ws.models / name), ws.models / name)


def checkpoint_names(ws: Workspace, run: str) -> list[str]:
    """The ids of the checkpoints that a run keeps, in the order of their steps."""
    found = [path.parent.name for path in (runs.folder(ws, run) / "checkpoints").glob(f"step-*/{ADAPTER_MARKER}")]
    steps = [name for name in found if _CHECKPOINT.fullmatch(name)]
    return [f"{run}@{name}" for name in sorted(steps, key=lambda name: int(name.removeprefix("step-")))]


def _base_of(ws: Workspace, name: str, card: AdapterCard, field: str) -> Named:
    """The installed base with the fingerprint that the adapter was trained on, by whatever name."""
    bases = {base.base.name: base for base in whole_bases(ws)}
    namesake = bases.get(card.base.name)
    for base in [*([namesake] if namesake else []), *bases.values()]:
        if base.base.fingerprint == card.base.fingerprint:
            return base
    trained = f"`{card.base.name}` ({card.base.fingerprint})"
    told = (
        f"what is installed by that name is another ({namesake.base.fingerprint})" if namesake else "is not installed"
    )
    raise Conflict(
        f"The adapter `{printable(name)}` was trained on {trained}, {told if namesake else f'which {told}'}.",
        field=field,
        fix=f"Install that base: afina models pull {card.base.name}.",
    )


def _checkpoint(ws: Workspace, name: str, version: str) -> Path | None:
    """The kept checkpoint of the newest run of that name, or of the run itself."""
    for run in runs.listed(ws):
        folder = runs.folder(ws, run.run) / "checkpoints" / version
        if name in (run.name, run.run) and (folder / ADAPTER_MARKER).is_file():
            return folder
    return None


def _of_run(ws: Workspace, name: str, field: str) -> Path | None:
    """The newest adapter that the run made."""
    if name not in runs.names(ws):
        return None
    found = [path.parent for path in ws.adapters.glob(f"*/*/{ADAPTER_MARKER}")]
    for folder in sorted(found, key=lambda path: -(path / ADAPTER_MARKER).stat().st_mtime_ns):
        with contextlib.suppress(DataError):
            if read_card(folder).run == name:
                return folder
    missing = NotFound("model", name, field=field)
    missing.fix = f"That run is {runs.get(ws, name).state} and has made no adapter yet."
    raise missing
