"""Where sentences, clauses, words and characters of a text end, for Portuguese and English.

A sentence that is not told from the next one does less harm here than one that is torn: in doubt
there is no border.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

# A border is (end of what precedes, start of what follows); what is between are blanks.
Border = tuple[int, int]

_STOP = re.compile(
    r"(?<![.!?…])(?P<stop>[.!?…]+)(?:[\"”»’')\]}*_]|\[\d{1,3}\])*(?P<gap>\s+)(?=(?P<next>\S))"
    r"|[。！？][」』”）]*(?P<wide>\s*)(?=\S)"
)
_LAST_WORD = re.compile(r"[^\s(\[{«“\"'‘—–/]*$")
# What goes on in small letters, after a dash, or with its punctuation is the same sentence.
_GOES_ON = frozenset("–—-,;:.!?…)]}»”%&/")
_LIST_MARKS = frozenset("–—-•*+>")
_ABBREVIATIONS = frozenset(
    re.findall(
        r"\S+",
        # titles and forms of address
        "sr sra srs sras srta dr dra drs dras eng enga arq prof profa profs pe fr frei ir rev revmo mons exmo exma "
        "exmos ilmo ilma gen cel maj ten sgt alm brig cte cap capt mr mrs ms messrs st sto sta hon "
        # places
        "av est trav tv pça pç lgo al r urb edif apart apt "
        # references and books
        "p pp pág págs pag pags fl fls vol vols v tom cap caps art arts n nº núm fig figs tab ed eds org orgs trad "
        "pref séc sécs sec cf vd id ibid op cit loc obs ex v.g i.e e.g ref refs vs ss "
        # firms
        "cia lda ltda ltd inc corp jr",
    )
)
# Ordinary words too: abbreviations only before a number.
_BEFORE_NUMBERS = frozenset(
    re.findall(r"\S+", "no mar set jan fev abr mai jun jul ago out nov dez apr may aug sept oct dec ch")
)

_CLAUSE = re.compile(
    r"[,;:][\"”»’')\]]*(\s+)(?=\S)|[、，；：](\s*)(?=\S)|(?<=\S)([ \t]+)(?=[–—][ \t])|(?<=\S)(\s*\n\s*)(?=\S)"
)
_WORD = re.compile(r"(?<=\S)(\s+)(?=\S)")
_LINE_END = re.compile(r"(?<=\S)(\s*\n\s*)(?=\S)")
_ITEM = re.compile(r"(?:[-*•+>|]|\d{1,3}[.)])(?=\s)|[–—•]|[a-z]\)")
_RULE = re.compile(r"[-=_~*]{3,}$", re.MULTILINE)
# What a line ends with that goes no further.
LINE_STOPS = frozenset(".!?…:;»”\"'’)")
# Lines as long as these are of a text wrapped at a width.
_WRAPPED = range(45, 111)
_SHORT = 30


def sentence_borders(text: str, start: int, end: int) -> Iterator[Border]:
    """Borders between sentences within characters `start` to `end`."""
    for match in _STOP.finditer(text, start, end):
        if match["wide"] is not None:
            yield match.span("wide")
        elif _ends(text, match):
            yield match.span("gap")


def _ends(text: str, match: re.Match[str]) -> bool:
    following, new_line = match["next"], "\n" in match["gap"]
    if following.islower() or (following in _GOES_ON and not (new_line and following in _LIST_MARKS)):
        return False
    if match["stop"] != ".":
        return True
    begins = _LAST_WORD.search(text, max(0, match.start() - 24), match.start())
    word = begins.group().strip("*_`") if begins else ""
    if not word:
        return True
    if word.isdigit():
        # `1. Abrir a porta`: the number of a list's item, not the end of a sentence.
        at = begins.start() if begins else 0
        before = text[max(0, at - 80) : at].rpartition("\n")[2]
        return len(word) > 3 or bool(before.strip(" \t*_`"))
    folded = word.casefold()
    if len(word) == 1 or folded in _ABBREVIATIONS or _is_dotted(word):
        return False
    return not (following.isdigit() and folded in _BEFORE_NUMBERS)


def _is_dotted(word: str) -> bool:
    """`a.C`, `V.Ex`, `E.U.A`."""
    return "." in word and all(1 <= len(part) <= 2 for part in word.split("."))


def line_borders(text: str, start: int, end: int) -> Iterator[Border]:
    """All line ends within characters `start` to `end`; see `tears_a_line` for those of a wrapped text."""
    for match in _LINE_END.finditer(text, start + 1, end):
        yield match.span(1)


def begins_an_item(text: str, at: int) -> bool:
    """Whether the mark of a list's item, a quotation or a speaker stands there."""
    return _ITEM.match(text, at) is not None


def ends_an_item(text: str, border: Border) -> bool:
    """Whether a line end is that of a sentence, an item of a list, or a speaker's words."""
    before, after = border
    return not _RULE.match(text, after) and (text[before - 1] in LINE_STOPS or begins_an_item(text, after))


def tears_a_line(text: str, border: Border) -> bool:
    """Whether a text that was wrapped at a width goes on over a line end, or a heading over its underline."""
    before, after = border
    if text.count("\n", before, after) > 1 or ends_an_item(text, border):
        return False
    if _RULE.match(text, after):
        return True
    length = before - (text.rfind("\n", 0, before) + 1)
    return length in _WRAPPED or (length > _SHORT and text[after].islower())


def clause_borders(text: str, start: int, end: int) -> Iterator[Border]:
    """Borders after commas, semicolons and colons, before dashes, and at line ends."""
    for match in _CLAUSE.finditer(text, start + 1, end):
        yield match.span(match.lastindex or 0)


def word_borders(text: str, start: int, end: int) -> Iterator[Border]:
    for match in _WORD.finditer(text, start + 1, end):
        yield match.span(1)


def character_borders(text: str, start: int, end: int) -> Iterator[Border]:
    """Borders between characters as people see them: no accent, joined emoji or flag is torn."""
    flags = 0  # regional indicators in a row: two make a flag
    for at in range(start + 1, end):
        before, char = text[at - 1], text[at]
        flags = flags + 1 if _is_flag(before) else 0
        if flags % 2 and _is_flag(char):
            continue
        if not (_extends(char) or before == "\u200d" or (before == "\r" and char == "\n")):
            yield at, at


def every_border(text: str, start: int, end: int) -> Iterator[Border]:
    """The last resort: between any two code points."""
    return ((at, at) for at in range(start + 1, min(end, len(text))))


def _is_flag(char: str) -> bool:
    return "\U0001f1e6" <= char <= "\U0001f1ff"


def _extends(char: str) -> bool:
    """Whether a code point belongs to the one before it."""
    if char < "\u0300":
        return False
    return (
        unicodedata.category(char) in ("Mn", "Me", "Mc")
        or char in "\u200c\u200d"
        or "\U0001f3fb" <= char <= "\U0001f3ff"
        or "\U000e0020" <= char <= "\U000e007f"
    )
