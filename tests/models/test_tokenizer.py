"""The tokenizer against transformers, on the tiny model."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from transformers import AutoTokenizer

from tests.support.tiny_model import write_tokenizer
from tools.errors import DataError, InvalidArgument
from tools.models.tokenizer import Tokenizer

TALK = [
    {"role": "system", "content": "Responde em português."},
    {"role": "user", "content": "Quem escrevia os números?"},
    {"role": "assistant", "content": "O avô. 😀"},
    {"role": "user", "content": "Onde?"},
    {"role": "assistant", "content": "Num caderno azul."},
]
TEXTS = [
    "",
    " ",
    "olá mãe",
    "  dois  espaços\n\n",
    "日本 👩‍👩‍👧 fim",
    "<|im_start|>user\nx<|im_end|>",
    "\x00\x7f\ufffd",
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_tokenizer(tmp_path)
    return tmp_path


@pytest.fixture
def tokenizer(folder: Path) -> Tokenizer:
    return Tokenizer.load(folder)


def set_template(folder: Path, template: str) -> Tokenizer:
    (folder / "chat_template.jinja").write_text(template)
    return Tokenizer.load(folder)


@pytest.mark.parametrize("text", TEXTS)
def test_ids_and_text_are_those_of_transformers(folder: Path, tokenizer: Tokenizer, text: str) -> None:
    theirs = AutoTokenizer.from_pretrained(folder)
    ids = tokenizer.encode(text)
    assert ids == theirs.encode(text, add_special_tokens=False)
    assert tokenizer.encode(text, special=True) == theirs.encode(text)
    assert tokenizer.decode(ids) == theirs.decode(ids, skip_special_tokens=True)
    assert tokenizer.decode(ids, skip_special=False) == text
    assert tokenizer.count(text) == len(ids)


def test_a_conversation_renders_as_transformers_renders_it(folder: Path, tokenizer: Tokenizer) -> None:
    theirs = AutoTokenizer.from_pretrained(folder)
    for prompt in (False, True):
        expected = theirs.apply_chat_template(TALK, tokenize=False, add_generation_prompt=prompt)
        assert tokenizer.render_chat(TALK, add_generation_prompt=prompt) == expected
        expected_ids = theirs.apply_chat_template(TALK, add_generation_prompt=prompt, return_dict=False)
        assert tokenizer.encode_chat(TALK, add_generation_prompt=prompt) == expected_ids


def test_named_and_ending_ids_are_gathered_from_all_files(folder: Path) -> None:
    (folder / "config.json").write_text(json.dumps({"eos_token_id": 0}))
    (folder / "generation_config.json").write_text(json.dumps({"eos_token_id": [0, 7]}))
    tokenizer = Tokenizer.load(folder)
    assert tokenizer.eos_ids == {0, 2, 7}
    assert (tokenizer.bos_id, tokenizer.pad_id) == (1, 2)
    assert tokenizer.special_ids == {0, 1, 2}
    assert tokenizer.vocab_size == 400


def test_offsets_cover_the_text_without_gaps(tokenizer: Tokenizer) -> None:
    text = "A menina  contava\nos barcos, mãe 😀."
    ids, offsets = tokenizer.encode_with_offsets(text)
    assert ids == tokenizer.encode(text)
    end = 0
    for start, stop in offsets:
        assert start <= end <= stop
        end = stop
    assert end == len(text)


def test_the_mask_covers_the_assistants_turns_with_their_end(tokenizer: Tokenizer) -> None:
    ids, mask = tokenizer.chat_spans(TALK)
    assert ids == tokenizer.encode_chat(TALK)
    written = tokenizer.decode([i for i, m in zip(ids, mask, strict=True) if m], skip_special=False)
    assert written == "O avô. 😀<|im_end|>Num caderno azul.<|im_end|>"


def test_the_mask_follows_the_templates_own_marks(folder: Path) -> None:
    template = (
        "{% for m in messages %}{% if m.role == 'assistant' %}<|im_start|>a\n{% generation %}{{ m.content }}<|im_end|>"
        "{% endgeneration %}{% else %}<|im_start|>u\n{{ m.content }}<|im_end|>{% endif %}{% endfor %}"
    )
    tokenizer = set_template(folder, template)
    ids, mask = tokenizer.chat_spans(TALK)
    written = tokenizer.decode([i for i, m in zip(ids, mask, strict=True) if m], skip_special=False)
    assert written == "O avô. 😀<|im_end|>Num caderno azul.<|im_end|>"
    assert ids == AutoTokenizer.from_pretrained(folder).apply_chat_template(TALK, return_dict=False)


# As Mistral's: the system message goes to the last user message, and only where that ends the conversation.
MISTRAL = (
    "{% set system = messages[0].content if messages[0].role == 'system' else '' %}{{ bos_token }}"
    "{% for m in messages %}{% if m.role == 'user' %}[INST]{% if loop.last %}{{ system }}\n\n{% endif %}"
    "{{ m.content }}[/INST]{% elif m.role == 'assistant' %}{{ m.content | trim }}{{ eos_token }}{% endif %}{% endfor %}"
)


def test_the_mask_holds_where_the_system_message_moves_to_the_last_turn(folder: Path) -> None:
    tokenizer = set_template(folder, MISTRAL)
    ids, mask = tokenizer.chat_spans(TALK)
    written = tokenizer.decode([i for i, m in zip(ids, mask, strict=True) if m], skip_special=False)
    assert written == "O avô. 😀<|im_end|>Num caderno azul.<|im_end|>"


def test_what_leads_to_the_answer_is_learnt_as_it_will_be_asked(folder: Path) -> None:
    tokenizer = set_template(folder, MISTRAL)
    ids, mask = tokenizer.chat_spans(TALK)
    prompt = tokenizer.encode_chat(TALK[:-1], add_generation_prompt=True)
    assert ids[: len(prompt)] == prompt
    assert "Responde em português." in tokenizer.decode(prompt)
    assert "Responde em português." not in tokenizer.render_chat(TALK)
    assert mask[len(prompt) :] == [1] * (len(ids) - len(prompt))


def test_turns_that_cannot_be_told_apart_are_refused(folder: Path) -> None:
    tokenizer = set_template(folder, "{{ messages | map(attribute='content') | reverse | map('upper') | join('|') }}")
    with pytest.raises(InvalidArgument, match="told apart"):
        tokenizer.chat_spans(TALK)


def test_tools_choose_the_template_made_for_them(folder: Path) -> None:
    config = json.loads((folder / "tokenizer_config.json").read_text())
    config["chat_template"] = [
        {"name": "default", "template": "{{ messages[0].content }}"},
        {"name": "tool_use", "template": "{{ tools | tojson }}"},
    ]
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    tokenizer = Tokenizer.load(folder)
    tools = [{"type": "function", "function": {"name": "somar", "description": "<soma> é útil"}}]
    assert tokenizer.render_chat(TALK) == "Responde em português."
    assert tokenizer.render_chat(TALK, tools=tools) == json.dumps(tools, ensure_ascii=False)


def test_null_fields_are_as_if_left_out(folder: Path) -> None:
    tokenizer = set_template(folder, "{{ messages[0].name is defined }}{{ messages[0].content }}")
    assert tokenizer.render_chat([{"role": "user", "content": "x", "name": None}]) == "Falsex"


@pytest.mark.parametrize(
    "template",
    [
        "{{ raise_exception('secret words') }}",
        "{{ messages[0].content + 1 }}",
        "{{ ''.__class__.__mro__ }}",
        "{{ x.y.z }}",
    ],
)
def test_a_template_that_fails_is_told_in_our_words(folder: Path, template: str) -> None:
    tokenizer = set_template(folder, template)
    with pytest.raises(InvalidArgument) as caught:
        tokenizer.render_chat(TALK)
    assert "chat template does not take" in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_template_that_is_not_jinja_is_told(folder: Path) -> None:
    with pytest.raises(InvalidArgument, match="not valid Jinja"):
        set_template(folder, "{% for %}").render_chat(TALK)


def test_an_empty_conversation_is_refused(tokenizer: Tokenizer) -> None:
    with pytest.raises(InvalidArgument, match="empty"):
        tokenizer.render_chat([])


def test_a_model_without_template_is_told(folder: Path) -> None:
    config = json.loads((folder / "tokenizer_config.json").read_text())
    del config["chat_template"]
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    tokenizer = Tokenizer.load(folder)
    assert not tokenizer.has_chat_template
    assert tokenizer.template_hash == ""
    with pytest.raises(InvalidArgument, match="no chat template"):
        tokenizer.encode_chat(TALK)


def test_the_hash_changes_with_the_template(folder: Path, tokenizer: Tokenizer) -> None:
    assert len(tokenizer.template_hash) == 16
    assert set_template(folder, "{{ 1 }}").template_hash != tokenizer.template_hash


def test_a_missing_or_damaged_tokenizer_is_named(folder: Path) -> None:
    (folder / "tokenizer.json").write_text('{"model": 3}')
    with pytest.raises(DataError, match=r"tokenizer\.json"):
        Tokenizer.load(folder)
    (folder / "tokenizer.json").unlink()
    with pytest.raises(DataError, match="is missing"):
        Tokenizer.load(folder)
