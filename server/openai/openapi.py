"""What GET /openapi.json answers: the API in OpenAPI 3.1, made from the routes, their bodies and their answers."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, models_json_schema
from starlette.routing import BaseRoute, Route

from server import __version__
from server.openai import examples, objects, parameters
from server.openai.messages import ChatMessage
from server.openai.response_format import ResponseFormat
from server.openai.schemas import ChatRequest, Common, CompletionRequest

_SCHEMAS = "#/components/schemas/"
_NULL = {"type": "null"}
_DONE = {"const": "[DONE]"}
_JSON, _EVENTS = "application/json", "text/event-stream"

# What every route may answer, then what those that generate may; all in the shape of ErrorAnswer.
_ANYWHERE = {
    401: "A key is needed, or is not known",
    403: "The page that calls is of an origin that is not allowed",
    421: "The request bears a host name that is not this server's",
    429: "Too many requests of this client are being answered",
    431: "The headers are too many or too large",
    500: "A defect of the server, or the engine's process died; it is started anew",
}
_OF_A_MODEL = {
    404: "There is no such model, or the server is pinned to another base",
    422: "The model cannot be served: its base is gone or differs, or it is damaged",
}
_GENERATING = {
    400: "The request is wrong: `param` names the field",
    **_OF_A_MODEL,
    408: "The body came too slowly",
    413: "The body is larger than is taken",
    415: "The body is not sent as JSON",
    429: "Too many requests wait already, or of this client are being answered",
    503: "Not now: a training run has the memory, or the server is going down",
    504: "The answer took longer than a request may",
}
_HEADERS: dict[int, dict[str, Any]] = {
    401: {"WWW-Authenticate": {"schema": {"type": "string"}, "required": True}},
    429: {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds", "required": True}},
    503: {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds"}},
}


_REQUEST_ID = {
    "x-request-id": {
        "schema": {"type": "string", "maxLength": 64},
        "description": "As the log has it: the request's own where it is at most 64 plain characters",
    }
}


@dataclass(frozen=True)
class Operation:
    """What one method of one route takes and gives. answers: by status, the schema of JSON, or a text's media type."""

    id: str
    summary: str
    answers: dict[int, tuple[str, type[BaseModel] | str]]
    body: type[Common] | None = None
    events: type[BaseModel] | None = None
    errors: dict[int, str] | None = None
    open: bool = False
    example: Any = None
    body_examples: dict[str, Any] | None = None


OPERATIONS: dict[tuple[str, str], Operation] = {
    ("POST", "/v1/chat/completions"): Operation(
        "createChatCompletion",
        "Answer a conversation",
        {200: ("The answers", objects.ChatCompletion)},
        body=ChatRequest,
        events=objects.ChatCompletionChunk,
        errors=_GENERATING,
        example=examples.CHAT_ANSWER,
        body_examples=examples.CHAT,
    ),
    ("POST", "/v1/completions"): Operation(
        "createCompletion",
        "Go on with a text",
        {200: ("The texts that follow", objects.Completion)},
        body=CompletionRequest,
        events=objects.CompletionChunk,
        errors=_GENERATING,
        example=examples.COMPLETION_ANSWER,
        body_examples=examples.COMPLETIONS,
    ),
    ("GET", "/v1/models"): Operation(
        "listModels",
        "Bases and adapters that can be asked",
        {200: ("All of them, bases first", objects.ModelList)},
        example={"object": "list", "data": [examples.MODEL]},
    ),
    ("GET", "/v1/models/{id}"): Operation(
        "retrieveModel",
        "One base or adapter",
        {200: ("The model", objects.Model)},
        errors=_OF_A_MODEL,
        example=examples.MODEL,
    ),
    ("GET", "/health"): Operation(
        "health", "Whether the server lives", {200: ("It does", objects.Health)}, open=True, example=examples.HEALTH
    ),
    ("GET", "/ready"): Operation(
        "ready",
        "Whether requests are answered without waiting for the model named in the settings",
        {200: ("They are", objects.Readiness), 503: ("Not yet", objects.Unreadiness)},
        open=True,
        example={"status": "ready"},
    ),
    ("GET", "/metrics"): Operation(
        "metrics", "Measurements for Prometheus", {200: ("In its text format", "text/plain")}
    ),
    ("GET", "/openapi.json"): Operation("describe", "This description", {200: ("OpenAPI 3.1", _JSON)}),
}


def described(routes: Iterable[BaseRoute], keys: bool) -> bytes:
    """The JSON of the routes' description, made once."""
    return _written(served(routes), keys)


def served(routes: Iterable[BaseRoute]) -> tuple[tuple[str, str], ...]:
    """Method and path of each route, the path as OpenAPI writes it."""
    found = [route for route in routes if isinstance(route, Route)]
    return tuple(
        (method, route.path.replace(":path}", "}")) for route in found for method in sorted(route.methods or ())
    )


def document(routes: Iterable[tuple[str, str]], keys: bool) -> dict[str, Any]:
    """The description of those of the `served` routes that have an `Operation`. keys: whether they ask for one."""
    paths: dict[str, dict[str, Any]] = {}
    for method, path in routes:
        operation = OPERATIONS.get((method, path))
        if operation is not None:
            paths.setdefault(path, {})[method.lower()] = _operation(operation, path, keys)
    components: dict[str, Any] = {"schemas": _schemas()}
    if keys:
        components["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Afina",
            "version": __version__,
            "description": "Language models and their adapters on this machine, the way OpenAI's clients expect. "
            "What is asked for and not supported is refused with a 400 that names it.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": components,
    }


