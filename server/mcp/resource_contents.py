"""What the resources say, read from the workspace. Each is bounded, and raises AfinaError where it is not there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from server.mcp.rendering import printable, structured
from server.mcp.tool import ToolContext
from tools.errors import NotFound, telling_os_errors
from tools.workspace import measured, runs
from tools.workspace.files import read_json
from tools.workspace.layout import REPORT_MARKER, Workspace
from tools.workspace.reconcile import RUN_FILE

# Measurements of each kind, rows of each split, characters of a value in a row and of a log.
_MOST_POINTS, _MOST_ROWS, _MOST_VALUE, _MOST_LOG = 500, 3, 600, 16_000
_SPLITS = ("train", "valid", "test", "questions")


def as_json(fields: Any) -> str:
    return json.dumps(fields, ensure_ascii=False, indent=2)


# Runs ---------------------------------------------------------------------------------------------


def run(ws: Workspace, name: str) -> str:
    """All that training_status tells of a run, in detail."""
    return as_json(structured(_status(ws, name)))


def curve(ws: Workspace, name: str) -> bytes:
    """Training and validation loss over the steps, as PNG."""
    from server.mcp.curve_image import draw

    drawn = draw(_status(ws, name).metrics)
    if drawn is None:
        raise NotFound("loss curve", name, [], field="run", fix="There is one after two measurements.")
    return drawn


def _status(ws: Workspace, name: str) -> Any:
    from tools.training_status.contract import StatusArgs
    from tools.training_status.tool import training_status

    return training_status(ws, StatusArgs(run=name, detail="detailed"))


def metrics(ws: Workspace, name: str) -> str:
    """What was measured at the steps of a run: all of it, or points spread evenly over the steps."""
    run = runs.get(ws, name)
    points = {kind: measured.spread(ws, run.run, kind, _MOST_POINTS) for kind in ("train", "valid")}
    counts = {kind: measured.count(ws, run.run, kind) for kind in points}
    return as_json({"run": run.run, "units": "losses in nats a token, memory in bytes", "measured": counts, **points})


def log(ws: Workspace, name: str) -> str:
    """The end of what the run's process wrote."""
    path = runs.folder(ws, runs.get(ws, name).run) / "worker.log"
    if not path.exists():
        return ""
    with telling_os_errors(path, "read the log"), path.open("rb") as file:
        start = max(0, path.stat().st_size - 4 * _MOST_LOG)
        file.seek(start)
        text = file.read().decode("utf-8", errors="replace")[-_MOST_LOG:]
    whole = start == 0 and len(text) < _MOST_LOG
    return printable(text if whole else text.partition("\n")[2])


def settings(ws: Workspace, name: str) -> str:
    """The run as its folder describes it: every hyperparameter, data, base, versions and machine."""
    path = runs.folder(ws, runs.get(ws, name).run) / RUN_FILE
    with telling_os_errors(path, "read the run's settings"):
        return as_json(read_json(path))


# Datasets and reports ------------------------------------------------------------------------------


def card(ws: Workspace, dataset: str) -> str:
    return _text(ws.dataset_folder(dataset) / "card.md", "read the card")


def samples(ws: Workspace, dataset: str) -> str:
    """The first rows of each split, long values cut."""
    folder = ws.dataset_folder(dataset)
    found = {split: list(_rows(folder / f"{split}.jsonl")) for split in _SPLITS}
    return as_json({"dataset": f"{folder.parent.name}@{folder.name}"} | {k: v for k, v in found.items() if v})


def _rows(path: Path) -> Iterator[Any]:
    if not path.is_file():
        return
    with telling_os_errors(path, "read its rows"), path.open(encoding="utf-8") as file:
        for line, _ in zip(file, range(_MOST_ROWS), strict=False):
            yield _cut(json.loads(line))


def _cut(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _cut(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_cut(inner) for inner in value]
    if isinstance(value, str) and len(value) > _MOST_VALUE:
        return f"{value[:_MOST_VALUE]}…"
    return value


def report(ws: Workspace, evaluation: str) -> str:
    """An evaluation's report as Markdown."""
    names = evaluation_names(ws)
    if evaluation not in names:
        raise NotFound("evaluation", evaluation, names, field="evaluation", fix="Make one with evaluate.")
    return _text(ws.evaluations / evaluation / "report.md", "read the report")


def evaluation_names(ws: Workspace) -> list[str]:
    """Those with a whole report."""
    return sorted(path.parent.name for path in ws.evaluations.glob(f"[!.]*/{REPORT_MARKER}"))


def _text(path: Path, doing: str) -> str:
    with telling_os_errors(path, doing):
        return path.read_text(encoding="utf-8")


# The whole ----------------------------------------------------------------------------------------


def workspace(ws: Workspace) -> str:
    """The newest of each kind."""
    from tools.list_workspace.contract import ListArgs
    from tools.list_workspace.tool import list_workspace

    return as_json(structured(list_workspace(ws, ListArgs())))


def checklist(context: ToolContext) -> str:
    """The machine's checklist as Markdown, with what to do."""
    from server.mcp.definitions.workspace import CHECK_SETUP

    return checklist_as_markdown(CHECK_SETUP.handler(context, CHECK_SETUP.arguments()))


def checklist_as_markdown(result: BaseModel) -> str:
    fields = structured(result)
    boxes = {"ok": "x"}
    lines = [f"# Checklist of {fields['workspace']}", ""]
    for item in fields["items"]:
        lines.append(f"- [{boxes.get(item['state'], ' ')}] **{item['item']}**: {item['found']}")
        if item.get("fix"):
            lines.append(f"  - {item['fix']}")
    return "\n".join([*lines, "", f"Next: `{fields['next']}`", ""])
