"""List what the workspace holds, a page at a time."""

from __future__ import annotations

from typing import Any

from tools.errors import InvalidArgument
from tools.list_workspace import entries
from tools.list_workspace.contract import KINDS, Kind, ListArgs, ListResult
from tools.list_workspace.cursor import Key, page
from tools.next_call import next_call
from tools.workspace.layout import Workspace

_DATED = {
    "datasets": entries.datasets,
    "runs": entries.run_entries,
    "adapters": entries.adapters,
    "evaluations": entries.evaluations,
}


def list_workspace(ws: Workspace, args: ListArgs) -> ListResult:
    """One kind, or the newest few of every kind. Raises InvalidArgument when a cursor has no kind or is another's."""
    if args.cursor is not None and args.kind is None:
        raise InvalidArgument(
            "A cursor reads on in one kind.", field="kind", expected=" or ".join(f"`{kind}`" for kind in KINDS)
        )
    kinds: tuple[Kind, ...] = (args.kind,) if args.kind else KINDS
    shown: dict[str, Any] = {}
    counts: dict[str, int] = {}
    going_on: str | None = None
    for kind in kinds:
        dated = _entries(ws, kind)
        counts[kind] = len(dated)
        found, going_on = page(kind, dated, lambda item: item[0], args.limit, args.cursor)
        shown[kind] = [entry for _, entry in found]
    return ListResult(
        workspace=str(ws.root),
        counts=counts,
        **shown,
        next_cursor=going_on if args.kind else None,
        next=_next(args, going_on, shown),
    )


def _entries(ws: Workspace, kind: Kind) -> list[tuple[Key, Any]]:
    if kind == "models":
        # In the order of the catalogue, the installed ones first.
        return [((float(place), entry.model), entry) for place, entry in enumerate(entries.models(ws))]
    return list(_DATED[kind](ws))


def _next(args: ListArgs, cursor: str | None, shown: dict[str, Any]) -> str:
    if args.kind is not None and cursor is not None:
        return next_call("list_workspace", kind=args.kind, limit=args.limit, cursor=cursor)
    if args.kind is None:
        if not shown["datasets"]:
            return next_call("prepare_dataset", sources=["PATH"], dry_run=True)
        if not shown["runs"]:
            return next_call("start_finetune", dataset=shown["datasets"][0].dataset, dry_run=True)
        return next_call("training_status", run=shown["runs"][0].run)
    return _next_of_kind(args.kind, shown[args.kind])


def _next_of_kind(kind: Kind, found: list[Any]) -> str:
    """What one does with the newest of a kind, or how one comes to have a first one."""
    if kind == "datasets":
        if found:
            return next_call("start_finetune", dataset=found[0].dataset, dry_run=True)
        return next_call("prepare_dataset", sources=["PATH"], dry_run=True)
    if kind == "runs" and found:
        return next_call("training_status", run=found[0].run)
    if kind == "adapters" and found:
        return next_call("evaluate", adapter=found[0].adapter)
    if kind == "evaluations" and found:
        return next_call("evaluate", evaluation=found[0].evaluation)
    if kind == "models" and any(entry.state == "installed" for entry in found):
        return next_call("ask_model", prompt="PROMPT", models=[next(e.model for e in found if e.state == "installed")])
    return next_call("check_setup") if kind == "models" else next_call("list_workspace", kind="datasets")
