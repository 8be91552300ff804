from __future__ import annotations

from pathlib import Path

import pytest

from tests.prepare_dataset.support import source
from tools.errors import InvalidArgument
from tools.models.chat_template import ChatTemplate
from tools.models.tokenizer import Tokenizer
from tools.prepare_dataset.books import parse_book
from tools.prepare_dataset.compose import Composer, Refused, choose_format
from tools.prepare_dataset.contract import Format
from tools.prepare_dataset.counting import RowCounter
from tools.prepare_dataset.cut import cut
from tools.prepare_dataset.examples import parse_examples
from tools.prepare_dataset.material import Exchange, Passage, Span
from tools.prepare_dataset.wording import wording
from tools.workspace.layout import Workspace

SAMPLE = Path(__file__).parents[2] / "clients" / "sample"
SPAN = Span("a.md", "book", "a.md#um", "um", 0, 10)
FORMATS: tuple[Format, ...] = ("text", "completions", "chat")


@pytest.fixture
def tokenizer(tiny_ws: Workspace) -> Tokenizer:
    return Tokenizer.load(tiny_ws.model_folder("tiny"))


def composer(tokenizer: Tokenizer, form: Format) -> Composer:
    return Composer(form, wording("pt"), RowCounter(tokenizer, "uma amostra"))


def exchange(*contents: str, system: str = "", context: str = "") -> Exchange:
    turns = [{"role": ("user", "assistant")[n % 2], "content": text} for n, text in enumerate(contents)]
    return Exchange(
        SPAN, tuple([{"role": "system", "content": system}] * bool(system) + turns), "messages", context=context
    )


def test_instruction_rows_tell_where_the_answer_begins(tokenizer: Tokenizer) -> None:
    row = composer(tokenizer, "text").exchange(exchange("Quem?", "Eu.", context="Um texto."))[0]
    text = row.content["text"]
    assert text == "### Instrução:\nQuem?\n\n### Contexto:\nUm texto.\n\n### Resposta:\nEu."
    assert text[row.response_start :] == "Eu."


def test_each_answer_of_a_conversation_is_a_row_where_there_are_no_turns(tokenizer: Tokenizer) -> None:
    rows = composer(tokenizer, "text").exchange(exchange("Quem?", "Eu.", "Onde?", "Cá.", system="Sê breve."))
    assert [row.content["text"][row.response_start :] for row in rows] == ["Eu.", "Cá."]
    assert "### Contexto:\nSê breve.\nPergunta: Quem?\nResposta: Eu.\n\n" in rows[1].content["text"]
    rows = composer(tokenizer, "completions").exchange(exchange("Quem?", "Eu.", "Onde?", "Cá."))
    assert [row.content["completion"] for row in rows] == ["Eu.", "Cá."]


def test_a_conversation_is_one_row_of_chat(tokenizer: Tokenizer) -> None:
    rows = composer(tokenizer, "chat").exchange(exchange("Quem?", "Eu.", "Onde?", "Cá.", system="Sê breve."))
    assert [turn["role"] for turn in rows[0].content["messages"]] == [
        "system",
        "user",
        "assistant",
        "user",
        "assistant",
    ]


def test_a_system_turn_goes_to_the_first_question_where_the_template_takes_none(tokenizer: Tokenizer) -> None:
    template = (
        "{% for m in messages %}{% if m['role'] == 'system' %}{{ raise_exception('no') }}{% endif %}"
        "[{{ m['role'] }}]{{ m['content'] }}<|im_end|>{% endfor %}{% if add_generation_prompt %}[assistant]{% endif %}"
    )
    picky = Tokenizer(tokenizer.rust, {"eos_token": "<|im_end|>"}, template=ChatTemplate(template, {}))
    row = composer(picky, "chat").exchange(exchange("Quem?", "Eu.", system="Sê breve."))[0]
    assert row.content["messages"][0] == {"role": "user", "content": "Sê breve.\n\nQuem?"}


def test_calls_of_tools_are_refused_where_they_have_no_place(tokenizer: Tokenizer) -> None:
    unit = Exchange(SPAN, exchange("Quem?", "Eu.").messages, "messages", ({"type": "function"},))
    with pytest.raises(Refused, match="no place"):
        composer(tokenizer, "text").exchange(unit)


TOOLS_TEMPLATE = """{% for tool in tools or [] %}{{ tool | tojson }}
{% endfor %}{% for m in messages %}<|im_start|>{{ m.role }}
{{ m.content }}{% for call in m.tool_calls or [] %}{{ call.function | tojson }}{% endfor %}<|im_end|>
{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant
{% endif %}"""


