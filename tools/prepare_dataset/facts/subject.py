"""Whom a verb is about: the person of a biography, somebody else, or a thing.

Only a few plain shapes of sentence count, so that no relative's fact is taken for the person's; what
does not fit one of them is about nobody.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from tools.language.dates import DATE, YEAR
from tools.prepare_dataset.facts.lexicon import HUMAN, RELATIVE
from tools.prepare_dataset.facts.names import PERSON, UPPER, WORD, fold
from tools.prepare_dataset.facts.sentences import Sentence

Who = Literal["person", "other", "thing"]

SPAN = (
    rf"(?:(?:[Ee]ntre|[Bb]etween)\s+(?:os\s+anos\s+de\s+)?(?P<from>{YEAR})\s+(?:e|and)\s+(?P<to>{YEAR})"
    rf"|(?:[Dd]e|[Ff]rom|[Dd]esde)\s+(?P<from2>{YEAR})\s+(?:a|até(?:\s+a)?|to|until)\s+(?P<to2>{YEAR})"
    rf"|\(\s*(?P<from3>{YEAR})\s*[-–—/]\s*(?P<to3>{YEAR})\s*\))(?!\w|[/–-]\d)"
)
WHEN = rf"(?:[Ee]m|[Nn]o\s+ano\s+de|[Nn]o\s+dia|[Aa]o?s?|[Ii]n|[Oo]n)\s+(?:dia\s+)?(?P<date>{DATE})"
_TIME = re.compile(
    rf"(?:(?:Já|Logo|Ainda|Só)\s+)?(?:{SPAN}|{WHEN})\s*,?\s*"
    rf"|(?:[Aa]os|[Cc]om)\s+[\w-]+(?:\s+e\s+\w+)?\s+anos(?:\s+de\s+idade)?\s*,?\s*|[Aa]t\s+(?:the\s+age\s+of\s+)?\d+\s*,?\s*"
    r"|(?:[Nn](?:o|a|esse|essa|este|esta|aquele)\s+(?:mesm[oa]\s+)?(?:ano|época|temporada)(?:\s+seguinte)?"
    r"|[Mm]ais\s+tarde|[Dd]epois(?:\s+disso)?|[Ee]ntão|[Ff]inalmente|[Pp]or\s+fim|[Tt]ambém|[Aa]inda|[Ll]ogo|[Jj]á|[Ss]empre"
    r"|[Ll]ater|[Tt]hen|[Aa]fterwards|[Aa]lso|[Ff]inally|[Tt]he\s+following\s+year|[Tt]hat\s+year)\b\s*,?\s*"
)
_LOOSE = re.compile(
    r"(?:[Ee]m|[Nn][oa]s?|[Cc]om|[Ss]em|[Pp]or|[Pp]ara|[Dd]epois|[Aa]ntes|[Aa]pós|[Dd]urante|[Aa]os?|À|[Dd]esde|[Ee]ntretanto"
    r"|[Cc]ontudo|[Pp]orém|[Tt]odavia|[Aa]ssim|[Ii]n|[Aa]t|[Oo]n|[Aa]fter|[Bb]efore|[Dd]uring|[Ww]ith|[Ww]ithout|[Hh]owever"
    r"|[Mm]eanwhile)\b(?P<said>[^,;:.()]{0,80}),\s*"
)
_SUBORDINATE = re.compile(
    r"(?<!-)\b(?:que|cuj[oa]s?|quem|onde|quando|enquanto|porque|embora|se(?!\s+\w+(?:ou|eu|iu)\b)|qual|quais|who|whose|whom|which|where|when|while|because"
    r"|although|that|if)\b",
    re.IGNORECASE,
)
_PRONOUN = re.compile(r"(?:Ele|Ela|He|She|ele|ela|he|she)\b\s*")
_GENDER = re.compile(r"\b(?:(?:foi|é|era)\s+(um|uma)\b|nascid([oa])\b|filh([oa])\s+d|conhecid([oa])\b)")
_DETERMINED = re.compile(
    r"(?:(?:[OAoa]s?|[Uu]ma?s?|[Tt]he|An?)\s+)?(?:(?:[Ss]eus?|[Ss]uas?|[Hh]is|[Hh]er|[Tt]heir)\s+)?(?P<noun>\S+)"
)
# A finite verb of the past by its ending, or one of the commonest.
_PAST = re.compile(
    r"(?:\w*(?:ou|eu|iu|ava|ia|aram|eram|iram|avam|iam|era|ara|ôs)(?:-\w+)*|é|era|foi|fez|quis|teve|pôs|disse|trouxe|veio|tem"
    r"|esteve|nunca|não|nascid[oa]|filh[oa]|casad[oa]|natural|was|is|had)$",
    re.IGNORECASE,
)
_DID = r"(?:\w+(?:ou|eu|iu|ava|ed)(?:-\w+)?|é|era|foi|fez|quis|teve|pôs|disse|veio|tem|vive|vivia|tinha|was|is|had|won)"
_SOMEBODY_DID = re.compile(rf"{PERSON}\s+{_DID}\b")
_ADVERB = re.compile(r"(?:Nunca|Não|Já|Também|Ainda|Sempre|Hoje|Depois)\b")
_PRESENT = re.compile(r"\w+[ae](?:-\w+)?$")
_ANOTHER_SUBJECT = re.compile(
    rf"(?:,|\b(?:e|and|mas|but))\s+(?:[oa]s?|uma?|the|an?|seus?|suas?|his|her)\s+(?:(?:seus?|suas?)\s+)?(?:\w+\s+)?{HUMAN}\b"
    rf"|\b(?:e|and|mas|but)\s+{WORD}(?:\s+{WORD})*\s+\w+(?:ou|eu|iu|ed)\b"
)
_RELATIVE_AFTER_NAME = re.compile(r"\s*,\s*(?:que|who)\s*$")
_GENERATIONS = frozenset({"filho", "filha", "neto", "neta", "junior", "jr", "sobrinho", "pai"})
_LINKS = re.compile(r"[,;:]|\s(?:e|and|mas|but)\s")
_NOT = re.compile(r"\b(?:não|nunca|jamais|nem|sem|quase|never|not|almost|nearly|without)\b", re.IGNORECASE)


@dataclass
class Person:
    """The names under which a text speaks of its person.

    roles: nouns that stand for them, such as `escritor`. gender: `o` or `a`, where the text tells it.
    """

    name: str
    names: list[str]
    roles: set[str] = field(default_factory=set)
    gender: str = ""

    @staticmethod
    def of(name: str, lead: str, text: str) -> Person:
        """lead: the first sentence. text: all that is said, to see which short names others share."""
        names = [name]
        first = re.match(rf"\s*({PERSON})", lead)
        if first is not None and _is_same(first[1], name, lead):
            names.append(first[1])
        known = re.search(
            rf"\b(?:conhecid[oa]\s+(?:\w+mente\s+)?como|known\s+as)\s+(?:[oa]\s+|the\s+)?({PERSON})", lead
        )
        if first is not None and known is not None and known.start() < first.end() + 40:
            # Either may be the name under which the text is filed.
            pair = (first[1], known[1])
            names += [one for one in pair if any(fold(other) in map(fold, names) for other in pair)]
        for full in list(names):
            words = [word for word in full.split() if word[:1].isupper()]
            if len(words) > 1:
                titled = words[0] in ("D.", "Dr.", "Dra.", "Frei", "Padre", "São", "Santa", "Santo")
                short = [" ".join(words[:2]), " ".join(words[1:])] if titled else [words[0], words[-1]]
                names += [one for one in short if not _shared(one, names, text)]
        told = _GENDER.search(lead)
        gender = next((group.lower() for group in told.groups() if group), "") if told else ""
        gender = {"um": "o", "uma": "a"}.get(gender, gender)
        return Person(name, sorted(dict.fromkeys(names), key=lambda one: (-len(one), one)), gender=gender)

    def at(self, text: str) -> int | None:
        """Where the person's name at the start of a text ends; None where none stands there."""
        for name in self.names:
            match = re.compile(rf"(?:[OA]\s+)?{re.escape(name)}(?![\w’'-])").match(text)
            if match and not re.match(rf"\s+(?:(?:d[aeo]s?|e|von|van)\s+)?[{UPPER}]", text[match.end() :]):
                return match.end()
        for role in sorted(self.roles):
            match = re.compile(rf"(?:[OA]|The)\s+{re.escape(role)}(?=\s|,|$)").match(text)
            if match and not re.match(r"\s+d[aeo]s?\b", text[match.end() :]):
                return match.end()
        return None


