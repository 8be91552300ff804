"""Text around a work is left out and told; the work itself stays whole."""

from __future__ import annotations

from tests.prepare_dataset.support import source
from tests.support.prose import paragraph
from tools.prepare_dataset.books import parse_book
from tools.prepare_dataset.checks.boilerplate import take_out_boilerplate
from tools.prepare_dataset.dropped import Drops
from tools.prepare_dataset.material import Passage
from tools.prepare_dataset.wording import wording

COPYRIGHT = """Título: O Moinho da Serra
Autor: Ana Ninguém
1.ª edição: março de 2004
ISBN 972-0-00000-0

© 2004, Ana Ninguém. Todos os direitos reservados.
Nenhuma parte desta publicação pode ser reproduzida sem autorização do editor.

Depósito legal n.º 123456/04"""
GUTENBERG_HEAD = """The Project Gutenberg EBook of O Moinho, by Ana Ninguém

This eBook is for the use of anyone anywhere at no cost and with almost no restrictions whatsoever.

*** START OF THIS PROJECT GUTENBERG EBOOK O MOINHO ***

Produced by Alguém and the Online
Distributed Proofreading Team
"""
GUTENBERG_TAIL = """*** END OF THIS PROJECT GUTENBERG EBOOK O MOINHO ***

Updated editions will replace the previous one. Creating the works from public domain print editions."""


def chapters(count: int = 6, extra: str = "") -> str:
    return "\n\n".join(f"## Capítulo {n}\n\n{paragraph(n)}\n\n{extra}{paragraph(100 + n)}" for n in range(1, count + 1))


def cleaned(text: str) -> tuple[list[str], Drops]:
    """The texts of the passages left, and what was taken out."""
    book, drops = source("livro.md", text, "book"), Drops()
    parsed = parse_book(book, wording("pt"))
    take_out_boilerplate(book, parsed, drops)
    spans = [unit.span for unit in parsed.units if isinstance(unit, Passage)]
    assert all(text[span.start : span.end].strip() == text[span.start : span.end] for span in spans)
    return [text[span.start : span.end] for span in spans], drops


def words(texts: list[str]) -> str:
    return " ".join(" ".join(texts).split())


def test_a_clean_book_stays_as_it_is() -> None:
    text = "# O Moinho\n\n" + chapters()
    left, drops = cleaned(text)
    assert words(left) == " ".join(text.split())
    assert not drops.all


def test_a_licence_before_and_after_the_text_goes() -> None:
    left, drops = cleaned(f"{GUTENBERG_HEAD}\n\n# O Moinho\n\n{chapters()}\n\n{GUTENBERG_TAIL}")
    assert words(left) == " ".join(f"# O Moinho {chapters()}".split())
    assert drops.counts() == {"licence text": 2}


def test_a_copyright_page_goes_with_the_lines_about_the_edition() -> None:
    left, drops = cleaned(f"# O Moinho\n\n{COPYRIGHT}\n\n{chapters()}")
    assert words(left) == " ".join(f"# O Moinho {chapters()}".split())
    assert set(drops.counts()) == {"copyright page"}
    assert "Todos os direitos reservados" in " ".join(drop.text for drop in drops.all)


def test_rights_spoken_of_in_the_story_stay() -> None:
    told = "— Todos os direitos reservados — leu o avô, e copyright era palavra que não conhecia."
    filler = "\n\n".join(paragraph(n) for n in range(40, 60))
    text = f"# O Moinho\n\n{chapters()}\n\n## Capítulo 7\n\n{filler}\n\n{told}\n\n{filler}\n\n## Capítulo 8\n\n{filler}"
    left, drops = cleaned(text)
    assert told in words(left)
    assert not drops.all


def test_a_table_of_contents_is_told() -> None:
    contents = "## Índice\n\n" + "\n".join(f"Capítulo {n} ........ {n * 7}" for n in range(1, 7))
    left, drops = cleaned(f"# O Moinho\n\n{contents}\n\n{chapters()}")
    assert "....." not in words(left)
    assert "Capítulo 6" in words(left)
    assert drops.counts() == {"table of contents": 1}


def test_heads_of_pages_and_ways_to_other_pages_go() -> None:
    head = "O MOINHO DA SERRA 17\n\n"
    navigation = "« Anterior | Índice | Seguinte »\n\n"
    left, drops = cleaned("# O Moinho\n\n" + chapters(extra=head + navigation))
    assert words(left) == " ".join(f"# O Moinho {chapters()}".split())
    assert drops.counts() == {"repeated page head": 6, "navigation line": 6}


def test_a_refrain_and_a_line_of_dialogue_in_every_chapter_stay() -> None:
    refrain = "Ai ondas do mar de Vigo\n\n— Não sei.\n\nE assim foi.\n\n"
    left, drops = cleaned("# Cantigas\n\n" + chapters(extra=refrain))
    assert words(left).count("Ai ondas do mar de Vigo") == words(left).count("— Não sei.") == 6
    assert not drops.all


def test_what_was_taken_out_is_told_with_its_place() -> None:
    text = f"# O Moinho\n\n{COPYRIGHT}\n\n{chapters()}"
    _, drops = cleaned(text)
    for drop in drops.all:
        assert " ".join(text[drop.span.start : drop.span.end].split()).startswith(drop.text[:40])
