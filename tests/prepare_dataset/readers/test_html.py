from __future__ import annotations

from pathlib import Path

import pytest

from tests.prepare_dataset.readers.packed import STORY, damaged
from tools.prepare_dataset.readers.html import read_html
from tools.prepare_dataset.readers.part import Part, Unreadable

PROSE = f"<p>{STORY * 3}</p>"
# As MediaWiki writes its pages: what surrounds the article, what is in it, a table of results, notes.
SAVED = f"""<!DOCTYPE html>
<html lang="pt"><head><meta charset="UTF-8"><title>Liga das Marés de 2003 – Enciclopédia das Ilhas</title>
<script>var modelo = "<p>programa</p>";</script><style>p {{ margin: 0 }}</style></head>
<body class="mediawiki"><div id="mw-navigation"><nav id="p-nav"><ul><li><a href="/">Página principal</a></li></ul></nav>
</div>
<div id="content" class="mw-body" role="main"><h1 id="firstHeading">Liga das Marés de 2003</h1>
<div id="siteSub">Origem: Enciclopédia das Ilhas.</div>
<div class="mw-parser-output">
<table class="infobox"><tbody><tr><th colspan="2">Liga das Marés</th></tr><tr><th>Edição</th><td>12.ª</td></tr>
<tr><th>Campeão</th><td><a href="/fv">Faro Velho</a></td></tr>
<tr><th>Equipas</th><td><ul><li>Faro Velho</li><li>Ilha Nova</li></ul></td></tr></tbody></table>
<p>A <b>Liga das Marés de 2003</b> foi a 12.ª edição<sup id="cite_ref-1" class="reference"><a
 href="#cite_note-1">[1]</a></sup> da prova.{STORY * 3}</p>
<div id="toc" class="toc"><h2>Índice</h2><ul><li><a href="#c">1 Classificação</a></li></ul></div>
<h2><span id="c">Classificação</span><span class="mw-editsection">[<a href="/e">editar</a>]</span></h2>
<table class="wikitable"><caption>Classificação final</caption><tbody>
<tr><th rowspan="2">Pos</th><th rowspan="2">Equipa</th><th rowspan="2">Pts</th><th colspan="2">Golos</th>
<th rowspan="2"></th></tr>
<tr><th>M</th><th>S</th></tr>
<tr><td>1</td><th><span style="display:none">!</span><a href="/fv">Faro Velho</a></th><td>30<sup class="reference"><a
 href="#cite_note-2">[a]</a></sup></td><td>40</td><td>10</td><td rowspan="2">Taça</td></tr>
<tr><td>2</td><td>Ilha Nova</td><td>28</td><td>35</td><td>12</td></tr>
<tr><td colspan="6">Zona de descida</td></tr>
<tr><td>3</td><td>Cais, de Cima</td><td>9</td><td>8</td><td>50</td><td></td></tr></tbody></table>
<h2>História</h2>{PROSE}
<h2>Referências</h2><div class="reflist"><ol class="references"><li id="cite_note-1"><a
 href="#cite_ref-1">↑</a> Jornal.</li>
<li id="cite_note-2">Com perda de pontos.</li></ol></div>
<table class="navbox"><tbody><tr><td>Ligas das Ilhas</td></tr></tbody></table></div></div>
<footer><p>Texto sob licença livre.</p></footer></body></html>"""


