"""What a model id of a request means in this workspace.

An id is an installed base; an adapter's `name` (its newest version) or `name@version`; a run, which
stands for the adapter it made; or `name@step-<n>` while that checkpoint of the run is kept.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from server.engine.errors import NotServed
from server.engine.protocol import AdapterRef
from server.settings import Settings
from tools.errors import Conflict, DataError, InvalidArgument, NotFound, printable
from tools.models.adapter_files import check_files
from tools.models.info import ModelInfo, load_info
from tools.models.serving import Serving
from tools.workspace import runs
from tools.workspace.adapters import AdapterCard, read_card
from tools.workspace.layout import ADAPTER_MARKER, MODEL_MARKER, Workspace

_CHECKPOINT = re.compile(r"step-\d+")


@dataclass(frozen=True)
class Target:
    """A base in its folder, and the adapter to put on it. created: seconds of the epoch.

    serving: how the model was trained to be asked, where it is known.
    """

    id: str
    base: ModelInfo
    folder: Path
    adapter: AdapterRef | None
    created: int
    serving: Serving | None = None

    @property
    def fingerprint(self) -> str:
        """Tells base and adapter version: equal only when the same weights answer."""
        own = f"fp_{self.base.fingerprint}"
        return f"{own}_{self.adapter.name}@{self.adapter.version}" if self.adapter else own


def resolve(ws: Workspace, settings: Settings, name: str | None, field: str = "model") -> Target:
    """The target that a request's model id names; None is the server's own model.

    Raises NotFound with the nearest ids, NotServed when the server is pinned elsewhere, Conflict for
    an adapter whose base is gone or differs and for one that is all zeros, DataError for a damaged one.
    """
    if name is None:
        name = settings.model
    if name is None:
        raise InvalidArgument(
            "The request names no model.", field=field, expected="one of the ids that /v1/models lists"
        )
    target = _find(ws, name, field)
    if settings.pin and settings.model:
        pinned = target if name == settings.model else _find(ws, settings.model, field)
        if pinned.base.fingerprint != target.base.fingerprint:
            raise NotServed(
                f"This server is pinned to `{pinned.base.name}`; `{printable(name)}` is of another base.",
                field=field,
                fix="Start it without --pin, or ask for one of the models that /v1/models lists.",
            )
    return target


def listed(ws: Workspace, settings: Settings) -> list[Target]:
    """All that can be served: bases, then the newest version of each adapter whose base is there."""
    found = [*_bases(ws), *_adapters(ws)]
    if settings.pin and settings.model:
        pinned = _find(ws, settings.model, "model").base.fingerprint
        found = [target for target in found if target.base.fingerprint == pinned]
    return found


def _bases(ws: Workspace) -> Iterator[Target]:
    for name in ws.model_names():
        try:
            yield _base(ws, name)
        except DataError:
            continue  # said when it is asked for by name


def _adapters(ws: Workspace) -> Iterator[Target]:
    for name in ws.adapter_names():
        try:
            yield _find(ws, name, "model")
        except (Conflict, DataError, NotFound):
            continue


def _find(ws: Workspace, name: str, field: str) -> Target:
    if name in ws.model_names():
        return _base(ws, name)
    adapter, _, version = name.partition("@")
    if _CHECKPOINT.fullmatch(version):
        folder = _checkpoint(ws, adapter, version)
    elif adapter in ws.adapter_names():
        folder = ws.adapter_folder(name, field)
    else:
        folder = _of_run(ws, name)
    if folder is None:
        known = [*ws.model_names(), *ws.adapter_names(), *runs.names(ws)]
        raise NotFound("model", name, known, field=field, fix="GET /v1/models lists what can be served.")
    return _adapter(ws, name, folder)


def _base(ws: Workspace, name: str) -> Target:
    folder = ws.models / name
    info = load_info(folder)
    return Target(name, info, folder, None, int((folder / MODEL_MARKER).stat().st_mtime), info.serving)


def _adapter(ws: Workspace, name: str, folder: Path) -> Target:
    card = read_card(folder, "model")
    base = _base_of(ws, name, card)
    check_files(folder, f"{card.name}@{folder.name}", "model")
    stamp = (folder / ADAPTER_MARKER).stat().st_mtime_ns
    version = folder.name if _CHECKPOINT.fullmatch(folder.name) else card.version
    reference = AdapterRef(name=card.name, version=version, folder=str(folder), stamp=stamp)
    return Target(name, base.base, base.folder, reference, stamp // 1_000_000_000, card.serving)


def _base_of(ws: Workspace, name: str, card: AdapterCard) -> Target:
    """The installed base with the fingerprint that the adapter was trained on, by whatever name."""
    bases = {target.base.name: target for target in _bases(ws)}
    namesake = bases.get(card.base.name)
    for target in [*([namesake] if namesake else []), *bases.values()]:
        if target.base.fingerprint == card.base.fingerprint:
            return target
    trained = f"`{card.base.name}` ({card.base.fingerprint})"
    told = (
        f"what is installed by that name is another ({namesake.base.fingerprint})" if namesake else "is not installed"
    )
    raise Conflict(
        f"The adapter `{printable(name)}` was trained on {trained}, {told if namesake else f'which {told}'}.",
        field="model",
        fix=f"Install that base: afina models pull {card.base.name}.",
    )


def _checkpoint(ws: Workspace, name: str, version: str) -> Path | None:
    """The kept checkpoint of the newest run of that name, or of the run itself."""
    for run in runs.listed(ws):
        folder = runs.folder(ws, run.run) / "checkpoints" / version
        if name in (run.name, run.run) and (folder / ADAPTER_MARKER).is_file():
            return folder
    return None


def _of_run(ws: Workspace, name: str) -> Path | None:
    """The newest adapter that the run made."""
    if name not in runs.names(ws):
        return None
    found = [path.parent for path in ws.adapters.glob(f"*/*/{ADAPTER_MARKER}")]
    for folder in sorted(found, key=lambda path: -(path / ADAPTER_MARKER).stat().st_mtime_ns):
        with contextlib.suppress(DataError):
            if read_card(folder).run == name:
                return folder
    state = runs.get(ws, name).state
    missing = NotFound("model", name, field="model")
    missing.fix = f"That run is {state} and has made no adapter yet."
    raise missing
