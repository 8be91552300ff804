"""Grammars on the tiny tokenizer: what may come next, and only that, is chosen."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import mlx.core as mx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.sentencepiece import write_sentencepiece
from tests.support.tiny_model import write_tokenizer
from tools.compute.constraints import GrammarCompiler, GrammarProcessor
from tools.errors import InvalidArgument
from tools.models.tokenizer import Tokenizer
from tools.models.tool_calls import grammar
from tools.models.tool_calls.functions import MOST_CALLS, Function, ToolUse
from tools.models.tool_calls.syntax import BARE, LISTED, TAGGED, ToolSyntax

PERSON = {
    "type": "object",
    "properties": {
        "nome": {"type": "string"},
        "cor": {"enum": ["azul", "maçã"]},
        "notas": {"type": "array", "items": {"type": "array", "items": {"type": "number"}}},
    },
    "required": ["nome", "cor", "notas"],
    "additionalProperties": False,
}
# Rows of the embedding, more than the vocabulary has: models pad them.
ROWS = 460
PROMPT = 3


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Tokenizer:
    folder = tmp_path_factory.mktemp("tokenizer")
    write_tokenizer(folder)
    # `<think>` and `</think>`, and Mistral's mark as a control token.
    file = json.loads((folder / "tokenizer.json").read_text())
    size = len(file["model"]["vocab"])
    for place, (content, special) in enumerate([("<think>", False), ("</think>", False), ("[TOOL_CALLS]", True)]):
        plain = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False}
        file["added_tokens"].append({"id": size + place, "content": content, "special": special, **plain})
    (folder / "tokenizer.json").write_text(json.dumps(file))
    return Tokenizer.load(folder)


@pytest.fixture(scope="module")
def compiler(tokenizer: Tokenizer) -> GrammarCompiler:
    return GrammarCompiler(tokenizer, ROWS)


class Written:
    """An answer as the generator asks for its tokens."""

    def __init__(self, compiler: GrammarCompiler, tokenizer: Tokenizer, text: str, thinking: Any = "no") -> None:
        self.tokenizer = tokenizer
        self.process = GrammarProcessor(compiler.compile(text, "response_format"), PROMPT, compiler.thoughts(thinking))
        self.ids: list[int] = []

    def allowed(self) -> set[int]:
        logits = self.process(mx.array([5] * PROMPT + self.ids), mx.zeros((1, ROWS)))
        assert logits.shape == (1, ROWS)
        return set(np.flatnonzero(np.isfinite(np.array(logits[0]))).tolist())

    def takes(self, text: str) -> str:
        """The part of the text that the grammar lets be written."""
        taken = ""
        for token in self.tokenizer.encode(text):
            if token not in self.allowed():
                return taken
            self.ids.append(token)
            taken = self.tokenizer.decode(self.ids, skip_special=False)
        return taken

    @property
    def may_end(self) -> bool:
        return bool(self.allowed() & self.tokenizer.eos_ids)

    @property
    def must_end(self) -> bool:
        return self.allowed() <= self.tokenizer.eos_ids


GOOD = '{"nome": "João, mãe", "cor": "maçã", "notas": [[1, -2.5e3], []]}'


@pytest.mark.parametrize(
    "text",
    [GOOD, GOOD.replace(", ", ",").replace(": ", ":"), json.dumps(json.loads(GOOD), indent=2, ensure_ascii=False)],
)
def test_json_of_the_schema_may_be_written_and_then_must_end(
    compiler: GrammarCompiler, tokenizer: Tokenizer, text: str
) -> None:
    answer = Written(compiler, tokenizer, grammar.answer(PERSON))
    assert not answer.may_end
    assert answer.takes(text) == text
    assert answer.may_end
    assert answer.must_end


@pytest.mark.parametrize(
    ("text", "taken"),
    [
        ("Olá", ""),
        (" {", ""),
        ('{"idade"', '{"'),
        ('{"nome": 3', '{"nome":'),
        ('{"nome": "a", "cor": "verde"', '{"nome": "a", "cor": "'),
        ('{"nome": "a", "cor": "azul"}', '{"nome": "a", "cor": "azul'),
        ("{" + " " * 9, "{ "),
        ("{\n\n\n", "{\n"),
        ("{\n" + " " * 40, "{\n" + " " * 16),
    ],
)
def test_what_the_schema_does_not_have_cannot_be_written(
    compiler: GrammarCompiler, tokenizer: Tokenizer, text: str, taken: str
) -> None:
    assert Written(compiler, tokenizer, grammar.answer(PERSON)).takes(text) == taken


def test_padded_and_control_tokens_never_come(compiler: GrammarCompiler, tokenizer: Tokenizer) -> None:
    answer = Written(compiler, tokenizer, grammar.answer({"type": "string"}))
    assert answer.takes('"Qualquer') == '"Qualquer'
    allowed = answer.allowed()
    assert len(allowed) > 200
    assert max(allowed) < tokenizer.vocab_size
    assert not allowed & (tokenizer.special_ids | tokenizer.eos_ids)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_random_choices_give_json_of_the_schema(compiler: GrammarCompiler, tokenizer: Tokenizer, seed: int) -> None:
    schema = {
        "type": "object",
        "properties": {
            "a": {"type": "integer", "minimum": -5, "maximum": 120},
            "b": {"type": "string", "maxLength": 6},
            "c": {"type": "array", "items": {"enum": ["x", None, 2.5]}, "minItems": 1, "maxItems": 3},
        },
        "required": ["a", "b", "c"],
        "additionalProperties": False,
    }  # fmt: skip
    answer = Written(compiler, tokenizer, grammar.answer(schema))
    rng = np.random.default_rng(seed)
    while not answer.must_end:
        answer.ids.append(int(rng.choice(sorted(answer.allowed() - tokenizer.eos_ids))))
    found = json.loads(tokenizer.decode(answer.ids))
    assert list(found) == ["a", "b", "c"]
    assert -5 <= found["a"] <= 120
    assert len(found["b"]) <= 6
    assert 1 <= len(found["c"]) <= 3
    assert all(one in ("x", None, 2.5) for one in found["c"])


def test_an_answer_goes_on_where_a_row_is_begun_anew(compiler: GrammarCompiler, tokenizer: Tokenizer) -> None:
    answer = Written(compiler, tokenizer, grammar.answer(PERSON))
    answer.takes('{"nome": "João", "cor": "az')
    ids, allowed = answer.ids, answer.allowed()
    answer.ids = ids[:2]
    assert answer.takes("x") == ""
    answer.ids = ids
    assert answer.allowed() == allowed
    assert answer.process.error is None


def test_logits_keep_their_type_and_value(compiler: GrammarCompiler, tokenizer: Tokenizer) -> None:
    answer = Written(compiler, tokenizer, grammar.answer(PERSON))
    before = mx.random.normal((1, ROWS)).astype(mx.float16)
    after = answer.process(mx.array([5] * PROMPT), before)
    assert after.dtype == mx.float16
    kept = np.isfinite(np.array(after))
    assert kept.any()
    assert np.array_equal(np.array(after)[kept], np.array(before)[kept])


@pytest.mark.parametrize(
    ("schema", "told"),
    [
        ({"type": "array", "uniqueItems": True}, "uniqueItems"),
        ({"not": {"type": "string"}}, "not"),
        ({"type": "string", "format": "morada"}, "format"),
        ({"type": "string", "pattern": "(?=a)b"}, "pattern"),
        ({"type": "string", "pattern": "(a"}, "pattern"),
        ({"type": "texto"}, "type"),
        ({"$ref": "#/$defs/nada"}, "$ref"),
        ({"$ref": "https://example.org/schema.json"}, "$ref"),
        ({"type": "integer", "minimum": 5, "maximum": 1}, "nothing can satisfy it"),
        ({"oneOf": [{"type": "object"}, {"type": "object", "title": "b"}]}, "oneOf"),
    ],
)
def test_a_schema_that_cannot_be_held_is_refused_in_our_words(
    compiler: GrammarCompiler, schema: dict[str, Any], told: str
) -> None:
    with pytest.raises(InvalidArgument, match="cannot be held to this schema") as caught:
        compiler.compile(grammar.answer(schema), "response_format")
    assert caught.value.field == "response_format"
    assert told in str(caught.value)
    assert len(str(caught.value)) < 250


def test_vocabularies_with_word_marks_and_bytes_are_held_too(tmp_path: Path) -> None:
    write_sentencepiece(tmp_path)
    marked = Tokenizer.load(tmp_path)
    own = GrammarCompiler(marked, marked.vocab_size)
    answer = Written(own, marked, grammar.answer(PERSON))
    # The tokenizer marks the start of a text as that of a word, which an answer's is not.
    text = GOOD.replace("João", "日本")
    for token in marked.encode(text)[1:]:
        assert token in answer.allowed()
        answer.ids.append(token)
    assert answer.must_end
    tools = ToolUse(functions=[NOW], choice="required", parallel=False)
    call = written(own, marked, LISTED, tools)
    assert call.allowed() == {marked.token_to_id("[TOOL_CALLS]")}
    text = spelled(LISTED, called(LISTED, "now", "{}"))
    assert call.takes(text) == text
    decoder = marked.stream_decoder(shown={3})
    assert "".join([*(decoder.add(token) for token in call.ids), decoder.finish()]) == text


def test_what_was_compiled_is_kept_and_not_written_on(compiler: GrammarCompiler, tokenizer: Tokenizer) -> None:
    text = grammar.answer({"enum": ["azul", "verde"]})
    assert Written(compiler, tokenizer, text).takes('"az') == '"az'
    assert compiler.compile(text, "x") is compiler.compile(text, "x")
    assert Written(compiler, tokenizer, text).takes('"verde"') == '"verde"'
    for number in range(100):
        compiler.compile(grammar.answer({"const": number}), "x")
    assert Written(compiler, tokenizer, text).takes('"azul"') == '"azul"'


def test_a_schema_too_deep_is_refused(compiler: GrammarCompiler) -> None:
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(400):
        schema = {"type": "array", "items": schema}
    with pytest.raises(InvalidArgument):
        compiler.compile(grammar.answer(schema), "response_format")


# Calls ---------------------------------------------------------------------------------------------

WEATHER = Function(
    name="get_weather",
    parameters={"properties": {"city": {"type": "string"}}, "required": ["city"], "additionalProperties": False},
    strict=True,
)
NOW = Function(name="now")
LOOSE = Function(name="loose", parameters={"properties": {"a": {"type": "array", "uniqueItems": True}}, "not": {}})


def spelled(syntax: ToolSyntax, *calls: str) -> str:
    match syntax.kind:
        case "bare":
            return calls[0]
        case "listed":
            return f"[TOOL_CALLS] [{', '.join(calls)}]"
        case "tagged":
            return "\n".join(f"<tool_call>\n{call}\n</tool_call>" for call in calls)


def called(syntax: ToolSyntax, name: str, arguments: str) -> str:
    return f'{{"name": "{name}", "{syntax.arguments}": {arguments}}}'


def written(compiler: GrammarCompiler, tokenizer: Tokenizer, syntax: ToolSyntax, tools: ToolUse, **how: Any) -> Written:
    text = grammar.calls(
        syntax, tools, compiler.marks, after_thoughts="thinking" in how, schema=how.pop("schema", None)
    )
    return Written(compiler, tokenizer, text, **how)


@pytest.mark.parametrize("syntax", [TAGGED, LISTED, BARE], ids=lambda syntax: syntax.kind)
def test_a_required_call_can_only_be_a_call(
    compiler: GrammarCompiler, tokenizer: Tokenizer, syntax: ToolSyntax
) -> None:
    tools = ToolUse(functions=[WEATHER, NOW], choice="required")
    weather, now = called(syntax, "get_weather", '{"city": "Évora"}'), called(syntax, "now", "{}")
    for calls in ([weather], [now], [weather, now])[: 2 if syntax.single else 3]:
        answer = written(compiler, tokenizer, syntax, tools)
        text = spelled(syntax, *calls)
        assert answer.takes(text) == text
        assert answer.may_end
    assert written(compiler, tokenizer, syntax, tools).takes("Olá") == ""
    wrong = written(compiler, tokenizer, syntax, tools)
    assert '"city":' in wrong.takes(spelled(syntax, called(syntax, "get_weather", '{"city": 3}')))
    assert not wrong.may_end


def test_only_the_named_function_can_be_called_and_once(compiler: GrammarCompiler, tokenizer: Tokenizer) -> None:
    tools = ToolUse(functions=[WEATHER, NOW], choice="required", only="now")
    answer = written(compiler, tokenizer, TAGGED, tools)
    text = spelled(TAGGED, called(TAGGED, "now", "{}"))
    assert answer.takes(text) == text
    assert answer.must_end
    other = written(compiler, tokenizer, TAGGED, tools)
    assert other.takes(spelled(TAGGED, called(TAGGED, "get_weather", "{}"))).endswith('"name": "')


@pytest.mark.parametrize(("parallel", "most"), [(True, MOST_CALLS), (False, 1)])
def test_calls_in_one_answer_are_bounded(
    compiler: GrammarCompiler, tokenizer: Tokenizer, parallel: bool, most: int
) -> None:
    tools = ToolUse(functions=[NOW], choice="required", parallel=parallel)
    answer = written(compiler, tokenizer, TAGGED, tools)
    text = spelled(TAGGED, *[called(TAGGED, "now", "{}")] * most)
    assert answer.takes(text) == text
    assert answer.must_end


@pytest.mark.parametrize("syntax", [TAGGED, LISTED, BARE], ids=lambda syntax: syntax.kind)
def test_an_answer_may_say_or_call_and_calls_are_well_formed(
    compiler: GrammarCompiler, tokenizer: Tokenizer, syntax: ToolSyntax
) -> None:
    tools = ToolUse(functions=[WEATHER, NOW])
    prose = "Olá, <b>mãe</b>: [1] {2}"
    said = written(compiler, tokenizer, syntax, tools)
    assert said.takes(prose) == prose
    assert said.may_end
    call = spelled(syntax, called(syntax, "get_weather", '{"city": "Évora"}'))
    before = "" if syntax.single else "Vou ver. "
    answer = written(compiler, tokenizer, syntax, tools)
    assert answer.takes(before + call) == before + call
    assert answer.may_end
    wrong = written(compiler, tokenizer, syntax, tools)
    assert wrong.takes(before + spelled(syntax, called(syntax, "outra", "{}"))).endswith('"name": "')
    assert not wrong.may_end


def test_an_answer_may_be_json_or_a_call(compiler: GrammarCompiler, tokenizer: Tokenizer) -> None:
    tools = ToolUse(functions=[NOW])
    for text in (GOOD, spelled(TAGGED, called(TAGGED, "now", "{}"))):
        answer = written(compiler, tokenizer, TAGGED, tools, schema=PERSON)
        assert answer.takes(text) == text
        assert answer.may_end
    assert written(compiler, tokenizer, TAGGED, tools, schema=PERSON).takes("Olá") == ""


def test_keywords_that_cannot_be_held_are_left_aside_unless_strict(
    compiler: GrammarCompiler, tokenizer: Tokenizer
) -> None:
    tools = ToolUse(functions=[LOOSE], choice="required")
    text = spelled(TAGGED, called(TAGGED, "loose", '{"a": [1, 1]}'))
    assert written(compiler, tokenizer, TAGGED, tools).takes(text) == text
    strict = ToolUse(functions=[LOOSE.model_copy(update={"strict": True})], choice="required")
    with pytest.raises(InvalidArgument):
        written(compiler, tokenizer, TAGGED, strict)


# Thoughts ------------------------------------------------------------------------------------------


def test_thoughts_are_free_and_the_answer_is_not(compiler: GrammarCompiler, tokenizer: Tokenizer) -> None:
    text = grammar.answer(PERSON, after_thoughts=True)
    for thinking, opened in (("maybe", "<think>"), ("open", "")):
        answer = Written(compiler, tokenizer, text, thinking)
        thoughts = f"{opened}\nHmm, {{ não sei. O farol?\n"
        assert answer.takes(thoughts) == thoughts
        assert not answer.may_end
        assert answer.takes("</think>\n\n" + GOOD).endswith(GOOD)
        assert answer.must_end
    assert Written(compiler, tokenizer, text, "maybe").takes(GOOD) == GOOD
    assert Written(compiler, tokenizer, text, "maybe").takes("Hmm") == ""
