"""Tools on runs and what comes of them."""

from __future__ import annotations

from pydantic import BaseModel

from server.mcp.tool import Progress, Tool, ToolContext, newest_job
from tools.evaluate.contract import EvaluateArgs, EvaluateResult
from tools.export_adapter.contract import ExportArgs, ExportResult
from tools.start_finetune.contract import ControlArgs, ControlResult, StartArgs, StartResult
from tools.training_status.contract import StatusArgs, StatusResult
from tools.workspace import runs


def _start(context: ToolContext, args: StartArgs) -> BaseModel:
    from tools.start_finetune.tool import start_finetune

    return start_finetune(context.ws, args, default_model=context.settings.default_model)


def _control(context: ToolContext, args: ControlArgs) -> BaseModel:
    from tools.start_finetune.tool import control_finetune

    return control_finetune(context.ws, args)


def _control_question(context: ToolContext, args: ControlArgs) -> str | None:
    if args.action != "cancel":
        return None
    run = runs.get(context.ws, args.run)
    if run.state in runs.ENDED:
        return None  # the call itself says so
    return f"Cancel the run {run.run} for good, at step {run.step} of {run.steps}? It cannot be resumed afterwards."


def _status(context: ToolContext, args: StatusArgs) -> BaseModel:
    from tools.training_status.tool import training_status

    return training_status(context.ws, args)


def _status_progress(context: ToolContext, args: StatusArgs) -> Progress | None:
    run = runs.get(context.ws, args.run) if args.run else runs.newest(context.ws)
    return Progress(run.step, run.steps, f"{run.run}: {run.state}") if run else None


def _status_images(args: StatusArgs, result: StatusResult) -> list[bytes]:
    if args.detail != "detailed":
        return []
    from server.mcp.curve_image import draw

    image = draw(result.metrics)
    return [image] if image else []


def _evaluate(context: ToolContext, args: EvaluateArgs) -> BaseModel:
    from tools.evaluate.tool import evaluate

    return evaluate(context.ws, args)


def _evaluate_images(args: EvaluateArgs, result: EvaluateResult) -> list[bytes]:
    if args.detail != "detailed":
        return []
    from server.mcp.comparison_image import draw

    image = draw(result)
    return [image] if image else []


def _evaluate_progress(context: ToolContext, args: EvaluateArgs) -> Progress | None:
    return newest_job(context, "evaluation", args.evaluation)


def _export(context: ToolContext, args: ExportArgs) -> BaseModel:
    from tools.export_adapter.tool import export_adapter

    return export_adapter(context.ws, args)


def _export_progress(context: ToolContext, args: ExportArgs) -> Progress | None:
    return newest_job(context, "export", args.job)


START_FINETUNE = Tool(
    name="start_finetune",
    title="Start training",
    description=(
        "Train an adapter on a dataset, in the background; answers at once with the run and its plan.\n"
        "Call it with `dry_run` first and show the person the plan: memory, minutes, every setting. "
        "Give a `request_key` so that a repeated call never starts twice. `resume` goes on with a run.\n"
        'Example: {"dataset": "livros", "model": "smollm2-135m", "preset": "auto", "dry_run": true}\n'
        "Then: training_status to follow, control_finetune to pause or cancel, evaluate when it has succeeded."
    ),
    arguments=StartArgs,
    result=StartResult,
    handler=_start,
)

CONTROL_FINETUNE = Tool(
    name="control_finetune",
    title="Pause, resume or cancel a run",
    description=(
        "Pause a run (it saves a checkpoint and gives its memory back), resume it, or cancel it for good.\n"
        "Use it when the machine is needed or to stop early.\n"
        'Example: {"run": "livros-20261124-1", "action": "pause"}\n'
        "See also: training_status."
    ),
    arguments=ControlArgs,
    result=ControlResult,
    handler=_control,
    question=_control_question,
    destructive=True,
    idempotent=True,
)

TRAINING_STATUS = Tool(
    name="training_status",
    title="Follow a run",
    description=(
        "Tell where a run stands: losses, best point, speed, memory, time left, what is wrong and what to do.\n"
        "Use it after start_finetune, with `wait_s` to wait for news instead of asking often. "
        "`detailed` adds the whole curve, as an image too; `compare` says which of several runs did best.\n"
        'Example: {"run": "livros-20261124-1", "wait_s": 30}\n'
        "Then: evaluate when it has succeeded; control_finetune to stop it early."
    ),
    arguments=StatusArgs,
    result=StatusResult,
    handler=_status,
    read_only=True,
    progress=_status_progress,
    images=_status_images,
)

EVALUATE = Tool(
    name="evaluate",
    title="Evaluate an adapter",
    description=(
        "Measure whether training helped: base against tuned on texts and questions held out, with 95% intervals.\n"
        "Use it when a run has succeeded, before trusting an adapter. "
        "It goes on when it takes longer than `wait_s`: ask again with `evaluation`. `detailed` adds an image.\n"
        'Example: {"adapter": "livros", "dataset": "livros"}\n'
        "Before: training_status. Then: ask_model to see answers, export_adapter to take it elsewhere."
    ),
    arguments=EvaluateArgs,
    result=EvaluateResult,
    handler=_evaluate,
    idempotent=True,
    progress=_evaluate_progress,
    images=_evaluate_images,
)

EXPORT_ADAPTER = Tool(
    name="export_adapter",
    title="Export an adapter",
    description=(
        "Merge an adapter into its base: a whole model in one folder that mlx-lm loads without Afina.\n"
        "Use it to give a finished model away. It tells the loss before and after, so that nothing is lost unseen.\n"
        'Example: {"adapter": "livros", "bits": 4}\n'
        "Before: evaluate."
    ),
    arguments=ExportArgs,
    result=ExportResult,
    handler=_export,
    idempotent=True,
    progress=_export_progress,
)
