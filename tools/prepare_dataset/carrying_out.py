"""In the child: a request to a prepared dataset, and that to the answer."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tools.errors import AfinaError, Problem, printable
from tools.models.tokenizer import Tokenizer
from tools.next_call import next_call
from tools.prepare_dataset.contract import Dropped, PrepareResult, SourceReport, SplitSize
from tools.prepare_dataset.pipeline import Prepared, prepare
from tools.prepare_dataset.request import Request, options_of
from tools.prepare_dataset.samples import longest_row, sample_rows
from tools.prepare_dataset.stages import Stages
from tools.prepare_dataset.write import make_card


def carry_out(request: Request, stages: Stages) -> Prepared:
    """Prepare in this process; problems name files by their paths on this machine."""
    try:
        return prepare(request.source_files(), options_of(request.args), Path(request.model_folder), stages)
    except AfinaError as error:
        error.problems = _with_paths(error.problems, request)
        raise


def result_of(request: Request, prepared: Prepared, folder: Path | None) -> PrepareResult:
    """The answer about a dataset that was written to `folder`, or not written in a dry run."""
    card = make_card(request.name, prepared, {})
    follow = next_call("start_finetune", dataset=request.name, dry_run=True)
    if folder is None:
        again = request.args.model_dump(exclude={"dry_run", "wait_s", "job"}, exclude_defaults=True)
        follow = next_call("prepare_dataset", **again)
    return PrepareResult(
        dataset=request.name,
        version=prepared.version,
        path=str(folder) if folder else None,
        format=prepared.format,
        model=prepared.model.name,
        splits={name: SplitSize(rows=size["rows"], tokens=size["tokens"]) for name, size in card["splits"].items()},
        questions=card["questions"],
        sources=[SourceReport(**{key: s[key] for key in SourceReport.model_fields}) for s in card["sources"]],
        dropped=[Dropped(**entry) for entry in card["dropped"]],
        overlap=prepared.divided.overlap,
        longest_row_tokens=card["longest_row_tokens"],
        longest_row=longest_row(prepared),
        samples=sample_rows(prepared, Tokenizer.load(Path(request.model_folder)) if folder is None else None),
        problems=[*request.warnings, *_with_paths(prepared.warnings, request)][:200],
        notes=prepared.notes,
        next=follow,
    )


def _with_paths(problems: Sequence[Problem], request: Request) -> list[Problem]:
    paths = {file.name: printable(file.path, 300) for file in request.files}
    return [problem.model_copy(update={"path": paths.get(problem.path, problem.path)}) for problem in problems]
