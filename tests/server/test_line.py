"""The line before the engine, its pace, and who is suspected of an engine's death: their rules, without an engine."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from server.engine.errors import Poison
from server.engine.generation import Request
from server.engine.line import TURN_S, Full, Line
from server.engine.models import Target, resolve
from server.engine.pace import Pace
from server.engine.protocol import PlainText
from server.engine.suspects import Suspects
from server.settings import Settings
from tools.models.sampling import GREEDY
from tools.workspace.layout import Workspace


@dataclass(eq=False)
class One:
    name: str
    client: str = "ana"
    base: str = "a"
    since: float = 0.0


@dataclass
class Clock:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


def served(line: Line[One], base: str = "a") -> list[str]:
    names = []
    while (one := line.next(base, 0, 0)) is not None:
        line.take(one)
        names.append(one.name)
    return names


def test_clients_take_turns_and_each_keeps_its_order() -> None:
    line: Line[One] = Line(20)
    for name in ("a1", "a2", "a3", "b1", "b2", "c1"):
        line.join(One(name, client=name[0]))
    assert served(line) == ["a1", "b1", "c1", "a2", "b2", "a3"]


def test_one_client_leaves_places_for_others() -> None:
    line: Line[One] = Line(4)
    for number in range(3):
        line.join(One(str(number)))
    with pytest.raises(Full) as told:
        line.join(One("too many"))
    assert told.value.own
    line.join(One("another's", client="rui"))
    with pytest.raises(Full) as told:
        line.join(One("too many", client="eva"))
    assert not told.value.own


def test_a_request_that_comes_back_is_the_first_again() -> None:
    line: Line[One] = Line(4)
    first, second, other = One("first"), One("second"), One("other", client="rui")
    for one in (first, second, other):
        line.join(one)
    line.take(first)
    line.put_back(first)
    assert served(line) == ["first", "other", "second"]


def test_who_leaves_the_line_frees_the_place() -> None:
    line: Line[One] = Line(1)
    one = One("gone")
    line.join(one)
    assert line.remove(one)
    assert not line.remove(one)
    line.join(One("here"))
    assert len(line) == 1


def test_the_loaded_base_goes_first_for_a_while_and_then_no_longer() -> None:
    line: Line[One] = Line(20)
    line.join(One("other", client="rui", base="b", since=100.0))
    line.join(One("own", base="a", since=105.0))
    assert _next(line, "a", 0.0, 100.0 + TURN_S - 0.1) == "own"
    assert _next(line, "a", 0.0, 100.0 + TURN_S + 0.1) == "other"
    # A base that has just been loaded has its turn, however long others have waited.
    assert _next(line, "a", 150.0, 150.0 + TURN_S - 0.1) == "own"
    assert _next(line, "b", 150.0, 150.0 + TURN_S - 0.1) == "other"
    assert _next(line, "b", 150.0, 151.0 + TURN_S) == "own"
    assert _next(line, None, 0.0, 100.0) == "other"


def test_another_base_is_next_at_once_when_the_loaded_one_has_nothing_to_do() -> None:
    line: Line[One] = Line(20)
    line.join(One("late", base="b", since=7.0))
    line.join(One("early", base="c", since=5.0))
    assert _next(line, "a", 0.0, 8.0) == "early"


def _next(line: Line[One], base: str | None, loaded_at: float, now: float) -> str:
    found = line.next(base, loaded_at, now)
    assert found is not None
    return found.name


def test_whoever_is_turned_away_is_told_the_measured_pace() -> None:
    clock = Clock()
    pace = Pace(clock)
    assert pace.retry_after_s(8) == 1
    pace.begun()
    clock.now += 6
    assert pace.retry_after_s(4) == 12  # no answer yet: at least as long as the first has taken
    for _ in range(40):
        clock.now += 3
        pace.ended()
    assert pace.seconds_each == pytest.approx(3)
    assert pace.retry_after_s(10) == 15
    pace.ended()
    pace.idle()
    clock.now += 5000  # idle time is not counted
    pace.begun()
    assert pace.seconds_each < 3.5
    assert pace.retry_after_s(10_000) == 600


@pytest.fixture
def target(tiny_ws: Workspace) -> Target:
    return resolve(tiny_ws, Settings(), "tiny")


def asking(target: Target, text: str, client: str = "") -> Request:
    return Request(target, (PlainText(text=text),), max_tokens=4, sampling=GREEDY, client=client)


def test_a_request_is_refused_after_the_engine_died_of_it_twice(target: Target) -> None:
    clock = Clock()
    suspects = Suspects(clock)
    poison, innocent = asking(target, "veneno"), asking(target, "água")
    suspects.died([poison, innocent])
    suspects.check(poison)
    assert suspects.must_be_alone(poison, False) and suspects.must_be_alone(innocent, False)
    assert not suspects.must_be_alone(innocent, True)
    suspects.cleared(innocent)
    assert not suspects.must_be_alone(innocent, False)
    suspects.died([asking(target, "veneno", client="another")])
    with pytest.raises(Poison, match="2 times"):
        suspects.check(poison)
    suspects.check(innocent)
    clock.now += 601
    suspects.check(poison)


def test_one_that_died_twice_in_company_runs_alone_to_its_end(target: Target) -> None:
    suspects = Suspects(Clock())
    slow, other = asking(target, "veneno lento"), asking(target, "água")
    suspects.died([slow, other])
    suspects.died([slow, other])
    suspects.check(slow)
    assert suspects.must_be_alone(slow, True)
    suspects.died([slow])
    with pytest.raises(Poison):
        suspects.check(slow)
    suspects.check(other)
