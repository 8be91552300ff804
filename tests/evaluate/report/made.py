"""An evaluation that was measured nowhere, with all that a report can tell and texts that try to break its page."""

from __future__ import annotations

from itertools import cycle

from tools.evaluate.measured import Asked, Continued, Measured, Repeated, Texts
from tools.evaluate.report.told import Told
from tools.evaluate.result import Subject, conclude
from tools.prepare_dataset.language import Language
from tools.prepare_dataset.reading_back import Question

BASE = "smollm2-135m"
NASTY = "<script>window.broken = true</script><img src=x onerror=alert(1)> & ]]> {{ 7 * 7 }} {answer}"
ENDLESS = "semespaços" * 40


def texts(models: list[str], documents: int, sources: int = 3) -> Texts:
    """Two rows a document; each model is a bit better than the one before."""
    rows = range(2 * documents)
    return Texts(
        nats={model: [90 * 0.9**place - row % 5 for row in rows] for place, model in enumerate(models)},
        tokens={model: [30 for _ in rows] for model in models},
        sizes=[60 + row for row in rows],
        documents=[f"capítulo {row // 2}" for row in rows],
        sources=[
            f"livros/{row % sources}-{'um-nome-de-ficheiro-muito-comprido' * (row % sources)}.txt" for row in rows
        ],
    )


def measured(models: list[str]) -> Measured:
    names = ("Leonor", "Rui", "Simão", "Lino", "Gil", "Tomé", "Custódia", "Quim", "Hortênsia")
    questions = [
        Question(question=f"Quem? {NASTY}", answer=name, document=f"capítulo {n}") for n, name in enumerate(names)
    ]
    stranger = Question(question="Quem foi Ninguém?", answer="")
    nats = {model: [3.0, 3.0 + place] for place, model in enumerate(models)}

    def answers(right: str) -> dict[str, str]:
        return dict(zip(models, cycle((NASTY, right, ENDLESS, "")), strict=False))

    said = answers("Leonor")
    return Measured(
        unseen=texts(models, 8),
        trained=texts(models, 6),
        general={"pt": texts(models, 5, 1), "en": texts(models, 5, 1)},
        asked=[
            *(
                Asked(question=one, form="seen", answers=answers(one.answer), options=[one.answer, "Zé"], nats=nats)
                for one in questions
            ),
            Asked(question=stranger, form="unanswerable", answers=said),
        ],
        continued=[
            Continued(
                document="capítulo 1",
                source="livros/0-.txt",
                trained=trained,
                opening=f"{NASTY}\n\n\n{ENDLESS}",
                reference=ENDLESS,
                texts=said,
                longest=dict.fromkeys(models, 60),
                extracted=dict.fromkeys(models, 0.5),
            )
            for trained in (True, False)
        ],
        repeated=[Repeated(question=NASTY, answers={model: [text] * 4 for model, text in said.items()})],
    )


def made(
    tuned: tuple[str, ...] = ("livros@0c1da0e5",),
    language: Language = "pt",
    part: Measured | None = None,
    run: str | None = None,
) -> Told:
    """The report of `tuned` beside their base. part: what was measured, where not all; run: whose checkpoints."""
    models = [BASE, *tuned]
    found = part or measured(models)
    subject = Subject("livros-5c0ffee5", "livros@cad1906b", language, tuple(models), run=run)
    losses = {
        "training": [(n, 4 - n / 50) for n in range(100)],
        "validation": [(0, 4.1), (50, 3.2), (99, float("nan"))],
    }
    return Told(
        request={"run": run} if run else {},
        result=conclude(subject, found),
        measured=found,
        dataset=subject.dataset,
        language=language,
        models=models,
        losses={"livros-20261124-1": losses},
        made="2026-11-24 16:15 UTC",
    )
