"""Ask models and adapters the same thing and show their answers side by side, over the workspace's endpoint."""

from __future__ import annotations

import contextlib
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from server.mcp.endpoint import Endpoint
from server.mcp.tool import ToolContext
from server.settings import Settings
from tools.errors import AfinaError, DataError, InvalidArgument
from tools.next_call import next_call
from tools.workspace.adapters import read_card
from tools.workspace.layout import ADAPTER_MARKER, Workspace

# The longest silence before a first token: a 7B is loaded from disk meanwhile.
_SILENCE_S = 300.0


class ChatMessage(BaseModel):
    model_config = ConfigDict(extra="forbid")

    role: Literal["system", "user", "assistant"]
    content: str = Field(max_length=200_000)


class AskArgs(BaseModel):
    model_config = ConfigDict(extra="forbid")

    prompt: str | None = Field(None, min_length=1, max_length=200_000, description="One question")
    messages: list[ChatMessage] | None = Field(
        None, min_length=1, max_length=200, description="A conversation, in place of `prompt`"
    )
    models: list[str] | None = Field(
        None,
        min_length=1,
        max_length=8,
        description="Adapters (name, name@version, a run) and bases; default the newest adapter and its base",
    )
    max_tokens: int = Field(256, ge=1, le=8192, description="Of each answer")
    temperature: float = Field(0.0, ge=0, le=2, description="0 always gives the same answer")
    seed: int | None = Field(None, ge=0, lt=2**32, description="Of the draws, when temperature is above 0")
    wait_s: float = Field(45, gt=0, le=600, description="Seconds; an answer that takes longer is cut there")


class Answer(BaseModel):
    model_config = ConfigDict(extra="forbid")

    model: str
    text: str = ""
    finish_reason: str | None = Field(None, description="stop, length, or wait_s when the time was up")
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    seconds: float = Field(0, description="Until the last token, waiting in line and loading included")
    error: str | None = Field(None, description="Why this model has no answer")


class AskResult(BaseModel):
    model_config = ConfigDict(extra="forbid")

    answers: list[Answer] = Field(description="In the order of `models`")
    next: str = Field(description="The call to make next")


def ask_model(context: ToolContext, args: AskArgs) -> AskResult:
    """Ask each model at once; the endpoint batches adapters of one base. Raises the refusal when none answers."""
    messages = _messages(args)
    models = list(dict.fromkeys(args.models)) if args.models else default_models(context.ws, context.settings)
    endpoint = context.ask()
    with ThreadPoolExecutor(max_workers=len(models)) as pool:
        asked = [pool.submit(_ask, endpoint, model, messages, args) for model in models]
    answers: list[Answer] = []
    refusals: list[AfinaError] = []
    for model, future in zip(models, asked, strict=True):
        error = future.exception()
        if isinstance(error, AfinaError):
            refusals.append(error)
            answers.append(Answer(model=model, error=str(error)))
        else:
            answers.append(future.result())
    if len(refusals) == len(models):
        raise refusals[0]
    return AskResult(answers=answers, next=_next(context.ws, models))


def _messages(args: AskArgs) -> list[dict[str, str]]:
    if (args.prompt is None) == (args.messages is None):
        raise InvalidArgument(
            "ask_model takes `prompt` or `messages`, one of them.",
            field="prompt",
            expected="a question as `prompt`, or a conversation as `messages`",
        )
    if args.messages is not None:
        return [message.model_dump() for message in args.messages]
    return [{"role": "user", "content": args.prompt or ""}]


def _ask(endpoint: Endpoint, model: str, messages: list[dict[str, str]], args: AskArgs) -> Answer:
    request: dict[str, Any] = {
        "model": model,
        "messages": messages,
        "max_tokens": args.max_tokens,
        "temperature": args.temperature,
    }
    if args.seed is not None:
        request["seed"] = args.seed
    start = time.monotonic()
    answer = Answer(model=model)
    chunks = endpoint.stream_chat(request, timeout_s=max(1.0, min(args.wait_s, _SILENCE_S)))
    for chunk in chunks:
        answer.model = str(chunk.get("model", model))
        for choice in chunk.get("choices", []):
            answer.text += choice.get("delta", {}).get("content") or ""
            answer.finish_reason = choice.get("finish_reason") or answer.finish_reason
        usage = chunk.get("usage")
        if usage:
            answer.prompt_tokens, answer.completion_tokens = usage["prompt_tokens"], usage["completion_tokens"]
        if answer.finish_reason is None and time.monotonic() - start > args.wait_s:
            answer.finish_reason = "wait_s"
            chunks.close()  # the endpoint stops at the next token
            break
    answer.seconds = round(time.monotonic() - start, 2)
    return answer


def default_models(ws: Workspace, settings: Settings) -> list[str]:
    """The newest adapter after its base; without one, the model that the settings name."""
    newest = _newest_adapter(ws)
    if newest is None:
        return [settings.model or settings.default_model]
    name, base = newest
    return [base, name] if base else [name]


def _newest_adapter(ws: Workspace) -> tuple[str, str | None] | None:
    """Its name, and its base's where that is installed; damaged ones do not count."""
    markers = sorted(ws.adapters.glob(f"[!.]*/[!.]*/{ADAPTER_MARKER}"), key=lambda path: -path.stat().st_mtime_ns)
    for marker in markers:
        with contextlib.suppress(DataError):
            base = read_card(marker.parent).base.name
            return marker.parent.parent.name, base if base in ws.model_names() else None
    return None


def _next(ws: Workspace, models: list[str]) -> str:
    for model in models:
        if model.partition("@")[0] in ws.adapter_names():
            return next_call("evaluate", adapter=model)
    return next_call("list_workspace", kind="adapters")
