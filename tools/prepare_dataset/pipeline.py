"""The whole way from files to a dataset in memory: read, repair, cut, compose, split, check."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import accumulate
from pathlib import Path

from tools.errors import Problem
from tools.models.tokenizer import Tokenizer
from tools.prepare_dataset.books import parse_book
from tools.prepare_dataset.checks.boilerplate import take_out_boilerplate
from tools.prepare_dataset.checks.flags import Flags, find_flags
from tools.prepare_dataset.compose import Composer, choose_format
from tools.prepare_dataset.contract import SPLITS, Format, Split
from tools.prepare_dataset.counting import RowCounter, sample_of
from tools.prepare_dataset.division import Divided, divide, openings_of
from tools.prepare_dataset.dropped import Drops
from tools.prepare_dataset.examples import parse_examples
from tools.prepare_dataset.given_splits import keep_given_splits
from tools.prepare_dataset.identity import ModelIdentity, Options, check_overlap, identify, version_of
from tools.prepare_dataset.language import Language, tell_language
from tools.prepare_dataset.material import Ask, Exchange, Parsed, Passage, RowDraft, Source, SourceFile
from tools.prepare_dataset.questions import drop_contradictions, repeated_in, settle
from tools.prepare_dataset.read import read_sources, size_of
from tools.prepare_dataset.readers.apart import Apart
from tools.prepare_dataset.reading_back import Question
from tools.prepare_dataset.resting import can_be_asked
from tools.prepare_dataset.rows import RowMaker
from tools.prepare_dataset.shortening import Shortener
from tools.prepare_dataset.sources import problems_error
from tools.prepare_dataset.split import check_fractions
from tools.prepare_dataset.stages import Stages
from tools.prepare_dataset.tables import parse_tables
from tools.prepare_dataset.wording import Wording, wording


@dataclass(frozen=True)
class Prepared:
    """A dataset before it is written."""

    version: str
    options: Options
    model: ModelIdentity
    format: Format
    language: Language
    sources: list[Source]
    divided: Divided
    questions: list[Question]
    drops: Drops
    flags: Flags
    warnings: list[Problem]
    notes: list[str]

    @property
    def split(self) -> dict[Split, list[RowDraft]]:
        return self.divided.split


def prepare(files: Sequence[SourceFile], options: Options, model_folder: Path, stages: Stages) -> Prepared:
    """The dataset of `files`. Raises DataError with every fault of the material, by file and line."""
    check_fractions(options.valid_fraction, options.test_fraction)
    check_overlap(options.overlap_tokens, options.max_tokens)
    tokenizer = Tokenizer.load(model_folder)
    model = identify(model_folder, tokenizer)
    sources = _read(files, stages)
    language = tell_language(s.text for s in sources) if options.language == "auto" else options.language
    words = wording(language)
    parsed = _parse(sources, words, stages)
    by_name = {source.name: source for source in sources}
    openings = openings_of(by_name, parsed)
    drops = _left_out(sources, parsed)
    about_given = keep_given_splits(sources, parsed)
    counter = RowCounter(tokenizer, sample_of([source.text for source in sources]))
    maker, notes = _row_maker(parsed, words, counter, options, model, drops)
    rows = maker.make(sources, parsed, stages)
    stages.begin("Checking", len(rows))
    divided = divide(rows, by_name, openings, Shortener(maker.composer, parsed, maker.limit), options, drops)
    flags = find_flags(sources, [row for name in SPLITS for row in divided.split[name]], language)
    questions = _questions(parsed, sources, divided.split, divided.known)
    return Prepared(
        version=version_of([(s.name, s.sha256, s.file.kind) for s in sources], options, model),
        options=options,
        model=model,
        format=maker.composer.format,
        language=language,
        sources=sources,
        divided=divided,
        questions=questions,
        drops=drops,
        flags=flags,
        warnings=[
            *_doubtful_encodings(sources),
            *flags.problems,
            *(problem for one in parsed for problem in one.warnings),
            *_control_tokens(sources, counter),
        ],
        notes=[
            *(note for one in parsed for note in one.notes),
            *notes,
            *about_given,
            *maker.notes,
            *divided.notes,
            *_about_questions(questions, parsed),
        ],
    )


def _row_maker(
    parsed: Sequence[Parsed],
    words: Wording,
    counter: RowCounter,
    options: Options,
    model: ModelIdentity,
    drops: Drops,
) -> tuple[RowMaker, list[str]]:
    """What makes the rows, in the format and of the size that suit material and model, and notes on both."""
    form, why = choose_format([unit for one in parsed for unit in one.units], options.format, counter.has_template)
    limit = min(options.max_tokens, model.max_positions)
    notes = [why]
    if limit < options.max_tokens:
        notes.append(f"Rows are cut to {limit} tokens: the model reads no more at once.")
    return RowMaker(Composer(form, words, counter), limit, drops, options.overlap_tokens), notes


def _left_out(sources: Sequence[Source], parsed: Sequence[Parsed]) -> Drops:
    """Take out of the units what no row is to be made of."""
    drops = Drops()
    for unit in drop_contradictions(parsed):
        drops.text("asked with two answers", unit.span, str(unit.messages[0]["content"]))
    for source, one in zip(sources, parsed, strict=True):
        take_out_boilerplate(source, one, drops)
    return drops


def _read(files: Sequence[SourceFile], stages: Stages) -> list[Source]:
    sources: list[Source] = []
    problems: list[Problem] = []
    sizes = [size_of(file) for file in files]
    stages.begin("Reading", sum(sizes))
    with Apart() as readers:
        for file, done in zip(files, accumulate(sizes, initial=0), strict=False):
            stages.at(file.name, done)
            found, faults = read_sources(file, partial(readers.read, tick=stages.tell))
            sources += found
            problems += faults
    if problems:
        # What could be read is examined too, so that all faults are told at once.
        examined = _examined(sources, wording("pt"), stages)
        raise problems_error([*problems, *_errors(examined)], sum(one.untold for one in examined))
    return sources


def _parse(sources: Sequence[Source], words: Wording, stages: Stages) -> list[Parsed]:
    parsed = _examined(sources, words, stages)
    problems = _errors(parsed)
    if problems:
        raise problems_error(problems, sum(one.untold for one in parsed))
    return parsed


def _errors(parsed: Sequence[Parsed]) -> list[Problem]:
    return [problem for one in parsed for problem in one.errors]


def _examined(sources: Sequence[Source], words: Wording, stages: Stages) -> list[Parsed]:
    """What each source gives, its faults included. Tables are taken together."""
    stages.begin("Understanding", sum(len(source.text) for source in sources))
    tables = iter(parse_tables([source for source in sources if source.kind == "table"], words))
    parsed = []
    done = 0
    for source in sources:
        stages.at(source.name, done)
        parsed.append(next(tables) if source.kind == "table" else _parse_one(source, words))
        done += len(source.text)
    return parsed


def _parse_one(source: Source, words: Wording) -> Parsed:
    if source.kind == "biography":
        # The patterns of facts take half a second to compile: for material without lives, for nothing.
        from tools.prepare_dataset.biographies import parse_biographies

        return parse_biographies(source, words)
    if source.kind == "book":
        return parse_book(source, words)
    return parse_examples(source)


def _questions(
    parsed: Sequence[Parsed],
    sources: Sequence[Source],
    split: Mapping[Split, list[RowDraft]],
    known: frozenset[str],
) -> list[Question]:
    asks: list[Ask] = [ask for one in parsed for ask in one.questions if can_be_asked(ask, known)]
    passages = [unit for one in parsed for unit in one.units if isinstance(unit, Passage)]
    return settle(asks, passages, {source.name: source for source in sources}, split)


def _about_questions(questions: Sequence[Question], parsed: Sequence[Parsed]) -> list[str]:
    notes = []
    seen = sum(question.split == "train" for question in questions)
    unseen = sum(question.split in ("valid", "test") for question in questions)
    if questions:
        notes.append(
            f"Questions kept for evaluation: {seen} on facts that train tells, asked in other words; {unseen} on text "
            f"that is held out; {len(questions) - seen - unseen} on neither alone."
        )
    exchanges = [unit for one in parsed for unit in one.units if isinstance(unit, Exchange)]
    asked = [str(turn["content"]) for unit in exchanges for turn in unit.messages if turn["role"] == "user"]
    repeated = repeated_in(questions, asked)
    if repeated:
        notes.append(f"{repeated} of the questions kept for evaluation stand word for word in the examples.")
    return notes


def _doubtful_encodings(sources: Sequence[Source]) -> list[Problem]:
    return [
        Problem(
            path=source.name,
            message=f"It was read as {source.encoding}; {source.rival} was nearly as likely.",
            fix="Check its accents in the text as prepared; if they are wrong, save the file as UTF-8.",
        )
        for source in sources
        if source.rival
    ]


def _control_tokens(sources: Sequence[Source], counter: RowCounter) -> list[Problem]:
    """Where a text holds what steers the model: it would be read as a command, not as text."""
    found = []
    tokens = counter.control_tokens()
    for source in sources:
        for token in tokens:
            position = source.text.find(token)
            if position >= 0:
                line = source.text.count("\n", 0, position) + 1
                told = f"The text holds `{token}`, a control token of the model."
                found.append(Problem(path=source.name, line=line, message=told, fix="Remove it, unless it is meant."))
    return found
