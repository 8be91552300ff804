"""Writing a report down: all of its files at once, the marker last."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tools.evaluate.contract import EvaluateResult
from tools.evaluate.measured import Measured
from tools.evaluate.report.html import Losses, page
from tools.evaluate.report.markdown import markdown
from tools.evaluate.result import Subject, conclude
from tools.workspace.files import publishing, write_json, write_text
from tools.workspace.layout import REPORT_MARKER, Workspace


def write_report(
    ws: Workspace,
    request: Mapping[str, Any],
    subject: Subject,
    measured: Measured,
    runs: Mapping[str, Losses],
    made: str = "",
) -> EvaluateResult:
    """Conclude, and write `report.html`, `report.md` and `report.json`. Raises DiskFull, NoPermission."""
    result = conclude(subject, measured)
    folder = ws.evaluations / subject.evaluation
    result.report_path = str(folder / "report.html")
    with publishing(folder) as aside:
        write_text(aside / "report.md", markdown(result, subject))
        write_text(aside / "report.html", page(result, subject, measured, runs, made))
        told = {"request": dict(request), "result": result.model_dump(exclude_none=True)}
        write_json(aside / REPORT_MARKER, {**told, "measured": measured.model_dump(exclude_none=True)})
    return result
