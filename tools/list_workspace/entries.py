"""Entries of each kind, read from the folders (the truth) and the rows. A damaged one is left out, never fatal."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel

from tools.evaluate.tool import KIND as EVALUATION
from tools.list_workspace.contract import AdapterEntry, DatasetEntry, EvaluationEntry, ModelEntry, RunEntry
from tools.list_workspace.cursor import Key
from tools.models.installed import list_models
from tools.workspace import jobs, runs
from tools.workspace.files import TEMPORARY_PREFIX, read_json
from tools.workspace.layout import ADAPTER_MARKER, DATASET_MARKER, REPORT_MARKER, Workspace

Entry = TypeVar("Entry", bound=BaseModel)
Dated = tuple[Key, BaseModel]


def iso(seconds: float) -> str:
    """Seconds of the epoch as local ISO 8601 time with its zone."""
    return datetime.fromtimestamp(seconds).astimezone().isoformat(timespec="seconds")


def datasets(ws: Workspace) -> list[Dated]:
    return list(_newest_versions(ws.data, DATASET_MARKER, _dataset))


def adapters(ws: Workspace) -> list[Dated]:
    return list(_newest_versions(ws.adapters, ADAPTER_MARKER, _adapter))


def run_entries(ws: Workspace) -> list[Dated]:
    found: list[Dated] = []
    for run in runs.listed(ws):
        # A row whose process died says so only after the next reconciliation.
        dead = run.state in runs.ACTIVE and not runs.is_alive(ws, run.run)
        entry = RunEntry(
            run=run.run,
            state="interrupted" if dead else run.state,
            dataset=run.dataset,
            model=run.model,
            step=run.step,
            steps=run.steps,
            adapter=run.adapter,
            created=iso(run.created),
        )
        found.append(((-run.created, run.run), entry))
    return found


def evaluations(ws: Workspace) -> list[Dated]:
    """Those under way, failed or cancelled, from their jobs, and those with a report, from their folders."""
    found: dict[str, Dated] = {}
    for listed in jobs.listed(ws, EVALUATION):
        job = jobs.get(ws, listed.job, EVALUATION) if listed.state not in jobs.ENDED else listed
        entry = _evaluation(job.job, job.state, job.request, [], job.created)
        found[job.job] = ((-job.created, job.job), entry)
    for marker in ws.evaluations.glob(f"*/{REPORT_MARKER}"):
        report = _read(marker)
        if report is not None:
            name, created = marker.parent.name, marker.stat().st_mtime
            verdicts = report.get("result", {}).get("verdict", [])
            entry = _evaluation(name, "succeeded", report.get("request", {}), verdicts, created)
            found[name] = ((-created, name), entry)
    return list(found.values())


def models(ws: Workspace) -> list[ModelEntry]:
    """Installed bases, then those of the catalogue."""
    return [
        ModelEntry(
            model=row.name,
            state=row.state,
            parameters=row.parameters,
            size_gb=round(row.bytes / 1e9, 2),
            bits=row.bits,
            languages=row.languages or None,
            fit=row.fit,
            about=row.warning,
        )
        for row in list_models(ws)
    ]


def _newest_versions(
    root: Path, marker: str, entry: Callable[[Path, dict[str, Any], int], BaseModel]
) -> Iterator[Dated]:
    for folder in root.iterdir() if root.is_dir() else ():
        if folder.name.startswith(TEMPORARY_PREFIX):
            continue
        dated = sorted(((path.stat().st_mtime, path.parent) for path in folder.glob(f"[!.]*/{marker}")), reverse=True)
        for stamp, version in dated:
            described = _read(version / marker)
            if described is not None:
                yield (-stamp, folder.name), entry(version, described, len(dated))
                break


def _read(path: Path) -> dict[str, Any] | None:
    try:
        described = read_json(path)
    except (OSError, json.JSONDecodeError, UnicodeDecodeError):
        return None
    return described if isinstance(described, dict) else None


def _text(described: dict[str, Any], name: str) -> str | None:
    value = described.get(name)
    return value if isinstance(value, str) and value else None


def _dataset(folder: Path, card: dict[str, Any], versions: int) -> DatasetEntry:
    return DatasetEntry(
        dataset=folder.parent.name,
        version=folder.name,
        versions=versions,
        format=_text(card, "format"),
        rows=_rows(card.get("splits")),
        created=iso((folder / DATASET_MARKER).stat().st_mtime),
        path=str(folder),
    )


def _rows(splits: Any) -> dict[str, int] | None:
    if not isinstance(splits, dict):
        return None
    return {
        str(name): int(split["rows"])
        for name, split in splits.items()
        if isinstance(split, dict) and isinstance(split.get("rows"), int)
    } or None


def _adapter(folder: Path, described: dict[str, Any], versions: int) -> AdapterEntry:
    base = described.get("base")
    return AdapterEntry(
        adapter=folder.parent.name,
        version=folder.name,
        versions=versions,
        model=base.get("name") if isinstance(base, dict) else None,
        dataset=_text(described, "dataset"),
        run=_text(described, "run"),
        created=iso((folder / ADAPTER_MARKER).stat().st_mtime),
        path=str(folder),
    )


def _evaluation(
    name: str, state: str, request: dict[str, Any], verdicts: list[dict[str, Any]], created: float
) -> EvaluationEntry:
    return EvaluationEntry(
        evaluation=name,
        state=state,
        adapters=request.get("adapters"),
        dataset=_text(request, "dataset"),
        verdict={v["model"]: v["kind"] for v in verdicts} or None,
        created=iso(created),
    )
