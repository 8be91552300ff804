"""The routes under /v1, and their description."""

from __future__ import annotations

import asyncio
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from server.engine.models import Target, listed, resolve
from server.openai import chat, completions
from server.openai.answering import answer
from server.openai.body import read_json
from server.openai.chat import ChatShape
from server.openai.completions import CompletionShape
from server.openai.parsing import parse
from server.openai.schemas import ChatRequest, CompletionRequest
from server.openai.together import begin, check_one_base
from server.security import client_of
from server.state import AppState


async def post_chat(request: Request) -> Response:
    state: AppState = request.app.state.afina
    asked = parse(ChatRequest, await read_json(request))
    targets = await asyncio.to_thread(_targets, state, asked)
    asks = [chat.engine_request(asked, target, state.settings.max_tokens) for target in targets]
    client = client_of(request.scope)
    compare = asked.models is not None and asked.logprobs
    return await answer(request, asked, ChatShape(asked), lambda: begin(state.engine, asks, client, compare))


def _targets(state: AppState, asked: ChatRequest) -> list[Target]:
    """What the request asks: one model, or several of one base."""
    if asked.models is None:
        return [resolve(state.ws, state.settings, asked.model)]
    targets = [resolve(state.ws, state.settings, name, f"models[{place}]") for place, name in enumerate(asked.models)]
    check_one_base(targets)
    return targets


async def post_completions(request: Request) -> Response:
    state: AppState = request.app.state.afina
    asked = parse(CompletionRequest, await read_json(request))
    target = await asyncio.to_thread(resolve, state.ws, state.settings, asked.model)
    ask = completions.engine_request(asked, target)
    client = client_of(request.scope)
    return await answer(request, asked, CompletionShape(asked), lambda: begin(state.engine, [ask], client))


async def get_models(request: Request) -> Response:
    state: AppState = request.app.state.afina
    targets = await asyncio.to_thread(listed, state.ws, state.settings)
    return JSONResponse({"object": "list", "data": [_card(target) for target in targets]})


async def get_model(request: Request) -> Response:
    state: AppState = request.app.state.afina
    target = await asyncio.to_thread(resolve, state.ws, state.settings, request.path_params["id"])
    return JSONResponse(_card(target))


async def get_openapi(request: Request) -> Response:
    def describe() -> bytes:
        # The schemas of all answers take longer to make than the rest of the API to import.
        from server.openai.openapi import described

        state: AppState = request.app.state.afina
        return described(request.app.routes, state.keys.asks)

    return Response(await asyncio.to_thread(describe), media_type="application/json")


def _card(target: Target) -> dict[str, Any]:
    """`root` and `parent` as vLLM tells them: the exact version behind the id, and the base beneath it.

    afina: how the model was trained to be asked; a request's own fields go before it.
    """
    adapter = target.adapter
    return {
        "id": target.id,
        "object": "model",
        "created": target.created,
        "owned_by": "afina",
        "root": f"{adapter.name}@{adapter.version}" if adapter else target.base.name,
        "parent": target.base.name if adapter else None,
        "max_model_len": target.base.max_positions,
        "afina": target.serving.told() if target.serving else None,
    }


ROUTES = [
    Route("/v1/models", get_models),
    Route("/v1/models/{id:path}", get_model),
    Route("/v1/chat/completions", post_chat, methods=["POST"]),
    Route("/v1/completions", post_completions, methods=["POST"]),
    Route("/openapi.json", get_openapi),
]
