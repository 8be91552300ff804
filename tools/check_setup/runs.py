"""What the guide asks to be watched while training, and to be done after it, looked up in the newest runs."""

from __future__ import annotations

from collections.abc import Iterator

from tools.check_setup.contract import Item, State
from tools.errors import AfinaError
from tools.list_workspace import entries
from tools.list_workspace.contract import EvaluationEntry
from tools.next_call import next_call
from tools.training_status.diagnosis import findings
from tools.training_status.record import Record
from tools.workspace import runs
from tools.workspace.files import read_json
from tools.workspace.layout import Workspace
from tools.workspace.machine import GB
from tools.workspace.reconcile import RUN_FILE

# A checkpoint is late that is missing for so many times the steps between two.
_LATE = 2


def run_items(ws: Workspace) -> list[Item]:
    """Items of the run that trains now, and of the newest that has succeeded."""
    listed = runs.listed(ws)
    active = next((run for run in listed if run.state in runs.ACTIVE and runs.is_alive(ws, run.run)), None)
    done = next((run for run in listed if run.state == "succeeded"), None)
    during = list(_during(Record(ws, active))) if active is not None and active.state == "running" else []
    return during + (list(_after(ws, done)) if done is not None else [])


# During -----------------------------------------------------------------------------------------


def _during(record: Record) -> Iterator[Item]:
    yield _memory(record)
    yield _loss(record)
    yield _checkpoints(record)
    yield _answers(record)


def _memory(record: Record) -> Item:
    name, budget = "during: memory", record.planned("budget_gb")
    if not record.reports:
        return Item(item=name, state="ok", found=f"{record.run.run} has not told it yet")
    last = record.reports[-1]
    peak = last.memory.get("peak", 0) / GB
    found = f"{record.run.run} peaked at {peak:.1f} GB" + (f" of {budget:.1f} GB" if budget else "")
    pressed = last.machine.memory_pressed or (budget is not None and peak > budget)
    if not pressed:
        return Item(item=name, state="ok", found=found)
    return Item(item=name, state="warn", found=found, fix="Close other applications; what is left is short.")


def _loss(record: Record) -> Item:
    name, found = "during: loss", record.evaluations
    told = findings(record, 1)
    if told:
        return Item(item=name, state="warn", found=f"{told[0].finding}: {told[0].evidence}", fix=told[0].change)
    if found is None or found.count < 2:
        return Item(item=name, state="ok", found=f"step {record.run.step} of {record.run.steps}: too early to tell")
    (_, first), (step, last) = found.first, found.last
    return Item(item=name, state="ok", found=f"validation {first:.3f} at first, {last:.3f} at step {step}")


def _checkpoints(record: Record) -> Item:
    name, every = "during: checkpoints", int(record.setting("save_every", 0))
    kept = [int(path.name.removeprefix("step-")) for path in record.checkpoints]
    newest = max(kept, default=0)
    found = f"every {every} steps, the newest at step {newest}" if kept else f"the first comes at step {every}"
    if every and record.run.step - newest >= _LATE * every:
        fix = f"Look at {record.folder / 'worker.log'}: saving fails, perhaps for want of room."
        return Item(item=name, state="warn", found=f"none for {record.run.step - newest} steps", fix=fix)
    return Item(item=name, state="ok", found=found)


def _answers(record: Record) -> Item:
    name = "during: answers"
    if record.answers is None or not record.answers["answers"]:
        if record.setting("sample_prompts") == [] or record.evaluations is not None:
            fix = "Ask it yourself: ask_model takes a checkpoint as `name@step-N`; next time give `sample_prompts`."
            return Item(item=name, state="warn", found="no prompts are answered on the way", fix=fix)
        return Item(item=name, state="ok", found="the first come at the first evaluation")
    count = len(record.answers["answers"])
    return Item(
        item=name, state="ok", found=f"{count} prompt{'s' * (count != 1)} answered at step {record.answers['step']}"
    )


# After ------------------------------------------------------------------------------------------


def _after(ws: Workspace, run: runs.Run) -> Iterator[Item]:
    adapter = run.adapter or run.name
    yield _kept(ws, adapter)
    yield from _evaluated(ws, adapter)
    yield _documented(ws, run)


def _kept(ws: Workspace, adapter: str) -> Item:
    name = "after: adapter"
    try:
        folder = ws.adapter_folder(adapter)
    except AfinaError as error:
        return Item(item=name, state="warn", found=error.message, fix="Train it again, or bring its folder back.")
    return Item(item=name, state="ok", found=f"{adapter} is kept in {folder}")


def _evaluated(ws: Workspace, adapter: str) -> Iterator[Item]:
    """Tried on real examples, and compared with its base: an evaluation does both, where there were questions."""
    found = [entry for _, entry in entries.evaluations(ws) if isinstance(entry, EvaluationEntry)]
    mine = [e for e in found if adapter in (e.verdict or {})]
    call = next_call("evaluate", adapter=adapter)
    if not mine:
        yield Item(item="after: compared with its base", state="warn", found=f"{adapter} was not evaluated", fix=call)
        return
    newest = max(mine, key=lambda entry: entry.created)
    kind = (newest.verdict or {})[adapter]
    state: State = "ok" if kind == "learned" else "warn"
    fix = None if state == "ok" else f"Read {ws.evaluations / newest.evaluation / 'report.md'} before you use it."
    yield Item(item="after: compared with its base", state=state, found=f"{newest.evaluation}: {kind}", fix=fix)
    yield _examples(ws, newest, adapter)


def _examples(ws: Workspace, evaluation: EvaluationEntry, adapter: str) -> Item:
    name = "after: real examples"
    report = read_json(ws.evaluations / evaluation.evaluation / "report.json")
    asked = ((report.get("result") or {}).get("questions") or {}).get("asked", 0)
    if asked:
        return Item(item=name, state="ok", found=f"{asked} questions were asked")
    call = next_call("ask_model", prompt="PROMPT", models=[adapter])
    fix = f"Write some with annotate_dataset, or ask your own: {call}"
    return Item(item=name, state="warn", found="no questions were asked", fix=fix)


def _documented(ws: Workspace, run: runs.Run) -> Item:
    path = runs.folder(ws, run.run) / RUN_FILE
    try:
        settings = read_json(path)["plan"]["settings"]
        return Item(item="after: settings", state="ok", found=f"{len(settings)} hyperparameters are in {path}")
    except (OSError, ValueError, KeyError, TypeError):
        fix = "Note its settings down from training_status: they cannot be told from the adapter alone."
        return Item(item="after: settings", state="warn", found=f"{path} is gone or damaged", fix=fix)
