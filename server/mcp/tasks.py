"""Long calls as tasks (the extension `io.modelcontextprotocol/tasks`, SEP-2663), for clients that declare it.

A call that has not answered at once becomes a task: the client gets its id, asks with `tasks/get` and may leave
between. It lives in this process for an hour. To cancel it ends the wait: a run, job or evaluation that the call has
started goes on, in a process of its own, until its own tool stops it.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Container, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal

from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.extension import Extension, MethodBinding
from mcp.server.mcpserver.server import require_client_extension
from mcp.shared.exceptions import MCPError
from mcp.types import INTERNAL_ERROR, INVALID_PARAMS, CallToolRequestParams, InputRequiredResult, RequestParams
from pydantic import BaseModel

IDENTIFIER = "io.modelcontextprotocol/tasks"
REVISIONS = frozenset({"2026-07-28"})
# What answers sooner is answered plainly.
AT_ONCE_S = 0.1
KEPT_S, POLL_S = 3600, 1
# Kept at a time; of those that have ended the oldest go first.
MOST_TASKS = 256
HEADER_MISMATCH = -32020

Status = Literal["working", "input_required", "completed", "failed", "cancelled"]
Context = ServerRequestContext[Any, Any]
Fields = dict[str, Any]


class TaskParams(RequestParams):
    task_id: str


class UpdateParams(TaskParams):
    """input_responses: by the keys of the task's `inputRequests`; some of them may come later."""

    input_responses: dict[str, Any]


class Task:
    """A call under way. promoted: the client has been given its id, so that questions wait in it."""

    def __init__(self, params: CallToolRequestParams, ctx: Context, call_next: CallNext) -> None:
        self.id = secrets.token_urlsafe(24)
        self.created = self.updated = time.time()
        self.promoted = False
        self._status: Status = "working"
        self._outcome: Fields = {}
        self._questions: Fields = {}
        self._answers: Fields = {}
        self._answered = asyncio.Event()
        self._params, self._ctx, self._next = params, ctx, call_next
        # A task of its own: it outlives the request that began it.
        self.running = asyncio.get_running_loop().create_task(self._run())

    @property
    def ended(self) -> bool:
        return self._status in ("completed", "failed", "cancelled")

    def told(self) -> Fields:
        """As the wire has it, without its outcome."""
        return {
            "taskId": self.id,
            "status": self._status,
            "createdAt": _iso(self.created),
            "lastUpdatedAt": _iso(self.updated),
            "ttlMs": KEPT_S * 1000,
            "pollIntervalMs": POLL_S * 1000,
        }

    def in_detail(self) -> Fields:
        """With its outcome, or what it asks for."""
        asking = {"inputRequests": self._questions} if self._status == "input_required" else {}
        return {"resultType": "complete", **self.told(), **asking, **self._outcome}

    def answer(self, responses: Mapping[str, Any]) -> None:
        """Take in answers to what was asked; the call goes on when none is missing. Others are left out."""
        for key in self._questions.keys() & responses.keys():
            self._answers[key] = responses[key]
            del self._questions[key]
        if self._status == "input_required" and not self._questions:
            self._answered.set()

    def cancel(self) -> None:
        self.running.cancel()

    async def _run(self) -> HandlerResult:
        try:
            result = await self._next(self._ctx)
            while self.promoted and isinstance(result, InputRequiredResult):
                await self._ask(result)
                result = await self._next(self._ctx)
        except asyncio.CancelledError:
            self._become("cancelled")
            raise
        except MCPError as error:
            self._become("failed", error=_as_fields(error.error))
            raise
        except Exception:
            self._become("failed", error={"code": INTERNAL_ERROR, "message": "The call failed by a defect of ours."})
            raise
        self._become("completed", result=_as_fields(result))
        return result

    async def _ask(self, wanted: InputRequiredResult) -> None:
        """Wait until the client has answered; the call is then made again with the answers, as without tasks."""
        self._questions = _as_fields(wanted).get("inputRequests") or {}
        self._answers = {}
        self._answered.clear()
        if self._questions:
            self._become("input_required")
            await self._answered.wait()
            self._become("working")
        again = {"inputResponses": self._answers, "requestState": wanted.request_state}
        read = CallToolRequestParams.model_validate({**_as_fields(self._params), **again})
        # The handler is called with the parameters that it was bound to.
        self._params.input_responses, self._params.request_state = read.input_responses, read.request_state

    def _become(self, status: Status, **outcome: Any) -> None:
        self._status, self._outcome, self.updated = status, outcome, time.time()


