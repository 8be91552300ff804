"""A fact of a biography: what it is, the text's own words for it, and where they stand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from tools.prepare_dataset.facts.sentences import Sentence
from tools.prepare_dataset.facts.subject import Clause, Person

FactKind = Literal[
    "full_name", "nickname", "nationality", "born_on", "born_in", "died_on", "died_in", "parents", "father", "mother",
    "spouse", "profession", "studied", "studied_at", "played", "played_when", "coached", "coached_when", "moved",
    "moved_when", "joined", "joined_when", "signed", "signed_when", "held", "held_when", "founded", "founded_when",
    "won", "won_when", "published", "published_when", "wrote", "wrote_when",
]  # fmt: skip
Years = tuple[str] | tuple[str, str]


@dataclass(frozen=True)
class Fact:
    """answer: as it stands in characters `start` to `end` of the text, blanks aside. aliases: the same in other forms.

    years, what: what the question names beside the person: one year or the first and last, or a club,
    prize or work as the text puts it after the verb; listed: it stands bare in a list or table. sure:
    False where the text leaves it open; such a fact is not asked, but speaks against others of its kind.
    """

    kind: FactKind
    answer: str
    start: int
    end: int
    aliases: tuple[str, ...] = ()
    years: Years | None = None
    what: str = ""
    listed: bool = False
    sure: bool = True


@dataclass(frozen=True)
class Told:
    """A sentence under examination. before: the one before it in its paragraph. clause: see `Discourse.clause`."""

    sentence: Sentence
    person: Person
    first: bool
    before: str
    clause: Callable[..., Clause | None]

    @property
    def text(self) -> str:
        return self.sentence.text

    def fact(
        self,
        kind: FactKind,
        answer: str,
        *,
        aliases: tuple[str, ...] = (),
        years: Years | None = None,
        what: str = "",
        sure: bool = True,
    ) -> Fact:
        """A fact that this sentence states."""
        answer, what = " ".join(answer.split()), " ".join(what.split())
        sentence = self.sentence
        sure = sure and not sentence.doubtful
        return Fact(kind, answer, sentence.start, sentence.end, aliases, years, what, sure=sure)
