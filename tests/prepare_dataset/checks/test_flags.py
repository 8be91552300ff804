"""What a person should look at: by file and line, masked, and nothing where there is nothing."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.prepare_dataset.checks.made import row
from tests.support.prose import paragraph
from tools.prepare_dataset.checks.flags import find_flags
from tools.prepare_dataset.checks.languages import other_language
from tools.prepare_dataset.edits import EditedText
from tools.prepare_dataset.lines import file_lines
from tools.prepare_dataset.material import RowDraft, Source, SourceFile
from tools.prepare_dataset.repair import repair_prose

ENGLISH = (
    "The lighthouse keeper walked down to the shore every morning, and with his lantern he looked for the boats "
    "that had not come home; it was a long time before anybody found out what he had been doing there at night."
)
SPANISH = (
    "El farero bajaba todas las mañanas hasta la orilla y con su linterna buscaba las barcas que no habían vuelto; "
    "pasó mucho tiempo antes de que alguien supiera lo que hacía allí por las noches sin decir nada a nadie."
)


def repaired(name: str, text: str) -> Source:
    edited = EditedText(text)
    repair_prose(edited)
    return Source(SourceFile(Path(name), name, None), "0" * 64, "utf_8", edited.text, "book", steps=edited.steps)


def rows_of(*texts: str, tokens: int = 50) -> list[RowDraft]:
    return [row(text, str(n), tokens=tokens) for n, text in enumerate(texts)]


def test_a_secret_is_told_by_the_line_of_the_file_as_it_came_and_never_repeated() -> None:
    wrapped = "\r\n".join(
        "O homem do moinho guardava no bolso do casaco um papel dobrado em quatro com" for _ in range(30)
    )
    text = f"{wrapped}\r\no endereço ana@correio.exemplo.pt escrito\r\n\r\nFim.\r\n"
    source = repaired("livro.md", text)
    assert source.text.count("\n") < 10
    flags = find_flags([source], [], "pt")
    [problem] = flags.problems
    assert (problem.path, problem.line) == ("livro.md", 31)
    assert "an e-mail address" in problem.message
    assert "ana" not in problem.message + problem.fix
    assert flags.counts == {"e-mail address": 1}


def test_lines_are_those_of_the_file_for_every_character_kept() -> None:
    text = (
        "\ufeffPrimeira\u00ad\nlinha com palavras que a tornam compri-\nda demais\r\n\r\n\r\nSegunda  \r\nTerceira\r\n"
    )
    source = repaired("a.md", text)
    words = ["Primeira", "demais", "Segunda", "Terceira"]
    wanted = [text.count("\n", 0, text.index(word)) + 1 for word in words]
    places = [source.text.index(word) for word in words]
    assert file_lines("a.md", source.text, source.steps, places) == wanted
    assert file_lines("a.md", source.text, source.steps, places[::-1]) == wanted[::-1]
    assert file_lines("a.pdf", source.text, source.steps, places) == [None] * 4


def test_many_of_a_sort_are_counted_not_listed() -> None:
    flags = find_flags([repaired("a.md", "\n\n".join(f"pessoa{n}@correio.pt" for n in range(40)))], [], "pt")
    assert len(flags.problems) == 10
    assert "30 more follow" in flags.problems[-1].message
    assert flags.counts == {"e-mail address": 40}


def test_rows_in_another_language_are_told_once_a_file() -> None:
    rows = rows_of(paragraph(1), ENGLISH, ENGLISH + " Again.", SPANISH)
    flags = find_flags([repaired("livro.md", "x\n\ny\n")], rows, "pt")
    assert [problem.message for problem in flags.problems] == [
        "2 of its 4 rows are in English, not Portuguese; the first is here.",
        "1 of its 4 rows are in Spanish, not Portuguese; the first is here.",
    ]
    assert flags.counts == {"rows in English": 2, "rows in Spanish": 1}


def test_languages_are_told_where_they_are_clear_and_the_model_is_loaded_only_then() -> None:
    old = "Elle sahia todos os dias da villa e hia pela rua do Carmo até á praça, onde o phariseu vendia azeite. " * 2
    assert other_language(old, "pt") is None
    assert other_language(paragraph(3), "pt") is None
    assert other_language("Santos 3 Benfica 2 Porto 1", "pt") is None
    assert other_language(ENGLISH, "en") is None
    assert other_language(SPANISH, "pt") == "es"
    assert other_language(paragraph(3), "en") == "pt"
    assert "py3langid" in sys.modules


def test_rows_far_shorter_or_longer_than_the_rest_are_told() -> None:
    rows = [*rows_of(*(paragraph(n) for n in range(30)), tokens=200), row("Fim.", "f", tokens=3)]
    rows.append(row(paragraph(50), "g", tokens=2000))
    flags = find_flags([repaired("livro.md", "x\n")], rows, "pt")
    assert [problem.message for problem in flags.problems] == [
        "A row of 3 tokens starts here, where 200 are usual.",
        "A row of 2000 tokens starts here, where 200 are usual.",
    ]
    assert flags.counts == {"very short rows": 1, "very long rows": 1}


def test_a_clean_book_raises_nothing() -> None:
    texts = [paragraph(n) for n in range(40)]
    flags = find_flags([repaired("livro.md", "\n\n".join(texts))], rows_of(*texts), "pt")
    assert not flags.problems
    assert not flags.counts