@lru_cache(maxsize=1)
def _written(routes: tuple[tuple[str, str], ...], keys: bool) -> bytes:
    return json.dumps(document(routes, keys), ensure_ascii=False).encode()


def _operation(operation: Operation, path: str, keys: bool) -> dict[str, Any]:
    told: dict[str, Any] = {"operationId": operation.id, "summary": operation.summary}
    if keys and not operation.open:
        told["security"] = [{"key": []}]
    if "{id}" in path:
        told["parameters"] = [
            {
                "name": "id",
                "in": "path",
                "required": True,
                "description": "A base, an adapter's `name` or `name@version`, or a run",
                "schema": {"type": "string", "minLength": 1},
                "example": examples.MODEL["id"],
            }
        ]
    if operation.body is not None:
        content: dict[str, Any] = {"schema": _ref(operation.body)}
        content["examples"] = {name: {"value": value} for name, value in (operation.body_examples or {}).items()}
        told["requestBody"] = {"required": True, "content": {_JSON: content}}
    errors = {**_ANYWHERE, **(operation.errors or {})}
    if operation.open or not keys:
        del errors[401]
    if operation.open:
        del errors[429]
    told["responses"] = {str(status): _error(status, text) for status, text in errors.items()}
    told["responses"] |= {
        str(status): {"description": text, "content": _content(operation, status, shape)}
        for status, (text, shape) in operation.answers.items()
    }
    for response in told["responses"].values():
        response["headers"] = {**response.get("headers", {}), **_REQUEST_ID}
    return told


def _content(operation: Operation, status: int, shape: type[BaseModel] | str) -> dict[str, Any]:
    if isinstance(shape, str):
        return {shape: {"schema": {"type": "object"} if shape == _JSON else {"type": "string"}}}
    content: dict[str, Any] = {_JSON: {"schema": _ref(shape)}}
    if status == 200 and operation.example is not None:
        content[_JSON]["example"] = operation.example
    if operation.events is not None:
        content[_EVENTS] = {"schema": _event(operation.events)}
    return content


def _event(chunk: type[BaseModel]) -> dict[str, Any]:
    """The schema of each event of a stream, as OpenAPI before 3.2 tells it."""

    def of(kind: str, data: dict[str, Any]) -> dict[str, Any]:
        return {"properties": {"event": {"const": kind}, "data": {"type": "string", **data}}}

    def json_of(model: type[BaseModel]) -> dict[str, Any]:
        return {"contentMediaType": _JSON, "contentSchema": _ref(model)}

    return {
        "description": "With `stream`. Comments come while nothing else does.",
        "type": "object",
        "required": ["event", "data"],
        "anyOf": [of("message", json_of(chunk)), of("error", json_of(objects.ErrorAnswer)), of("message", _DONE)],
    }


def _error(status: int, text: str) -> dict[str, Any]:
    told: dict[str, Any] = {"description": text, "content": {_JSON: {"schema": _ref(objects.ErrorAnswer)}}}
    if status in examples.ERRORS:
        told["content"][_JSON]["example"] = examples.ERRORS[status]
    if status in _HEADERS:
        told["headers"] = _HEADERS[status]
    return told


def _ref(model: type[BaseModel]) -> dict[str, str]:
    return {"$ref": _SCHEMAS + model.__name__}


# Schemas -------------------------------------------------------------------------------------------


def _schemas() -> dict[str, Any]:
    requests = [operation.body for operation in OPERATIONS.values() if operation.body is not None]
    answers: list[type[BaseModel]] = [objects.ErrorAnswer]
    for operation in OPERATIONS.values():
        answers += [shape for _, shape in operation.answers.values() if not isinstance(shape, str)]
        answers += [operation.events] if operation.events else []
    taken = _defined(requests, "validation")
    for request in requests:
        _let_absent(taken[request.__name__], request.unsupported)
        taken[request.__name__]["allOf"] = request.rules()
    _let_absent(taken[ChatMessage.__name__], parameters.MESSAGE)
    for part in (ChatMessage, ResponseFormat):
        taken[part.__name__] |= part.rules()
    return {**_defined(answers, "serialization"), **taken}


def _defined(models: Sequence[type[BaseModel]], mode: Any) -> dict[str, Any]:
    _, found = models_json_schema(
        [(model, mode) for model in models], ref_template=_SCHEMAS + "{model}", schema_generator=_Plain
    )
    defined: dict[str, Any] = found["$defs"]
    return defined


def _let_absent(schema: dict[str, Any], unsupported: parameters.Neutral) -> None:
    """Null is the same as absent, and what is not supported may be given as long as it asks for nothing."""
    for name, field in schema["properties"].items():
        if name not in schema.get("required", ()) and _NULL not in field.get("anyOf", ()):
            outer = {key: field.pop(key) for key in ("default", "description") if key in field}
            schema["properties"][name] = {"anyOf": [*field.get("anyOf", [field]), _NULL], **outer}
    schema["properties"] |= parameters.described(unsupported)


class _Plain(GenerateJsonSchema):
    """Without the titles that pydantic makes of the fields' names."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        del schema
        return False
