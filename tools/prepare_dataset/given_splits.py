"""Splits that the person made: files called train, valid and test, and lists of those names in one file.

Names count where they come together: beside a `train` there is another of the same folder and first
words, as mlx-lm, OpenAI and Hugging Face write them (`validation` and `dev` are valid, shards have numbers).
A file that is called `test` alone is split like any other.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import PurePosixPath

from tools.prepare_dataset.contract import SPLITS, Split
from tools.prepare_dataset.examples.scanning import SPLIT_NAMES
from tools.prepare_dataset.material import Parsed, Source

_NAMED = re.compile(
    rf"(?P<before>.*?)(?:^|[-_. ])(?P<split>{'|'.join(SPLIT_NAMES)})(?:[-_. ]\d+(?:[-_ ]of[-_ ]\d+)?)?", re.IGNORECASE
)


def keep_given_splits(sources: Sequence[Source], parsed: Sequence[Parsed]) -> list[str]:
    """Fix the spans of examples to the splits they were given in; notes that say so."""
    named = _named_splits([source.name for source in sources if source.kind == "examples"])
    found: dict[Split, int] = dict.fromkeys(SPLITS, 0)
    for source, one in zip(sources, parsed, strict=True):
        own = {unit.span.fixed for unit in one.units} - {None}
        if source.name not in named and own and not _go_together(own):
            named = {**named, source.name: None}
        if source.name in named:
            fixed = named[source.name]
            one.units = [replace(unit, span=replace(unit.span, fixed=fixed)) for unit in one.units]
        for unit in one.units:
            if unit.span.fixed is not None:
                found[unit.span.fixed] += 1
    return _told(found)


def _named_splits(names: Sequence[str]) -> dict[str, Split | None]:
    """The split of each file that its name puts into one, or the name of its folder."""
    found: dict[str, tuple[tuple[str, str], Split]] = {}
    for name in names:
        path = PurePosixPath(name)
        by_file, by_folder = _NAMED.fullmatch(path.stem), SPLIT_NAMES.get(path.parent.name.lower())
        if by_file is not None:
            split = SPLIT_NAMES[by_file["split"].lower()]
            found[name] = ((str(path.parent), by_file["before"].lower()), split)
        elif by_folder is not None:
            found[name] = ((str(path.parent.parent), "/"), by_folder)
    sets: dict[tuple[str, str], set[Split | None]] = {}
    for key, split in found.values():
        sets.setdefault(key, set()).add(split)
    return {name: split for name, (key, split) in found.items() if _go_together(sets[key])}


def _go_together(splits: set[Split | None]) -> bool:
    return "train" in splits and len(splits) > 1


def _told(found: dict[Split, int]) -> list[str]:
    if not any(found.values()):
        return []
    counts = ", ".join(f"{count} {split}" for split, count in found.items() if count)
    missing = [split for split in SPLITS if not found[split]]
    notes = [f"The splits that the examples came in were kept: {counts}."]
    if "test" in missing:
        notes.append("No test split came with them: evaluate then measures on what else was held out, if anything.")
    return notes
