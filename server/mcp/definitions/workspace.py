"""Tools on the workspace, the machine and the models."""

from __future__ import annotations

from pydantic import BaseModel

from server import __version__
from server.mcp.ask_model import AskArgs, AskResult
from server.mcp.tool import Tool, ToolContext
from tools.check_setup.contract import CheckArgs, CheckResult
from tools.list_workspace.contract import ListArgs, ListResult


def _ask(context: ToolContext, args: AskArgs) -> BaseModel:
    from server.mcp.ask_model import ask_model

    return ask_model(context, args)


def _list(context: ToolContext, args: ListArgs) -> BaseModel:
    from tools.list_workspace.tool import list_workspace

    return list_workspace(context.ws, args)


def _check(context: ToolContext, args: CheckArgs) -> BaseModel:
    from tools.check_setup.tool import check_setup

    return check_setup(context.ws, args, default_model=context.settings.default_model, version=__version__)


ASK_MODEL = Tool(
    name="ask_model",
    title="Ask models side by side",
    description=(
        "Ask adapters and base models the same question and get their answers side by side.\n"
        "Use it to show what training changed (`mean_logprob`: how likely each model finds each answer).\n"
        'Example: {"prompt": "Quem venceu a liga em 2023?", "models": ["smollm2-135m", "livros"], "max_tokens": 100}\n'
        "See also: evaluate, which measures the difference; list_workspace for the names."
    ),
    arguments=AskArgs,
    result=AskResult,
    handler=_ask,
    read_only=True,
)

LIST_WORKSPACE = Tool(
    name="list_workspace",
    title="List the workspace",
    description=(
        "List datasets, models (installed, and those that can be), runs, adapters and evaluations, newest first.\n"
        "Use it to find names, or where a person left off. Without `kind` it shows a few of each.\n"
        'Example: {"kind": "adapters", "limit": 10}\n'
        "See also: training_status for one run, check_setup for the machine."
    ),
    arguments=ListArgs,
    result=ListResult,
    handler=_list,
    read_only=True,
)

CHECK_SETUP = Tool(
    name="check_setup",
    title="Check this machine",
    description=(
        "Check this machine before training: Python, MLX and its device, free memory and disk, model, data, heat.\n"
        "Use it at the start, and when memory or disk run short. Each line says what to do.\n"
        "Example: {}\n"
        "Then: prepare_dataset, or start_finetune with `dry_run`."
    ),
    arguments=CheckArgs,
    result=CheckResult,
    handler=_check,
    read_only=True,
)
