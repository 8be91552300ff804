"""Tools on datasets."""

from __future__ import annotations

from pydantic import BaseModel

from server.mcp.tool import Progress, Tool, ToolContext, newest_job
from tools.annotate_dataset.contract import AnnotateArgs, AnnotateResult
from tools.prepare_dataset.contract import PrepareArgs, PrepareResult


def _prepare(context: ToolContext, args: PrepareArgs) -> BaseModel:
    from tools.prepare_dataset.tool import prepare_dataset

    settings = context.settings
    return prepare_dataset(context.ws, args, default_model=settings.default_model, allowed_roots=settings.roots)


def _prepare_progress(context: ToolContext, args: PrepareArgs) -> Progress | None:
    return newest_job(context, "prepare", args.job)


def _annotate(context: ToolContext, args: AnnotateArgs) -> BaseModel:
    from tools.annotate_dataset.tool import annotate_dataset

    return annotate_dataset(context.ws, args)


PREPARE_DATASET = Tool(
    name="prepare_dataset",
    title="Prepare a dataset",
    description=(
        "Turn a person's files (books, tables, biographies, questions, conversations) into a dataset to train on.\n"
        "Use it first, whenever there is new material. `dry_run` shows rows and problems and writes nothing. "
        "The same material gives the same version; when it takes long it answers with a `job` to ask for again.\n"
        'Example: {"sources": ["~/livros", {"path": "liga.csv", "kind": "table"}], "name": "livros", "dry_run": true}\n'
        "Then: annotate_dataset to add questions, start_finetune to train."
    ),
    arguments=PrepareArgs,
    result=PrepareResult,
    handler=_prepare,
    idempotent=True,
    progress=_prepare_progress,
)

ANNOTATE_DATASET = Tool(
    name="annotate_dataset",
    title="Add questions to a dataset",
    description=(
        "Hand out passages that no question is about yet, and take in the questions or summaries you write.\n"
        "Use it so that a model learns to answer about a text, not only to sound like it. Call it without `pairs`, "
        "write two or three per passage, send them back; refused ones say why. Makes a new version.\n"
        'Example: {"dataset": "livros", "pairs": [{"passage": "p12", "question": "Quem acende o farol?", '
        '"answer": "O avô.", "quote": "o avô acendia o farol"}]}\n'
        "Before: prepare_dataset. Then: start_finetune."
    ),
    arguments=AnnotateArgs,
    result=AnnotateResult,
    handler=_annotate,
    idempotent=True,
)
