"""Writing a report down: all of its files at once, the marker last."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tools.evaluate.contract import EvaluateResult
from tools.evaluate.measured import Measured
from tools.evaluate.report.html import page
from tools.evaluate.report.markdown import markdown
from tools.evaluate.report.told import Losses, Told
from tools.evaluate.result import Subject, conclude
from tools.workspace.files import publishing, write_json, write_text
from tools.workspace.layout import REPORT_MARKER, Workspace


def write_report(
    ws: Workspace,
    request: Mapping[str, Any],
    subject: Subject,
    measured: Measured,
    losses: Mapping[str, Losses],
    made: str = "",
) -> EvaluateResult:
    """Conclude, and write `report.html`, `report.md` and `report.json`. Raises DiskFull, NoPermission."""
    result = conclude(subject, measured)
    folder = ws.evaluations / subject.evaluation
    result.report_path = str(folder / "report.html")
    told = Told(
        request=dict(request),
        result=result,
        measured=measured,
        dataset=subject.dataset,
        language=subject.language,
        models=list(subject.models),
        zeros=list(subject.zeros),
        losses=dict(losses),
        made=made,
    )
    with publishing(folder) as aside:
        write_text(aside / "report.md", markdown(told))
        write_text(aside / "report.html", page(told))
        write_json(aside / REPORT_MARKER, told.model_dump(mode="json", exclude_none=True))
    return result
