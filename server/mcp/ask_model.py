"""Ask models and adapters the same thing and show their answers side by side, over the workspace's endpoint."""

from __future__ import annotations

import contextlib
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from server.engine.models import resolve
from server.mcp.endpoint import Endpoint
from server.mcp.mending import add_next
from server.mcp.tool import ToolContext
from server.settings import Settings
from tools.errors import AfinaError, DataError, InvalidArgument, NotFound, RequestError
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
    mean_logprob: dict[str, float] | None = Field(
        None, description="By model: natural log-probability of a token of this text, in the mean"
    )
    error: str | None = Field(None, description="Why this model has no answer")


class AskResult(BaseModel):
    model_config = ConfigDict(extra="forbid")

    answers: list[Answer] = Field(description="In the order of `models`")
    next: str = Field(description="The call to make next")


def ask_model(context: ToolContext, args: AskArgs) -> AskResult:
    """Ask each model at once; those of one base score one another's answers. Raises the refusal when none answers."""
    messages = _messages(args)
    models = list(dict.fromkeys(args.models)) if args.models else default_models(context.ws, context.settings)
    endpoint = context.ask()
    answers = _ask_together(context, endpoint, models, messages, args)
    if answers is not None:
        return AskResult(answers=answers, next=_next(context.ws, models))
    answers, refusal = _ask_each(context, endpoint, models, messages, args)
    return AskResult(answers=answers, next=(refusal and refusal.next) or _next(context.ws, models))


def _ask_each(
    context: ToolContext, endpoint: Endpoint, models: list[str], messages: list[dict[str, str]], args: AskArgs
) -> tuple[list[Answer], AfinaError | None]:
    """Each model's answer, or why it has none; and the first refusal, with the call that would do."""
    with ThreadPoolExecutor(max_workers=len(models)) as pool:
        asked = [pool.submit(_ask, context, endpoint, model, messages, args) for model in models]
    answers: list[Answer] = []
    refusals: list[AfinaError] = []
    for model, future in zip(models, asked, strict=True):
        error = future.exception()
        if isinstance(error, AfinaError):
            refusals.append(error)
            answers.append(Answer(model=model, error=str(error)))
        else:
            answers.append(future.result())
    for refusal in refusals:
        if refusal.field == "max_tokens" and args.max_tokens > 1:
            refusal.details["instead"] = {"max_tokens": args.max_tokens // 2}
        add_next("ask_model", args.model_dump(exclude_unset=True), refusal)
    if len(refusals) == len(models):
        raise refusals[0]
    return answers, next(iter(refusals), None)


def _ask_together(
    context: ToolContext, endpoint: Endpoint, models: list[str], messages: list[dict[str, str]], args: AskArgs
) -> list[Answer] | None:
    """The answers of models of one base, with their scores; None where they have several bases, or one is refused."""
    try:
        bases = {resolve(context.ws, context.settings, model).base.fingerprint for model in models}
        if len(models) < 2 or len(bases) > 1:
            return None
        answers = [Answer(model=model) for model in models]
        _listen(endpoint, {**_request(messages, args), "models": models, "logprobs": True}, answers, args.wait_s)
    except RequestError:
        return None  # each is asked alone, and says itself what is wrong
    return answers


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


def _request(messages: list[dict[str, str]], args: AskArgs) -> dict[str, Any]:
    request = {"messages": messages, "max_tokens": args.max_tokens, "temperature": args.temperature}
    return request if args.seed is None else {**request, "seed": args.seed}


def _ask(context: ToolContext, endpoint: Endpoint, model: str, messages: list[dict[str, str]], args: AskArgs) -> Answer:
    answer = Answer(model=model)
    try:
        _listen(endpoint, {**_request(messages, args), "model": model}, [answer], args.wait_s)
    except NotFound:
        resolve(context.ws, context.settings, model, field="models")  # knows the nearest names, not only their text
        raise
    return answer


def _listen(endpoint: Endpoint, request: dict[str, Any], answers: list[Answer], wait_s: float) -> None:
    """Stream the choices of a request into `answers`, and cut those that are not over after `wait_s`."""
    start = time.monotonic()
    chunks = endpoint.stream_chat(request, timeout_s=max(1.0, min(wait_s, _SILENCE_S)))
    for chunk in chunks:
        for choice in chunk.get("choices", []):
            _take(answers[choice["index"]], choice, time.monotonic() - start)
        if len(answers) == 1:
            _take_usage(answers[0], chunk)
        if time.monotonic() - start > wait_s and any(answer.finish_reason is None for answer in answers):
            chunks.close()  # the endpoint stops at the next token
            break
    for answer in answers:
        if answer.finish_reason is None:
            answer.finish_reason, answer.seconds = "wait_s", round(time.monotonic() - start, 2)


def _take(answer: Answer, choice: dict[str, Any], seconds: float) -> None:
    answer.text += choice.get("delta", {}).get("content") or ""
    if choice.get("finish_reason"):
        answer.finish_reason, answer.seconds = choice["finish_reason"], round(seconds, 2)
    if choice.get("scores"):
        answer.mean_logprob = {
            score["model"]: round(score["logprob"] / max(1, score["tokens"]), 3) for score in choice["scores"]
        }
    _take_usage(answer, choice)


def _take_usage(answer: Answer, told: dict[str, Any]) -> None:
    usage = told.get("usage")
    if usage:
        answer.prompt_tokens, answer.completion_tokens = usage["prompt_tokens"], usage["completion_tokens"]


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
