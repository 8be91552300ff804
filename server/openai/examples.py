"""Requests and answers that the API's description shows. The names are of a workspace after the demo."""

from __future__ import annotations

from typing import Any

_QUESTION = [{"role": "user", "content": "Quem acende o farol?"}]
_SEARCH = {
    "type": "object",
    "properties": {"termos": {"type": "array", "items": {"type": "string"}, "maxItems": 3}},
    "required": ["termos"],
    "additionalProperties": False,
}

CHAT: dict[str, Any] = {
    "question": {"model": "livros", "messages": _QUESTION, "max_completion_tokens": 64, "temperature": 0},
    "stream": {
        "model": "livros",
        "messages": [{"role": "system", "content": "Responde em português."}, *_QUESTION],
        "stream": True,
        "stream_options": {"include_usage": True},
    },
    "side_by_side": {"models": ["smollm2-135m", "livros"], "messages": _QUESTION, "seed": 7},
    "json_of_a_schema": {
        "model": "livros",
        "messages": _QUESTION,
        "response_format": {
            "type": "json_schema",
            "json_schema": {
                "name": "guarda",
                "strict": True,
                "schema": {
                    "type": "object",
                    "properties": {"nome": {"type": "string"}, "idade": {"type": "integer", "minimum": 0}},
                    "required": ["nome", "idade"],
                    "additionalProperties": False,
                },
            },
        },
    },
    "tools": {
        "model": "livros",
        "messages": _QUESTION,
        "tools": [{"type": "function", "function": {"name": "procura", "parameters": _SEARCH, "strict": True}}],
        "tool_choice": "required",
    },
}

COMPLETIONS: dict[str, Any] = {
    "text": {"model": "livros", "prompt": "O farol da ilha", "max_tokens": 32, "stop": ["\n"]},
    "several": {"model": "livros", "prompt": ["O farol", "A menina"], "logprobs": 2},
}

_HEAD = {"created": 1795500000, "model": "livros", "system_fingerprint": "fp_5a2d91c07be34f68_livros@9c0e44d1"}
_USAGE = {
    "prompt_tokens": 17,
    "completion_tokens": 8,
    "total_tokens": 25,
    "prompt_tokens_details": {"cached_tokens": 0},
    "completion_tokens_details": {"reasoning_tokens": 0},
}

CHAT_ANSWER: dict[str, Any] = {
    "id": "chatcmpl-6f1c2a9d3b7e4c5fa0b1d2e3f4a5b6c7",
    "object": "chat.completion",
    **_HEAD,
    "choices": [
        {
            "index": 0,
            "message": {"role": "assistant", "content": "O avô acende-o todas as noites.", "refusal": None},
            "logprobs": None,
            "finish_reason": "stop",
        }
    ],
    "usage": _USAGE,
}

COMPLETION_ANSWER: dict[str, Any] = {
    "id": "cmpl-6f1c2a9d3b7e4c5fa0b1d2e3f4a5b6c7",
    "object": "text_completion",
    **_HEAD,
    "choices": [{"index": 0, "text": " acendia-se todas as noites.", "logprobs": None, "finish_reason": "stop"}],
    "usage": _USAGE,
}

MODEL: dict[str, Any] = {
    "id": "livros",
    "object": "model",
    "created": 1795500000,
    "owned_by": "afina",
    "root": "livros@9c0e44d1",
    "parent": "smollm2-135m",
    "max_model_len": 8192,
    "afina": {
        "form": "chat",
        "chat": "in the base's chat template, as the training rows were",
        "system": "Responde com base nos livros.",
        "stop": [],
        "sampling": {"temperature": 0},
    },
}

HEALTH: dict[str, Any] = {
    "status": "ok",
    "version": "0.1.0",
    "uptime_s": 12.5,
    "engine": {"state": "loaded", "base": "smollm2-135m", "running": 1, "waiting": 0, "restarts": 0},
    "run": None,
    "mcp": "ready",
}


def _error(message: str, param: str | None, code: str, kind: str = "invalid_request_error") -> dict[str, Any]:
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


ERRORS: dict[int, dict[str, Any]] = {
    400: _error("`temperature` must be at most 2.", "temperature", "invalid_value"),
    404: _error("There is no model named `livro`. Did you mean `livros`?", "model", "model_not_found"),
    429: _error("64 requests are waiting already. Call again in a while.", None, "queue_full", "rate_limit_error"),
}