def read(path: Path, text: str | bytes, name: str = "p.html") -> list[Part]:
    (path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_html(path / name)


def test_a_saved_page_gives_its_article_and_its_table(tmp_path: Path) -> None:
    prose, table = read(tmp_path, SAVED)
    assert prose.text == (
        "# Liga das Marés de 2003\n\nLiga das Marés\nEdição: 12.ª\nCampeão: Faro Velho\n"
        "Equipas: Faro Velho; Ilha Nova\n\n"
        f"A Liga das Marés de 2003 foi a 12.ª edição da prova.{(STORY * 3).rstrip()}\n\n"
        f"## História\n\n{(STORY * 3).rstrip()}\n"
    )
    assert (prose.name, prose.kind, prose.title) == ("", None, "Liga das Marés de 2003")
    assert prose.left_out["notes"] == 1
    assert prose.left_out["boilerplate"] >= 6
    assert (table.name, table.kind, table.title) == ("Classificação final", "table", "Liga das Marés de 2003")
    assert table.text == (
        "Pos,Equipa,Pts,Golos M,Golos S,F\n1,Faro Velho,30,40,10,Taça\n2,Ilha Nova,28,35,12,Taça\n"
        '3,"Cais, de Cima",9,8,50,\n'
    )


@pytest.mark.parametrize(
    "around",
    [
        "<main>{}</main>",
        "<div id='pagina'><article>{}</article></div>",
        "<div role='main'>{}</div>",
        "<form action='/'>{}</form>",
        "<header><h1>O farol</h1></header>{}",
    ],
)
def test_what_surrounds_the_article_is_left_out(tmp_path: Path, around: str) -> None:
    page = (
        "<html><head><title>O farol | Jornal da Ilha</title></head><body><nav>Início</nav><aside>Publicidade</aside>"
        "<div class='breadcrumbs'>Início &gt; Mar</div><div class='cookie-banner'>Aceita?</div>"
        + around.format(f"<h2>A luz</h2>{PROSE}<button>Partilhar</button>")
        + "<article class='teaser'>Outra notícia</article>" * ("<main>" in around)
        + "<form><label>Procurar</label><input value='x'></form><footer>2026</footer></body></html>"
    )
    (part,) = read(tmp_path, page)
    assert part.text == f"# O farol\n\n## A luz\n\n{(STORY * 3).rstrip()}\n"
    assert part.title == "O farol"
    assert part.left_out["boilerplate"] >= 4


@pytest.mark.parametrize(
    ("head", "codec", "told"),
    [
        ('<meta charset="iso-8859-1">', "cp1252", "cp1252"),
        ('<meta http-equiv="Content-Type" content="text/html; charset=windows-1252">', "cp1252", "cp1252"),
        ('<meta charset="iso-8859-15">', "iso8859_15", "iso_8859_15"),
        ("<meta charset='koi8-r'>", "koi8_r", "koi8_r"),
        ('<meta charset="iso-8859-1">', "utf-8", "utf_8"),
        ('<meta charset="utf-8">', "cp1252", "cp1252"),
        ("", "cp1252", "cp1252"),
        ("", "utf-16", "utf_16"),
        ('<meta charset="utf-8">', "utf-8-sig", "utf_8"),
        ('<meta charset="rot13">', "utf-8", "utf_8"),
    ],
)
def test_the_encoding_is_told_by_mark_declaration_or_text(tmp_path: Path, head: str, codec: str, told: str) -> None:
    words = "Привет, маяк" if codec == "koi8_r" else "A maçã não é “má”: a acção do coração às três"
    words = words.replace("“", '"').replace("”", '"') if codec == "iso8859_15" else words
    (part,) = read(tmp_path, f"<html><head>{head}</head><body><p>{words}.</p></body></html>".encode(codec))
    assert part.text == f"{words}.\n"
    assert part.encoding == told
    assert part.mended.get("encoding", 0) == (told != "utf_8")
    assert part.mended.get("byte_order_mark", 0) == (codec in ("utf-16", "utf-8-sig"))


def table(rows: str, more: str = "") -> str:
    return f"<h2>Quadro</h2>{PROSE}<table {more}>{rows}</table>{PROSE}"


def row(*cells: str) -> str:
    return "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"


HEAD = "<tr><th>Nome</th><th>Terra</th></tr>"
ROWS = row("Rita", "Barra") + row("Zé", "Cais")


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (HEAD + ROWS, "Nome,Terra\nRita,Barra\nZé,Cais\n"),
        (f"<thead>{HEAD.replace('th>', 'td>')}</thead><tbody>{ROWS}</tbody>", "Nome,Terra\nRita,Barra\nZé,Cais\n"),
        ("<tr><td><b>Nome</b></td><td><strong>Terra</strong></td></tr>" + ROWS, "Nome,Terra\nRita,Barra\nZé,Cais\n"),
        (row("Nome", "Idade") + row("Rita", "9") + row("Zé", "70"), "Nome,Idade\nRita,9\nZé,70\n"),
        ("<tr><th>Nome</th><th>Nome</th></tr>" + ROWS, "Nome,Nome (2)\nRita,Barra\nZé,Cais\n"),
        (HEAD + ROWS + HEAD + "<tr><td colspan=2>Fonte: Jornal</td></tr>", "Nome,Terra\nRita,Barra\nZé,Cais\n"),
        (
            HEAD + "<tr><td rowspan=3>Rita</td><td>Barra<br>e ilha</td></tr>" + row("Cais") + row("Mar"),
            "Nome,Terra\nRita,Barra e ilha\nRita,Cais\nRita,Mar\n",
        ),
    ],
)  # fmt: skip
def test_a_table_with_headings_and_rows_is_data(tmp_path: Path, rows: str, expected: str) -> None:
    prose, data = read(tmp_path, table(rows))
    assert data.text == expected
    assert (data.name, data.kind) == ("Quadro", "table")
    assert "Rita" not in prose.text
    assert prose.text.count(STORY.strip()) == 6


