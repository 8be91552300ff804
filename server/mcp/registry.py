"""The tools in their fixed order, and how one is called. Free of the MCP SDK: `afina call` uses it alone."""

from __future__ import annotations

import contextlib
import functools
import logging
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from pydantic import BaseModel

from server.mcp import endpoint
from server.mcp.arguments import read_arguments
from server.mcp.definitions.data import ANNOTATE_DATASET, PREPARE_DATASET
from server.mcp.definitions.training import CONTROL_FINETUNE, EVALUATE, EXPORT_ADAPTER, START_FINETUNE, TRAINING_STATUS
from server.mcp.definitions.workspace import ASK_MODEL, CHECK_SETUP, LIST_WORKSPACE
from server.mcp.mending import add_next
from server.mcp.tool import Tool, ToolContext
from server.settings import Settings
from tools.errors import AfinaError, Conflict, MachineError, NotFound, from_os_error
from tools.next_call import next_call
from tools.workspace.layout import Workspace, open_workspace

log = logging.getLogger(__name__)

# The order of the tool list: the same for every connection.
TOOLS: tuple[Tool, ...] = (
    PREPARE_DATASET,
    START_FINETUNE,
    TRAINING_STATUS,
    EVALUATE,
    CONTROL_FINETUNE,
    ANNOTATE_DATASET,
    ASK_MODEL,
    LIST_WORKSPACE,
    EXPORT_ADAPTER,
    CHECK_SETUP,
)
_BY_NAME = {tool.name: tool for tool in TOOLS}


def find(name: str) -> Tool:
    """The tool of that name. Raises NotFound with the nearest ones."""
    if name not in _BY_NAME:
        raise NotFound("tool", name, _BY_NAME, field="tool")
    return _BY_NAME[name]


def open_context(settings: Settings) -> ToolContext:
    """The workspace opened and made right after a crash, ready for calls."""
    from tools.workspace.reconcile import reconcile

    ws = open_workspace(settings.workspace)
    reconcile(ws)
    return context_of(ws, settings)


def context_of(ws: Workspace, settings: Settings) -> ToolContext:
    return ToolContext(ws, settings, functools.partial(endpoint.find_or_start, ws, settings))


def call(context: ToolContext, name: str, arguments: dict[str, Any]) -> BaseModel:
    """Run one tool on JSON arguments. All that goes wrong is an AfinaError."""
    tool = find(name)
    with telling_what_to_do(context.ws, tool.name, arguments):
        args = read_arguments(tool.name, tool.arguments, arguments)
        question = question_before(context, tool, args)
        if question is not None and not args.confirm:  # type: ignore[attr-defined]
            raise unconfirmed(tool, arguments, question)
        return tool.handler(context, args)


def question_before(context: ToolContext, tool: Tool, args: BaseModel) -> str | None:
    """What a person is to be asked before this call; None before a call that can be undone."""
    return tool.question(context, args) if tool.question else None


def unconfirmed(tool: Tool, arguments: dict[str, Any], question: str) -> Conflict:
    """The refusal of a call that nobody has agreed to. It has no `next`: the person comes first."""
    call = next_call(tool.name, **{**arguments, "confirm": True})
    return Conflict(
        "This cannot be undone, and nobody has agreed to it: nothing was done.",
        field="confirm",
        fix=f"Ask the person: {question} If so, call {call}",
    )


@contextmanager
def telling_what_to_do(ws: Workspace, tool: str, given: dict[str, Any]) -> Iterator[None]:
    """The boundary of a call: what goes wrong in it is an AfinaError, with the call that would do."""
    try:
        with telling_defects(ws, tool):
            yield
    except AfinaError as error:
        add_next(tool, given, error)
        raise


@contextmanager
def telling_defects(ws: Workspace, tool: str) -> Iterator[None]:
    """The boundary at which what nobody foresaw becomes an error that says where the details are."""
    try:
        yield
    except AfinaError:
        raise
    except OSError as error:
        raise from_os_error(error, error.filename or ws.root, f"do {tool}") from error
    except Exception as error:
        path = ws.logs / "defects.log"
        log.error("%s failed by a defect; the details are in %s", tool, path)
        with contextlib.suppress(OSError), path.open("a", encoding="utf-8") as file:
            file.write(f"{datetime.now().astimezone().isoformat()} {tool}\n{traceback.format_exc()}\n")
        raise MachineError(
            f"{tool} failed by a defect of ours.", fix=f"The details are in {path}; please report them."
        ) from error
