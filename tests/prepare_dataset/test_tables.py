from __future__ import annotations

import csv
from pathlib import Path

import pytest

from tests.prepare_dataset.results.asking import answers, asked, kept, parse, texts
from tools.prepare_dataset.records import number_reader, parse_number, read_table, sniff_delimiter

LEAGUE = Path(__file__).parents[2] / "clients" / "sample" / "tabelas" / "liga-das-mares.csv"


def test_a_season_is_told_in_the_guides_form() -> None:
    first = texts(parse(LEAGUE.read_text(encoding="utf-8")))[0]
    assert first.heading == "Classificação da temporada 2004:\n"
    assert first.composed is not None
    assert first.composed.startswith("1. Náutico de Porto Ameixo - 25 pontos\n2. Desportivo de Vale de Sargaço - 25")
    assert first.composed.endswith("\nMelhor marcador: Jacinto Moleiro (12 golos)")


def test_every_answer_agrees_with_the_cells() -> None:
    parsed = parse(LEAGUE.read_text(encoding="utf-8"))
    with LEAGUE.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    found = answers(parsed)
    checked = 0
    for season in sorted({row["época"] for row in rows}):
        teams = sorted((row for row in rows if row["época"] == season), key=lambda row: int(row["posição"]))
        first, second = teams[0], teams[1]
        assert found["champion", season] == first["equipa"]
        assert found["runner_up", season] == second["equipa"]
        assert found["last", season] == teams[-1]["equipa"]
        gap = int(first["pontos"]) - int(second["pontos"])
        assert found["difference", first["equipa"], season, second["equipa"]] == f"{gap} ponto" + "s" * (gap != 1)
        most = max(int(row["golos_do_marcador"]) for row in teams)
        best = [row["melhor_marcador"] for row in teams if int(row["golos_do_marcador"]) == most]
        assert found.get(("top_scorer", season)) == (best[0] if len(best) == 1 else None)
        for row in teams:
            points = found.get(("points", season, row["equipa"]))
            if points is not None:
                checked += 1
                assert points == f"{row['pontos']} pontos"
    assert checked == 60


def test_questions_kept_for_evaluation_ask_the_same_in_other_words() -> None:
    parsed = parse(LEAGUE.read_text(encoding="utf-8"))
    assert asked(parsed) == kept(parsed)
    trained = {unit.messages[0]["content"] for unit in parsed.units if hasattr(unit, "messages")}
    assert not {ask.question for ask in parsed.questions} & trained


def test_a_season_spans_its_lines() -> None:
    text = LEAGUE.read_text(encoding="utf-8")
    for unit in texts(parse(text)):
        lines = text[unit.span.start : unit.span.end].split("\n")
        assert len(lines) == 8
        assert all(line.startswith(unit.span.place + ",") for line in lines)


def test_a_table_of_something_else_becomes_records() -> None:
    parsed = parse("cidade;habitantes\nLisboa;545 796\nPorto;\n", "cidades.csv")
    assert [unit.composed for unit in texts(parsed)] == ["cidade: Lisboa\nhabitantes: 545 796", "cidade: Porto"]
    assert not parsed.questions
    assert parsed.notes == [
        "cidades.csv: Read as records, one a row: it has neither a team's points nor two teams and a score."
    ]


@pytest.mark.parametrize(
    "text", ["Fundação:,1904\nEstádio:,Campo do Cabo\n", "campo;valor\nFundação;1904\nEstádio;Campo do Cabo\n"]
)
def test_names_with_their_values_are_one_text(text: str) -> None:
    parsed = parse(text, "clube-das-mares.csv")
    assert [(unit.heading, unit.composed) for unit in texts(parsed)] == [
        ("Clube das mares\n", "Fundação: 1904\nEstádio: Campo do Cabo")
    ]
    assert not parsed.questions


def test_a_long_cell_keeps_its_lines() -> None:
    story = "Abriu em 1904.\n" + "Ficou fechado durante o inverno. " * 8
    parsed = parse(f'lugar,história\nFarol,"{story}"\n', "lugares.csv")
    assert texts(parsed)[0].composed == f"lugar: Farol\nhistória:\n{story.strip()}"


