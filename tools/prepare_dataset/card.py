"""The dataset card for people, in Markdown and the dataset's language."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tools.prepare_dataset.card_wording import CardWording, card_wording

Card = Mapping[str, Any]


def card_text(card: Card) -> str:
    """What stands in `card.json`, to read: splits, questions, sources, what was left out, and why.

    A card that an earlier version wrote may lack what is newer.
    """
    words = card_wording(card["language"])
    parts = [
        f"# {card['name']}@{card['version']}",
        _about(card, words),
        *_splits(card, words),
        *_questions(card, words),
        *_sources(card, words),
        *_left_out(card, words),
        f"## {words.choices}",
        _list(card["notes"], words),
        f"## {words.findings}",
        _list([_problem(problem) for problem in card["problems"]], words),
        *_made_with(card, words),
    ]
    return "\n\n".join(parts) + "\n"


def _about(card: Card, words: CardWording) -> str:
    settings, model = card["settings"], card["model"]
    limit = min(settings["max_tokens"], model["max_positions"])
    return words.about.format(
        format=card["format"], longest=card["longest_row_tokens"], limit=limit, model=model["name"]
    )


def _splits(card: Card, words: CardWording) -> Iterator[str]:
    yield f"## {words.splits}"
    yield _table(
        words.split_head,
        [
            (name, size["rows"], size["documents"], size["tokens"], _share(size), _lengths(size))
            for name, size in card["splits"].items()
        ],
    )
    by_row = card.get("split_by") == "row"
    told = [words.by_row if by_row else words.by_document.format(seed=card["settings"]["seed"])]
    chosen: Mapping[str, str] = card.get("chosen", {})
    told += [words.chosen.format(split=split, document=document) for document, split in chosen.items()]
    if "guard" in card:
        told.append(words.guard.format(**card["guard"]))
    overlap = card["overlap"]
    told.append(
        words.overlap.format(
            rows=overlap["rows"], n=overlap["ngram"], valid=f"{overlap['valid']:.2%}", test=f"{overlap['test']:.2%}"
        )
        if overlap["rows"]
        else words.no_overlap.format(n=overlap["ngram"])
    )
    told.append(words.counted)
    yield _list(told, words)


def _share(size: Card) -> str:
    return f"{size['share']:.1%}" if "share" in size else "–"


def _lengths(size: Card) -> str:
    lengths = size.get("lengths")
    return ", ".join(str(lengths[share]) for share in ("0%", "50%", "90%", "100%")) if lengths else "–"


def _questions(card: Card, words: CardWording) -> Iterator[str]:
    yield f"## {words.questions}: {card['questions']}"
    kept = card.get("questions_by", [])
    if kept:
        yield _table(
            words.question_head,
            [(_where(one["split"], words), _named(one["kind"], words), one["count"]) for one in kept],
        )


def _where(split: str | None, words: CardWording) -> str:
    if split is None:
        return words.anywhere
    return words.seen if split == "train" else words.unseen.format(split=split)


def _sources(card: Card, words: CardWording) -> Iterator[str]:
    yield f"## {words.sources}"
    yield _table(words.source_head, [_source(source, words) for source in card["sources"]])
    yield words.folders


def _source(source: Card, words: CardWording) -> tuple[Any, ...]:
    return (
        source["path"],
        _named(source["kind"], words),
        source.get("title") or "–",
        source.get("pages") or "–",
        source["encoding"],
        source["rows"],
        _counts(source["repairs"], words),
        _counts(source.get("left_out", {}), words),
        f"`{source['sha256'][:16]}…`",
    )


def _left_out(card: Card, words: CardWording) -> Iterator[str]:
    yield f"## {words.dropped}"
    yield _list([f"{entry['count']}: {_named(entry['reason'], words)}" for entry in card["dropped"]], words)
    if card["dropped"]:
        yield words.dropped_told
    yield f"## {words.flags}"
    flags: Mapping[str, int] = card.get("flags", {})
    yield _list([f"{count}: {_named(what, words)}" for what, count in sorted(flags.items())], words)
    if flags:
        yield words.flags_told


def _made_with(card: Card, words: CardWording) -> Iterator[str]:
    model = card["model"]
    yield f"## {words.made_with}"
    yield _list(
        [
            words.model.format(name=model["name"], fingerprint=model["fingerprint"]),
            words.tokenizer.format(
                tokenizer=f"{model['tokenizer_sha256'][:16]}…",
                template=model["template"] or words.names[""],
                code=card.get("code_format", "–"),
            ),
            *(f"{name}: {value}" for name, value in sorted(card["settings"].items())),
        ],
        words,
    )
    if "rebuild" in card and "annotates" not in card:
        yield words.rebuild
        yield f"```\nafina call prepare_dataset - <<'END'\n{json.dumps(card['rebuild'], ensure_ascii=False)}\nEND\n```"


def _named(what: str, words: CardWording) -> str:
    return words.names.get(what, what) or "–"


def _counts(counts: Mapping[str, int], words: CardWording) -> str:
    return ", ".join(f"{count} {_named(name, words)}" for name, count in sorted(counts.items())) or "–"


def _problem(problem: Card) -> str:
    place = ":".join(str(problem[key]) for key in ("path", "line", "column") if key in problem)
    return f"{place}: {problem['message']}"


def _table(head: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(str(cell).replace("|", "\\|") for cell in row) + " |" for row in rows]
    return "\n".join(lines)


def _list(items: Sequence[str], words: CardWording) -> str:
    return "\n".join(f"- {item}" for item in items) or words.nothing
