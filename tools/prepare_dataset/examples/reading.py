"""A file of examples to units and questions, every fault of every example told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

from tools.errors import Problem
from tools.prepare_dataset.examples.foreign import tell_foreign
from tools.prepare_dataset.examples.record import Findings, Record, type_of
from tools.prepare_dataset.examples.scanning import Event, Found, LeftOut, Stream, holds_lines, scan_lines
from tools.prepare_dataset.examples.shapes import SHAPES_TOLD, understand
from tools.prepare_dataset.material import Ask, Parsed, Source

_LINES = frozenset({".jsonl", ".ndjson"})
_MOST_KEYS_TOLD = 8


def parse_examples(source: Source) -> Parsed:
    """The units and questions of a file; a file of questions alone gets the kind `questions`.

    Its own splits, where it has them, are on the units' spans. At most 200 faults are spelled out.
    """
    parsed = Parsed()
    foreign = tell_foreign(source)
    if foreign is not None:
        parsed.errors.append(foreign)
        return parsed
    findings = Findings(source)
    for record, value in _records(findings):
        if not isinstance(value, dict):
            record.fault(f"It is {type_of(value)}, no object.", f"Write an object with {SHAPES_TOLD}.")
            continue
        found = understand(record, value)
        if found is None or not record.sound:
            continue
        if isinstance(found, Ask):
            parsed.questions.append(found)
        else:
            parsed.units.append(found)
    if parsed.questions and not parsed.units:
        source.kind = "questions"
    parsed.errors, parsed.untold = findings.problems, findings.untold
    if not parsed.units and not parsed.questions and not parsed.errors:
        told = "The file has no examples."
        parsed.errors.append(Problem(path=source.name, message=told, fix="Write one JSON object a line."))
    parsed.notes += _notes(findings)
    return parsed


def _records(findings: Findings) -> Iterator[tuple[Record, object]]:
    """The values with the lines on which they begin; faults of the JSON go to the findings."""
    text = findings.source.text
    line = 1
    counted = 0
    for event in _events(findings):
        if isinstance(event, Found):
            line += text.count("\n", counted, event.start)
            counted = event.start
            yield Record(findings, event.start, event.end, line, event.split), event.value
        elif isinstance(event, LeftOut):
            findings.left_out[event.key] += 1
        else:
            findings.fault(event.at, event.message, event.fix)


def _events(findings: Findings) -> Iterator[Event]:
    source = findings.source
    named_so = PurePosixPath(source.file.name).suffix.lower() in _LINES
    if holds_lines(source.text, named_so=named_so):
        return scan_lines(source.text)
    if named_so and source.text.lstrip().startswith("["):
        findings.choices["it is named as JSON lines but holds one list, and was read as that"] += 1
    return Stream(source.text).scan()


def _notes(findings: Findings) -> list[str]:
    name = findings.source.name
    notes = [
        f"{name}: {words} ({count} {'time' if count == 1 else 'times'})."
        for words, count in sorted(findings.choices.items())
    ]
    if findings.left_out:
        keys = [f"`{key}` ({count})" for key, count in sorted(findings.left_out.items())]
        more = f" and {len(keys) - _MOST_KEYS_TOLD} more" if len(keys) > _MOST_KEYS_TOLD else ""
        notes.append(f"{name}: left out, as nothing to learn: {', '.join(keys[:_MOST_KEYS_TOLD])}{more}.")
    return notes
