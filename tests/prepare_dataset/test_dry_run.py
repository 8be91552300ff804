"""What a dry run shows is what training will read; it writes nothing."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tools.compute.training.rows import encode_rows
from tools.errors import Conflict, DataError
from tools.models.tokenizer import Tokenizer
from tools.prepare_dataset.contract import Format, PrepareArgs, PrepareResult
from tools.prepare_dataset.dry_run import dry_run
from tools.prepare_dataset.identity import Options
from tools.prepare_dataset.memory_bound import default_bound
from tools.prepare_dataset.pipeline import prepare
from tools.prepare_dataset.reading_back import Row
from tools.prepare_dataset.request import FileToRead, Request
from tools.prepare_dataset.roots import Roots
from tools.prepare_dataset.row_tokens import row_tokens
from tools.prepare_dataset.samples import sample_rows, stretches
from tools.prepare_dataset.sources import find_sources
from tools.prepare_dataset.stages import Stages
from tools.prepare_dataset.tool import prepare_dataset
from tools.workspace import jobs
from tools.workspace.layout import Workspace

SAMPLE = Path(__file__).parents[2] / "clients" / "sample"
FORMATS: tuple[Format, ...] = ("text", "completions", "chat")


def call(ws: Workspace, *sources: Path, **more: object) -> PrepareResult:
    args = PrepareArgs.model_validate({"sources": [str(path) for path in sources], **more})
    return prepare_dataset(ws, args, default_model="tiny")


def tree(*folders: Path) -> dict[Path, tuple[int, bytes]]:
    """Every file with its time and content. SQLite's own side files come and go with its readers."""
    return {
        path: (path.stat().st_mtime_ns, path.read_bytes())
        for folder in folders
        for path in folder.rglob("*")
        if path.is_file() and not path.name.startswith("afina.db-")
    }


def test_a_dry_run_shows_what_is_then_made_and_writes_nothing(tiny_ws: Workspace, tmp_path: Path) -> None:
    before = tree(tmp_path)
    shown = call(tiny_ws, SAMPLE, name="mares", dry_run=True)
    assert tree(tmp_path) == before
    assert not jobs.listed(tiny_ws, "prepare")
    assert shown.path is None
    assert shown.next.startswith('prepare_dataset {"sources": [')
    assert shown.training is not None
    assert shown.training.steps > 0
    assert not shown.training.measured
    real = call(tiny_ws, SAMPLE, name="mares")
    own: dict[str, object] = {
        "path": ...,
        "job": ...,
        "next": ...,
        "training": ...,
        "samples": {"__all__": {"rendered"}},
    }
    assert shown.model_dump(exclude=own) == real.model_dump(exclude=own)
    assert all("⟦" in (sample.rendered or "") for sample in shown.samples)
    assert not any(sample.rendered for sample in real.samples)


@pytest.mark.parametrize("form", FORMATS)
def test_what_is_marked_is_what_training_learns(tiny_ws: Workspace, form: Format) -> None:
    files, _ = find_sources([str(SAMPLE)], Roots(tiny_ws))
    folder = tiny_ws.model_folder("tiny")
    tokenizer = Tokenizer.load(folder)
    prepared = prepare(files, Options(form, 512, 0.1, 0.1, 0, "auto"), folder, Stages(lambda *_: None))
    drafts = [row for rows in prepared.split.values() for row in rows]
    kinds = {f"{row.span.kind} {row.form} {row.response_start is None}": row for row in drafts}
    assert len(kinds) > 3
    for draft in kinds.values():
        row = Row("1", "a", "b", response_start=draft.response_start, **draft.content)
        (sequence,) = encode_rows([row], tokenizer, 4096, mask_prompt=True).sequences
        found = list(stretches(row_tokens(draft.content, draft.response_start, tokenizer)))
        ids = sequence.ids.tolist()
        assert "".join(text for _, text in found) == tokenizer.decode(ids, skip_special=False)
        learned = [token for token, mask in zip(ids, sequence.mask, strict=True) if mask]
        assert "".join(text for is_learned, text in found if is_learned) == tokenizer.decode(
            learned, skip_special=False
        )
    for sample in sample_rows(prepared, tokenizer):
        assert sample.rendered is not None
        assert len(re.findall("⟦", sample.rendered)) == len(re.findall("⟧", sample.rendered)) > 0
        assert len(sample.rendered) < 3000


def test_the_longest_row_is_told_with_its_line(tiny_ws: Workspace, tmp_path: Path) -> None:
    examples = [{"prompt": f"Que farol é o {n}?", "completion": "O da ilha. " * (9 if n == 4 else 1)} for n in range(8)]
    (tmp_path / "ex.json").write_text(json.dumps(examples, indent=1), encoding="utf-8")
    found = call(tiny_ws, tmp_path / "ex.json", dry_run=True)
    assert found.longest_row is not None
    assert (found.longest_row.source, found.longest_row.line) == ("ex.json", 2 + 4 * 4)
    assert found.longest_row.tokens == found.longest_row_tokens


def test_a_dry_run_tells_the_faults_too(tiny_ws: Workspace, tmp_path: Path) -> None:
    (tmp_path / "liga.csv").write_text("equipa,pontos\nA,x\n")
    with pytest.raises(DataError) as caught:
        call(tiny_ws, tmp_path / "liga.csv", dry_run=True)
    assert caught.value.problems[0].path == str(tmp_path / "liga.csv")


def test_a_dry_run_that_takes_too_long_says_what_to_do(tiny_ws: Workspace) -> None:
    request = Request(
        name="mares",
        files=[FileToRead(path=str(SAMPLE / "perguntas.jsonl"), name="perguntas.jsonl")],
        warnings=[],
        model_folder=str(tiny_ws.model_folder("tiny")),
        memory_bytes=default_bound(),
        args=PrepareArgs(),
    )
    with pytest.raises(Conflict, match="did not end within 0 s") as caught:
        dry_run(request, limit_s=0.01)
    assert 'action="cancel"' in (caught.value.fix or "")
