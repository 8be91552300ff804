"""The endpoint through LiteLLM, which names it by the prefix `openai/`.

pip install litellm
python clients/litellm_tour.py --model smollm2-135m --adapter livros
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

# Its list of prices is fetched at import otherwise.
os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")

import litellm
import tour
from tour import CALLING, GREEDY, MESSAGES, RESULT, SCHEMA, WEATHER, Place

litellm.suppress_debug_info = True


def ask(place: Place, **given: Any) -> Any:
    model = given.pop("model", place.model)
    settings = {"api_base": place.base_url, "api_key": place.key, "max_retries": 0, "messages": MESSAGES, **given}
    return litellm.completion(model=f"openai/{model}", **settings)


def models(place: Place) -> dict[str, Any]:
    found = litellm.get_valid_models(
        check_provider_endpoint=True,
        custom_llm_provider="openai",
        api_base=place.base_url.removesuffix("/v1"),
        api_key=place.key,
    )
    return {"ids": [name.removeprefix("openai/") for name in found]}


def chat(place: Place) -> dict[str, Any]:
    answer = ask(place, **GREEDY)
    choice = answer.choices[0]
    return {"text": choice.message.content, "reason": choice.finish_reason, "usage": answer.usage.model_dump()}


def stream(place: Place) -> dict[str, Any]:
    chunks = list(ask(place, **GREEDY, stream=True, stream_options={"include_usage": True}))
    pieces = [choice.delta.content or "" for chunk in chunks for choice in chunk.choices]
    usage = next(chunk.usage for chunk in chunks if getattr(chunk, "usage", None))
    return {"text": "".join(pieces), "pieces": len(pieces), "usage": usage.model_dump()}


def schema(place: Place) -> dict[str, Any]:
    wanted = {"type": "json_schema", "json_schema": {"name": "place", "schema": SCHEMA, "strict": True}}
    answer = ask(place, temperature=0, max_tokens=64, response_format=wanted)
    return {"json": json.loads(answer.choices[0].message.content)}


def tools(place: Place) -> dict[str, Any]:
    """A function that must be called; then its result, and an answer in words."""
    called = ask(place, temperature=0, max_tokens=64, **CALLING).choices[0].message
    call = called.tool_calls[0]
    result = {"role": "tool", "tool_call_id": call.id, "content": RESULT}
    after = ask(place, messages=[*MESSAGES, called, result], tools=[WEATHER], tool_choice="none", **GREEDY)
    return {
        "name": call.function.name,
        "arguments": json.loads(call.function.arguments),
        "after": after.choices[0].message.content,
    }


def logprobs(place: Place) -> dict[str, Any]:
    answer = ask(place, **GREEDY, logprobs=True, top_logprobs=2)
    told = answer.choices[0].logprobs.content
    return {
        "text": answer.choices[0].message.content,
        "tokens": [one.token for one in told],
        "logprobs": [one.logprob for one in told],
    }


def seed(place: Place) -> dict[str, Any]:
    given = {"temperature": 1, "max_tokens": 16}
    same, again, other = (ask(place, **given, seed=number).choices[0].message.content for number in (7, 7, 8))
    return {"same": same, "again": again, "other": other}


def adapter(place: Place) -> dict[str, Any]:
    if place.adapter is None:
        return {"skipped": "no --adapter was given"}
    base, tuned = (ask(place, **GREEDY, model=name) for name in (place.model, place.adapter))
    return {"base": base.choices[0].message.content, "tuned": tuned.choices[0].message.content}


def errors(place: Place) -> dict[str, Any]:
    found = {
        "unknown model": tour.refusal(lambda: ask(place, **GREEDY, model="no-such-model"), litellm.NotFoundError),
        "bad parameter": tour.refusal(lambda: ask(place, temperature=9), litellm.BadRequestError),
    }
    if place.key != "none":
        found["wrong key"] = tour.refusal(
            lambda: ask(place, **GREEDY, api_key="not-the-key"), litellm.AuthenticationError
        )
    return found


if __name__ == "__main__":
    sys.exit(
        tour.run("The endpoint through LiteLLM.", models, chat, stream, schema, tools, logprobs, seed, adapter, errors)
    )
