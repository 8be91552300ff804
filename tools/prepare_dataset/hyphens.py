"""Words cut at a line's end, by the rules of Portuguese: which hyphen goes with the break, which stays."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tools.prepare_dataset.edits import Edit, EditedText

_BREAK = re.compile(r"-\n[ \t]*(-?)(?=\w)")
_LEFT = re.compile(r"\w+\Z")
_RIGHT = re.compile(r"\w+")
_LONGEST = 60  # letters of a word's half
_WORD = re.compile(r"\w+(?:-\w+)*")

# Pronouns that hang on a verb, by what the verb must look like.
_PLAIN = frozenset({"me", "te", "se", "lhe", "lhes", "nos", "vos", "os", "as"})
_AFTER_ACCENT = frozenset({"lo", "la", "los", "las"})
_AFTER_NASAL = frozenset({"no", "na", "nos", "nas"})
_CONTRACTED = frozenset({"mo", "ma", "mos", "mas", "to", "ta", "tos", "tas", "lho", "lha", "lhos", "lhas"})
_PAST = ("ou", "eu", "iu")
_VERB = re.compile(r"(?:ou|eu|iu|ei|[aei]ssem?|avam?|[íi]am?|[aeiê]ram?|[aei]ndo|\w{2}[aei]r|\wmo|[mz])$")
# Words that end as a verb with its pronoun would: `qua-se`, `no-me`.
_SHORT_VERBS = frozenset({"dar", "ver", "ler", "ser", "ter", "vir", "foi", "vai", "quer", "pode", "dei", "vi", "li"})
_NO_VERBS = frozenset(
    """
    quase frase base fase ênfase crase tese hipótese síntese antítese prótese gênese génese diocese crise análise
    catálise dose pose close virose neurose nome sobrenome pronome renome fome crime regime time exame sublime infame
    creme leme lume gume firme enorme alarme charme verme informe uniforme conforme
    """.split()  # noqa: SIM905 - a list of words reads best as text
)
# First halves that keep their hyphen: before anything, or before a word that stands elsewhere in the text.
_ALWAYS_APART = frozenset({"pré", "pós", "pró", "recém", "além", "aquém", "grão", "grã", "vice"})
_FIRST_HALVES = frozenset(
    """
    bem guarda porta saca arranha quebra tira conta beija bate limpa corta pica lava luso afro franco anglo ibero austro
    meio meia segunda terça quarta quinta sexta primeiro primeira norte sul abre para pára chapéu couve arco peixe amor
    água obra navio palavra
    """.split()  # noqa: SIM905
)
_SECOND_HALVES = frozenset({"feira", "feiras", "redes", "chuva", "chuvas", "roupa", "roupas", "marinho", "marinha"})


@dataclass(frozen=True)
class _Cut:
    """A word's halves, and the characters between them: from the hyphen to where the next line's word begins."""

    left: str
    repeated: str
    right: str
    start: int
    between: str


def join_hyphens(edited: EditedText, wrapped: int) -> None:
    """Make whole the words that line ends cut. The break goes in any case.

    wrapped: how many lines others go on from; where hardly any ends in a hyphen, no typesetter cut words.
    """
    cuts = list(_cuts(edited.text))
    if not cuts:
        return
    words = word_counts(edited.text)
    keep = _are_true_hyphens(cuts, words, wrapped)
    edits = []
    for cut in cuts:
        stays = keep or rejoined(cut.left, cut.repeated, cut.right, words) != cut.left + cut.right
        edits.append(Edit(cut.start, cut.between, "-" if stays else ""))
    edited.apply("line_end_hyphens", edits)


def word_counts(text: str) -> Counter[str]:
    """How often each word stands in a text, small. Words with hyphens count whole, those that a line's end cuts not."""
    counts = Counter(_WORD.findall(text.casefold()))
    counts.subtract(half.casefold() for cut in _cuts(text) for half in (cut.left, cut.right))
    return counts


def _cuts(text: str) -> Iterator[_Cut]:
    for match in _BREAK.finditer(text):
        left = _LEFT.search(text, max(0, match.start() - _LONGEST), match.start())
        right = _RIGHT.match(text, match.end(), match.end() + _LONGEST)
        if left and right:
            yield _Cut(left[0], match[1], right[0], match.start(), match[0])


def rejoined(left: str, repeated: str, right: str, words: Counter[str]) -> str:
    """The word that a line's end cut after `left-`.

    repeated: the hyphen that the next line begins with, as Portuguese repeats those that are no mere
    cut; or "". words: see `word_counts`.
    """
    if repeated or left[-1].isdigit() or right[0].isdigit():
        return f"{left}-{right}"
    in_capitals = left.isupper() and right.isupper() and len(left) > 1
    if right[0].isupper() and not in_capitals:
        return f"{left}-{right}"  # a name: `Castelo-Branco`
    return f"{left}-{right}" if _keeps_hyphen(left.casefold(), right.casefold(), words) else left + right


def _are_true_hyphens(cuts: Sequence[_Cut], words: Counter[str], wrapped: int) -> bool:
    """Whether lines break at hyphens that words have anyway."""
    if len(cuts) <= 0.02 * wrapped:
        return True
    halves = [(cut.left.casefold(), cut.right.casefold()) for cut in cuts]
    whole = sum(words[left + right] > 0 for left, right in halves)
    both = sum(words[left] > 0 and words[right] > 0 for left, right in halves)
    return len(cuts) >= 3 and whole <= 0.1 * len(cuts) and both >= 0.8 * len(cuts)


def _keeps_hyphen(left: str, right: str, words: Counter[str]) -> bool:
    whole, hyphened = words[left + right], words[f"{left}-{right}"]
    if whole or hyphened:
        return hyphened > whole
    compound = left in _FIRST_HALVES and len(right) > 3 and words[right] > 0
    return compound or left in _ALWAYS_APART or right in _SECOND_HALVES or _is_pronoun(left, right, words)


def _is_pronoun(left: str, right: str, words: Counter[str]) -> bool:
    """Whether `right` hangs on the verb `left`, instead of ending a word that was cut."""
    if len(left) < 2 or left + right in _NO_VERBS:
        return False
    if right in ("o", "a"):  # one letter is never cut off
        return len(left) > 2
    if right in _AFTER_ACCENT:
        return left[-1] in "áéêíóôú" or (left[-1] == "i" and words[left + "r"] > 0)
    if right in _AFTER_NASAL and left.endswith(("m", "ão", "õe")):
        return True
    if right in _CONTRACTED:
        return len(left) > 2 and left.endswith(_PAST)
    return right in _PLAIN and _is_verb(left, right, words)


def _is_verb(left: str, right: str, words: Counter[str]) -> bool:
    if left[-1] in "áéêó" or left in _SHORT_VERBS:
        return True
    if len(left) < 3:
        return False
    if right == "se":
        return left[-1] in "aeiourmzí"  # `fos-se`, `can-se` are no pronouns
    if right == "te" and left.endswith("r"):
        return len(left) > 4 and left.endswith(("ar", "er", "ir"))  # nor are `par-te`, `supor-te`
    return words[left] > 0 or _VERB.search(left) is not None