def test_columns_that_hold_nothing_or_number_the_rows_need_no_heading() -> None:
    parsed = parse(",nome,ofício,\n1,Rui,pescador,\n2,Ana,oleira,\n", "gente.csv")
    assert [unit.composed for unit in texts(parsed)] == ["nome: Rui\nofício: pescador", "nome: Ana\nofício: oleira"]


def test_a_line_above_the_headings_is_the_caption() -> None:
    parsed = parse("Classificação final 1998/99,,\nequipa,pontos,\nA,9,\nB,7,\n", "folha.csv")
    assert not parsed.errors
    assert answers(parsed)["champion", "1998/99"] == "A"


@pytest.mark.parametrize(
    ("text", "line", "column", "message"),
    [
        ("equipa,pontos\nA,três\n", 2, 2, "under `pontos` is not a number"),
        ("equipa,pontos\nA,3\nB,\n", 3, 2, "under `pontos` is missing"),
        ("equipa,pontos\n,3\n", 2, 1, "team's name is missing"),
        ("época,equipa,pontos\n,A,3\n", 2, 1, "season is missing"),
        ("posição,equipa,pontos\n1.5,A,3\n", 2, 1, "is not a whole number"),
        ("equipa,golos,pontos\nA,30-18,3\nB,20-,1\nC,1-2,0\nD,1-2,0\nE,1-2,0\n", 3, 2, "is not two numbers"),
        ("equipa,pontos\nA,3,4\n", 2, 3, "has 3 cells"),
        ("equipa,pontos\nA\n", 2, 1, "has 1 cells"),
        ("2004,A,25\n2005,B,26\n", 1, 1, "numbers, not headings"),
        ("equipa,,pontos\nA,b,3\n", 1, 2, "heading is empty"),
        ("equipa,Equipa\nA,b\n", 1, 2, "stands twice"),
        ("equipa,pontos\n", 1, None, "no rows"),
        ("só uma coluna\nA\nB\n", 1, 1, "one column"),
        ('equipa,pontos\n"A,3\nB,4\n', 2, None, "quotation mark"),
    ],
)
def test_faults_are_told_by_line_and_cell(text: str, line: int, column: int | None, message: str) -> None:
    problem = parse(text).errors[0]
    assert (problem.path, problem.line, problem.column) == ("liga.csv", line, column)
    assert message in problem.message
    assert problem.fix


def test_all_faults_are_told_at_once() -> None:
    errors = parse("época,equipa,pontos\n2001,A,x\n2001,,3\n,C,y\n").errors
    assert [(problem.line, problem.column) for problem in errors] == [(2, 3), (3, 2), (4, 3)]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found_beside_decimal_commas(delimiter: str) -> None:
    lines = [delimiter.join(cells) for cells in (["a", "b", "c"], ["1.5", "x y", "z"], ["2", "x", "y"])]
    assert sniff_delimiter("\n".join(lines)) == delimiter
    assert sniff_delimiter("nome;valor\nA;1,5\nB;2,5\n") == ";"


def test_quoted_cells_may_hold_separators_and_lines() -> None:
    text = 'nome,nota\n"Silva, Rui","uma\nduas"\nAna,três\n'
    table, problems = read_table(text, "x.csv")
    assert not problems
    assert table is not None
    assert [(record.line, record.cells) for record in table.records] == [
        (2, ["Silva, Rui", "uma\nduas"]),
        (4, ["Ana", "três"]),
    ]
    assert text[table.records[0].start : table.records[0].end] == '"Silva, Rui","uma\nduas"'


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("0.375", 0.375),
        ("0,375", 0.375),
        ("1.234", 1234),
        ("1,234", 1234),
        ("85,5", 85.5),
        ("-3", -3),
        ("1.234,5", 1234.5),
        ("2023/24", None),
        ("", None),
    ],
)
def test_numbers_are_read_as_people_write_them(cell: str, value: float | None) -> None:
    assert parse_number(cell) == value


@pytest.mark.parametrize(
    ("column", "values"),
    [
        (["1.234", "12,5"], [1234, 12.5]),
        (["1,234", "12.5"], [1234, 12.5]),
        (["1,234", "12,5"], [1.234, 12.5]),
        (["1.234", "12.5"], [1.234, 12.5]),
        (["1 234", "1 234,5"], [1234, 1234.5]),
    ],
)
def test_a_column_tells_what_its_marks_mean(column: list[str], values: list[float]) -> None:
    read = number_reader(column)
    assert [read(cell) for cell in column] == values
