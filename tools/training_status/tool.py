"""training_status: where a run stands, what it means, and what to call next."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from tools.errors import NotFound
from tools.training_status import compare, shown
from tools.training_status.contract import Best, StatusArgs, StatusResult
from tools.training_status.diagnosis import findings
from tools.training_status.pace import seconds_left
from tools.training_status.record import Record
from tools.training_status.verdict import judge
from tools.training_status.waiting import wait_for_news
from tools.workspace import runs
from tools.workspace.layout import Workspace


@dataclass(frozen=True)
class _Most:
    """How much is shown at most; text: characters of a sample's text."""

    points: int
    events: int
    text: int
    findings: int


_MOST = {"concise": _Most(12, 6, 160, 3), "detailed": _Most(200, 50, 600, 10)}


def training_status(ws: Workspace, args: StatusArgs) -> StatusResult:
    """The state of a run. With `wait_s`, answers at the next news: a state, an evaluation, an event.

    With `compare`, a table of those runs too; the state is then that of `run`, or of the best of them.
    Metrics are those after `since_step`; all of them where the run was taken back before that step.
    """
    compared = [Record(ws, _found_alive(ws, runs.get(ws, name, "compare"))) for name in args.compare or ()]
    run = _find(ws, args.run) if args.run or not compared else compare.best_of(compared).run
    if args.wait_s and run.state in runs.ACTIVE:
        wait_for_news(ws, run, args.wait_s, args.since_step)
        run = _find(ws, run.run)
    result = _told(Record(ws, run), args)
    if compared:
        result.compared = [asdict(row) for row in compare.table(compared)]
        result.findings = [*compare.not_comparable(compared), *result.findings][: _MOST[args.detail].findings]
        result.next = compare.follow_up(compared) or result.next
    return result


def _told(record: Record, args: StatusArgs) -> StatusResult:
    run, found, most = record.run, record.evaluations, _MOST[args.detail]
    last = record.reports[-1] if record.reports else None
    verdict = judge(record)
    return StatusResult(
        run=run.run,
        state=run.state,
        step=run.step,
        steps=run.steps,
        train_loss=last.loss if last else None,
        valid_loss=found.last[1] if found else None,
        best=Best(step=found.best[0], valid_loss=found.best[1]) if found else None,
        tokens_per_second=last.tokens_per_second if last else None,
        memory=shown.memory(record),
        machine=shown.machine(record),
        eta_s=seconds_left(record),
        verdict=verdict,
        findings=findings(record, most.findings),
        metrics=shown.points(record, most.points, args.since_step if args.since_step <= run.step else -1),
        curve=shown.curve(record),
        samples=shown.samples(record, all_steps=args.detail == "detailed", most=most.text),
        events=shown.events(record, most.events),
        checkpoints=[path.name for path in record.checkpoints],
        adapter=run.adapter,
        error=run.error,
        next=verdict.action,
    )


def _find(ws: Workspace, name: str | None) -> runs.Run:
    run = runs.get(ws, name) if name is not None else runs.newest(ws)
    if run is None:
        raise NotFound("run", "the newest", field="run", fix="Start one with start_finetune.")
    return _found_alive(ws, run)


def _found_alive(ws: Workspace, run: runs.Run) -> runs.Run:
    """The run, its state corrected where its process has died."""
    if run.state in runs.ACTIVE and not runs.is_alive(ws, run.run):
        message = "The training process is gone; resume goes on from the last checkpoint."
        runs.set_state(ws, run.run, "interrupted", message, expected=runs.ACTIVE)
        return runs.get(ws, run.run)
    return run
