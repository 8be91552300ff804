from __future__ import annotations

from typing import Any

import mlx.core as mx
import openai
import pytest

from tools.compute.loading import load_base
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
    same = {"prompt_tokens", "completion_tokens", "total_tokens"}
    assert chunks[-1].usage.model_dump(include=same) == plain.usage.model_dump(include=same)


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


def direct(ws: Workspace, ids: list[int]) -> list[float]:
    """The natural log-probability of each token but the first, from the model itself."""
    logits = load_base(ws.models / "tiny").model(mx.array([ids]))[0, :-1]
    scores = logits - mx.logsumexp(logits, axis=-1, keepdims=True)
    return scores[mx.arange(len(ids) - 1), mx.array(ids[1:])].tolist()


def test_the_prompt_is_repeated_before_the_answer(client: openai.OpenAI) -> None:
    prompts = ["O farol da ilha ", "mãe\n"]
    plain = complete(client, prompts, n=2, best_of=2)
    echoed = complete(client, prompts, n=2, best_of=2, echo=True)
    assert [one.text for one in echoed.choices] == [prompts[at // 2] + one.text for at, one in enumerate(plain.choices)]
    assert echoed.usage.completion_tokens == plain.usage.completion_tokens


def test_a_prompt_is_scored_as_the_harness_asks_for_it(client: openai.OpenAI, served_ws: Workspace) -> None:
    tokenizer = Tokenizer.load(served_ws.models / "tiny")
    text = "O farol da ilha: coração 🜂 de mãe, 1950."
    ids = tokenizer.encode(text)
    for max_tokens in (0, 1):
        answer = complete(client, [ids, ids[:5]], echo=True, logprobs=1, max_tokens=max_tokens, logit_bias=None)
        told = answer.choices[0].logprobs
        assert len(told.tokens) == len(ids) + max_tokens
        assert told.token_logprobs[0] is None
        assert told.top_logprobs[0] is None
        assert told.token_logprobs[1 : len(ids)] == pytest.approx(direct(served_ws, ids), abs=1e-4)
        for own, top in zip(told.token_logprobs[1:], told.top_logprobs[1:], strict=True):
            assert 1 <= len(top) <= 2
            assert own <= max(top.values())
        assert answer.choices[0].text.startswith(text)
        assert len(answer.choices[1].logprobs.tokens) == 5 + max_tokens
        assert answer.usage.completion_tokens == 2 * max_tokens
        assert {one.finish_reason for one in answer.choices} == {"length"}


def test_an_end_of_text_behind_an_echo_is_scored_for_the_harness_drops_the_last(client: openai.OpenAI) -> None:
    answer = complete(client, "O farol", echo=True, logprobs=1, max_tokens=1, logit_bias={"2": 100})
    choice = answer.choices[0]
    assert (choice.text, choice.finish_reason) == ("O farol", "stop")
    assert choice.logprobs.tokens[-1] == "<|im_end|>"
    assert len(choice.logprobs.token_logprobs) == answer.usage.prompt_tokens + 1


def test_offsets_are_where_tokens_start_in_the_text(client: openai.OpenAI) -> None:
    text = "mãe: coração 🜂 de mãe"
    choice = complete(client, text, echo=True, logprobs=0, max_tokens=6, logit_bias=None).choices[0]
    told = choice.logprobs
    assert told.text_offset == sorted(told.text_offset)
    for token, start in zip(told.tokens, told.text_offset, strict=True):
        if not token.startswith("bytes:"):
            assert choice.text[start:].startswith(token)
    assert told.text_offset[-1] >= len(text)


def test_an_echo_is_streamed_in_pieces_too(client: openai.OpenAI) -> None:
    how: dict[str, Any] = {"echo": True, "logprobs": 1, "max_tokens": 5, "logit_bias": None}
    plain = complete(client, "O farol da ilha", **how).choices[0]
    chunks = [chunk.choices[0] for chunk in complete(client, "O farol da ilha", stream=True, **how)]
    assert "".join(one.text for one in chunks) == plain.text
    told = [one.logprobs for one in chunks if one.logprobs]
    assert [token for one in told for token in one.tokens] == plain.logprobs.tokens
    assert [start for one in told for start in one.text_offset] == plain.logprobs.text_offset
    assert [value for one in told for value in one.token_logprobs] == plain.logprobs.token_logprobs


def test_an_answer_of_no_tokens_needs_an_echo(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="needs `echo: true`"):
        complete(client, "O farol", max_tokens=0)
    assert complete(client, "O farol", max_tokens=0, echo=True).choices[0].text == "O farol"


def test_what_a_prompt_has_in_common_with_an_earlier_one_is_not_read_again(client: openai.OpenAI) -> None:
    prompt = "Nasceu em 3 de março de 1950, em Lisboa. O farol da ilha de areia acendia-se."
    complete(client, prompt)
    again = complete(client, prompt)
    assert again.usage.prompt_tokens_details.cached_tokens == again.usage.prompt_tokens - 1
    other = complete(client, prompt, model="um")
    assert other.usage.prompt_tokens_details.cached_tokens == 0
