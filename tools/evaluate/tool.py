"""evaluate: base against tuned, in a process of its own, cached by what it compares."""

from __future__ import annotations

from tools.errors import InvalidArgument
from tools.evaluate.contract import EvaluateArgs, EvaluateResult
from tools.evaluate.request import build_request, call_of
from tools.next_call import next_call
from tools.workspace import jobs
from tools.workspace.layout import REPORT_MARKER, Workspace
from tools.workspace.machine import mlx_environment

KIND = "evaluation"


def evaluate(ws: Workspace, args: EvaluateArgs) -> EvaluateResult:
    """Start an evaluation and wait for it, or ask how far one is. The same comparison is made once."""
    if args.evaluation is not None:
        if args.action == "cancel":
            jobs.cancel(ws, args.evaluation, KIND, field="evaluation")
        return _answer(ws, args.evaluation, args.wait_s)
    if args.action is not None:
        raise InvalidArgument(
            "There is nothing to cancel.", field="evaluation", expected="the evaluation that an earlier call returned"
        )
    request = build_request(ws, args)
    name = request["evaluation"]
    made = ws.evaluations / name / REPORT_MARKER
    jobs.launch(ws, name, KIND, "tools.compute.scoring.worker", request, mlx_environment(), made)
    return _answer(ws, request["evaluation"], args.wait_s)


def _answer(ws: Workspace, evaluation: str, wait_s: float) -> EvaluateResult:
    job = jobs.wait(ws, evaluation, KIND, wait_s, field="evaluation")
    anew = call_of(job.request)
    job.raise_if_failed(anew)
    if job.result is not None:
        return EvaluateResult(**job.result)
    again = anew if job.state == "cancelled" else next_call("evaluate", evaluation=evaluation, wait_s=40)
    done, total = job.progress.get("done", 0), job.progress.get("total", 0)
    message = str(job.progress.get("message", "Starting"))
    share = f" ({100 * done / total:.0f}%)" if total else ""
    return EvaluateResult(evaluation=evaluation, state=job.state, progress=f"{message}{share}", next=again)
