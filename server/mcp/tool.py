"""What a tool is: name, words, arguments, result and handler in one place. Knows nothing of the MCP SDK."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from server.mcp.endpoint import Endpoint
from server.settings import Settings
from tools.workspace import jobs
from tools.workspace.layout import Workspace


@dataclass(frozen=True)
class ToolContext:
    """What handlers work on. `ask` finds the workspace's endpoint, or starts one."""

    ws: Workspace
    settings: Settings
    ask: Callable[[], Endpoint]


@dataclass(frozen=True)
class Progress:
    """How far a wait is: `done` of `total`, in any unit that grows; `total` is None while unknown."""

    done: float
    total: float | None
    message: str


@dataclass(frozen=True)
class Tool:
    """One tool, as an assistant sees it and as a call runs it.

    description: one line, when to use it, an example, related tools. handler: runs on a worker thread
    and raises AfinaError. question: what a person is asked before a call that cannot be undone, None before
    others; the arguments of such a tool have `confirm`. progress: read once a second beside a handler that
    waits. images: PNGs that go with arguments and result. render: the result as text, for hosts that read no
    structured content.
    """

    name: str
    title: str
    description: str
    arguments: type[BaseModel]
    result: type[BaseModel]
    handler: Callable[[ToolContext, Any], BaseModel]
    read_only: bool = False
    destructive: bool = False
    idempotent: bool = False
    question: Callable[[ToolContext, Any], str | None] | None = None
    progress: Callable[[ToolContext, Any], Progress | None] | None = None
    images: Callable[[Any, Any], list[bytes]] | None = None
    render: Callable[[Any], str] | None = None


def newest_job(context: ToolContext, kind: str, job: str | None) -> Progress | None:
    """How far `job` is, or the newest of its kind: the one that a call has just started."""
    found = next((listed for listed in jobs.listed(context.ws, kind) if job in (None, listed.job)), None)
    if found is None or found.state in jobs.ENDED or not found.progress:
        return None
    return Progress(found.progress["done"], found.progress["total"], found.progress["message"])