def _is_same(one: str, name: str, lead: str) -> bool:
    """Whether a name is a longer or shorter form of another, or differs in a first name that the sentence explains."""
    words, own = fold(one).split(), fold(name).split()
    if set(words) & _GENERATIONS != set(own) & _GENERATIONS:
        return False
    if set(own) <= set(words) or set(words) <= set(own):
        return True
    explained = own[0] in words[0] or own[0] in fold(lead.replace(one, "")).split()
    return words[-1] == own[-1] and explained


def _shares_a_word(one: str, other: str) -> bool:
    def long(name: str) -> set[str]:
        return {word for word in fold(name).split() if len(word) > 2}

    return bool(long(one) & long(other))


def _shared(short: str, names: Sequence[str], text: str) -> bool:
    """Whether somebody else in the text has this name too."""
    # The first word of a sentence is no part of a name.
    before = r"(?:(?<=\w )|(?<=, ))"
    around = re.compile(rf"(?:{before}{WORD}\s+(?:d[aeo]s?\s+)?)?{re.escape(short)}(?:\s+(?:d[aeo]s?\s+)?{WORD})*")
    known = {fold(name) for name in names}
    for match in around.finditer(text):
        found = fold(match.group())
        if found != fold(short) and not any(found in name or name in found for name in known):
            return True
    return False


