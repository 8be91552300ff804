"""Preparing books: all of a preparation, from bytes to a written dataset, against peers that only cut.

Throughput is of processor time (all processors), since the machine may be busy: megabytes of UTF-8 text
a second, from the loading of the tokenizer on, the fastest of several runs, each in its own process.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from server.settings import sample_folder
from tests.benchmarks.measurement import Bench, Measurement, run_child
from tests.support.debian_texts import focalinux, has_debian
from tools.prepare_dataset.contract import PrepareArgs
from tools.prepare_dataset.memory_bound import default_bound
from tools.prepare_dataset.reading_back import open_dataset
from tools.prepare_dataset.request import FileToRead, Request
from tools.prepare_dataset.sentences import sentence_borders, tears_a_line
from tools.workspace.processes import child_command, child_environment

_TOKENS = 2048
_LANGCHAIN = "langchain-text-splitters==1.1.3"


def measure(bench: Bench) -> Iterator[Measurement]:
    runs = 1 if bench.quick else 3
    with tempfile.TemporaryDirectory() as folder:
        for name, files in _material(bench, Path(folder)):
            texts = Path(folder) / f"{name} as text"
            for peer, python in _peers(bench):
                # Ours anew beside each peer: the machine may be busier or calmer by then.
                whole = _fastest([_prepare(bench, files, texts, Path(folder)) for _ in range(runs)])
                theirs = _fastest([_cut_by(python, peer, bench, texts) for _ in range(runs)])
                size = sum(path.stat().st_size for path in texts.iterdir()) / 1e6
                yield _measurement(f"all of it, {name}, {size:.2f} MB", size, whole, f"{peer}, cutting alone", theirs)
                alone = _fastest([_cut_alone(bench, texts) for _ in range(runs)])
                yield _measurement(f"cutting, {name}, {size:.2f} MB", size, alone, peer, theirs)


def _measurement(case: str, size: float, ours: dict[str, Any], peer: str, theirs: dict[str, Any]) -> Measurement:
    torn = f"within a sentence end {ours['torn']:.1%} of {ours['pieces']}, {theirs['torn']:.1%} of {theirs['pieces']}"
    peaks = f"peak {ours['peak_bytes'] / 1e6:.0f} MB, {theirs['peak_bytes'] / 1e6:.0f} MB"
    return Measurement(
        "preparing",
        case,
        "MB/s",
        round(size / ours["cpu_s"], 3),
        round(size / theirs["cpu_s"], 3),
        peer,
        notes=f"{torn}; {peaks}",
        more={"ours": ours, "peer": theirs},
    )


def _material(bench: Bench, folder: Path) -> Iterator[tuple[str, list[Path]]]:
    yield "sample books", sorted((sample_folder() / "livros").iterdir())
    if has_debian() and not bench.quick:
        books = folder / "focalinux"
        books.mkdir()
        for name, raw in focalinux().items():
            (books / f"{name}.txt").write_bytes(raw)
        yield "three Debian books", sorted(books.iterdir())


def _peers(bench: Bench) -> Iterator[tuple[str, Path]]:
    """Each peer with the interpreter that has it. LangChain's splitter is installed apart, once."""
    yield "semantic-text-splitter", Path(sys.executable)
    if bench.quick:
        return
    environment = bench.ws.root / _LANGCHAIN
    python = environment / "bin" / "python"
    if not (environment / "complete").is_file():
        venv.create(environment, with_pip=True, clear=True)
        needed = [_LANGCHAIN, f"tokenizers=={version('tokenizers')}"]
        subprocess.run([python, "-m", "pip", "install", "--quiet", *needed], check=True, timeout=600)
        (environment / "complete").touch()
    yield "LangChain", python


def _prepare(bench: Bench, files: Sequence[Path], texts: Path, folder: Path) -> dict[str, Any]:
    """What a preparation takes; `texts` is filled with the books as it read them."""
    request = Request(
        name="livros",
        files=[FileToRead(path=str(path), name=path.name, kind="book") for path in files],
        warnings=[],
        model_folder=str(bench.folder),
        memory_bytes=default_bound(),
        args=PrepareArgs(sources=[str(path) for path in files], name="livros", format="text", max_tokens=_TOKENS),
    )
    with tempfile.TemporaryDirectory(dir=folder) as workspace:
        asked = json.dumps({"workspace": workspace, "request": request.model_dump()})
        told = _answer(child_command("tests.benchmarks.prepare_alone", []), asked)
        dataset = open_dataset(Path(told.pop("path")))
        sources = {source["path"]: dataset.source_text(source["path"]) for source in dataset.card["sources"]}
        spans = [(sources[row.source], row.end) for row in dataset.provenance()]
    texts.mkdir(exist_ok=True)
    for name, text in sources.items():
        (texts / name).write_text(text, encoding="utf-8")
    return {**told, "pieces": len(spans), "torn": _torn(spans)}


def _cut_alone(bench: Bench, texts: Path) -> dict[str, Any]:
    asked = {"model": str(bench.folder), "tokens": _TOKENS, "files": [str(file) for file in sorted(texts.iterdir())]}
    return _pieces(_answer(child_command("tests.benchmarks.prepare_alone", []), json.dumps(asked)), texts)


def _cut_by(python: Path, peer: str, bench: Bench, texts: Path) -> dict[str, Any]:
    script, vocabulary = Path(__file__).with_name("splitters.py"), bench.folder / "tokenizer.json"
    command = [python, script, peer, vocabulary, _TOKENS, *sorted(texts.iterdir())]
    return _pieces(_answer([str(part) for part in command]), texts)


def _pieces(told: dict[str, Any], texts: Path) -> dict[str, Any]:
    """What a cutting took, its pieces looked up in their texts."""
    spans = []
    for file, pieces in zip(sorted(texts.iterdir()), told.pop("pieces"), strict=True):
        text, position = file.read_text(encoding="utf-8"), 0
        for piece in pieces:
            position = text.index(piece, position) + len(piece)
            spans.append((text, position))
    return {**told, "pieces": len(spans), "torn": _torn(spans)}


def _answer(command: Sequence[str], given: str = "") -> dict[str, Any]:
    done = subprocess.run(command, input=given, capture_output=True, text=True, timeout=600, env=child_environment())
    if done.returncode:
        raise RuntimeError(f"{command[1:3]} failed: {done.stderr[-2000:]}")
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def _torn(spans: Sequence[tuple[str, int]]) -> float:
    """The share of pieces that end within a sentence."""
    borders = [(text, border) for text, end in spans if (border := _border(text, end)) is not None]
    return sum(_tears(text, border) for text, border in borders) / max(1, len(borders))


def _border(text: str, end: int) -> tuple[int, int] | None:
    """The blanks at the end of a piece; None at the end of the text."""
    near = text[max(0, end - 100) : end]
    following = re.compile(r"\S").search(text, end)
    return (end - len(near) + len(near.rstrip()), following.start()) if following else None


def _tears(text: str, border: tuple[int, int]) -> bool:
    before, after = border
    if "\n" in text[before:after]:
        return tears_a_line(text, border)
    return border not in set(sentence_borders(text, max(0, before - 200), after + 2))


def _fastest(runs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return min(runs, key=lambda told: float(told["cpu_s"]))


if __name__ == "__main__":
    run_child(measure)
