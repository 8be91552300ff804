"""Patterns for the names of people, places and works, and for what may stand after an answer."""

from __future__ import annotations

import re
import unicodedata

from tools.language.dates import MONTH
from tools.prepare_dataset.facts.lexicon import NO_PLACE

UPPER = r"A-ZÀ-ÖØ-ÞĀĂĄĆĈĊČĎĐĒĖĘĚĞĢĦĪĮİĶĹĻĽŁŃŅŇŌŐŒŔŘŚŞŠŢŤŪŮŰŲŴŶŸŹŻŽ"
# `José`, `Saint-Exupéry`, `O'Neill`, `d’Ávila`, `VI`, `J.`, `Dr.`, `1.º`
WORD = (
    rf"(?:(?:d[’']|al-)?[{UPPER}][\w’'-]*(?<![’'-])(?:(?<=\b[{UPPER}])\.|(?<=\bDr)\.|(?<=\bDra)\.|(?<=\bSt)\.|(?<=\bJr)\."
    rf"|(?<=\bSr)\.|(?<=\bSta)\.|(?<=\bSto)\.)?|1\.?[ºª](?=\s+(?:d[eoa]\s+)?[{UPPER}]))"
)
_PARTICLE = r"(?:d[aeo]s?|del|della|di|du|des|von|van|der|den|de\s+la|la|le|ibn|bin|y|of)"
_AND = rf"(?:\s+(?:e|and)\s+{WORD}(?=\s*(?:[.,;:()]|$)))?"
PERSON = rf"{WORD}(?:\s+(?:{_PARTICLE}\s+){{0,2}}{WORD})*"
# Two names that may be one, such as `Rui Sá e Melo`, at the end of what is said.
FULL_PERSON = rf"{PERSON}{_AND}"
_OF = r"(?:d[aeo]s?|d[’']|of|the|upon|on|sur|la|le|del)"
_NOT_A_DATE = rf"(?!(?:{NO_PLACE})\b)"
PLACE = rf"{_NOT_A_DATE}{WORD}(?:\s+(?:{_OF}\s+){{0,2}}(?!{MONTH}\s+\d){WORD})*{_AND}"
# What is named otherwise: clubs, prizes, institutes.
NAMED = rf"{WORD}(?:\s+(?:{_OF}\s+){{0,2}}{WORD})*{_AND}"
_IN_TITLES = r"(?:d[aeo]s?|[oae]s?|à|ao|em|n[ao]s?|com|sem|sobre|para|por|um|uma|the|of|an?|and|in|on|to|for|with)"
QUOTED = r"(?:«[^«»\n]{1,120}»|“[^“”\n]{1,120}”|\"[^\"\n]{1,120}\")"
TITLE = rf"(?:{QUOTED}|{WORD}(?:\s+(?:{_IN_TITLES}\s+){{0,2}}{WORD})*)"

# After an answer: a stop, or a word that goes on about something else without belonging to it.
_AFTER = re.compile(
    rf"\s*(?:$|[.,;:!()\]…–—]|(?:(?:e|and)(?!\s+[{UPPER}])|mas|but|onde|where|que|who|which|com|with|em|n[ao]s?|in|at|on"
    r"|a(?=\s+\d)|aos?|de\s+[12]\d{3}|d[ao]s?\s+[12]\d{3}|desde|até|from|until|till|entre|between|durante|during|por"
    r"|pel[ao]s?|for|by|quando|when|depois|antes|after|before|to|como|as(?=\s+an?\b)|filh[oa]|tendo|para|sob|num|numa"
    r"|apenas|também)\b)"
)
_OR = re.compile(r"\s*\(?\s*(?:ou|or|/)(?!\w)|\s*\(?\s*\?")


def ends_cleanly(text: str, position: int) -> bool:
    """Whether an answer may end here: nothing follows that would belong to it, or puts it in doubt."""
    return _OR.match(text, position) is None and _AFTER.match(text, position) is not None


def is_person_name(text: str) -> bool:
    """Whether a heading or line is a person's name and nothing else; one word may be one."""
    return len(text) <= 80 and re.fullmatch(PERSON + r"(?:\s+e\s+" + WORD + ")?", text) is not None


def fold(text: str) -> str:
    """Small letters without accents or marks: whether two spellings are one."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    return " ".join(re.findall(r"\w+", "".join(c for c in plain if not unicodedata.combining(c))))


def without_quotes(title: str) -> str:
    return title.strip("«»“”\"' ") if title[:1] in '«“"' else title
