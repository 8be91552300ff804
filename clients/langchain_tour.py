"""The endpoint through LangChain's client for OpenAI-compatible servers.

pip install langchain-openai
python clients/langchain_tour.py --model smollm2-135m --adapter livros
"""

from __future__ import annotations

import sys
from typing import Any

import openai
import tour
from langchain_core.messages import HumanMessage, ToolMessage
from langchain_openai import ChatOpenAI
from tour import CALLING, GREEDY, QUESTION, RESULT, SCHEMA, WEATHER, Place


def model(place: Place, **given: Any) -> ChatOpenAI:
    settings = {"model": place.model, "api_key": place.key, "max_retries": 0, **GREEDY, **given}
    return ChatOpenAI(base_url=place.base_url, **settings)


def chat(place: Place) -> dict[str, Any]:
    answer = model(place).invoke(QUESTION)
    return {
        "text": answer.content,
        "reason": answer.response_metadata["finish_reason"],
        "usage": dict(answer.usage_metadata or {}),
    }


def stream(place: Place) -> dict[str, Any]:
    chunks = list(model(place, stream_usage=True).stream(QUESTION))
    whole = chunks[0]
    for chunk in chunks[1:]:
        whole += chunk
    return {"text": whole.content, "pieces": len(chunks), "usage": dict(whole.usage_metadata or {})}


def schema(place: Place) -> dict[str, Any]:
    titled = {"title": "place", "description": "A city, and whether it is a capital.", **SCHEMA}
    asked = model(place, max_tokens=64).with_structured_output(titled, method="json_schema", strict=True)
    return {"json": asked.invoke(QUESTION)}


def tools(place: Place) -> dict[str, Any]:
    """A function that must be called; then its result, and an answer in words."""
    question = HumanMessage(QUESTION)
    called = model(place, max_tokens=64).bind(**CALLING).invoke([question])
    call = called.tool_calls[0]
    result = ToolMessage(RESULT, tool_call_id=call["id"])
    after = model(place).bind(tools=[WEATHER], tool_choice="none").invoke([question, called, result])
    return {"name": call["name"], "arguments": call["args"], "after": after.content}


def logprobs(place: Place) -> dict[str, Any]:
    answer = model(place, logprobs=True, top_logprobs=2).invoke(QUESTION)
    told = answer.response_metadata["logprobs"]["content"]
    return {"text": answer.content, "tokens": [one["token"] for one in told], "logprobs": [o["logprob"] for o in told]}


def seed(place: Place) -> dict[str, Any]:
    same, again, other = (model(place, temperature=1, seed=number).invoke(QUESTION).content for number in (7, 7, 8))
    return {"same": same, "again": again, "other": other}


def adapter(place: Place) -> dict[str, Any]:
    if place.adapter is None:
        return {"skipped": "no --adapter was given"}
    tuned = model(place, model=place.adapter).invoke(QUESTION)
    return {"base": model(place).invoke(QUESTION).content, "tuned": tuned.content}


def errors(place: Place) -> dict[str, Any]:
    found = {
        "unknown model": tour.refusal(
            lambda: model(place, model="no-such-model").invoke(QUESTION), openai.NotFoundError
        ),
        "bad parameter": tour.refusal(lambda: model(place, temperature=9).invoke(QUESTION), openai.BadRequestError),
    }
    if place.key != "none":
        found["wrong key"] = tour.refusal(
            lambda: model(place, api_key="not-the-key").invoke(QUESTION), openai.AuthenticationError
        )
    return found


if __name__ == "__main__":
    sys.exit(tour.run("The endpoint through LangChain.", chat, stream, schema, tools, logprobs, seed, adapter, errors))
