"""What speaks for a text having been misread: its words, as they stand and as they would be mended."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from tools.prepare_dataset.misreading import Misreading, misreadings
from tools.prepare_dataset.plausibility import faults, is_known, score, tokens

_QUOTED = re.compile(r"""(?<=["'`“‘«„‹(\[])[^\s"'`]+(?=["'`”’»“›)\]])""")
_FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
_DEPTH = 3  # misreadings on top of each other that are seen through
Chain = tuple[Misreading, ...]


@dataclass
class Evidence:
    """What undoing a chain of misreadings would do to the tokens of a text.

    sure: occurrences of tokens that are wrong as they stand and right once mended; worse: of those
    that would be less right; sound: of those that are not concerned. stray: share of the characters
    beyond ASCII that are no part of a misread one. worse_tokens: which they are; fair_tokens: those
    that are right as they stand, and no better once mended.
    """

    chain: Chain
    sure: int = 0
    worse: int = 0
    sound: int = 0
    stray: float = 0
    worse_tokens: set[str] = field(default_factory=set)
    fair_tokens: set[str] = field(default_factory=set)

    @property
    def gain(self) -> int:
        return self.sure - 4 * self.worse


def strongest(counts: Counter[str], examples: Counter[str]) -> Evidence | None:
    """The chain of misreadings that most speaks for, None where nothing does.

    counts: the tokens beyond ASCII of a text. examples: those that may be meant, and do not speak for it.
    """
    if not any(misreading.undone(token) != token for misreading in misreadings() for token in counts):
        return None
    chains = _chains((), {token: token for token in counts}, counts)
    found = [_weighed(chain, mended, counts, examples) for chain, mended in chains]
    best = max(found, key=lambda evidence: (evidence.gain, -len(evidence.chain)), default=None)
    return best if best is not None and best.gain > 0 else None


def _chains(chain: Chain, tokens: dict[str, str], counts: Counter[str]) -> Iterator[tuple[Chain, dict[str, str]]]:
    """Chains that change the tokens, with what becomes of those that they change. A longer one has to change most of
    what the shorter one did."""
    enough = 0.5 * sum(counts[token] for token in tokens) if chain else 0
    for misreading in misreadings():
        changed = {token: undone for token, now in tokens.items() if (undone := misreading.undone(now)) != now}
        if changed and sum(counts[token] for token in changed) >= enough:
            longer = (*chain, misreading)
            yield longer, {**tokens, **changed} if chain else changed
            if len(longer) < _DEPTH:
                yield from _chains(longer, {**tokens, **changed} if chain else changed, counts)


def _weighed(chain: Chain, mended: dict[str, str], counts: Counter[str], examples: Counter[str]) -> Evidence:
    evidence = Evidence(chain)
    beyond = strays = 0
    for token, count in counts.items():
        beyond += count * sum(char > "\x7f" for char in token)
        strays += count * chain[0].strays(token)
        now = mended.get(token)
        if now is None:
            evidence.sound += count
        elif is_sure(token, now):
            evidence.sure += count - examples[token]
        elif faults(now) > faults(token):
            evidence.worse += count
            evidence.worse_tokens.add(token)
        elif not faults(token) and score(now) <= score(token):
            evidence.fair_tokens.add(token)
    evidence.stray = strays / beyond
    return evidence


def quoted(text: str) -> Counter[str]:
    """The tokens beyond ASCII that stand in quotation marks of their own, as examples do."""
    return Counter(token for match in _QUOTED.finditer(text) for token in tokens(match.group()))


def fenced(text: str) -> list[tuple[int, int]]:
    """Where Markdown's blocks of code stand."""
    return [match.span() for match in _FENCED.finditer(text)] if "```" in text else []


def is_sure(token: str, mended: str) -> bool:
    """Whether a token is wrong as it stands and a word of prose once mended."""
    return faults(token) > 0 and faults(mended) == 0 and score(mended) > 0 and is_word(mended)


def is_word(token: str) -> bool:
    """Whether a token has enough letters to be known for a word: formulas have one or two."""
    return sum("A" <= char <= "z" and char.isalpha() for char in token) >= 3 or is_known(token)
