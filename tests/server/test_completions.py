from __future__ import annotations

from typing import Any

import openai

from tools.models.tokenizer import Tokenizer
from tools.workspace.layout import Workspace

GO_ON = {"2": -100}


def complete(client: openai.OpenAI, prompt: Any, **how: Any) -> Any:
    given = {"model": "tiny", "max_tokens": 10, "temperature": 0, "logit_bias": GO_ON, **how}
    return client.completions.create(prompt=prompt, **given)


def test_a_prompt_is_gone_on_with(client: openai.OpenAI) -> None:
    answer = complete(client, "O farol da ilha")
    assert answer.object == "text_completion"
    assert answer.choices[0].text
    assert answer.usage.completion_tokens == 10


def test_a_stream_is_the_plain_answer_in_pieces(client: openai.OpenAI) -> None:
    plain = complete(client, "O farol da ilha")
    chunks = list(complete(client, "O farol da ilha", stream=True, stream_options={"include_usage": True}))
    assert "".join(c.choices[0].text for c in chunks if c.choices) == plain.choices[0].text
    assert chunks[-1].usage == plain.usage


def test_token_ids_are_the_text_they_stand_for(client: openai.OpenAI, served_ws: Workspace) -> None:
    ids = Tokenizer.load(served_ws.models / "tiny").encode("O farol da ilha")
    assert complete(client, ids).choices[0].text == complete(client, "O farol da ilha").choices[0].text


def test_several_prompts_give_their_choices_in_order(client: openai.OpenAI) -> None:
    prompts = ["O farol", "mãe", "Nasceu em 3"]
    together = complete(client, prompts, n=2, best_of=2)
    alone = [complete(client, prompt).choices[0].text for prompt in prompts]
    assert [choice.text for choice in together.choices] == [text for text in alone for _ in range(2)]


def test_sixteen_tokens_come_when_no_limit_is_named(client: openai.OpenAI) -> None:
    assert complete(client, "O farol", max_tokens=openai.NOT_GIVEN).usage.completion_tokens == 16


def test_log_probabilities_have_the_older_shape(client: openai.OpenAI) -> None:
    told = complete(client, "O farol", logprobs=2, logit_bias=None).choices[0].logprobs
    assert len(told.tokens) == len(told.token_logprobs) == len(told.text_offset) == 10
    assert told.text_offset == sorted(told.text_offset)
    assert len(told.top_logprobs[0]) == 2
    assert max(told.top_logprobs[0].values()) == told.token_logprobs[0]
