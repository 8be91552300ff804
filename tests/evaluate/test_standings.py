"""Which model writes best, and where a run starts to memorize."""

from __future__ import annotations

from random import Random

import pytest

from tools.evaluate.measured import Measured, Texts
from tools.evaluate.standings import standings

STEPS = ("base", "r@step-10", "r@step-20", "r@step-30", "r@step-40")


def texts(nats: dict[str, float], documents: int = 6, spread: float = 0.0) -> Texts:
    """Rows of so many nats each, give or take `spread`, a row a document."""
    rows, chance = range(documents), Random(0)
    return Texts(
        nats={model: [value + spread * chance.uniform(-1, 1) for _ in rows] for model, value in nats.items()},
        tokens={model: [10 for _ in rows] for model in nats},
        sizes=[100 for _ in rows],
        documents=[f"d{row}" for row in rows],
        sources=["livro" for _ in rows],
    )


def by_step(*nats: float) -> dict[str, float]:
    return dict(zip(STEPS, nats, strict=True))


@pytest.mark.parametrize(
    ("unseen", "trained", "best", "memorizes_from"),
    [
        # Both fall to the end: nothing but learning.
        ((90, 80, 70, 60, 55), (90, 80, 70, 60, 55), "r@step-40", None),
        # Trained passages go on falling after the unseen ones have turned.
        ((90, 70, 60, 65, 80), (90, 70, 55, 40, 20), "r@step-20", "r@step-30"),
        # They stand still together: no harm, and no memory.
        ((90, 70, 60, 61, 62), (90, 70, 55, 55, 56), "r@step-20", None),
        # The base was never beaten.
        ((50, 60, 70, 80, 90), (90, 60, 50, 40, 20), "base", "r@step-10"),
    ],
)
def test_memorization_starts_where_trained_passages_gain_and_unseen_ones_do_not(
    unseen: tuple[float, ...], trained: tuple[float, ...], best: str, memorizes_from: str | None
) -> None:
    measured = Measured(unseen=texts(by_step(*unseen)), trained=texts(by_step(*trained)))
    found = standings(STEPS, measured, "r")
    assert found is not None
    assert (found.best, found.memorizes_from) == (best, memorizes_from)


def test_a_gain_that_may_be_chance_is_no_memorization() -> None:
    noisy = texts(by_step(90, 70, 55, 50, 49), spread=30)
    found = standings(STEPS, Measured(unseen=texts(by_step(90, 70, 60, 65, 80)), trained=noisy), "r")
    assert found is not None
    assert found.memorizes_from is None


def test_every_model_is_told_how_far_it_is_behind_the_best() -> None:
    measured = Measured(unseen=texts(by_step(90, 70, 60, 65, 80)))
    found = standings(STEPS, measured, "r")
    assert found is not None
    assert [one.step for one in found.table] == [None, 10, 20, 30, 40]
    assert [one.behind is None for one in found.table] == [False, False, True, False, False]
    assert found.table[0].behind.change == pytest.approx(30 / 100 / 0.6931, abs=1e-3)
    assert all(one.trained_bits_per_byte is None for one in found.table)


def test_of_few_documents_the_best_is_named_and_no_distance_proven() -> None:
    found = standings(STEPS, Measured(unseen=texts(by_step(90, 70, 60, 65, 80), documents=3)), "r")
    assert found is not None
    assert found.best == "r@step-20"
    assert all(one.behind is None for one in found.table)


def test_a_base_and_its_adapter_need_no_table_and_one_checkpoint_has_one() -> None:
    measured = Measured(unseen=texts({"base": 90, "r@step-10": 80}))
    assert standings(["base", "r@step-10"], measured) is None
    assert standings(["base", "r@step-10"], measured, "r") is not None
    assert standings(STEPS, Measured()) is None
