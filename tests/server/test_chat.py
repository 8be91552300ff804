"""Chat completions over a real server, by OpenAI's own client where it can say it."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import openai
import pytest

from tests.support.running_server import RunningServer

OLA: list[Any] = [{"role": "user", "content": "Quem foi o campeão?"}]
# The end-of-text token of the tiny model: kept away where an answer is to have a known length.
GO_ON = {"2": -100}


def ask(client: openai.OpenAI, model: str = "tiny", **how: Any) -> Any:
    given = {"messages": OLA, "max_tokens": 12, "temperature": 0, "logit_bias": GO_ON, **how}
    return client.chat.completions.create(model=model, **given)


def test_a_plain_answer_has_the_whole_shape(client: openai.OpenAI) -> None:
    answer = ask(client)
    assert answer.object == "chat.completion"
    assert answer.id.startswith("chatcmpl-")
    assert answer.model == "tiny"
    assert answer.choices[0].message.role == "assistant"
    assert answer.choices[0].message.content
    assert answer.choices[0].finish_reason == "length"
    assert answer.usage.completion_tokens == 12
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + 12
    assert answer.system_fingerprint.startswith("fp_")


def test_a_stream_is_the_plain_answer_in_pieces(client: openai.OpenAI) -> None:
    plain = ask(client)
    chunks = list(ask(client, stream=True, stream_options={"include_usage": True}))

    assert chunks[0].choices[0].delta.role == "assistant"
    assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices) == plain.choices[0].message.content
    assert [c.choices[0].finish_reason for c in chunks if c.choices][-1] == "length"
    assert chunks[-1].choices == []
    same = {"prompt_tokens", "completion_tokens", "total_tokens"}
    assert chunks[-1].usage.model_dump(include=same) == plain.usage.model_dump(include=same)
    assert {c.id for c in chunks} == {chunks[0].id}
    assert len(chunks) > 5


def test_a_stream_ends_with_done_and_tells_usage_only_when_asked(server: RunningServer) -> None:
    lines = server.chat(stream=True).text.splitlines()
    assert lines[-2] == "data: [DONE]"
    chunks = [json.loads(line[6:]) for line in lines if line.startswith("data: {")]
    assert all("usage" not in chunk for chunk in chunks)


@pytest.mark.parametrize("stream", [False, True])
def test_a_stop_ends_the_answer_and_is_not_part_of_it(client: openai.OpenAI, stream: bool) -> None:
    full = ask(client, max_tokens=40).choices[0].message.content
    stop = full[6:8]
    answer = ask(client, max_tokens=40, stop=[stop, "§"], stream=stream)
    if stream:
        chunks = [chunk.choices[0] for chunk in answer]
        text, reason = "".join(c.delta.content or "" for c in chunks), chunks[-1].finish_reason
    else:
        text, reason = answer.choices[0].message.content, answer.choices[0].finish_reason
    assert text == full[: full.index(stop)]
    assert reason == "stop"


def test_the_end_of_text_token_ends_an_answer(client: openai.OpenAI) -> None:
    answer = ask(client, logit_bias={"2": 100})
    assert answer.choices[0].message.content == ""
    assert answer.choices[0].finish_reason == "stop"


def test_a_seed_gives_the_same_answer_alone_and_among_others(client: openai.OpenAI) -> None:
    def drawn(_: int = 0) -> str:
        return ask(client, temperature=1, seed=11, max_tokens=30).choices[0].message.content

    alone = drawn()
    with ThreadPoolExecutor(6) as pool:
        others = [pool.submit(ask, client, "um", temperature=1, max_tokens=60) for _ in range(3)]
        together = list(pool.map(drawn, range(3)))
        for other in others:
            other.result()
    assert {alone} == set(together)
    assert ask(client, temperature=1, seed=12, max_tokens=30).choices[0].message.content != alone


def test_several_choices_differ_and_are_repeatable(client: openai.OpenAI) -> None:
    first = ask(client, n=3, temperature=1, seed=5)
    again = ask(client, n=3, temperature=1, seed=5)
    texts = [choice.message.content for choice in first.choices]
    assert [choice.index for choice in first.choices] == [0, 1, 2]
    assert len(set(texts)) == 3
    assert texts == [choice.message.content for choice in again.choices]
    assert first.usage.completion_tokens == 36
    assert first.usage.prompt_tokens == ask(client).usage.prompt_tokens


def test_several_choices_stream_side_by_side(client: openai.OpenAI) -> None:
    plain = ask(client, n=2, temperature=1, seed=5)
    texts = {0: "", 1: ""}
    for chunk in ask(client, n=2, temperature=1, seed=5, stream=True):
        texts[chunk.choices[0].index] += chunk.choices[0].delta.content or ""
    assert list(texts.values()) == [choice.message.content for choice in plain.choices]


def test_base_and_adapters_answer_at_once_as_they_do_alone(client: openai.OpenAI) -> None:
    models = ["tiny", "um", "dois", "um", "tiny", "dois"]
    alone = [ask(client, model, max_tokens=10 + i).choices[0].message.content for i, model in enumerate(models)]
    with ThreadPoolExecutor(len(models)) as pool:
        asked = [pool.submit(ask, client, model, max_tokens=10 + i) for i, model in enumerate(models)]
        together = [one.result().choices[0].message.content for one in asked]
    assert together == alone
    assert len({text[:6] for text in alone}) >= 2


@pytest.mark.parametrize("stream", [False, True])
def test_several_models_answer_one_request_side_by_side(client: openai.OpenAI, stream: bool) -> None:
    models = ["um", "tiny", "dois"]
    alone = [ask(client, model) for model in models]
    answer = ask(client, openai.NOT_GIVEN, extra_body={"models": models}, stream=stream)  # type: ignore[arg-type]
    if stream:
        texts = dict.fromkeys(models, "")
        for chunk in answer:
            assert chunk.choices[0].model == models[chunk.choices[0].index]
            texts[chunk.choices[0].model] += chunk.choices[0].delta.content or ""
        assert list(texts.values()) == [one.choices[0].message.content for one in alone]
        return
    assert [choice.model for choice in answer.choices] == models
    assert [choice.message.content for choice in answer.choices] == [one.choices[0].message.content for one in alone]
    assert answer.model == "tiny"
    assert answer.system_fingerprint == alone[1].system_fingerprint
    assert answer.usage.prompt_tokens == sum(one.usage.prompt_tokens for one in alone)
    assert answer.usage.completion_tokens == 36


@pytest.mark.parametrize("stream", [False, True])
def test_each_model_scores_the_answers_of_all(client: openai.OpenAI, stream: bool) -> None:
    def by_hand(model: str, text: str) -> tuple[float, int]:
        before = f"<|im_start|>user\n{OLA[0]['content']}<|im_end|>\n<|im_start|>assistant\n"
        echoed = client.completions.create(model=model, prompt=before + text, max_tokens=0, echo=True, logprobs=0)
        told = echoed.choices[0].logprobs
        ends = [*told.text_offset[1:], len(before + text)]
        own = [one for one, end in zip(told.token_logprobs, ends, strict=True) if end > len(before)]
        return sum(own), len(own)

    models = ["tiny", "um"]
    how: Any = {"extra_body": {"models": models}, "logprobs": True, "stream": stream}
    answer = ask(client, openai.NOT_GIVEN, **how)  # type: ignore[arg-type]
    texts, scores = {}, {}
    for choice in [chunk.choices[0] for chunk in answer] if stream else answer.choices:
        said = choice.delta.content if stream else choice.message.content
        texts[choice.model] = texts.get(choice.model, "") + (said or "")
        if hasattr(choice, "scores"):
            scores[choice.model] = choice.scores
            assert choice.usage["completion_tokens"] == 12
    for model, text in texts.items():
        assert [score["model"] for score in scores[model]] == models
        for score in scores[model]:
            logprob, tokens = by_hand(score["model"], text)
            assert score["tokens"] == tokens
            assert score["logprob"] == pytest.approx(logprob, abs=1e-3)
    # Each was its own model's likeliest, token by token.
    for place, model in enumerate(models):
        assert scores[model][place]["logprob"] > scores[models[1 - place]][place]["logprob"]


def test_each_of_several_models_gives_its_n_answers(client: openai.OpenAI) -> None:
    how: Any = {"n": 2, "temperature": 1, "seed": 5}
    alone = [choice.message.content for model in ("tiny", "um") for choice in ask(client, model, **how).choices]
    both = ask(client, openai.NOT_GIVEN, extra_body={"models": ["tiny", "um"]}, **how).choices  # type: ignore[arg-type]
    assert [choice.message.content for choice in both] == alone
    assert [choice.model for choice in both] == ["tiny", "tiny", "um", "um"]


def test_fingerprints_tell_base_and_adapter_version(client: openai.OpenAI) -> None:
    base, tuned, exact = (
        ask(client, name).system_fingerprint for name in ("tiny", "um", client.models.retrieve("um").root)
    )
    assert tuned.startswith(base + "_um@")
    assert tuned == exact
    assert ask(client, "outra").system_fingerprint != base


def test_requests_for_two_bases_are_all_answered(client: openai.OpenAI) -> None:
    models = ["tiny", "outra", "tiny", "um", "outra"]
    alone = {model: ask(client, model).choices[0].message.content for model in set(models)}
    with ThreadPoolExecutor(len(models)) as pool:
        asked = [pool.submit(ask, client, model) for model in models]
    assert [one.result().choices[0].message.content for one in asked] == [alone[model] for model in models]


def test_log_probabilities_come_with_the_text(client: openai.OpenAI) -> None:
    answer = ask(client, logprobs=True, top_logprobs=2, logit_bias=None)
    told = answer.choices[0].logprobs.content
    assert len(told) == answer.usage.completion_tokens
    assert b"".join(bytes(one.bytes) for one in told).decode("utf-8", "replace") == answer.choices[0].message.content
    assert all(one.logprob == one.top_logprobs[0].logprob and len(one.top_logprobs) == 2 for one in told)

    streamed = ask(client, logprobs=True, top_logprobs=2, logit_bias=None, stream=True)
    pieces = [c.choices[0].logprobs.content for c in streamed if c.choices[0].logprobs]
    assert [one.token for piece in pieces for one in piece] == [one.token for one in told]


def test_a_conversation_may_hold_parts_system_and_developer(client: openai.OpenAI) -> None:
    def said(system: str, content: Any) -> str:
        messages = [{"role": system, "content": "Responde curto."}, {"role": "user", "content": content}]
        return ask(client, messages=messages).choices[0].message.content

    plain = said("system", "olá, mãe")
    parts = [{"type": "text", "text": "olá, "}, {"type": "text", "text": "mãe"}]
    assert said("developer", parts) == plain


def test_a_begun_answer_is_gone_on_with(client: openai.OpenAI) -> None:
    whole = ask(client, max_tokens=16).choices[0].message.content
    begun = [*OLA, {"role": "assistant", "content": whole[:5]}]
    told = ask(client, messages=begun, extra_body={"continue_final_message": True, "add_generation_prompt": False})
    plain = client.completions.create(
        model="tiny",
        prompt=f"<|im_start|>user\n{OLA[0]['content']}<|im_end|>\n<|im_start|>assistant\n{whole[:5]}",
        max_tokens=12,
        temperature=0,
        logit_bias=GO_ON,
    )
    assert told.choices[0].message.content == plain.choices[0].text
    assert told.usage.prompt_tokens == plain.usage.prompt_tokens
    assert ask(client, messages=begun).choices[0].message.content != plain.choices[0].text


def test_an_answer_can_be_sent_back_as_the_client_holds_it(client: openai.OpenAI) -> None:
    message = ask(client).choices[0].message
    answer = ask(client, messages=[*OLA, message.model_dump(), {"role": "user", "content": "E depois?"}])
    assert answer.choices[0].message.content


def test_labels_and_nulls_change_nothing(server: RunningServer) -> None:
    plain = server.chat(temperature=0).json()["choices"]
    marked = server.chat(
        temperature=0,
        user="ana",
        metadata={"a": "b"},
        store=False,
        seed=None,
        stop=None,
        tools=None,
        response_format={"type": "text"},
        top_logprobs=None,
        stream_options=None,
    )
    assert marked.json()["choices"] == plain


def test_the_newer_name_of_the_limit_is_kept(client: openai.OpenAI) -> None:
    assert ask(client, max_tokens=openai.NOT_GIVEN, max_completion_tokens=3).usage.completion_tokens == 3


def test_an_answer_ends_where_the_context_does(client: openai.OpenAI) -> None:
    answer = ask(client, max_tokens=100_000)
    assert answer.choices[0].finish_reason == "length"
    assert answer.usage.total_tokens == 512
