"""What of a workspace is served under a request's model id (`tools.models.naming`)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from server.engine.errors import NotServed
from server.engine.protocol import AdapterRef
from server.settings import Settings
from tools.errors import Conflict, DataError, InvalidArgument, NotFound, printable
from tools.models.adapter_files import check_files
from tools.models.info import ModelInfo
from tools.models.naming import Named, find_model, whole_bases
from tools.models.serving import Serving
from tools.workspace.layout import ADAPTER_MARKER, MODEL_MARKER, Workspace


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
    for named in whole_bases(ws):
        yield _target(named.folder.name, named)


def _adapters(ws: Workspace) -> Iterator[Target]:
    for name in ws.adapter_names():
        try:
            yield _find(ws, name, "model")
        except (Conflict, DataError, NotFound):
            continue


def _find(ws: Workspace, name: str, field: str) -> Target:
    return _target(name, find_model(ws, name, field, "GET /v1/models lists what can be served."))


def _target(name: str, named: Named) -> Target:
    adapter = named.adapter
    if adapter is None:
        created = int((named.folder / MODEL_MARKER).stat().st_mtime)
        return Target(name, named.base, named.folder, None, created, named.serving)
    check_files(adapter.folder, f"{adapter.card.name}@{adapter.folder.name}", "model")
    stamp = (adapter.folder / ADAPTER_MARKER).stat().st_mtime_ns
    reference = AdapterRef(name=adapter.card.name, version=adapter.version, folder=str(adapter.folder), stamp=stamp)
    return Target(name, named.base, named.folder, reference, stamp // 1_000_000_000, named.serving)