@pytest.mark.parametrize(
    ("rows", "text"),
    [
        (ROWS, "Rita | Barra\nZé | Cais"),
        (HEAD + "<tr><td>Rita</td><td>Barra</td></tr>", "Nome | Terra\nRita | Barra"),
        ("<tr><th>Nome</th><td>Rita</td></tr><tr><th>Terra:</th><td>Barra</td></tr>", "Nome: Rita\nTerra: Barra"),
        ("<tr><td><p>Um.</p><p>Dois.</p></td><td><ul><li>a</li><li>b</li></ul></td></tr>", "Um.\n\nDois.\n\n- a\n- b"),
        (f"<tr><td><table>{HEAD}{ROWS}</table></td></tr>", ""),
        (row("Equipa", "Pontos") + row("A", "muitos") + row("B", "3"), "Equipa | Pontos\nA | muitos\nB | 3"),
        (HEAD + ROWS.replace("Rita", "Rita " * 300), "Nome"),
    ],
)  # fmt: skip
def test_a_table_of_layout_stays_text(tmp_path: Path, rows: str, text: str) -> None:
    prose, *tables = read(tmp_path, table(rows))
    assert len(tables) == (not text)
    middle = prose.text.split("\n\n", 2)[-1] if text else prose.text
    assert middle.startswith(text)
    assert not text or prose.text.count(STORY.strip()) == 6


def test_tables_of_one_name_are_told_apart(tmp_path: Path) -> None:
    parts = read(tmp_path, "<h2>Época 2003/04: 1.ª divisão</h2>" + f"<table>{HEAD}{ROWS}</table>" * 2)
    assert [part.name for part in parts] == ["Época 2003-04- 1.ª divisão", "Época 2003-04- 1.ª divisão 2"]
    assert all("/" not in part.name and len(part.name.encode()) <= 84 for part in parts)


def test_spans_beyond_reason_are_bounded(tmp_path: Path) -> None:
    rows = (
        f"<tr><th colspan=999999999>Nome</th></tr><tr><td rowspan=999999999>a</td><td colspan={'9' * 500}>b</td></tr>"
    )
    (part,) = read(tmp_path, table(rows + ROWS * 3))
    assert "Rita | Barra" in part.text


def test_xhtml_and_plain_text_are_read_too(tmp_path: Path) -> None:
    page = '<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"><head><title/></head>'
    page += f'<body><a id="x"/>{PROSE}</body></html>'
    for name in ("p.xhtml", "p.html"):
        (part,) = read(tmp_path, page, name)
        assert part.text == (STORY * 3).rstrip() + "\n"
    (part,) = read(tmp_path, "Só texto,\nsem marcas.")
    assert part.text == "Só texto, sem marcas.\n"


def test_menus_without_a_name_are_told_by_their_links(tmp_path: Path) -> None:
    menu = "<ul>" + "".join(f'<li><a href="/{name}">{name}</a></li>' for name in ("Início", "Mar", "Terra")) + "</ul>"
    teams = menu.replace("Início", "Faro").replace("Mar", "Ilha").replace("Terra", "Cais")
    (part,) = read(tmp_path, f"<h1>Um</h1>{menu}<div>{STORY}</div>{teams}{PROSE}{menu}")
    assert part.text == f"# Um\n\n{STORY.strip()}\n\n- Faro\n- Ilha\n- Cais\n\n{(STORY * 3).strip()}\n"
    assert part.left_out == {"boilerplate": 2}


def test_code_keeps_its_marks(tmp_path: Path) -> None:
    (part,) = read(tmp_path, "<h1>Um</h1><pre><code>\n# comentário\nx = 1</code></pre>")
    assert part.text == "# Um\n\n```\n# comentário\nx = 1\n```\n"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" * 50, "binary"),
        (b"<html><body><script>document.write('x')</script></body></html>", "put there by a program"),
        (b"<div>" * 5000 + b"x", "nested"),
    ],
)
def test_what_gives_no_text_is_refused_in_plain_words(tmp_path: Path, content: bytes, told: str) -> None:
    with pytest.raises(Unreadable, match=told):
        read(tmp_path, content)


def test_a_damaged_copy_gives_parts_or_is_unreadable(tmp_path: Path) -> None:
    told = set()
    for copy in damaged(SAVED.encode()[:4000]):
        try:
            parts = read(tmp_path, copy)
        except Unreadable as fault:
            told.add(fault.reason)
        else:
            assert all(part.text.endswith("\n") and len(part.text) < 4000 for part in parts)
    assert told
