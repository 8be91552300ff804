from __future__ import annotations

from pathlib import Path

import pytest

from tests.prepare_dataset.readers.packed import STORY, damaged, epub, nav, page, paragraphs, zipped
from tools.prepare_dataset.chapters import read_book
from tools.prepare_dataset.readers.epub import read_epub
from tools.prepare_dataset.readers.part import Part, Unreadable

POINT = '<navPoint><navLabel><text>{}</text></navLabel><content src="{}"/>{}</navPoint>'
FRONT = {
    "capa": page('<div><img src="capa.jpg" alt="Capa do livro"/></div>'),
    "rosto": page("<h1>O Farol de Areia</h1><p>Ana Maresia</p><p>Onda Editora</p>"),
    "ficha": page(
        "<p>Título: O Farol de Areia</p><p>© 2021, Ana Maresia e Onda Editora</p><p>1.ª edição: maio de 2021</p>"
        "<p>Depósito legal 123456/21</p><p>ISBN 978-972-0-00000-1</p><p>Todos os direitos reservados.</p>"
    ),
    "indice": page('<h2>Índice</h2><p><a href="c1.xhtml">A chegada</a></p><p><a href="c2.xhtml">O mar</a></p>'),
}
C1 = page(f"<h2>A chegada</h2>{paragraphs(3)}")
C2 = page(f"<h2>O mar</h2>{paragraphs(3)}")
CHAPTERS = {"c1": C1, "c2": C2}
PAGES = '<nav epub:type="page-list"><ol><li><a href="c.xhtml#p2">2</a></li></ol></nav>'
CONTENTS = nav(("A chegada", "c1.xhtml"), ("O mar", "c2.xhtml"))


def read(path: Path) -> Part:
    part, *tables = read_epub(path)
    assert not tables
    return part


def text_of(path: Path, body: str, **more: str) -> str:
    """The text of one chapter, without its heading."""
    return read(epub(path / "x.epub", {"c": page(f"<h2>Um</h2>{body}")}, **more)).text.removeprefix("## Um\n\n")


def titles(part: Part) -> list[str]:
    return [chapter.title for chapter in read_book(part.text, "ficheiro").chapters]


def test_chapters_come_in_reading_order_with_their_headings(tmp_path: Path) -> None:
    path = epub(tmp_path / "a.epub", CHAPTERS, spine=("c2", "c1"), contents=nav(("O mar", "c2.xhtml")))
    part = read(path)
    assert (part.encoding, part.title, part.name, part.kind) == ("epub", "O Farol de Areia", "", None)
    assert titles(part) == ["O mar", "A chegada"]
    assert part.text.count("Passo") == 6


def test_front_matter_is_told_and_left_out(tmp_path: Path) -> None:
    part = read(epub(tmp_path / "a.epub", {**FRONT, **CHAPTERS}))
    assert part.text.startswith("## A chegada\n\nA menina")
    assert part.left_out == {"copyright page": 1, "pages without text": 1, "table of contents": 1, "title page": 1}


@pytest.mark.parametrize(
    ("pages", "guide", "contents", "expected"),
    [
        ({"f": page("<p>Onda, 2021</p>", attributes=' epub:type="copyright-page"')}, "", "", "copyright page"),
        ({"f": page('<section epub:type="titlepage"><p>Farol!</p></section>')}, "", "", "title page"),
        ({"f": page("<p>Onda, 2021</p>")}, '<reference type="copyright-page" href="f.xhtml"/>', "", "copyright page"),
        (
            {"f": page("<p>Onda, 2021</p>")},
            "",
            '<nav epub:type="landmarks"><ol><li><a epub:type="titlepage" href="f.xhtml">Rosto</a></li></ol></nav>',
            "title page",
        ),
        ({"f": page("<h1>Contents</h1><p>A chegada</p><p>O mar</p>")}, "", CONTENTS, "table of contents"),
        ({"f": page(nav(("A chegada", "c1.xhtml")))}, "", "", "table of contents"),
        ({"f": page('<section class="pg-boilerplate pgheader"><p>The ebook of</p></section>')}, "", "", "boilerplate"),
    ],
)  # fmt: skip
def test_front_matter_is_told_by_what_the_book_calls_it(
    tmp_path: Path, pages: dict[str, str], guide: str, contents: str, expected: str
) -> None:
    part = read(epub(tmp_path / "a.epub", {**pages, **CHAPTERS}, guide=guide, contents=contents))
    assert part.text.lstrip("# ").startswith("A chegada\n\nA menina")
    assert part.left_out == {expected: 1}