@dataclass(frozen=True)
class Clause:
    """What is told about the person. when: the time that stands before its verb, if one does."""

    when: re.Match[str] | None = None


class Discourse:
    """Follows, sentence by sentence, of whom a text speaks."""

    def __init__(self, person: Person) -> None:
        self.person = person
        self.who: Who = "person"
        self._opened: Who = "person"

    def enter(self, sentence: Sentence) -> None:
        """Before a sentence is examined: headings and paragraphs lead back to the person, or away."""
        if sentence.heading:
            other = re.search(rf"\b{RELATIVE}\b", sentence.text) or (
                re.fullmatch(PERSON, sentence.text)
                and " " in sentence.text
                and not _shares_a_word(sentence.text, self.person.name)
            )
            self.who = self._opened = "other" if other else "person"
        elif sentence.opens and self._opened == "person":
            self.who = "person"

    def leave(self, sentence: Sentence) -> None:
        """After a sentence: its subject is the next one's, where that names none."""
        if sentence.heading or sentence.line:
            return
        self.who = self._subject(sentence.text)
        if sentence.opens:
            self._opened = self.who

    def clause(self, before: str, *, human: bool = True) -> Clause | None:
        """What the words between a sentence's start and a verb say of its subject; None: not the person.

        human: the verb is one of people, so that a thing spoken of before is not its subject.
        """
        if _NOT.search(_LINKS.split(before)[-1]) or _in_speech(before):
            return None
        rest, when = _adverbials(before)
        if rest == "":
            told = self.who == "person" or (human and self.who == "thing")
            return Clause(when) if told else None
        start = self._named(rest)
        if start is not None:
            tail, later = _adverbials(rest[start:], loose=False)
            if _closes(tail) or _RELATIVE_AFTER_NAME.fullmatch(rest[start:]):
                inserted = _adverbials(tail.strip(" ,"), loose=False)
                later = later or (inserted[1] if not inserted[0] else None)
                return Clause(later or when) if not (later and when) else Clause()
        return self._coordinated(rest, human=human)

    def _named(self, rest: str) -> int | None:
        """Where the subject at the start ends, if it is the person."""
        end = self.person.at(rest)
        if end is not None:
            return end
        pronoun = _PRONOUN.match(rest)
        return pronoun.end() if pronoun and self.who != "other" and self._may_be(pronoun.group()) else None

    def _may_be(self, pronoun: str) -> bool:
        """Whether a pronoun may stand for the person: the first that does tells the gender of those to come."""
        gender = "a" if pronoun.strip().lower() in ("ela", "she") else "o"
        self.person.gender = self.person.gender or gender
        return self.person.gender == gender

    def _coordinated(self, rest: str, *, human: bool) -> Clause | None:
        """A second verb of the same subject: «Nasceu em Beja e em 1950 casou…»."""
        for begin in (m.start() for m in re.finditer(r",|\s(?:e|and|mas|but)\s", rest)):
            head, link = rest[:begin], re.match(r",\s*(?:e\s+|and\s+|mas\s+|but\s+)?|\s\w+\s+,?\s*", rest[begin:])
            tail = rest[begin + (link.end() if link else 0) :]
            left, when = _adverbials(tail)
            if left or _SUBORDINATE.search(head) or _ANOTHER_SUBJECT.search(head):
                continue
            first = head.split(" ", 1)[0].strip(",.;")
            subject = self._subject(head)
            if subject == "person" or (human and subject == "thing" and _PAST.match(first)):
                return Clause(when)
        return None

    def _subject(self, text: str) -> Who:
        rest, _ = _adverbials(text)
        if self._named(rest) is not None:
            return "person"
        if _PRONOUN.match(rest):
            return "other"
        noun = _DETERMINED.match(rest)
        first = rest.split(" ", 1)[0].strip(",.;»”") if rest else ""
        if noun is None:
            return self.who
        if noun.start("noun") > 0:
            return "other" if re.match(rf"(?:\w+\s+)?{HUMAN}\b", rest[noun.start("noun") :]) else "thing"
        if re.match(rf"{HUMAN}\b", rest) and not rest.startswith(("Filh", "filh", "Net", "net")):
            return "other"
        if _SOMEBODY_DID.match(rest) and not _ADVERB.match(rest):
            return "other"
        if _PAST.match(first):
            inverted = re.match(rf"\S+\s+(?:[oa]s?|uma?|(?:[oa]\s+)?seus?|(?:[oa]\s+)?suas?)\s+{HUMAN}\b", rest)
            return "other" if inverted and not re.match(r"(?:É|Era|Foi|Teve|Tem)\b", rest) else self.who
        named = re.match(rf"{WORD}\s+(?:d[aeo]s?\s+)?{WORD}", rest)
        return self.who if _PRESENT.match(first) and not named else "other"


