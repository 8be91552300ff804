"""annotate_dataset: hand out passages, take in questions whose answers stand in them."""

from __future__ import annotations

from collections.abc import Sequence

from tools.annotate_dataset.checking import Fault, check_pair, folded
from tools.annotate_dataset.contract import AnnotateArgs, AnnotateResult, Pair, PassageOut, Refused
from tools.annotate_dataset.passages import PassageText, train_passages, without_questions
from tools.annotate_dataset.taking_in import Accepted, take_in
from tools.errors import Conflict, nearest
from tools.models.tokenizer import Tokenizer
from tools.next_call import next_call
from tools.prepare_dataset.compose import Composer
from tools.prepare_dataset.counting import RowCounter
from tools.prepare_dataset.identity import identify
from tools.prepare_dataset.material import Exchange, Span
from tools.prepare_dataset.reading_back import Dataset, open_dataset
from tools.prepare_dataset.wording import wording
from tools.workspace.layout import Workspace

# An assistant reads what it is handed: more text than this is handed out in several calls.
_MOST_CHARACTERS = 40_000


def annotate_dataset(ws: Workspace, args: AnnotateArgs) -> AnnotateResult:
    """Passages of train still without questions, or what became of the pairs given.

    Raises NotFound for an unknown dataset or a model that is gone, DataError for a damaged dataset,
    Conflict when the dataset's model was exchanged for one with another tokenizer.
    """
    dataset = open_dataset(ws.dataset_folder(args.dataset))
    if args.pairs is None:
        return _hand_out(dataset, args.limit)
    passages = train_passages(dataset)
    accepted, refused = _examine(dataset, passages, args.pairs, _composer(ws, dataset))
    if accepted:
        dataset = open_dataset(take_in(ws, dataset, accepted))
    remaining = len(without_questions(dataset, train_passages(dataset)))
    if refused and not accepted:
        follow = next_call("annotate_dataset", dataset=_reference(dataset))
    else:
        more = next_call("annotate_dataset", dataset=dataset.name)
        follow = more if remaining else next_call("start_finetune", dataset=dataset.name)
    return AnnotateResult(
        dataset=dataset.name,
        version=dataset.version,
        path=str(dataset.folder),
        remaining=remaining,
        accepted=len(accepted),
        refused=refused,
        next=follow,
    )


def _reference(dataset: Dataset) -> str:
    return f"{dataset.name}@{dataset.version}"


def _hand_out(dataset: Dataset, limit: int) -> AnnotateResult:
    waiting = without_questions(dataset, train_passages(dataset))
    shown: list[PassageOut] = []
    characters = 0
    for passage in waiting[:limit]:
        characters += len(passage.text)
        if shown and characters > _MOST_CHARACTERS:
            break
        origin = passage.origin
        shown.append(PassageOut(id=origin.id, text=passage.text, source=origin.source, document=origin.place))
    example = {"passage": shown[0].id, "question": "…", "answer": "…", "quote": "…"} if shown else None
    return AnnotateResult(
        dataset=dataset.name,
        version=dataset.version,
        path=str(dataset.folder),
        passages=shown,
        remaining=len(waiting),
        next=next_call("annotate_dataset", dataset=_reference(dataset), pairs=[example])
        if example
        else next_call("start_finetune", dataset=dataset.name),
    )


def _composer(ws: Workspace, dataset: Dataset) -> Composer:
    model = dataset.card["model"]
    folder = ws.model_folder(str(model["name"]))
    if identify(folder).tokenizer_sha256 != model["tokenizer_sha256"]:
        raise Conflict(
            f"The model `{model['name']}` now has another tokenizer than when the dataset was made.",
            fix="Make the dataset again with prepare_dataset.",
        )
    counter = RowCounter(Tokenizer.load(folder), "")
    return Composer(dataset.format, wording(dataset.language), counter)


def _examine(
    dataset: Dataset, passages: dict[str, PassageText], pairs: Sequence[Pair], composer: Composer
) -> tuple[list[Accepted], list[Refused]]:
    settings, model = dataset.card["settings"], dataset.card["model"]
    limit = min(int(settings["max_tokens"]), int(model["max_positions"]))
    known = {folded(question.question) for question in dataset.questions()}
    accepted: list[Accepted] = []
    refused: list[Refused] = []
    for index, pair in enumerate(pairs):
        found = _examine_one(dataset, passages, pair, composer, limit, known)
        if isinstance(found, Fault):
            refused.append(Refused(index=index, passage=pair.passage, reason=found.reason, fix=found.fix))
        else:
            accepted.append(found)
            known.update(folded(text) for text in (pair.question, pair.rephrased) if text)
    return accepted, refused


def _examine_one(
    dataset: Dataset,
    passages: dict[str, PassageText],
    pair: Pair,
    composer: Composer,
    limit: int,
    known: set[str],
) -> Fault | Accepted:
    passage = passages.get(pair.passage)
    if passage is None:
        near = nearest(pair.passage, passages)
        fix = f"Did you mean `{near[0]}`?" if near else "Use the id of a passage that was handed out."
        return Fault("There is no passage of that id in train.", fix)
    found = check_pair(pair, passage.text, dataset.language)
    if isinstance(found, Fault):
        return found
    if folded(pair.question) in known or (pair.rephrased and folded(pair.rephrased) in known):
        return Fault("The question is there already.", "Ask for something else.")
    origin = passage.origin
    span = Span(
        origin.source,
        "biography" if origin.kind == "biography" else "book",
        origin.document,
        origin.place,
        origin.start + found[0],
        origin.start + found[1],
    )
    turns = (
        {"role": "user", "content": pair.question.strip()},
        {"role": "assistant", "content": pair.answer.strip()},
    )
    row = composer.exchange(Exchange(span, turns, "question"))[0]
    if row.tokens > limit:
        return Fault(f"The row would have {row.tokens} tokens; the dataset's limit is {limit}.", "Shorten it.")
    return Accepted(pair, row)