def test_chapters_that_speak_of_copyright_and_contents_stay(tmp_path: Path) -> None:
    talk = f"<h2>O editor</h2><p>Todos os direitos reservados, disse o editor, e o ISBN?</p>{paragraphs(3)}"
    short = "<h2>Sumário</h2><p>Foi um julgamento sumário. Ninguém ali disse palavra.</p>"
    part = read(epub(tmp_path / "a.epub", {"c1": C1, "c2": page(talk), "c3": page(short)}))
    assert "disse o editor" in part.text
    assert "julgamento sumário" in part.text
    assert part.left_out == {}


def test_dedication_and_preface_stay(tmp_path: Path) -> None:
    pages = {"d": page("<p>Para a Rita.</p>"), "p": page(f"<h2>Prefácio</h2>{paragraphs(1)}"), **CHAPTERS}
    part = read(epub(tmp_path / "a.epub", pages))
    assert part.text.startswith("Para a Rita.\n\n## Prefácio\n\n")
    assert titles(part) == ["Prefácio", "A chegada", "O mar"]


def test_titles_of_the_contents_stand_where_the_file_has_no_headings(tmp_path: Path) -> None:
    pages = {"c1": page(paragraphs(2)), "c2": page(f'{paragraphs(1)}<p id="m">{STORY * 3}</p>{paragraphs(1)}')}
    contents = nav(("A chegada", "c1.xhtml"), ("O mar", "c2.xhtml"), ("O vento", "c2.xhtml#m"))
    part = read(epub(tmp_path / "a.epub", pages, contents=contents))
    assert titles(part) == ["A chegada", "O mar", "O vento"]
    assert f"# O vento\n\n{STORY}" in part.text


def test_version_2_tells_its_titles_in_the_ncx_and_parts_stand_over_chapters(tmp_path: Path) -> None:
    pages = {"p1": page("<p>PRIMEIRA PARTE</p><p>A ilha</p>"), "c1": page(paragraphs(2)), "c2": C2}
    pages |= {"p2": page("<p>SEGUNDA PARTE</p>"), "c3": page(f"<p>I</p>{paragraphs(2)}"), "c4": page(paragraphs(2))}
    first = POINT.format("A chegada", "c1.xhtml", "") + POINT.format("O mar", "c2.xhtml", "")
    second = POINT.format("I", "c3.xhtml", "") + POINT.format("II", "c4.xhtml#nada", "")
    ncx = POINT.format("Primeira Parte: A ilha", "p1.xhtml", first) + POINT.format("Segunda Parte", "p2.xhtml", second)
    part = read(epub(tmp_path / "a.epub", pages, ncx=ncx))
    assert part.text.startswith("# PRIMEIRA PARTE: A ilha\n\n## A chegada\n\nA menina")
    assert titles(part) == [
        "PRIMEIRA PARTE: A ilha – A chegada",
        "PRIMEIRA PARTE: A ilha – O mar",
        "SEGUNDA PARTE – I",
        "SEGUNDA PARTE – II",
    ]


def test_pages_that_open_a_part_leave_their_heading(tmp_path: Path) -> None:
    links = '<p><a href="c1.xhtml">A chegada</a></p><p><a href="c2.xhtml">O mar</a></p>'
    pages = {"i": page(f"<h1>Prólogo</h1>{paragraphs(1)}"), "p1": page(f"<h1>Terra</h1>{links}"), "c1": C1}
    pages |= {"p2": page('<img src="mar.png" alt=""/>'), "c2": C2}
    first, second = POINT.format("A chegada", "c1.xhtml", ""), POINT.format("O mar", "c2.xhtml", "")
    ncx = POINT.format("Prólogo", "i.xhtml", "") + POINT.format("Terra", "p1.xhtml", first)
    part = read(epub(tmp_path / "a.epub", pages, ncx=ncx + POINT.format("Mar", "p2.xhtml", second)))
    headings = [line for line in part.text.split("\n") if line.startswith("#")]
    assert headings == ["# Prólogo", "# Terra", "## A chegada", "# Mar", "## O mar"]
    assert part.left_out == {"pages without text": 1, "table of contents": 1}