class Tasks(Extension):
    """Tasks for the tools named in `waiting`. required: those that are never answered in any other way."""

    identifier = IDENTIFIER

    def __init__(self, waiting: Container[str], required: Container[str] = ()) -> None:
        self._waiting, self._required = waiting, required
        self._tasks: dict[str, Task] = {}

    def methods(self) -> Sequence[MethodBinding]:
        return [
            MethodBinding("tasks/get", TaskParams, self._get, REVISIONS),
            MethodBinding("tasks/update", UpdateParams, self._update, REVISIONS),
            MethodBinding("tasks/cancel", TaskParams, self._cancel, REVISIONS),
        ]

    async def intercept_tool_call(
        self, params: CallToolRequestParams, ctx: Context, call_next: CallNext
    ) -> HandlerResult:
        """The call's result where it comes at once, else a task."""
        if params.name in self._required:
            require_client_extension(ctx, IDENTIFIER)
        if params.name not in self._waiting or not _declared(ctx):
            return await call_next(ctx)
        task = Task(params, ctx, call_next)
        try:
            await asyncio.wait({task.running}, timeout=AT_ONCE_S)
        except asyncio.CancelledError:
            task.cancel()
            raise
        if task.running.done():
            return await task.running
        self._keep(task)
        return {"resultType": "task", **task.told()}

    def _keep(self, task: Task) -> None:
        task.promoted = True
        task.running.add_done_callback(_heard)
        old = time.time() - KEPT_S
        ended = sorted((t for t in self._tasks.values() if t.ended), key=lambda t: t.updated)
        surplus = len(self._tasks) + 1 - MOST_TASKS
        for place, one in enumerate(ended):
            if one.updated < old or place < surplus:
                del self._tasks[one.id]
        self._tasks[task.id] = task

    async def _get(self, ctx: Context, params: TaskParams) -> HandlerResult:
        return self._find(ctx, params).in_detail()

    async def _update(self, ctx: Context, params: UpdateParams) -> HandlerResult:
        self._find(ctx, params).answer(params.input_responses)
        return {"resultType": "complete"}

    async def _cancel(self, ctx: Context, params: TaskParams) -> HandlerResult:
        task = self._find(ctx, params)
        task.cancel()
        await asyncio.wait({task.running}, timeout=AT_ONCE_S)
        return {"resultType": "complete"}

    def _find(self, ctx: Context, params: TaskParams) -> Task:
        require_client_extension(ctx, IDENTIFIER)
        _check_header(ctx, params.task_id)
        task = self._tasks.get(params.task_id)
        if task is None:
            raise MCPError(
                INVALID_PARAMS,
                "There is no task of that id: tasks are kept for an hour, and not beyond the end of the server. "
                "What they had started goes on: training_status and list_workspace tell of it.",
            )
        return task


def _declared(ctx: Context) -> bool:
    capabilities = ctx.session.client_capabilities
    return bool(capabilities and capabilities.extensions and IDENTIFIER in capabilities.extensions)


def _check_header(ctx: Context, task_id: str) -> None:
    """Over HTTP, requests about a task name it in `Mcp-Name` too, for what routes them on their way."""
    headers = getattr(ctx.request, "headers", None)
    if headers is not None and headers.get("mcp-name", "").strip() != task_id:
        raise MCPError(HEADER_MISMATCH, "The header `Mcp-Name` has to be the task's id.")


def _heard(running: asyncio.Task[HandlerResult]) -> None:
    """How it ended is in the task: asyncio need not complain that nobody awaited it."""
    if not running.cancelled():
        running.exception()


def _as_fields(value: Any) -> Fields:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", by_alias=True, exclude_none=True)
    return dict(value or {})


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
