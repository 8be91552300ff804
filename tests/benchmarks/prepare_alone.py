"""A preparation, or its cutting by itself, alone in this process: what is asked on stdin, what it took on stdout."""

from __future__ import annotations

import json
import os
import resource
import sys
from pathlib import Path
from typing import Any

from tools.models.tokenizer import Tokenizer
from tools.prepare_dataset.books import parse_book
from tools.prepare_dataset.carrying_out import carry_out
from tools.prepare_dataset.compose import Composer
from tools.prepare_dataset.counting import RowCounter, sample_of
from tools.prepare_dataset.cut import cut, target_tokens
from tools.prepare_dataset.material import Passage, Source, SourceFile
from tools.prepare_dataset.memory_bound import bounded
from tools.prepare_dataset.request import Request
from tools.prepare_dataset.stages import Stages
from tools.prepare_dataset.wording import wording
from tools.prepare_dataset.write import write
from tools.workspace.layout import open_workspace


def main() -> None:
    asked = json.load(sys.stdin)
    began = _cpu_seconds()
    told = _prepare(asked) if "request" in asked else _cut(asked)
    spent = _cpu_seconds() - began
    peaks = [resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    peak = sum(peaks) * (1 if sys.platform == "darwin" else 1024)
    print(json.dumps({"cpu_s": spent, "peak_bytes": peak, **told}))


def _prepare(asked: dict[str, Any]) -> dict[str, Any]:
    """All that the job does: files to a written dataset."""
    ws, request, stages = open_workspace(Path(asked["workspace"])), Request(**asked["request"]), Stages(lambda *_: None)
    with bounded(request.memory_bytes, stages):
        prepared = carry_out(request, stages)
        stages.begin("Writing", 1)
        return {"path": str(write(ws, request.name, prepared))}


def _cut(asked: dict[str, Any]) -> dict[str, Any]:
    """What the peers do: texts to pieces that fit, here also by chapter and each counted."""
    texts = {Path(file).name: Path(file).read_text(encoding="utf-8") for file in asked["files"]}
    counter = RowCounter(Tokenizer.load(asked["model"]), sample_of(list(texts.values())))
    words = wording("pt")
    composer = Composer("text", words, counter)
    pieces = []
    for name, text in texts.items():
        source = Source(SourceFile(Path(name), name, None), "", "utf_8", text, "book")
        target = target_tokens(source, asked["tokens"], composer)
        units = [unit for unit in parse_book(source, words).units if isinstance(unit, Passage)]
        pieces.append([row.learned for unit in units for row in cut(unit, text, composer, asked["tokens"], target)])
    return {"pieces": pieces}


def _cpu_seconds() -> float:
    """Of all processors, for this process and those it waited for."""
    return sum(os.times()[:4])


if __name__ == "__main__":
    main()
