"""What a request leaves open, as the model was trained: system prompt, stops, sampling."""

from __future__ import annotations

from typing import Any, TypeVar

from server.openai.messages import ChatMessage
from server.openai.schemas import ChatRequest, Common
from tools.models.serving import Serving

Asked = TypeVar("Asked", bound=Common)


def as_trained(asked: Asked, serving: Serving | None) -> Asked:
    """The request with the model's defaults for the fields that it does not give.

    A system message of its own, sampling fields it gives, and `stop: []` stand against the model's;
    stops that it names are added to them.
    """
    if serving is None:
        return asked
    defaults = serving.sampling.model_dump(exclude_none=True)
    update: dict[str, Any] = {name: value for name, value in defaults.items() if name not in asked.model_fields_set}
    own = asked.stops()
    if own or "stop" not in asked.model_fields_set:
        update["stop"] = [*own, *(stop for stop in serving.stop if stop not in own)]
    if isinstance(asked, ChatRequest) and serving.system is not None and not _has_system(asked):
        update["messages"] = [ChatMessage(role="system", content=serving.system), *asked.messages]
    return asked.model_copy(update=update)


def _has_system(asked: ChatRequest) -> bool:
    return any(message.role in ("system", "developer") for message in asked.messages)
