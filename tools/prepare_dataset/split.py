"""Documents to train, valid and test: whole chapters, seasons and persons, each by its own name.

A document's place in [0, 1) comes from the seed, its file's name and its own title: test lies
lowest, then valid, then train. Nothing else moves it, so that adding files, chapters, seasons or
persons leaves every other document where it is, and cutting a chapter into other rows too.
Chapters and seasons that bear a number are spread evenly: number n lies at the file's own offset
plus n golden sections, modulo 1, so that any dozen in a row has about its share in each split
(Kronecker's sequence; Knuth, The Art of Computer Programming 3, 6.4). Others are spread by a hash.
A title of less than two words (`Soneto`, `***`) counts together with the chapter's first words.

No rule can be as stable as that and give small material a document in every split. Only where a
split would have none at all, one is taken from train: the nearest for test, the farthest for valid.
Such documents are told in the card. Material added later can put them back, and takes no other
document from train: what a model has learned does not become a test of it. Three cases are not
covered: material of which at most one document fell into train; documents that are fewer than the
splits, which are then split by rows, each by its own words; and a chapter that is renamed, which is
another one. Stretches of a text without chapters keep their places when text is added after them,
not before.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from tools.errors import DataError, InvalidArgument
from tools.prepare_dataset.contract import SPLITS, Split
from tools.prepare_dataset.material import RowDraft, Span, UnitKind

_WHOLE = 2**56
_GOLDEN = round(_WHOLE * (5**0.5 - 1) / 2)
_YEARS = re.compile(r"(?<!\w)((?:1[89]|20)\d\d)(?:\s*[/–-]\s*\d{2,4})?(?!\w)")
_NUMBERED = re.compile(r"(?:(?P<word>[^\W\d_]+)\.?\s+)?(?P<number>\d{1,4}|[IVXLCDM]{1,8})(?!\w)")
_STRETCH = re.compile(r", (\d{1,4})\Z")
_REPEATED = re.compile(r" \(\d+\)\Z")
_ROMAN = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100, "D": 500, "M": 1000}
# Of so many documents of a kind, some are expected to be held out.
_ENOUGH_OF_A_KIND = 5
_FAR_OFF = 0.5  # of a fraction


@dataclass(frozen=True)
class Placement:
    """The rows of each split in their order.

    by_row: rows of one document may stand in several. chosen: documents placed against their chance.
    notes: for people.
    """

    split: dict[Split, list[RowDraft]]
    by_row: bool = False
    chosen: dict[str, Split] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def check_fractions(valid: float, test: float) -> None:
    if valid + test >= 1:
        raise InvalidArgument(
            "valid_fraction and test_fraction leave nothing to train on.",
            field="valid_fraction",
            expected="a sum below 1",
            fix="0.1 each is usual.",
        )


def split_rows(
    rows: Sequence[RowDraft],
    valid: float,
    test: float,
    seed: int,
    openings: Mapping[str, str] | None = None,
    left_out: int = 0,
) -> Placement:
    """Each row into the split of its document.

    openings: the first words of chapters. left_out: rows dropped before. Rows that came in a split
    stay there, and no document is then taken to fill one. Raises DataError when there are too few
    rows or documents for the splits that the fractions ask for.
    """
    given = any(row.span.fixed for row in rows)
    needed = 1 if given else 1 + (valid > 0) + (test > 0)
    by_row = len({row.span.document for row in rows}) < needed
    keys = [_row_key(row) if by_row else row.span.document for row in rows]
    chances: dict[str, float] = {}
    for key, row in zip(keys, rows, strict=True):
        if key not in chances and row.span.fixed is None:
            opening = row.learned if by_row else (openings or {}).get(row.span.document, "")
            chances[key] = chance_of(row.span, seed, opening, whole=not by_row)
    if len(chances) < needed and not given:
        raise _too_small(len(rows), needed, left_out)
    placed: dict[str, Split] = {
        key: "test" if chance < test else "valid" if chance < test + valid else "train"
        for key, chance in chances.items()
    }
    chosen = {} if given else _fill(placed, chances, [*_wanted("test", test), *_wanted("valid", valid), "train"])
    placed |= chosen
    split: dict[Split, list[RowDraft]] = {name: [] for name in SPLITS}
    for key, row in zip(keys, rows, strict=True):
        split[row.span.fixed or placed[key]].append(row)
    notes = [] if given else _about_choices(chosen, by_row) + _about_shares(split, {"valid": valid, "test": test})
    return Placement(split, by_row, {} if by_row else chosen, notes)


def chance_of(span: Span, seed: int, opening: str = "", *, whole: bool = True) -> float:
    """The place of a document in [0, 1), or with `whole` False of the row that begins with `opening`.

    The file's folder does not count: it may be named from another one.
    """
    # A season that two files tell is a document of the first: the span may be in the other.
    file, _, title = span.document.partition("#")
    name, number = _identity(span.kind, title, opening) if whole else (opening, 0)
    made_from = f"afina\0{seed}\0{PurePosixPath(file).name}\0{name}"
    digest = hashlib.sha256(made_from.encode("utf-8", "surrogatepass")).digest()
    return (int.from_bytes(digest[:7], "big") + number * _GOLDEN) % _WHOLE / _WHOLE


def _identity(kind: UnitKind, title: str, opening: str) -> tuple[str, int]:
    """What names a document beside its file, and its number among those of the same name; 0 without one."""
    if kind == "table":
        # Beside its years a season may bear its league's name, once another league has that season too.
        years = _YEARS.search(title)
        return ("", int(years[1])) if years else (title, 0)
    if kind != "book":
        return title, 0
    part, _, own = _REPEATED.sub("", title).rpartition(" – ")
    numbered, stretch = _NUMBERED.match(own), _STRETCH.search(own)
    if numbered is not None:
        return f"{part}\0{(numbered['word'] or '').casefold()}", _number(numbered["number"])
    if stretch is not None:
        return f"{part}\0{own[: stretch.start()]}", int(stretch[1])
    says_little = len(re.findall(r"[^\W\d_]+", own)) < 2
    return f"{part}\0{own}\0{opening if says_little else ''}", 0


def _number(text: str) -> int:
    """A number in digits or Roman ones."""
    if text.isdigit():
        return int(text)
    values = [_ROMAN[letter] for letter in text]
    return sum(-value if value < max(values[n:]) else value for n, value in enumerate(values))


def _row_key(row: RowDraft) -> str:
    return f"{row.span.document}\0{' '.join(row.learned.split())}"


def _wanted(name: Split, fraction: float) -> list[Split]:
    return [name] if fraction else []


def _fill(placed: Mapping[str, Split], chances: Mapping[str, float], wanted: Sequence[Split]) -> dict[str, Split]:
    """A document for each wanted split that has none: the ones moved, and where to."""
    moved: dict[str, Split] = {}
    for split in wanted:
        now = {**placed, **moved}
        counts = Counter(now.values())
        if counts[split]:
            continue
        donor: Split = "train" if counts["train"] > 1 else max(SPLITS, key=lambda name: counts[name])
        candidates = sorted((chances[key], key) for key in now if now[key] == donor)
        moved[(candidates[0] if split == "test" else candidates[-1])[1]] = split
    return moved


def _about_choices(chosen: Mapping[str, Split], by_row: bool) -> list[str]:
    if by_row:
        return [
            "There are fewer documents than splits, so rows of one document stand in several: "
            "the test says little about unseen text. Add chapters, seasons or persons."
        ]
    return [
        f"By chance no document fell into {split}: `{document}` was taken. Material added later may put it back."
        for document, split in chosen.items()
    ]


def _about_shares(split: Mapping[Split, Sequence[RowDraft]], wanted: Mapping[Split, float]) -> list[str]:
    """Where the shares of tokens are far from those asked for, and which kinds are in train alone."""
    tokens = {name: sum(row.tokens for row in rows) for name, rows in split.items()}
    total = sum(tokens.values())
    notes = []
    for name, fraction in wanted.items():
        share = tokens[name] / total if total else 0.0
        if fraction and abs(share - fraction) > _FAR_OFF * fraction:
            notes.append(
                f"{name.capitalize()} holds {share:.0%} of the tokens, not {fraction:.0%}: whole documents are "
                "held out. More of them, or another seed, come nearer."
            )
    documents: dict[str, set[str]] = {}
    for row in split["train"]:
        documents.setdefault(row.span.kind, set()).add(row.span.document)
    for name in (name for name, fraction in wanted.items() if fraction):
        missing = {kind for kind, those in documents.items() if len(those) >= _ENOUGH_OF_A_KIND}
        missing -= {row.span.kind for row in split[name]}
        notes += [f"No {_A_KIND[kind]} fell into {name}; another seed may bring one." for kind in sorted(missing)]
    return notes


_A_KIND = {"book": "chapter", "table": "season or record of a table", "biography": "biography", "examples": "example"}


def _too_small(rows: int, needed: int, left_out: int) -> DataError:
    dropped = f" ({left_out} empty, repeated or too long ones were left out)" if left_out else ""
    return DataError(
        f"The material gives {rows} {'row' if rows == 1 else 'rows'}{dropped}; the splits need {needed}.",
        field="sources",
        fix="Add chapters, tables, biographies or examples; or set test_fraction and valid_fraction to 0.",
    )
