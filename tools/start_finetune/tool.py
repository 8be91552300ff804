"""start_finetune: validate, plan, write the run, launch it; and control_finetune beside it."""

from __future__ import annotations

import secrets
import shutil
import time

from tools.errors import Conflict, DiskFull, InvalidArgument, NotFound
from tools.models.catalogue import find as find_in_catalogue
from tools.models.info import ModelInfo, load_info
from tools.next_call import next_call
from tools.prepare_dataset.reading_back import Dataset, open_dataset
from tools.start_finetune.contract import ControlArgs, ControlResult, Plan, StartArgs, StartResult
from tools.start_finetune.description import describe
from tools.start_finetune.launch import launch
from tools.start_finetune.mlx_lm_config import write_config
from tools.start_finetune.plan import make_plan
from tools.start_finetune.preflight import lack_of_disk
from tools.start_finetune.presets import DatasetShape, TooLong
from tools.workspace import names, runs
from tools.workspace.files import write_json
from tools.workspace.layout import Workspace
from tools.workspace.locks import FileLock
from tools.workspace.reconcile import RUN_FILE

# How long a worker that has written its last state may take to end.
_LETTING_GO_S = 5.0


def start_finetune(ws: Workspace, args: StartArgs, *, default_model: str) -> StartResult:
    """Plan a run and start it in a process of its own; answers before it has loaded anything.

    Raises NotFound, InvalidArgument, DoesNotFit, Conflict, DiskFull; then no run has been made.
    """
    if args.resume is not None:
        return _resume(ws, args)
    if args.request_key is not None:
        earlier = runs.by_request_key(ws, args.request_key)
        if earlier is not None:
            return _result(earlier.run, earlier.state, Plan(**earlier.plan))
    if args.dataset is None:
        raise InvalidArgument(
            "No dataset was given.",
            field="dataset",
            expected="the name of a prepared dataset",
            fix=f"The datasets are: {', '.join(ws.dataset_names()) or 'none yet; make one with prepare_dataset'}.",
        )
    dataset = open_dataset(ws.dataset_folder(args.dataset))
    info = _model(ws, args, dataset, default_model)
    name = _adapter_name(ws, args, dataset)
    data = _shape(dataset)
    plan = make_plan(ws, info, data, args.preset, args.settings)
    if args.dry_run:
        return StartResult(state="planned", plan=plan, next=_start_call(args))
    lacking = lack_of_disk(ws, info, {key: setting.value for key, setting in plan.settings.items()}, data)
    if lacking:
        fix = "Free some space, lower lora_rank or lora_layers, or choose a workspace on another disk."
        raise DiskFull(lacking, fix=fix)
    run = _write_run(ws, name, dataset, info, plan, args.request_key)
    return _result(run, "queued", plan)


def control_finetune(ws: Workspace, args: ControlArgs) -> ControlResult:
    """Pause, resume or cancel a run. A living worker answers at its next step."""
    run = runs.get(ws, args.run)
    if args.action == "resume":
        result = _resume(ws, StartArgs(resume=args.run))
        return ControlResult(run=run.run, state=result.state, message="The run goes on.", next=result.next)
    if run.state in runs.ENDED:
        raise Conflict(
            f"The run `{run.run}` has ended ({run.state}).",
            field="run",
            fix="Start another one.",
            next=next_call("training_status", run=run.run),
        )
    lock = FileLock.try_acquire(runs.lock_path(ws, run.run))
    if lock is not None:
        return _control_dead(ws, run, args, lock)
    runs.ask(ws, run.run, args.action)
    return ControlResult(
        run=run.run,
        state=run.state,
        message=f"The run was asked to {args.action}; it does so at its next step, after a checkpoint.",
        next=_status_call(run.run),
    )


def _control_dead(ws: Workspace, run: runs.Run, args: ControlArgs, lock: FileLock) -> ControlResult:
    """Cancel a run that has no process, while nobody else can start it."""
    with lock:
        if args.action == "pause":
            raise Conflict(
                f"The run `{run.run}` is {run.state}: there is nothing to pause.",
                field="action",
                fix="It can be resumed.",
                next=next_call("control_finetune", run=run.run, action="resume"),
            )
        runs.set_state(ws, run.run, "cancelled", "Cancelled while it was not running.")
    follow = next_call("start_finetune", dataset=run.dataset, dry_run=True)
    return ControlResult(run=run.run, state="cancelled", message="The run is cancelled.", next=follow)


def _resume(ws: Workspace, args: StartArgs) -> StartResult:
    extra = args.model_fields_set - {"resume", "request_key", "dry_run"}
    if extra:
        raise InvalidArgument(
            f"A resumed run keeps its own settings: {', '.join(sorted(extra))} cannot be given with it.",
            field=sorted(extra)[0],
            fix="Resume it alone, or start a new run.",
            next=next_call("start_finetune", resume=args.resume),
        )
    run = runs.get(ws, str(args.resume), field="resume")
    plan = Plan(**run.plan)
    if run.state in ("succeeded", "cancelled"):
        raise Conflict(
            f"The run `{run.run}` has {'succeeded' if run.state == 'succeeded' else 'been cancelled'}.",
            field="resume",
            fix="Start a new run with start_finetune.",
            next=next_call("training_status", run=run.run),
        )
    if args.dry_run:
        return StartResult(run=run.run, state=run.state, plan=plan, next=next_call("start_finetune", resume=run.run))
    ws.dataset_folder(run.dataset)
    lock = _lock_of_ended(ws, run.run)
    if lock is None:
        # Alive: a pause that was asked for and not yet done is taken back.
        runs.ask(ws, run.run, None)
        state = runs.get(ws, run.run).state
        if state not in runs.ACTIVE:
            raise Conflict(
                f"The run `{run.run}` has just become {state}, and its process is still ending.",
                field="resume",
                fix="Call again in a few seconds.",
                next=_status_call(run.run),
            )
        return _result(run.run, state, plan)
    runs.ask(ws, run.run, None)
    runs.set_state(ws, run.run, "queued", "Resumed.")
    launch(ws, run.run, lock)
    return _result(run.run, "queued", plan)


