"""Datasets of the sample material, and pairs about their passages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tools.annotate_dataset.contract import AnnotateArgs, AnnotateResult, PassageOut
from tools.annotate_dataset.tool import annotate_dataset
from tools.prepare_dataset.contract import PrepareArgs
from tools.prepare_dataset.pipeline import prepare as prepare_files
from tools.prepare_dataset.reading_back import Dataset, open_dataset
from tools.prepare_dataset.request import options_of
from tools.prepare_dataset.roots import Roots
from tools.prepare_dataset.sources import find_sources
from tools.prepare_dataset.stages import Stages
from tools.prepare_dataset.write import write
from tools.workspace.layout import Workspace

SAMPLE = Path(__file__).parents[2] / "clients" / "sample"


def prepare(ws: Workspace, *sources: Path, form: str = "text", **more: Any) -> Dataset:
    """A dataset `livros`, of the sample books where nothing else is named; made in this process."""
    named = [str(source) for source in sources or (SAMPLE / "livros",)]
    args = PrepareArgs.model_validate({"sources": named, "name": "livros", "format": form, **more})
    files, _ = find_sources(args.sources, Roots(ws, [ws.root.parent]))
    stages = Stages(lambda done, total, text: None)
    write(ws, "livros", prepare_files(files, options_of(args), ws.model_folder("tiny"), stages))
    return opened(ws)


def annotate(ws: Workspace, pairs: list[dict[str, Any]] | None = None, **more: Any) -> AnnotateResult:
    return annotate_dataset(ws, AnnotateArgs.model_validate({"dataset": "livros", "pairs": pairs, **more}))


def opened(ws: Workspace) -> Dataset:
    return open_dataset(ws.dataset_folder("livros"))


def pair_about(passage: PassageOut) -> dict[str, Any]:
    """A pair whose answer is the fifth to seventh word of the passage."""
    words = passage.text.split()
    return {
        "passage": passage.id,
        "question": f"Que palavras estão no registo {passage.id}, a seguir às quatro primeiras?",
        "answer": " ".join(words[4:7]).strip(".,;:—«»"),
        "quote": " ".join(words[2:12]),
    }


def short_chapters(folder: Path) -> Path:
    """A book of eight chapters, each short enough to be summed up whole in a row of the tiny model."""
    names = ("Norte", "Sul", "Leste", "Oeste", "Duna", "Farol", "Barco", "Rede")
    chapters = [
        f"## {name}\n\nO velho do {name} foi ver as {n} redes que deixara na praia. O mar levara duas, "
        f"e as outras tinham {n * 7} nós por desfazer.\n\nTrabalhou sentado na areia do {name}. Ao meio-dia chegou "
        f"a neta com pão e {n + 20} figos. Comeram sem falar, porque o vento do {name} não deixava ouvir nada. "
        f"À tarde, a neta contou {n * 3} barcos no mar, e o velho já não viu nenhum deles voltar para o cais."
        for n, name in enumerate(names, 2)
    ]
    path = folder / "o-cabo.md"
    path.write_text("# O Cabo\n\n" + "\n\n".join(chapters), encoding="utf-8")
    return path


def summary_of(passage: PassageOut) -> dict[str, Any]:
    """A summary that is one of the passage's sentences, which is its quote too."""
    sentences = [sentence.strip() for sentence in passage.text.replace("\n\n", ". ").split(". ")]
    most = len(passage.text) / 2
    told = next(one for one in sentences if len(one.split()) > 8 and len(one) < most and one[0].isupper())
    return {"passage": passage.id, "form": "summary", "answer": f"{told.rstrip('.')}.", "quote": [told.rstrip(".")]}