@pytest.mark.parametrize(
    "heading",
    [
        "<p class='num'>CAPÍTULO I</p><p class='tit'>A chegada</p>",
        "<h1>Capítulo I<br/>A chegada</h1>",
        "<h1>Capítulo I</h1><h2>A chegada</h2>",
        "<header><h2>Capítulo I. A chegada</h2></header>",
        "<div class='ornamento'>*</div><h3><span>Capítulo I</span><br/><span>A chegada</span></h3>",
    ],
)
def test_a_heading_in_any_form_is_the_one_that_the_contents_tell(tmp_path: Path, heading: str) -> None:
    pages = {"c1": page(heading + paragraphs(2)), "c2": page(f"<h4>O mar</h4>{paragraphs(2)}")}
    contents = nav(("Capítulo I – A chegada", "c1.xhtml"), ("O mar", "c2.xhtml"))
    part = read(epub(tmp_path / "a.epub", pages, contents=contents))
    first, second = titles(part)
    assert first.casefold().replace(".", ":") == "capítulo i: a chegada"
    assert second == "O mar"
    assert part.text.casefold().count("chegada") == 1


def test_sections_stand_below_their_chapter(tmp_path: Path) -> None:
    first = page(f"<h1>Um</h1>{paragraphs(1)}<h2>Cena</h2>{paragraphs(1)}")
    second = page(f"<h1>Dois</h1>{paragraphs(1)}<h2>Fim</h2>{paragraphs(1)}")
    pages = {"c1": first, "c2": second}
    part = read(epub(tmp_path / "a.epub", pages, contents=nav(("Um", "c1.xhtml"), ("Dois", "c2.xhtml"))))
    assert [line for line in part.text.split("\n") if line.startswith("#")] == ["# Um", "## Cena", "# Dois", "## Fim"]


def test_documents_outside_of_the_reading_order_are_passed_over(tmp_path: Path) -> None:
    part = read(epub(tmp_path / "a.epub", {**CHAPTERS, "x": page("<p>À parte.</p>")}, not_linear=("x",)))
    assert "À parte" not in part.text
    assert part.left_out == {"pages outside of the reading order": 1}


@pytest.mark.parametrize(
    ("body", "notes"),
    [
        ('<a epub:type="noteref" href="#n">1</a>.</p><aside epub:type="footnote" id="n"><p>Ver X.</p></aside>', 1),
        ('<a role="doc-noteref" href="#n">1</a>.</p><div id="n" role="doc-footnote">Ver X.</div>', 1),
        ('<sup><a id="r" href="#n">1</a></sup>.</p><h3>Notas</h3><ol><li id="n">Ver X.<a href="#r">↩</a></li></ol>', 1),
        ('<a id="r" href="#n">[1]</a>.</p><p><a id="n" href="#r">[1]</a> Ver X.</p>', 1),
        ('<a id="r" href="#n"><sup>*</sup></a>.</p><div class="nota"><p id="n">* Ver X.</p></div>', 1),
        ('<a id="r" href="#n">1</a>.</p><p><a id="n" href="#r">1</a> Ver X.</p>', 1),
        ('<sup><a id="r" href="#n">1</a></sup>.</p><dl><dt id="n"><a href="#r">1</a> .</dt><dd>Ver X.</dd></dl>', 1),
        ('<a id="r" href="notas.xhtml#n">1</a>.</p>', 1),
        ('.</p><section epub:type="endnotes"><h2>Notas</h2><p>Ver X.</p></section>', 1),
    ],
)  # fmt: skip
def test_notes_and_what_calls_them_are_taken_out(tmp_path: Path, body: str, notes: int) -> None:
    pages = {"c1": page(f'<h2>Um</h2>{paragraphs(1)}<p id="p9">Barcos{body}'), "c2": C2}
    if "notas.xhtml" in body:
        pages["notas"] = page('<h2>Notas</h2><p id="n"><a href="c1.xhtml#r">1</a>. Ver X.</p><p>Fim das notas.</p>')
    part = read(epub(tmp_path / "a.epub", pages))
    assert "\n\nBarcos.\n\n## O mar\n\n" in part.text
    assert "Ver X" not in part.text
    assert "Notas" not in part.text
    assert part.left_out["notes"] == notes


def test_links_that_call_no_note_keep_their_text(tmp_path: Path) -> None:
    body = (
        '<p id="a">Ver o capítulo <a href="#b">2</a> e a página <a href="c.xhtml#a">12</a>.</p>'
        f'<p id="b">Na praia. <a href="https://exemplo.pt/#1">1</a></p>{paragraphs(1)}'
    )
    assert text_of(tmp_path, body).startswith("Ver o capítulo 2 e a página 12.\n\nNa praia. 1\n\n")


