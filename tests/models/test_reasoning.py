from __future__ import annotations

import pytest

from tests.support import family_templates as family
from tools.models.reasoning import Thinking, ThoughtSplitter, thinking_of

ASKED = [{"role": "user", "content": "Que dia é hoje? <think>"}]


def parted(thinking: Thinking, pieces: list[str]) -> tuple[str, str]:
    splitter = ThoughtSplitter(thinking)
    found = [splitter.feed(piece) for piece in pieces] + [splitter.finish()]
    return "".join(thought for thought, _ in found), "".join(said for _, said in found)


@pytest.mark.parametrize(
    ("thinking", "text", "thought", "said"),
    [
        ("maybe", "<think>\nHoje é\n\nsexta.\n</think>\n\nÉ sexta.", "Hoje é\n\nsexta.", "É sexta."),
        ("maybe", "<think>\n\n</think>\n\nÉ sexta.", "", "É sexta."),
        ("maybe", "É <think>sexta</think>.", "", "É <think>sexta</think>."),
        ("maybe", "\n <th", "", "\n <th"),
        ("open", "Hoje é sexta.\n</think>\n\nÉ <b>sexta</b>.\n", "Hoje é sexta.", "É <b>sexta</b>.\n"),
        ("open", "a < b </thin", "a < b </thin", ""),
        ("no", "<think>x</think>", "", "<think>x</think>"),
    ],
)
def test_thoughts_are_kept_apart_however_the_text_is_cut(
    thinking: Thinking, text: str, thought: str, said: str
) -> None:
    assert parted(thinking, [text]) == (thought, said)
    assert parted(thinking, list(text)) == parted(thinking, [text])


@pytest.mark.parametrize(
    ("source", "more", "thinking"),
    [
        (family.QWEN_3, {}, "maybe"),
        (family.QWEN_3, {"enable_thinking": False}, "no"),
        (family.DEEPSEEK_R1, {}, "open"),
        (family.QWEN_2_5, {}, "no"),
    ],
)
def test_the_template_tells_whether_there_are_thoughts(source: str, more: dict[str, bool], thinking: str) -> None:
    template = family.template(source)
    assert thinking_of(template, template.render(ASKED, add_generation_prompt=True, **more)) == thinking