def _adverbials(text: str, *, loose: bool = True) -> tuple[str, re.Match[str] | None]:
    """The text without times and other adverbials at its start, and the one time that was told."""
    when: list[re.Match[str]] = []
    rest = text.lstrip()
    while rest:
        match = _TIME.match(rest)
        if match is not None and match.end():
            if match["date"] or match["from"] or match["from2"] or match["from3"]:
                when.append(match)
        else:
            match = _LOOSE.match(rest) if loose else None
            if match is None or _SUBORDINATE.search(match["said"]):
                break
        rest = rest[match.end() :]
    return rest, when[0] if len(when) == 1 else None


def _closes(tail: str) -> bool:
    """Whether between subject and verb stand only parentheses and insertions that are closed by commas."""
    tail = re.sub(r"^\s*\([^()]*\)\s*", "", tail)
    if not tail.strip(" ,"):
        return tail.count(",") != 1
    inside = re.fullmatch(r",(?P<said>[^;:]*),\s*", tail)
    if inside is None or len(tail) > 160:
        return False
    return "," not in inside["said"] or not _SUBORDINATE.search(inside["said"])


def _in_speech(before: str) -> bool:
    opened = before.count("«") > before.count("»") or before.count("“") > before.count("”")
    return opened or before.count('"') % 2 == 1 or before.lstrip().startswith(("—", "–"))
