"""Everything an app may want of the endpoint, through OpenAI's Python client.

pip install openai
python clients/openai_tour.py --model smollm2-135m --adapter livros
"""

from __future__ import annotations

import functools
import json
import sys
from collections.abc import Callable
from typing import Any, Literal

import openai
import tour
from openai import OpenAI
from pydantic import BaseModel
from tour import BEGINNING, CALLING, GREEDY, MESSAGES, RESULT, SCHEMA, WEATHER, Place

Create = Callable[..., Any]


@functools.cache
def connected(place: Place) -> OpenAI:
    return OpenAI(base_url=place.base_url, api_key=place.key, max_retries=0)


def create(place: Place) -> Create:
    """Chat with the place's model."""
    return functools.partial(connected(place).chat.completions.create, model=place.model, messages=MESSAGES)


def models(place: Place) -> dict[str, Any]:
    client = connected(place)
    return {"ids": [model.id for model in client.models.list()], "one": client.models.retrieve(place.model).id}


def chat(place: Place) -> dict[str, Any]:
    answer = create(place)(**GREEDY)
    choice = answer.choices[0]
    return {"text": choice.message.content, "reason": choice.finish_reason, "usage": answer.usage.model_dump()}


def stream(place: Place) -> dict[str, Any]:
    chunks = list(create(place)(**GREEDY, stream=True, stream_options={"include_usage": True}))
    pieces = [choice.delta.content or "" for chunk in chunks for choice in chunk.choices]
    reasons = [choice.finish_reason for chunk in chunks for choice in chunk.choices if choice.finish_reason]
    usage = next(chunk.usage for chunk in chunks if chunk.usage)
    return {"text": "".join(pieces), "pieces": len(pieces), "reasons": reasons, "usage": usage.model_dump()}


def schema(place: Place) -> dict[str, Any]:
    """By a JSON schema, and by a class that the client turns into one."""

    class Place_(BaseModel):
        city: Literal["Lisboa", "Porto", "Faro"]
        capital: bool

    wanted = {"type": "json_schema", "json_schema": {"name": "place", "schema": SCHEMA, "strict": True}}
    answer = create(place)(temperature=0, max_tokens=64, response_format=wanted)
    parsed = connected(place).chat.completions.parse(
        model=place.model, messages=MESSAGES, temperature=0, max_tokens=64, response_format=Place_
    )
    message = parsed.choices[0].message
    return {"json": json.loads(answer.choices[0].message.content), "parsed": message.parsed.model_dump()}


def tools(place: Place) -> dict[str, Any]:
    """A function that must be called; then its result, and an answer in words."""
    ask = create(place)
    called = ask(temperature=0, max_tokens=64, **CALLING).choices[0]
    call = called.message.tool_calls[0]
    result = {"role": "tool", "tool_call_id": call.id, "content": RESULT}
    after = ask(messages=[*MESSAGES, called.message, result], tools=[WEATHER], tool_choice="none", **GREEDY)
    return {
        "name": call.function.name,
        "arguments": json.loads(call.function.arguments),
        "reason": called.finish_reason,
        "after": after.choices[0].message.content,
    }


def logprobs(place: Place) -> dict[str, Any]:
    answer = create(place)(**GREEDY, logprobs=True, top_logprobs=3)
    told = answer.choices[0].logprobs.content
    return {
        "text": answer.choices[0].message.content,
        "tokens": [one.token for one in told],
        "logprobs": [one.logprob for one in told],
        "alternatives": [len(one.top_logprobs) for one in told],
        "completion_tokens": answer.usage.completion_tokens,
    }


def seed(place: Place) -> dict[str, Any]:
    """Two answers by one seed, and one by another."""
    given = {"temperature": 1, "max_tokens": 16}
    same, again, other = (create(place)(**given, seed=number) for number in (7, 7, 8))
    return {
        "same": same.choices[0].message.content,
        "again": again.choices[0].message.content,
        "other": other.choices[0].message.content,
    }


def adapter(place: Place) -> dict[str, Any]:
    """The base's answer and the adapter's, who is asked by name."""
    if place.adapter is None:
        return {"skipped": "no --adapter was given"}
    base = create(place)(**GREEDY)
    tuned = create(place)(**GREEDY, model=place.adapter)
    return {"model": tuned.model, "base": base.choices[0].message.content, "tuned": tuned.choices[0].message.content}


def completions(place: Place) -> dict[str, Any]:
    answer = connected(place).completions.create(model=place.model, prompt=BEGINNING, temperature=0, max_tokens=8)
    return {"text": answer.choices[0].text, "reason": answer.choices[0].finish_reason}


def errors(place: Place) -> dict[str, Any]:
    ask = create(place)
    stranger = OpenAI(base_url=place.base_url, api_key="not-the-key", max_retries=0)
    found = {
        "unknown model": tour.refusal(lambda: ask(**GREEDY, model="no-such-model"), openai.NotFoundError),
        "bad parameter": tour.refusal(lambda: ask(temperature=9), openai.BadRequestError),
    }
    if place.key != "none":
        found["wrong key"] = tour.refusal(lambda: stranger.models.list(), openai.AuthenticationError)
    return found


if __name__ == "__main__":
    sys.exit(
        tour.run(
            "The endpoint through OpenAI's Python client.",
            models,
            chat,
            stream,
            schema,
            tools,
            logprobs,
            seed,
            adapter,
            completions,
            errors,
        )
    )
