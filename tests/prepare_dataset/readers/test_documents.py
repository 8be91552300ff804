"""Books, pages and documents through the whole of prepare_dataset."""

from __future__ import annotations

import re
from html import escape
from pathlib import Path

from docx import Document

from tests.prepare_dataset.readers.packed import epub, page
from tests.prepare_dataset.test_tool import call, opened
from tools.workspace.layout import Workspace

SAMPLE = Path(__file__).parents[3] / "clients" / "sample" / "livros" / "o-farol-de-areia.md"
CHAPTERS = dict(
    re.findall(r"^## (.+)\n\n((?:(?!^##).*\n?)+)", SAMPLE.read_text(encoding="utf-8"), re.MULTILINE),
)
# Lines of about one length, as a text wrapped at a width has them: they are to stay lines.
VERSE = "<br/>".join(f"A maré que sobe devagar pelas pedras do cais {n}" for n in range(20, 30))


def write_book(path: Path) -> Path:
    pages = {"ficha": page("<p>© 2026 Ana Maresia</p><p>ISBN 978-0</p><p>Todos os direitos reservados</p>")}
    for number, (title, text) in enumerate(CHAPTERS.items()):
        told = "".join(f"<p>{escape(paragraph)}</p>" for paragraph in text.strip().split("\n\n"))
        note = f'<aside epub:type="footnote" id="n">Anotação {number}.</aside>'
        call_of_note = '<p>Era maio<a epub:type="noteref" href="#n">1</a>.</p>'
        verse = f"<p>{VERSE}</p>" if number == 0 else ""
        pages[f"c{number}"] = page(f"<h2>{escape(title)}</h2>{told}{verse}{call_of_note}{note}")
    return epub(path, pages)


def test_the_chapters_of_a_book_become_documents_that_can_be_traced(tiny_ws: Workspace, tmp_path: Path) -> None:
    dataset = opened(call(tiny_ws, write_book(tmp_path / "farol.epub"), name="farol"))
    (source,) = dataset.card["sources"]
    assert (source["path"], source["kind"], source["encoding"]) == ("farol.epub", "book", "epub")
    assert source["left_out"] == {"copyright page": 1, "notes": len(CHAPTERS)}
    text = dataset.source_text("farol.epub")
    assert (dataset.folder / "sources/original/farol.epub").read_bytes() == (tmp_path / "farol.epub").read_bytes()
    assert {origin.document for origin in dataset.provenance()} == {f"farol.epub#{title}" for title in CHAPTERS}
    for title in CHAPTERS:
        document = f"farol.epub#{title}"
        assert len({origin.split for origin in dataset.provenance() if origin.document == document}) == 1
    rows = {split: dataset.rows(split) for split in ("train", "valid", "test")}
    assert all(rows.values())
    for origin in dataset.provenance():
        row = rows[origin.split][origin.index]
        assert origin.row_start is not None
        span = text[origin.start : origin.end]
        assert (row.text or "")[origin.row_start :].startswith(span)
        title = origin.document.removeprefix("farol.epub#")
        assert text.rindex("## ", 0, origin.start + 3) == text.index(f"## {title}\n")
    assert "pelas pedras do cais 20\nA maré" in text
    assert "Anotação" not in text
    assert "reservados" not in text


def test_documents_and_pages_give_prose_and_tables(tiny_ws: Workspace, tmp_path: Path) -> None:
    folder = tmp_path / "material"
    folder.mkdir()
    document = Document()
    for title, text in CHAPTERS.items():
        document.add_heading(title, 1)
        for paragraph in text.strip().split("\n\n"):
            document.add_paragraph(paragraph)
    document.save(str(folder / "caderno.docx"))
    cells = "".join(
        f"<tr><td>{year}</td><td>{team}</td><td>{points}</td></tr>"
        for year in range(2001, 2013)
        for team, points in (("Faro Velho", 20 + year % 7), ("Ilha Nova", 10 + year % 5), ("Cais", year % 9))
    )
    league = (
        f"<table><caption>Liga das Marés</caption><tr><th>Época</th><th>Equipa</th><th>Pontos</th></tr>{cells}</table>"
    )
    (folder / "liga.html").write_text(
        f"<h1>A liga</h1><p>A Liga das Marés joga-se na ilha desde 2001, entre três clubes do porto.</p>{league}",
        encoding="utf-8",
    )
    dataset = opened(call(tiny_ws, folder, name="tudo"))
    kinds = {source["path"]: source["kind"] for source in dataset.card["sources"]}
    assert kinds == {"caderno.docx": "book", "liga.html": "book", "liga.html#Liga das Marés": "table"}
    asked = [question.question for question in dataset.questions()]
    assert any("2007" in question for question in asked)
    assert dataset.source_text("liga.html#Liga das Marés").startswith("Época,Equipa,Pontos\n2001,Faro Velho,26\n")
