"""The dataset card for people, in Markdown."""

from __future__ import annotations

from typing import Any

_REPAIRS = {
    "line_ends": "line ends",
    "invisible_characters": "invisible characters removed",
    "soft_hyphens": "soft hyphens removed",
    "decomposed_letters": "accents joined to their letters",
    "trailing_blanks": "blanks at line ends removed",
    "line_end_hyphens": "words joined at line ends",
    "wrapped_lines": "wrapped lines joined",
    "byte_order_mark": "byte order mark removed",
    "encoding": "converted to UTF-8",
}


def card_text(card: dict[str, Any]) -> str:
    """What stands in `card.json`, to read: splits, sources, what was left out, and why things are as they are."""
    settings, model = card["settings"], card["model"]
    limit = min(settings["max_tokens"], model["max_positions"])
    parts = [
        f"# {card['name']}@{card['version']}",
        f"Rows of format `{card['format']}`, at most {card['longest_row_tokens']} tokens "
        f"(limit {limit}), counted by the tokenizer of `{model['name']}`. "
        f"Our wording is in `{card['language']}`.",
        "## Splits",
        _table(
            ("split", "rows", "documents", "tokens", "tokens a row: least, half of the rows at most, 90%, most"),
            [(name, s["rows"], s["documents"], s["tokens"], _lengths(s)) for name, s in card["splits"].items()],
        ),
        f"Whole documents (chapters, seasons, persons) are in one split, chosen by a hash of their name and seed "
        f"{settings['seed']}. {_overlap(card['overlap'])} {card['questions']} questions are kept for evaluation.",
        "## Sources",
        _table(("file", "kind", "encoding", "rows", "repairs", "SHA-256"), [_source(s) for s in card["sources"]]),
        "`sources/original/` holds the files as they came, `sources/text/` the text as repaired, "
        "`sources/repairs/` each repair, so that it can be undone; "
        "`provenance.jsonl` tells the characters of it that each row comes from.",
        "## Choices",
        _list(card["notes"]),
        "## Left out",
        _list([f"{entry['count']} rows: {entry['reason']}" for entry in card["dropped"]]),
        "## Findings",
        _list([_problem(problem) for problem in card["problems"]]),
        "## Made with",
        _list(
            [
                f"model `{model['name']}`, fingerprint `{model['fingerprint']}`",
                f"tokenizer `{model['tokenizer_sha256'][:16]}…`, chat template `{model['template'] or 'none'}`",
                *(f"{name}: {value}" for name, value in sorted(settings.items())),
            ]
        ),
    ]
    return "\n\n".join(parts) + "\n"


def _lengths(split: dict[str, Any]) -> str:
    lengths = split.get("lengths")
    return ", ".join(str(lengths[share]) for share in ("0%", "50%", "90%", "100%")) if lengths else "–"


def _source(source: dict[str, Any]) -> tuple[Any, ...]:
    name, digest = source["path"].replace("|", "\\|"), f"`{source['sha256'][:16]}…`"
    return name, source["kind"], source["encoding"], source["rows"], _repairs(source["repairs"]), digest


def _overlap(overlap: dict[str, Any]) -> str:
    if not overlap["rows"]:
        return f"No {overlap['ngram']} words in a row of valid or test stand in train."
    return (
        f"{overlap['rows']} held-out rows share {overlap['ngram']} words in a row with train "
        f"({overlap['valid']:.2%} of valid's, {overlap['test']:.2%} of test's runs)."
    )


def _repairs(repairs: dict[str, int]) -> str:
    return ", ".join(f"{count} {_REPAIRS.get(name, name)}" for name, count in sorted(repairs.items())) or "–"


def _problem(problem: dict[str, Any]) -> str:
    place = ":".join(str(problem[key]) for key in ("path", "line", "column") if key in problem)
    return f"{place}: {problem['message']}"


def _table(head: tuple[str, ...], rows: list[tuple[Any, ...]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines)


def _list(items: list[str]) -> str:
    return "\n".join(f"- {item}" for item in items) or "Nothing."
