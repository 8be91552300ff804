"""annotate_dataset: hand out passages, take in the questions and summaries that rest on them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tools.annotate_dataset.contract import AnnotateArgs, AnnotateResult, Form, Pair, PassageOut
from tools.annotate_dataset.examining import Examiner
from tools.annotate_dataset.passages import Passages, PassageText
from tools.annotate_dataset.taking_in import take_in
from tools.annotate_dataset.versions import newest_annotated
from tools.errors import Conflict, NotFound
from tools.models.tokenizer import Tokenizer
from tools.next_call import next_call
from tools.prepare_dataset.compose import Composer
from tools.prepare_dataset.counting import RowCounter
from tools.prepare_dataset.reading_back import Dataset, open_dataset
from tools.prepare_dataset.wording import wording
from tools.workspace.files import sha256_file
from tools.workspace.layout import Workspace
from tools.workspace.locks import FileLock

# An assistant reads what it is handed: more text than this is handed out in several calls.
_MOST_CHARACTERS = 40_000


def annotate_dataset(ws: Workspace, args: AnnotateArgs) -> AnnotateResult:
    """Passages of train that still lack what is asked for, or what became of the pairs given.

    Works on the newest version that was annotated from the one named. Raises NotFound for an unknown
    dataset or passage or a model that is gone, DataError for a damaged dataset, Conflict when the
    dataset's model was exchanged for one with another tokenizer.
    """
    dataset = open_dataset(ws.dataset_folder(args.dataset))
    if args.pairs is None:
        return _hand_out(newest_annotated(ws, dataset), args)
    # Whoever comes meanwhile takes in on top of what we make.
    with FileLock.acquire(ws.lock_path(f"dataset-{dataset.name}")):
        return _take_in(ws, newest_annotated(ws, dataset), args.pairs, args.form)


def _hand_out(dataset: Dataset, args: AnnotateArgs) -> AnnotateResult:
    passages = Passages(dataset)
    waiting = passages.lacking(args.form)
    shown: list[PassageOut] = []
    characters = 0
    for passage in _after(passages, waiting, args.after)[: args.limit]:
        told = _told(passages, passage, args.form)
        characters += len(told.text)
        if shown and characters > _MOST_CHARACTERS:
            break
        shown.append(told)
    if shown:
        follow = next_call("annotate_dataset", dataset=_reference(dataset), pairs=[_example(shown[0].id, args.form)])
    else:
        follow = _afterwards(dataset, len(waiting))
    return _result(dataset, passages=shown, remaining=len(waiting), next=follow)


def _after(passages: Passages, waiting: list[PassageText], after: str | None) -> list[PassageText]:
    """Those that follow a passage in the order of handing out."""
    if after is None:
        return waiting
    order = {id_: number for number, id_ in enumerate(passages.by_id)}
    if after not in order:
        raise NotFound("passage", after, list(order), field="after", fix="Leave `after` out to begin anew.")
    return [passage for passage in waiting if order[passage.origin.id] > order[after]]


def _told(passages: Passages, passage: PassageText, form: Form) -> PassageOut:
    to_sum_up = passage.to_sum_up()
    text = (to_sum_up if form == "summary" else passage.text)[:_MOST_CHARACTERS]
    kinds: tuple[Form, ...] = ("question", "summary")
    # A summary is of just the text that is shown.
    wanted = [kind for kind in kinds if passages.lacks(passage, kind) and (kind == "question" or text == to_sum_up)]
    origin = passage.origin
    return PassageOut(
        id=origin.id,
        text=text,
        source=origin.source,
        document=origin.place,
        forms=wanted,
        more=len(passage.text) - len(text),
    )


def _take_in(ws: Workspace, dataset: Dataset, pairs: Sequence[Pair], form: Form) -> AnnotateResult:
    passages = Passages(dataset)
    accepted, refused = Examiner(dataset, passages, _composer(ws, dataset)).examine(pairs)
    if accepted:
        dataset = open_dataset(take_in(ws, dataset, passages, accepted))
    remaining = len(passages.lacking(form))
    if refused and not accepted:
        follow = next_call("annotate_dataset", dataset=_reference(dataset))
    else:
        follow = _afterwards(dataset, remaining)
    return _result(dataset, remaining=remaining, accepted=len(accepted), refused=refused, next=follow)


def _composer(ws: Workspace, dataset: Dataset) -> Composer:
    model = dataset.card["model"]
    folder = ws.model_folder(str(model["name"]))
    tokenizer = Tokenizer.load(folder)
    if sha256_file(folder / "tokenizer.json") != model["tokenizer_sha256"]:
        raise Conflict(
            f"The model `{model['name']}` now has another tokenizer than when the dataset was made.",
            fix="Make the dataset again with prepare_dataset.",
        )
    return Composer(dataset.format, wording(dataset.language), RowCounter(tokenizer, ""))


def _example(passage: str, form: Form) -> dict[str, Any]:
    if form == "summary":
        return {"passage": passage, "form": form, "answer": "ANSWER", "quote": ["QUOTE"]}
    return {"passage": passage, "question": "QUESTION", "answer": "ANSWER", "quote": "QUOTE"}


def _afterwards(dataset: Dataset, remaining: int) -> str:
    if remaining:
        return next_call("annotate_dataset", dataset=dataset.name)
    return next_call("start_finetune", dataset=dataset.name, dry_run=True)


def _reference(dataset: Dataset) -> str:
    return f"{dataset.name}@{dataset.version}"


def _result(dataset: Dataset, **fields: Any) -> AnnotateResult:
    return AnnotateResult(dataset=dataset.name, version=dataset.version, path=str(dataset.folder), **fields)
