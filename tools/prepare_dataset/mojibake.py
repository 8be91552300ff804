"""Text that was decoded by a wrong encoding before it reached us, mended where that is sure.

A file is judged as a whole: what it was misread as, once or several times over, is what makes
nonsense of its words before and words of them after. A pattern that the file shows throughout is
mended throughout; in a file that is sound, only lines that are damaged altogether. Text that is
right as it stands (`«AMANHÃ»`, which would make `«AMANHû`) does not count for it and is not
touched. Each round is a step of its own.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator

from tools.prepare_dataset.charsets import TABLES
from tools.prepare_dataset.edits import Edit, EditedText
from tools.prepare_dataset.evidence import Chain, Evidence, fenced, is_sure, quoted, strongest
from tools.prepare_dataset.leftovers import mend_leftovers
from tools.prepare_dataset.misreading import Misreading
from tools.prepare_dataset.plausibility import TOKEN, faults, score, tokens
from tools.prepare_dataset.swapped import mend_swapped

_ROUNDS = 8
_LINE = re.compile(r"[^\r\n]+")
_CELL = re.compile(r'"(?:[^"\\]|\\.|"")*+"|[^\r\n\t,;|"]+', re.DOTALL)
_MARKS = frozenset("«»“”‘’„‚‹›—–…•")
_ESCAPE = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|.)", re.DOTALL)
_CONTROLS = re.compile(
    "[" + "".join(char for char in TABLES["latin_1"][0x80:0xA0] if char not in TABLES["cp1252"]) + "]"
)
# What programs made of bytes that cp1252 shows as nothing: the no-break spaces of `à` and of itself
# became plain blanks, and of `”` the last byte was dropped. Each with what shows that nothing did.
_LOST: tuple[tuple[str, re.Pattern[str], str | Callable[[re.Match[str]], str]], ...] = (
    (
        "Ã\xa0",
        re.compile(r"(?<!\w)Ã ( |(?=s\b|quel|quil))?(?=\w)"),
        lambda match: "à" if match[1] == "" else "à ",
    ),
    ("Â\xa0", re.compile("Â (?=\\S)"), " "),
    ("â€\x9d", re.compile("â€\ufffd?"), "”"),
)


def mend_mojibake(edited: EditedText, quotes_are_syntax: bool = False) -> None:
    """Undo what wrong decoding did to a text, round by round.

    quotes_are_syntax: for tables and JSON lines, whose cells stand in quotation marks. In prose a
    broken word in marks of its own may be an example, and is no evidence.
    """
    if quotes_are_syntax:
        _read_escapes(edited)
    for _ in range(_ROUNDS):
        counts = tokens(edited.text)
        evidence = _evidence(counts, edited.text, quotes_are_syntax)
        if evidence is None or not _mend_round(edited, evidence, quotes_are_syntax):
            mend_swapped(edited, counts)
            mend_leftovers(edited)
            return


def _mend_round(edited: EditedText, evidence: Evidence, quotes_are_syntax: bool) -> bool:
    """One round, undone where it is sure. False where it is sure nowhere."""
    text, before = edited.text, len(edited.steps)
    misreading = evidence.chain[0]
    name = _name(misreading, text)
    if _is_throughout(evidence, text, quotes_are_syntax):
        everything = evidence.stray == 0
        spans = [(0, len(text))] if everything else _tokens_but(text, evidence.worse_tokens)
        edited.apply(name, _edits(misreading, text, spans, any_script=everything))
        if misreading.charset == "cp1252" and len(evidence.chain) == 1:
            for whole, pattern, now in _LOST:
                if whole not in text:
                    edited.substitute("mojibake_lost_characters", pattern, now)
    else:
        edited.apply(name, _edits(misreading, text, _damaged_lines(text, evidence.chain, quotes_are_syntax)))
        if len(edited.steps) == before and _is_frequent(evidence):
            left = evidence.worse_tokens | evidence.fair_tokens
            edited.apply(name, _edits(misreading, text, _tokens_but(text, left)))
    return len(edited.steps) > before


def _evidence(counts: Counter[str], text: str, quotes_are_syntax: bool) -> Evidence | None:
    evidence = strongest(counts, Counter())
    if evidence is None or quotes_are_syntax:
        return evidence
    return strongest(counts, quoted(text))


def _is_throughout(evidence: Evidence, text: str, quotes_are_syntax: bool) -> bool:
    """Whether all that is beyond ASCII was misread. A few words of an English text may be examples."""
    many = quotes_are_syntax or evidence.sure >= 20 or evidence.sure * 1000 >= len(text)
    return evidence.stray <= 0.1 and many


def _is_frequent(evidence: Evidence) -> bool:
    """Whether a good part of a file is misread, as where a column of a table or one of two joined files is."""
    return evidence.sure >= 5 and 4 * evidence.sure >= evidence.sound and evidence.sure >= 10 * evidence.worse


def _edits(
    misreading: Misreading, text: str, spans: Iterable[tuple[int, int]], any_script: bool = False
) -> Iterator[Edit]:
    for start, end in spans:
        for match in misreading.sequence.finditer(text, start, end):
            now = misreading.character(match.group(), any_script)
            if now != match.group():
                yield Edit(match.start(), match.group(), now)


def _tokens_but(text: str, left: set[str]) -> Iterator[tuple[int, int]]:
    if not left:
        return iter(((0, len(text)),))
    return (match.span() for match in TOKEN.finditer(text) if match.group() not in left)


def _damaged_lines(text: str, chain: Chain, quotes_are_syntax: bool) -> list[tuple[int, int]]:
    """Where lines (or cells) stand that are misread altogether, told by two words at least; by fewer too, where such
    lines are nearly all that is concerned, three or more of them."""
    code = fenced(text)
    by_words: tuple[list[tuple[int, int]], ...] = ([], [], [])
    concerned = 0
    for match in (_CELL if quotes_are_syntax else _LINE).finditer(text):
        line = match.group()
        if line.isascii() or chain[0].undone(line) == line:
            continue
        concerned += 1
        words = _sure_words(line, chain)
        if words is not None and not any(start <= match.start() < end for start, end in code):
            by_words[min(words, 2)].append(match.span())
    several = sorted(by_words[0] + by_words[1] + by_words[2])
    surely = len(by_words[1]) + len(by_words[2]) >= 3 and len(several) >= 0.8 * concerned
    return several if surely else by_words[2]


def _sure_words(line: str, chain: Chain) -> int | None:
    """How many words of a line are surely misread; None if anything in it is not, or may be an example."""
    examples = quoted(line)
    words, better = 0, True
    for token in tokens(line):
        mended = token
        for misreading in chain:
            mended = misreading.undone(mended)
        rest = set(chain[0].sequence.sub("", token)) - _MARKS
        if faults(mended) or token in examples or any(char > "\x7f" for char in rest):
            return None
        better = better and score(mended) > score(token)
        words += is_sure(token, mended)
    return words if words or better else None


def _name(misreading: Misreading, text: str) -> str:
    """`latin_1` where control characters tell that it was not cp1252."""
    is_latin = misreading.charset == "cp1252" and _CONTROLS.search(text)
    return "mojibake_latin_1" if is_latin else f"mojibake_{misreading.charset}"


def _read_escapes(edited: EditedText) -> None:
    """Write JSON's `\\u00c3` as the characters that they are, where these were misread."""
    if "\\u00" not in edited.text:
        return
    read = _ESCAPE.sub(_character, edited.text)
    if _evidence(tokens(read), read, quotes_are_syntax=True):
        edited.substitute("unicode_escapes", _ESCAPE, _character)


def _character(match: re.Match[str]) -> str:
    code = int(match[1] or "0", 16)
    return match.group() if code < 0x80 or 0xD800 <= code < 0xE000 else chr(code)
