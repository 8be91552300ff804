"""evaluate: base against tuned, in a process of its own, cached by what it compares."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from tools.errors import Conflict, InvalidArgument
from tools.evaluate.contract import ALL_METRICS, EvaluateArgs, EvaluateResult
from tools.models.info import load_info
from tools.next_call import next_call
from tools.workspace import jobs, runs
from tools.workspace.adapters import read_card
from tools.workspace.layout import REPORT_MARKER, Workspace
from tools.workspace.machine import mlx_environment

KIND = "evaluation"
# Raised when evaluations measure otherwise: an earlier one is then not taken for the same.
FORMAT = 2


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
    request = _request(ws, args)
    name = request["evaluation"]
    made = ws.evaluations / name / REPORT_MARKER
    jobs.launch(ws, name, KIND, "tools.compute.scoring.worker", request, mlx_environment(), made)
    return _answer(ws, request["evaluation"], args.wait_s)


def _answer(ws: Workspace, evaluation: str, wait_s: float) -> EvaluateResult:
    job = jobs.wait(ws, evaluation, KIND, wait_s, field="evaluation")
    anew = _call(job.request)
    job.raise_if_failed(anew)
    if job.result is not None:
        return EvaluateResult(**job.result)
    again = anew if job.state == "cancelled" else next_call("evaluate", evaluation=evaluation, wait_s=40)
    done, total = job.progress.get("done", 0), job.progress.get("total", 0)
    message = str(job.progress.get("message", "Starting"))
    share = f" ({100 * done / total:.0f}%)" if total else ""
    return EvaluateResult(evaluation=evaluation, state=job.state, progress=f"{message}{share}", next=again)


def _call(request: dict[str, Any]) -> str:
    """The call that asked for this evaluation."""
    adapters, metrics, most = request["adapters"], request["metrics"], request["max_items"]
    return next_call(
        "evaluate",
        **({"adapter": adapters[0]} if len(adapters) == 1 else {"adapters": adapters}),
        dataset=request["dataset"],
        metrics=metrics if metrics != sorted(ALL_METRICS) else None,
        max_items=most if most != EvaluateArgs.model_fields["max_items"].default else None,
    )


def _request(ws: Workspace, args: EvaluateArgs) -> dict[str, Any]:
    adapters = [_exact(ws, name) for name in _asked(ws, args)]
    described = [read_card(ws.adapter_folder(name)).model_dump() for name in adapters]
    bases = {item["base"]["name"] for item in described}
    if len(bases) > 1:
        raise Conflict(
            f"These adapters have different bases: {', '.join(sorted(bases))}.",
            field="adapters",
            fix="Evaluate the adapters of one base together.",
        )
    base = bases.pop()
    info = load_info(ws.model_folder(base, field="adapter"))
    for item, name in zip(described, adapters, strict=True):
        if item["base"]["fingerprint"] != info.fingerprint:
            raise Conflict(
                f"The adapter `{name}` was trained on another `{base}` than the one installed.",
                field="adapter",
                fix=f"Install the base again: afina models pull {base}.",
            )
    folder = ws.dataset_folder(args.dataset or described[0]["dataset"])
    dataset = f"{folder.parent.name}@{folder.name}"
    request: dict[str, Any] = {
        "adapters": adapters,
        "model": base,
        "fingerprint": info.fingerprint,
        "dataset": dataset,
        "metrics": sorted(set(args.metrics or ALL_METRICS)),
        "max_items": args.max_items,
    }
    digest = hashlib.sha256(json.dumps({**request, "format": FORMAT}, sort_keys=True).encode()).hexdigest()[:8]
    return {**request, "evaluation": f"{adapters[0].partition('@')[0]}-{digest}"}


def _asked(ws: Workspace, args: EvaluateArgs) -> list[str]:
    if (args.adapter is None) == (args.adapters is None):
        known = ", ".join(f"`{name}`" for name in ws.adapter_names())
        raise InvalidArgument(
            "Give one of `adapter` and `adapters`.",
            field="adapter",
            expected="the name of an adapter",
            fix=f"There is: {known}." if known else "There is no adapter yet: train one with start_finetune.",
        )
    return list(dict.fromkeys(args.adapters or [str(args.adapter)]))


def _exact(ws: Workspace, name: str) -> str:
    """`name@version` of an adapter; a run's name stands for the adapter that it published."""
    if name in runs.names(ws):
        run = runs.get(ws, name)
        if run.adapter is None:
            raise Conflict(
                f"The run `{name}` has not published an adapter: it is {run.state}.",
                field="adapter",
                fix="training_status tells how far it is.",
                next=next_call("training_status", run=name, wait_s=30),
            )
        return run.adapter
    folder = ws.adapter_folder(name)
    return f"{folder.parent.name}@{folder.name}"
