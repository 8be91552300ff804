from __future__ import annotations

from datetime import date

import pytest

from tools.prepare_dataset.results.cells import DateColumn, is_not_played, parse_score, season_years


@pytest.mark.parametrize(
    ("cell", "score"),
    [
        ("2-1", (2, 1)),
        ("2:1", (2, 1)),
        ("2 x 1", (2, 1)),
        ("2–1 (1–0)", (2, 1)),
        (" 10 - 0 ", (10, 0)),
        ("1-1 a.p.", (1, 1)),
        ("3 a 2", (3, 2)),
        ("-1-2", (-1, 2)),
        ("2-1-2004", None),
        ("dois a um", None),
        ("2", None),
    ],
)
def test_a_score_is_read_as_people_write_it(cell: str, score: tuple[int, int] | None) -> None:
    assert parse_score(cell) == score


@pytest.mark.parametrize("cell", ["", "-", "NA", "x", "vs", "adiado", "Postponed", "15h30"])
def test_what_stands_for_no_score_is_known(cell: str) -> None:
    assert is_not_played(cell)


@pytest.mark.parametrize(
    "cell",
    [
        "1998-05-12", "1998-05-12 20:30:00", "1998-05-12T20:30", "12/05/1998", "12-5-98", "12.05.1998 20:30",
        "sáb., 12/05/1998", "12 de maio de 1998", "12 Maio 1998", "terça-feira, 12 de Maio de 1998", "12-mai-98",
        "12 May 1998", "May 12, 1998", "Tue 12 May 1998", "12th of May 1998",
    ],
)  # fmt: skip
def test_a_date_is_read_in_its_many_forms(cell: str) -> None:
    assert DateColumn([cell]).read(cell) == date(1998, 5, 12)


@pytest.mark.parametrize(
    ("cells", "first", "uncertain"),
    [
        (["03/04/2001", "25/04/2001"], date(2001, 4, 3), False),
        (["03/04/2001", "04/25/2001"], date(2001, 3, 4), False),
        (["03/10/2001", "03/11/2001", "04/01/2001"], date(2001, 3, 10), False),
        (["10/03/2001", "11/03/2001", "01/04/2001"], date(2001, 3, 10), False),
        (["03/04/2001", "05/06/2001"], date(2001, 4, 3), True),
        (["05/05/2001"], date(2001, 5, 5), False),
    ],
)
def test_a_column_tells_whether_the_day_comes_first(cells: list[str], first: date, uncertain: bool) -> None:
    column = DateColumn(cells)
    assert (column.read(cells[0]), column.uncertain) == (first, uncertain)


@pytest.mark.parametrize("cell", ["31/04/2001", "2001-13-01", "ontem", "", "12 de foo de 1998"])
def test_what_is_no_day_is_no_date(cell: str) -> None:
    assert DateColumn([cell]).read(cell) is None


@pytest.mark.parametrize(
    ("text", "years"),
    [
        ("2004", (2004, 2004)),
        ("2023/24", (2023, 2024)),
        ("Época 1999-2000", (1999, 2000)),
        ("98/99", (1998, 1999)),
        ("liga-2023-24", (2023, 2024)),
        ("jogos-1963-2008", None),
        ("20040512", None),
        ("Liga", None),
    ],
)
def test_a_season_tells_its_years(text: str, years: tuple[int, int] | None) -> None:
    assert season_years(text) == years
