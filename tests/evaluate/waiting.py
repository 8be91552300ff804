"""Evaluations asked until they have ended."""

from __future__ import annotations

from typing import Any

from tools.evaluate.contract import EvaluateArgs, EvaluateResult
from tools.evaluate.tool import evaluate
from tools.workspace.layout import Workspace


def finished(ws: Workspace, **arguments: Any) -> EvaluateResult:
    result = evaluate(ws, EvaluateArgs(**arguments))
    while result.state in ("queued", "running"):
        result = evaluate(ws, EvaluateArgs(evaluation=result.evaluation, wait_s=30))
    return result