def test_verse_lists_quotes_and_breaks_keep_their_lines(tmp_path: Path) -> None:
    body = (
        '<div class="poem"><div class="stanza"><p class="line">Vai o barco,</p><p class="line">vem o mar.</p></div>'
        '<div class="stanza"><p class="line">Fica a ilha.</p></div></div>'
        '<div class="linegroup"><div>Um</div><div>dois<span class="linenum">10</span></div></div>'
        '<p class="verso">Um verso<br/>outro<br/><br/>e o fim</p>'
        '<blockquote><p>—  Quem é?</p></blockquote>'
        "<ul><li>sal</li><li><p>pão</p><ol start='3'><li>trigo</li></ol></li></ul><p>A\n\t frase\n seguinte.</p><hr/>"
        "<pre>fica\n  assim</pre><dl><dt>Farol</dt><dd>torre com luz</dd></dl>"
    )  # fmt: skip
    assert text_of(tmp_path, body) == (
        "Vai o barco,\nvem o mar.\n\nFica a ilha.\n\nUm\ndois\n\nUm verso\noutro\n\ne o fim\n\n— Quem é?\n\n"
        "- sal\n- pão\n  3. trigo\n\nA frase seguinte.\n\n* * *\n\nfica\n  assim\n\nFarol\ntorre com luz\n"
    )


def test_small_marks_are_written_as_they_are_read(tmp_path: Path) -> None:
    body = (
        "<p>3 m<sup>2</sup> de H<sub>2</sub>O na 1.<sup>a</sup> vez&nbsp;&mdash; &lt;sim&gt; &amp; não&hellip;</p>"
        "<p>漢<ruby>字<rp>(</rp><rt>ji</rt><rp>)</rp></ruby>; guarda&shy;-chuva; <q>olá</q></p>"
        '<p><span aria-hidden="true">E</span>ra<span class="sr-only">Era</span> maio.</p>'
        '<p># 5 na lista<img src="x.png" alt="um barco"/><svg><text>desenho</text></svg></p>'
    )
    text = text_of(tmp_path, body)
    assert text.startswith("3 m² de H₂O na 1.ª vez — <sim> & não…\n\n漢字; guarda\xad-chuva; “olá”\n\nEra maio.\n\n")
    assert titles(read(epub(tmp_path / "b.epub", {"c": page(f"<h2>Um</h2>{body}{paragraphs(2)}")}))) == ["Um"]
    assert "barco" not in text
    assert "desenho" not in text


def test_pages_of_the_printed_book_are_known(tmp_path: Path) -> None:
    body = (
        '<span epub:type="pagebreak" title="7"/><p>Era <span class="pagenum">[8]</span>uma vez.</p><p id="p9">Fim.</p>'
    )
    emptied = f'<h2>Um</h2>{paragraphs(1)}<h2><a id="p2"></a>Notas</h2><section epub:type="endnotes"><p>X</p></section>'
    whole = read(epub(tmp_path / "b.epub", {"c": page(emptied), "d": C2}, contents=PAGES))
    assert whole.pages == ((whole.text.index("## O mar"), "2"),)
    pages = '<nav epub:type="page-list"><ol><li><a href="c.xhtml#p9">9</a></li></ol></nav>'
    part = read(epub(tmp_path / "a.epub", {"c": page(body)}, contents=pages))
    assert part.text == "Era uma vez.\n\nFim.\n"
    assert part.pages == ((0, "7"), (4, "8"), (14, "9"))


def test_a_table_of_results_is_a_part_and_one_of_words_is_text(tmp_path: Path) -> None:
    league = "<tr><th>Equipa</th><th>Pontos</th></tr>"
    league += "<tr><td>Faro Velho</td><td>30</td></tr><tr><td>Ilha, Nova</td><td>28</td></tr>"
    letter = "<tr><td>De:</td><td>Rita</td></tr><tr><td>Para:</td><td>o faroleiro</td></tr>"
    body = f"<h2>Um</h2>{paragraphs(1)}<h3>A liga</h3><table>{league}</table><h3>A carta</h3><table>{letter}</table>"
    prose, table = read_epub(epub(tmp_path / "a.epub", {"c": page(body)}))
    assert "Pontos" not in prose.text
    assert "A liga" not in prose.text
    assert prose.text.endswith("### A carta\n\nDe: | Rita\nPara: | o faroleiro\n")
    assert (table.name, table.kind, table.title) == ("A liga", "table", "O Farol de Areia")
    assert table.text == 'Equipa,Pontos\nFaro Velho,30\n"Ilha, Nova",28\n'


