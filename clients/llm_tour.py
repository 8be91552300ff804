"""The endpoint through `llm`, whose models of other servers are named in `extra-openai-models.yaml`.

    pip install llm
    python clients/llm_tour.py --model smollm2-135m --adapter livros

It writes such a file into a folder of its own; yours is as `clients/extra-openai-models.yaml` shows.
"""

from __future__ import annotations

import functools
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import llm
import openai
import tour
import yaml
from tour import BEGINNING, CITY, GREEDY, QUESTION, SCHEMA, Place


@functools.cache
def configured(place: Place) -> None:
    """Have `llm` know the place's models before it looks for any."""
    names = [place.model, place.adapter, "no-such-model"]
    entries = [
        {
            "model_id": name,
            "model_name": name,
            "api_base": place.base_url,
            "api_key_name": "afina",
            "supports_schema": True,
            "supports_tools": True,
        }
        for name in names
        if name
    ]
    entries.append({**entries[0], "model_id": "text", "completion": True})
    folder = Path(tempfile.mkdtemp(prefix="llm-"))
    (folder / "extra-openai-models.yaml").write_text(yaml.safe_dump(entries), encoding="utf-8")
    os.environ["LLM_USER_PATH"] = str(folder)


def ask(place: Place, model: str | None = None, key: str | None = None, prompt: str = QUESTION, **given: Any) -> Any:
    configured(place)
    return llm.get_model(model or place.model).prompt(prompt, key=key or place.key, **given)


def models(place: Place) -> dict[str, Any]:
    configured(place)
    return {"ids": [model.model_id for model in llm.get_models()]}


def chat(place: Place) -> dict[str, Any]:
    answer = ask(place, stream=False, **GREEDY)
    return {"text": answer.text(), "usage": {"input": answer.usage().input, "output": answer.usage().output}}


def stream(place: Place) -> dict[str, Any]:
    answer = ask(place, **GREEDY)
    pieces = list(answer)
    usage = answer.usage()
    return {"text": "".join(pieces), "pieces": len(pieces), "usage": {"input": usage.input, "output": usage.output}}


def schema(place: Place) -> dict[str, Any]:
    return {"json": json.loads(ask(place, schema=SCHEMA, stream=False, temperature=0, max_tokens=64).text())}


def tools(place: Place) -> dict[str, Any]:
    """`llm` leaves it to the model whether to call: what is seen is that the offer is taken."""
    weather = llm.Tool(
        name="weather",
        description="Tells the weather in a city.",
        input_schema={"type": "object", "properties": {"city": CITY}, "required": ["city"]},
        implementation=lambda city: f"Sunny in {city}.",
    )
    answer = ask(place, tools=[weather], stream=False, **GREEDY)
    text = answer.text()
    return {"text": text, "calls": [call.name for call in answer.tool_calls()]}


def logprobs(place: Place) -> dict[str, Any]:
    """Of its models only those of the older endpoint, for completions, tell them."""
    answer = ask(place, "text", prompt=BEGINNING, stream=False, logprobs=2, **GREEDY)
    told = (answer.text(), answer.json())[1]["choices"][0]["logprobs"]
    return {"text": answer.text(), "tokens": told["tokens"], "logprobs": told["token_logprobs"]}


def seed(place: Place) -> dict[str, Any]:
    given = {"temperature": 1, "max_tokens": 16, "stream": False}
    same, again, other = (ask(place, **given, seed=number).text() for number in (7, 7, 8))
    return {"same": same, "again": again, "other": other}


def adapter(place: Place) -> dict[str, Any]:
    if place.adapter is None:
        return {"skipped": "no --adapter was given"}
    base, tuned = (ask(place, name, stream=False, **GREEDY).text() for name in (place.model, place.adapter))
    return {"base": base, "tuned": tuned}


def errors(place: Place) -> dict[str, Any]:
    found = {
        "unknown model": tour.refusal(
            lambda: ask(place, "no-such-model", stream=False).text(), openai.NotFoundError, llm.ModelError
        ),
        "bad parameter": tour.refusal(
            lambda: ask(place, stream=False, max_tokens=0).text(), openai.BadRequestError, llm.ModelError
        ),
    }
    if place.key != "none":
        found["wrong key"] = tour.refusal(
            lambda: ask(place, key="not-the-key", stream=False).text(), openai.AuthenticationError, llm.ModelError
        )
    return found


if __name__ == "__main__":
    sys.exit(
        tour.run("The endpoint through llm.", models, chat, stream, schema, tools, logprobs, seed, adapter, errors)
    )