def test_calls_of_tools_are_kept_where_the_template_has_them_and_refused_where_it_drops_them(
    tokenizer: Tokenizer,
) -> None:
    tools = {"type": "function", "function": {"name": "estado_do_farol"}}
    called = {"type": "function", "function": {"name": "estado_do_farol", "arguments": {"farol": "Areal"}}}
    turns = (
        {"role": "user", "content": "Está aceso?"},
        {"role": "assistant", "content": "", "tool_calls": [called]},
        {"role": "tool", "content": "aceso"},
        {"role": "assistant", "content": "Está."},
    )
    unit = Exchange(SPAN, turns, "messages", (tools,))
    with pytest.raises(Refused, match="leaves out tools"):
        composer(tokenizer, "chat").exchange(unit)
    knowing = Tokenizer(tokenizer.rust, {}, template=ChatTemplate(TOOLS_TEMPLATE, {}))
    row = composer(knowing, "chat").exchange(unit)[0]
    assert (row.content["tools"], row.content["messages"]) == ([tools], list(turns))
    assert '"arguments": {"farol": "Areal"}' in row.learned


def test_a_turn_that_the_template_changes_is_refused(tokenizer: Tokenizer) -> None:
    template = TOOLS_TEMPLATE.replace("{{ m.content }}", "{{ m.content if m.role != 'user' else m.content[:2] }}")
    lossy = Tokenizer(tokenizer.rust, {}, template=ChatTemplate(template, {}))
    with pytest.raises(Refused, match="the text of turn 1, or changes it"):
        composer(lossy, "chat").exchange(exchange("Quem?", "Eu.", "Onde?", "Cá."))


def test_a_system_turn_that_the_template_drops_goes_before_the_first_question(tokenizer: Tokenizer) -> None:
    template = TOOLS_TEMPLATE.replace("for m in messages", "for m in messages if m.role != 'system'")
    deaf = Tokenizer(tokenizer.rust, {}, template=ChatTemplate(template, {}))
    row = composer(deaf, "chat").exchange(exchange("Quem?", "Eu.", system="Sê breve."))[0]
    assert row.content["messages"][0] == {"role": "user", "content": "Sê breve.\n\nQuem?"}


def test_a_book_in_chat_is_continued_from_its_first_sentence(tokenizer: Tokenizer) -> None:
    book = source("farol.md", (SAMPLE / "livros" / "o-farol-de-areia.md").read_text(encoding="utf-8"), "book")
    unit = parse_book(book, wording("pt")).units[1]
    assert isinstance(unit, Passage)
    row = cut(unit, book.text, composer(tokenizer, "chat"), 2048, 2048)[0]
    ask, answer = (turn["content"] for turn in row.content["messages"])
    assert ask.startswith("Continua o texto de «O Farol de Areia», Capítulo 2: Os degraus que faltavam:\n\n")
    assert answer == book.text[row.span.start : row.span.end]
    assert ask.endswith("por lhe parecer que um lugar contado já não podia fazer-lhe mal.") or "Leonor contou" in ask


@pytest.mark.parametrize("form", FORMATS)
def test_tokens_are_those_that_the_model_is_trained_on(tokenizer: Tokenizer, form: Format) -> None:
    row = composer(tokenizer, form).exchange(exchange("Quem foi o campeão?", "A Equipa A."))[0]
    if form == "text":
        ids = tokenizer.encode(row.content["text"], special=True)
        expected = len(ids) + (ids[-1] not in tokenizer.eos_ids)
    else:
        expected = len(tokenizer.chat_spans(exchange("Quem foi o campeão?", "A Equipa A.").messages)[0])
    assert row.tokens == expected


def test_a_first_sentence_is_not_torn_at_an_abbreviation(tokenizer: Tokenizer) -> None:
    first = "Naquela manhã de novembro apareceu no cais o Sr. Dr. Abel com a Sra. D. Leonor."
    text = f"{first} {'O mar estava manso e a ilha longe. ' * 12}"
    unit = Passage(Span("a.txt", "book", "a.txt#x", "x", 0, len(text)), title="x")
    row = composer(tokenizer, "chat").passage(unit, text, 0, index=0, whole=True)
    assert row.content["messages"][0]["content"].endswith(f"\n\n{first}")
    assert row.content["messages"][1]["content"].startswith("O mar")


def units(name: str) -> list[Passage | Exchange]:
    text = (SAMPLE / name).read_text(encoding="utf-8")
    return list(parse_examples(source(name, text, "examples")).units)


def test_the_format_follows_the_material() -> None:
    conversations = units("conversas.jsonl")
    passage = Passage(SPAN)
    completion = Exchange(SPAN, exchange("a", "b").messages, "completion")
    tools = Exchange(SPAN, exchange("a", "b").messages, "messages", ({"type": "function"},))
    assert choose_format(conversations, "auto", True)[0] == "chat"
    assert choose_format(conversations, "auto", False)[0] == "text"
    assert choose_format([*conversations, *[passage] * 30], "auto", True)[0] == "text"
    assert choose_format([completion, completion, passage], "auto", True)[0] == "completions"
    assert choose_format([passage, passage, tools], "auto", True)[0] == "chat"
    assert choose_format([passage], "completions", False)[0] == "completions"


def test_chat_without_a_template_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="no chat template"):
        choose_format([Passage(SPAN)], "chat", False)
