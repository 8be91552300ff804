from __future__ import annotations

from datetime import date, timedelta

import pytest

from tools.prepare_dataset.results.season_dates import cut_seasons


def weekly(first: date, last: date) -> list[date]:
    return [first + timedelta(days=7 * week) for week in range((last - first).days // 7 + 1)]


def test_seasons_from_summer_to_summer_are_parted_in_the_pause() -> None:
    days = weekly(date(2001, 8, 12), date(2002, 5, 20)) + weekly(date(2002, 8, 11), date(2003, 6, 8))
    cuts = cut_seasons(days)
    assert {cuts.name_of(day) for day in days if day < date(2002, 6, 30)} == {"2001/02"}
    assert {cuts.name_of(day) for day in days if day > date(2002, 6, 30)} == {"2002/03"}


def test_seasons_within_a_year_are_parted_around_new_year() -> None:
    days = [*weekly(date(2001, 3, 10), date(2001, 12, 9)), *weekly(date(2002, 4, 6), date(2002, 12, 1))]
    cuts = cut_seasons(days)
    assert [cuts.name_of(day) for day in (days[0], date(2001, 12, 9), date(2002, 4, 6))] == ["2001", "2001", "2002"]


@pytest.mark.parametrize("restart", [date(2020, 5, 16), date(2020, 6, 3), date(2020, 6, 20)])
def test_a_break_in_spring_parts_no_season(restart: date) -> None:
    first = weekly(date(2019, 8, 10), date(2020, 3, 8)) + weekly(restart, date(2020, 7, 26))
    second = weekly(date(2020, 9, 12), date(2021, 5, 23))
    cuts = cut_seasons(first + second)
    assert {cuts.name_of(day) for day in first} == {"2019/20"}
    assert {cuts.name_of(day) for day in second} == {"2020/21"}


def test_half_a_season_has_the_name_of_the_whole() -> None:
    days = weekly(date(2003, 8, 17), date(2003, 11, 30))
    assert {cut_seasons(days).name_of(day) for day in days} == {"2003/04"}


@pytest.mark.parametrize(("last", "name"), [(date(2004, 6, 1), "2004"), (date(2005, 1, 8), "2004/05")])
def test_a_few_days_are_one_season(last: date, name: str) -> None:
    days = [date(2004, 4, 3), date(2004, 5, 2), last]
    assert {cut_seasons(days).name_of(day) for day in days} == {name}
