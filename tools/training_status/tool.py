"""training_status: where a run stands, what it means, and what to call next."""

from __future__ import annotations

import time
from typing import Any

from tools.errors import NotFound
from tools.next_call import next_call
from tools.training_status.contract import Best, Point, Sample, StatusArgs, StatusResult
from tools.training_status.curve import sparkline
from tools.training_status.verdict import judge
from tools.workspace import runs
from tools.workspace.layout import ADAPTER_MARKER, Workspace
from tools.workspace.machine import GB

_POLL_S = 0.1
_MOST_POINTS = {"concise": 12, "detailed": 200}
_MOST_EVENTS = {"concise": 6, "detailed": 50}
_MOST_TEXT = {"concise": 160, "detailed": 2000}


def training_status(ws: Workspace, args: StatusArgs) -> StatusResult:
    """The state of a run. With `wait_s`, answers at the next news: a state, an evaluation, an event."""
    run = _find(ws, args.run)
    if args.wait_s and run.state in runs.ACTIVE:
        run = _wait_for_news(ws, run, args.wait_s)
    valid = [Point(step=row["step"], valid_loss=row["loss"]) for row in runs.metrics(ws, run.run, "valid")]
    train = runs.metrics(ws, run.run, "train")
    last = train[-1] if train else {}
    verdict = judge(run, valid)
    best = min(valid, key=lambda point: point.valid_loss or 0.0, default=None)
    return StatusResult(
        run=run.run,
        state=run.state,
        step=run.step,
        steps=run.steps,
        train_loss=last.get("loss"),
        valid_loss=valid[-1].valid_loss if valid else None,
        best=Best(step=best.step, valid_loss=best.valid_loss or 0.0) if best else None,
        tokens_per_second=last.get("tokens_per_second"),
        memory={name: round(size / GB, 2) for name, size in last["memory"].items()} if last else None,
        eta_s=_eta(run, train, runs.events(ws, run.run, 200)),
        verdict=verdict,
        metrics=_thinned(_points(train, valid, args.since_step), _MOST_POINTS[args.detail]),
        curve=sparkline([row["loss"] for row in train]) or None,
        samples=_samples(ws, run.run, _MOST_TEXT[args.detail]),
        events=[_event(event) for event in runs.events(ws, run.run, _MOST_EVENTS[args.detail])],
        checkpoints=_checkpoints(ws, run.run),
        adapter=run.adapter,
        error=run.error,
        next=verdict.action,
    )


def _find(ws: Workspace, name: str | None) -> runs.Run:
    if name is not None:
        run = runs.get(ws, name)
    else:
        newest = runs.newest(ws)
        if newest is None:
            raise NotFound("run", "the newest", field="run", fix=f"Start one: {next_call('start_finetune')}")
        run = newest
    if run.state in runs.ACTIVE and not runs.is_alive(ws, run.run):
        message = "The training process is gone; resume goes on from the last checkpoint."
        runs.set_state(ws, run.run, "interrupted", message, expected=runs.ACTIVE)
        run = runs.get(ws, run.run)
    return run


def _wait_for_news(ws: Workspace, run: runs.Run, seconds: float) -> runs.Run:
    deadline = time.monotonic() + seconds
    before = _news(ws, run.run)
    while time.monotonic() < deadline and _news(ws, run.run) == before and runs.is_alive(ws, run.run):
        time.sleep(_POLL_S)
    return _find(ws, run.run)


def _news(ws: Workspace, run: str) -> tuple[Any, ...]:
    row = ws.store.row(
        "SELECT state, (SELECT MAX(id) FROM events WHERE run = r.run) AS event,"
        " (SELECT MAX(step) FROM metrics WHERE run = r.run AND kind = 'valid') AS valid FROM runs r WHERE run = ?",
        (run,),
    )
    return tuple(row.values()) if row else ()


def _eta(run: runs.Run, train: list[dict[str, Any]], events: list[dict[str, Any]]) -> float | None:
    """Seconds to the last step, by the wall clock of the last reports: evaluations and saving count."""
    if run.state != "running":
        return None
    # Since it was last started: a night's pause is not the training's time.
    began = max((e["time"] for e in events if e["kind"] == "running"), default=0.0)
    recent = [row for row in train if row["time"] >= began][-8:]
    if len(recent) < 2:
        return None
    steps, seconds = recent[-1]["step"] - recent[0]["step"], recent[-1]["time"] - recent[0]["time"]
    return round(float(seconds) / max(1, int(steps)) * (run.steps - run.step), 1)


def _points(train: list[dict[str, Any]], valid: list[Point], since: int) -> list[Point]:
    by_step = {point.step: point for point in valid if point.step > since}
    for row in train:
        if row["step"] <= since:
            continue
        point = by_step.setdefault(row["step"], Point(step=row["step"]))
        point.train_loss = row["loss"]
        point.tokens_per_second = row["tokens_per_second"]
        point.learning_rate = row["learning_rate"]
        point.grad_norm = row["grad_norm"]
    return [by_step[step] for step in sorted(by_step)]


def _thinned(points: list[Point], most: int) -> list[Point]:
    """At most `most` points, spread over all, the last one among them."""
    if len(points) <= most:
        return points
    return [points[(i + 1) * len(points) // most - 1] for i in range(most)]


def _samples(ws: Workspace, run: str, most: int) -> list[Sample]:
    rows = runs.metrics(ws, run, "sample")
    if not rows:
        return []
    base = {item["prompt"]: item["answer"] for item in rows[0]["answers"]}
    return [
        Sample(
            prompt=item["prompt"][:most],
            base=base.get(item["prompt"], "")[:most],
            now=item["answer"][:most],
            step=rows[-1]["step"],
        )
        for item in rows[-1]["answers"]
    ]


def _event(event: dict[str, Any]) -> dict[str, Any]:
    return {"step": event["step"], "kind": event["kind"], "message": event["message"], "time": round(event["time"])}


def _checkpoints(ws: Workspace, run: str) -> list[str]:
    found = [path.parent.name for path in runs.folder(ws, run).glob(f"checkpoints/step-*/{ADAPTER_MARKER}")]
    return sorted(found, key=lambda name: int(name.removeprefix("step-")))