def _lock_of_ended(ws: Workspace, run: str) -> FileLock | None:
    """The run's lock, or None while it is alive. One that has just stopped is given time to let go."""
    deadline = time.monotonic() + _LETTING_GO_S
    while True:
        lock = FileLock.try_acquire(runs.lock_path(ws, run))
        stopped = runs.get(ws, run).state not in runs.ACTIVE
        if lock is not None or not stopped or time.monotonic() > deadline:
            return lock
        time.sleep(0.02)


def _model(ws: Workspace, args: StartArgs, dataset: Dataset, default_model: str) -> ModelInfo:
    name = args.model or dataset.card["model"]["name"] or default_model
    if name in ws.model_names():
        return load_info(ws.models / name)
    entry = find_in_catalogue(name)
    if entry is None or args.model is None:
        ws.model_folder(name)
    if entry is None:
        raise NotFound("model", name, ws.model_names(), field="model")
    # Named by the user, known by shape: the run downloads it first.
    return entry.info()


def _adapter_name(ws: Workspace, args: StartArgs, dataset: Dataset) -> str:
    name = names.check_name(args.name or dataset.name, "name")
    if name in ws.model_names() or find_in_catalogue(name) is not None:
        raise Conflict(
            f"`{name}` is the name of a base model.",
            field="name",
            fix=f"Give the adapter another name, `{name}-afinado` for example.",
            details={"instead": {"name": f"{name}-afinado"}},
        )
    return name


def _shape(dataset: Dataset) -> DatasetShape:
    train, valid = dataset.card["splits"]["train"], dataset.card["splits"]["valid"]
    return DatasetShape(
        rows=train["rows"],
        tokens=train["tokens"],
        # A card of an earlier version tells the longest row of all splits alone.
        longest=train.get("lengths", {}).get("100%", dataset.card["longest_row_tokens"]),
        valid_rows=valid["rows"],
        valid_tokens=valid["tokens"],
        questions=dataset.card.get("questions", 0),
        counted_by=dataset.card["model"]["name"],
        too_long=lambda length: _too_long(dataset, length),
    )


def _too_long(dataset: Dataset, length: int) -> TooLong:
    """As training does it (`tools.compute.training.rows`): text is cut in pieces, rows with a prompt lose their end."""
    split = cut = lost = 0
    for origin in dataset.provenance():
        if origin.split == "train" and (origin.tokens or 0) > length:
            pieces = dataset.format == "text" and origin.response_start is None
            split, cut = split + pieces, cut + (not pieces)
            lost += 0 if pieces else (origin.tokens or 0) - length
    return TooLong(split, cut, lost)


def _write_run(ws: Workspace, name: str, dataset: Dataset, info: ModelInfo, plan: Plan, request_key: str | None) -> str:
    now = time.time()
    # A folder without a row is still somebody's run.
    taken = set(runs.names(ws)) | {path.name for path in ws.runs.iterdir()}
    while True:
        run_id = names.dated(name, taken)
        taken.add(run_id)
        run = runs.Run(
            run=run_id,
            name=name,
            state="queued",
            dataset=f"{dataset.name}@{dataset.version}",
            model=info.name,
            plan=plan.model_dump(mode="json"),
            step=0,
            steps=plan.value("iters"),
            asked=None,
            error=None,
            adapter=None,
            created=now,
            updated=now,
        )
        lock = FileLock.try_acquire(runs.lock_path(ws, run_id))
        if lock is None:
            continue
        if runs.insert(ws, run, request_key):
            break
        lock.release()
        earlier = runs.by_request_key(ws, request_key) if request_key else None
        if earlier is not None:
            return earlier.run
    try:
        write_json(runs.folder(ws, run_id) / RUN_FILE, describe(run, dataset, info, request_key))
        write_config(ws, run_id)
        runs.add_event(ws, run_id, 0, "queued", "Waiting for its turn.")
        launch(ws, run_id, lock)
    except BaseException:
        lock.release()
        shutil.rmtree(runs.folder(ws, run_id), ignore_errors=True)
        runs.delete(ws, run_id)
        raise
    return run_id


def _result(run: str, state: str, plan: Plan) -> StartResult:
    return StartResult(run=run, state=state, plan=plan, next=_status_call(run))


def _status_call(run: str) -> str:
    return next_call("training_status", run=run, wait_s=30)


def _start_call(args: StartArgs) -> str:
    """The planned run, started: with a key, so that a call whose answer is lost can be made again."""
    given = args.model_dump(exclude_defaults=True, exclude={"dry_run"})
    return next_call("start_finetune", **{"request_key": secrets.token_hex(4), **given})
