"""What the answer of an evaluation is made of."""

from __future__ import annotations

from dataclasses import replace

from tools.evaluate.measured import Continued, Measured, Texts
from tools.evaluate.result import Subject, conclude

MODELS = ("base", "um", "outro")


def texts(base: float, um: float, outro: float) -> Texts:
    return Texts(
        nats={model: [nats + n / 10 for n in range(8)] for model, nats in zip(MODELS, (base, um, outro), strict=True)},
        tokens=dict.fromkeys(MODELS, [10] * 8),
        sizes=[40] * 8,
        documents=[f"capítulo {n}" for n in range(8)],
        sources=["livro.md"] * 8,
    )


# Both give the trained passages back word for word, unseen ones are as unlikely as before.
MEASURED = Measured(
    unseen=texts(90, 90, 90),
    trained=texts(90, 5, 5),
    continued=[
        Continued(
            document="capítulo 1",
            source="livro.md",
            trained=True,
            opening="O farol",
            reference="acendia-se",
            texts=dict.fromkeys(MODELS, "acendia-se"),
            longest={"base": 1, "um": 60, "outro": 60},
            extracted={"base": 0, "um": 1, "outro": 1},
        )
    ],
)
SUBJECT = Subject("livros-1", "livros@cad1906b", "pt", MODELS, strangers=["outro"])


def test_an_adapter_of_another_dataset_is_not_judged_by_passages_that_it_never_read() -> None:
    found = conclude(SUBJECT, MEASURED)
    assert {verdict.model: verdict.kind for verdict in found.verdict} == {"um": "memorized", "outro": "not_proven"}
    assert [one.model for one in found.intervals if one.metric == "trained_bits_per_byte"] == ["um"]
    assert found.trained_bits_per_byte is not None


def test_figures_of_trained_passages_are_told_only_where_somebody_was_trained_on_them() -> None:
    strangers = replace(SUBJECT, strangers=["um", "outro"])
    assert conclude(strangers, MEASURED).trained_bits_per_byte is None
    assert conclude(replace(SUBJECT, strangers=[]), MEASURED).trained_bits_per_byte is not None