def test_entities_are_neither_fetched_nor_multiplied(tmp_path: Path) -> None:
    secret = tmp_path / "segredo.txt"
    secret.write_text("segredo")
    laughs = "".join(f'<!ENTITY a{n + 1} "{f"&a{n};" * 10}">' for n in range(9))
    kind = f'<!DOCTYPE html [<!ENTITY a0 "ha"><!ENTITY s SYSTEM "{secret.as_uri()}">{laughs}]>'
    bomb = page(f'<h2>Um</h2><p class="&a9;">Antes &a9;&s; depois.</p>{paragraphs(1)}').replace("<!DOCTYPE html>", kind)
    text = read(epub(tmp_path / "a.epub", {"c": bomb})).text
    assert text.startswith("## Um\n\nAntes depois.\n\n")
    assert len(text) < 1000


def test_broken_markup_is_mended_and_told(tmp_path: Path) -> None:
    part = read(epub(tmp_path / "a.epub", {"c1": page(f"<h2>Um</h2><p>Sal & <b>mar<br></p>{paragraphs(1)}"), "c2": C2}))
    assert part.text.startswith("## Um\n\nSal & mar\n\nA menina")
    assert part.mended == {"broken_markup": 1}


DRM = (
    '<encryption xmlns="urn:oasis:names:tc:opendocument:xmlns:container">'
    '<EncryptedData xmlns="http://www.w3.org/2001/04/xmlenc#">'
    '<EncryptionMethod Algorithm="{}"/><CipherData><CipherReference URI="{}"/></CipherData>'
    "</EncryptedData></encryption>"
)


def test_obfuscated_fonts_are_no_protection(tmp_path: Path) -> None:
    more = {"META-INF/encryption.xml": DRM.format("http://www.idpf.org/2008/embedding", "OEBPS/f.otf")}
    assert read(epub(tmp_path / "a.epub", CHAPTERS, more=more)).text


@pytest.mark.parametrize(
    "more",
    [
        {"META-INF/encryption.xml": DRM.format("http://www.w3.org/2001/04/xmlenc#aes128-cbc", "OEBPS/c1.xhtml")},
        {"META-INF/rights.xml": "<rights/>"},
    ],
)
def test_a_protected_book_is_refused_in_plain_words(tmp_path: Path, more: dict[str, str]) -> None:
    with pytest.raises(Unreadable, match="protected against copying"):
        read_epub(epub(tmp_path / "a.epub", CHAPTERS, more=more))


def test_what_is_missing_or_broken_is_named(tmp_path: Path) -> None:
    whole = epub(tmp_path / "a.epub", CHAPTERS)
    with pytest.raises(Unreadable, match=r"`c9`"):
        read_epub(epub(tmp_path / "b.epub", CHAPTERS, spine=("c1", "c9")))
    with pytest.raises(Unreadable, match=r"`OEBPS/c2\.xhtml` in it cannot be read: it breaks off\."):
        read_epub(epub(tmp_path / "c.epub", {"c1": C1, "c2": C2[:-200]}))
    entries = {"META-INF/container.xml": "<a/>", "c.xhtml": C1}
    with pytest.raises(Unreadable, match=r"`META-INF/container\.xml` in it is damaged"):
        read_epub(zipped(tmp_path / "d.epub", entries))
    with pytest.raises(Unreadable, match="It is no EPUB"):
        read_epub(zipped(tmp_path / "e.epub", {"c.xhtml": C1}))
    raw = whole.read_bytes()
    (tmp_path / "f.epub").write_bytes(raw.replace(b"OEBPS/c2.xhtml", b"OEBPS/c3.xhtml"))
    with pytest.raises(Unreadable, match=r"`OEBPS/c2\.xhtml` is missing"):
        read_epub(tmp_path / "f.epub")
    with pytest.raises(Unreadable, match="no text in it"):
        read_epub(epub(tmp_path / "g.epub", {"capa": FRONT["capa"]}))


def test_a_damaged_copy_is_unreadable_or_gives_the_text(tmp_path: Path) -> None:
    raw = epub(tmp_path / "a.epub", CHAPTERS, contents=nav(("A chegada", "c1.xhtml"))).read_bytes()
    whole = read(tmp_path / "a.epub").text
    read_anyway = 0
    for copy in damaged(raw):
        (tmp_path / "b.epub").write_bytes(copy)
        try:
            parts = read_epub(tmp_path / "b.epub")
        except Unreadable as fault:
            assert fault.reason.endswith(".")
            assert fault.fix.endswith(".")
        else:
            read_anyway += 1
            assert [part.text for part in parts] == [whole]
    assert read_anyway < 100


def test_the_same_book_gives_the_same_parts(tmp_path: Path) -> None:
    path = epub(tmp_path / "a.epub", {**FRONT, **CHAPTERS})
    assert read_epub(path) == read_epub(path)
