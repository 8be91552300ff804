"""How much text looks like Western prose: letters in words, marks around them.

Tells by what encoding bytes are text, and whether text was made of its bytes by a wrong one. Weighs
the characters beyond ASCII alone, each by its neighbours: right readings of real texts get 1 to 2 a
character, wrong ones are below 0.
"""

from __future__ import annotations

import re
from collections import Counter
from functools import lru_cache

from tools.prepare_dataset.known_words import KNOWN_WORDS

# Words and numbers with the characters beyond ASCII that touch them; each with at least one of these.
TOKEN = re.compile(r"(?<![0-9A-Za-z])[0-9A-Za-z]*+[^\x00-\x7f][^\x00-\x2f\x3a-\x40\x5b-\x60\x7b-\x7f]*+")
_BETWEEN = re.compile(r"[\x00-\x2f\x3a-\x40\x5b-\x60\x7b-\x7f]|\Z")
_CHUNK = 200_000

_FREQUENT = frozenset("áàâãçéêíñóôõúäöüßèÁÀÂÃÇÉÊÍÑÓÔÕÚÄÖÜ")
_UNLIKELY = frozenset("ðþýÐÞÝı")
# Letters that are words, as `é` and `à`.
_WORDS_OF_ONE = frozenset("àáâãéèêíóòôöúyåÀÁÂÉÈÊÍÓÒÔÖÚÅ")
_AFTER_CEDILLA = frozenset("aouieãõáóúâôêéàíAOUIEÃÕÁÓÚÂÔÊÉÀÍ")
_VOWELS = frozenset("aeiouáàâãéêíóôõúäëïöüèìòùAEIOUÁÀÂÃÉÊÍÓÔÕÚÄËÏÖÜÈÌÒÙ")
_QUOTES = frozenset("«»“”‘’„‚‹›")
_LOW_QUOTES = frozenset("„‚")
_DASHES = frozenset("—–…·")
_AFTER_WORDS = frozenset("™®²³¹†‡")
_SIGNS = frozenset("€£§°•©®™½¼¾²³×÷")
_RARE_SIGNS = frozenset("¹µ¶†‡¢¥±¬´¨¸")
_LETTERS_AS_MARKS = ("ª", "º", "µ")
_UNSEEN = frozenset("\xa0\xad\u200b\u202f\u2060\ufeff")
_AROUND = "".join(sorted(_QUOTES | _DASHES | _SIGNS | _UNSEEN))


def tokens(text: str, limit: int | None = None) -> Counter[str]:
    """The distinct tokens beyond ASCII, and how often each stands in the text, or in its start that holds `limit`."""
    found: Counter[str] = Counter()
    start = 0
    while start < len(text) and (limit is None or found.total() < limit):
        between = _BETWEEN.search(text, min(start + _CHUNK, len(text)))
        end = between.end() if between else len(text)
        found.update(TOKEN.findall(text, start, end))
        start = end
    return found


def score(token: str) -> int:
    """Above 0 for what stands in texts, below for what hardly ever does."""
    return sum(_weights(token)) + (2 if is_known(token) else 0)


def faults(token: str) -> int:
    """How many of its characters stand where texts never have them."""
    return sum(weight <= -2 for weight in _weights(token))


@lru_cache(50_000)
def _weights(token: str) -> tuple[int, ...]:
    """Of each character beyond ASCII: 2 to -1 by how common it is there, -2 and -3 where it is out of its place."""
    weights = []
    for index, char in enumerate(token):
        if char > "\x7f":
            before, after = _neighbour(token, index - 1), _neighbour(token, index + 1)
            if char in _QUOTES or not char.isalpha() or char in _LETTERS_AS_MARKS:
                weights.append(_mark(char, before, after))
            else:
                weights.append(_letter(char, before, after, token[max(0, index - 2) : index]))
    return tuple(weights)


def _neighbour(token: str, index: int) -> str:
    """A character beside another; letters that are marks count as such."""
    char = token[index : index + 1] if index >= 0 else ""
    return "." if char in _LETTERS_AS_MARKS else char


def is_known(token: str) -> bool:
    """Whether it is one of the commonest words beyond ASCII, whatever marks stand around it."""
    word = token.strip(_AROUND).casefold()
    return len(word) > 1 and word in KNOWN_WORDS


def _letter(char: str, before: str, after: str, two_before: str) -> int:
    if not before.isalpha() and not after.isalpha():
        return 1 if char in _WORDS_OF_ONE else -1
    if char > "\u024f" and not "\u1e00" <= char <= "\u1eff":
        return _foreign(char, before, after)
    if char == "ƒ" or _wrong_case(char, before, after, two_before):
        return -3
    if len(two_before) == 2 and two_before.isalpha() and min(two_before) > "\x7f" and two_before != 2 * char:
        return -3  # three accented letters in a row are another script
    if char in _UNLIKELY or _out_of_place(char.lower(), before, after):
        return -1
    if char in "àÀ" and before.isalpha():
        return 0 if after.isalpha() else 1
    return 2 if char in _FREQUENT else 1


def _out_of_place(char: str, before: str, after: str) -> bool:
    """By how the letters beside it sound, which tells many wrong readings (`começa` as `comeáa`)."""
    if char == "ç":
        return after not in _AFTER_CEDILLA
    if char in "ãõ" and after.isalpha():
        return after.lower() not in ("e" if char == "õ" else "oesimz")
    if char in "áâä" and after != "" and after in "aeoAEO":
        return True
    return char in "áàâéêôèù" and before != "" and before in _VOWELS and after in _VOWELS


def _wrong_case(char: str, before: str, after: str, two_before: str) -> bool:
    """Capitals stand at the start of a word or among capitals."""
    if char.isupper():
        return before.islower() or (before.isupper() and after.islower())
    return after.isupper() or (len(two_before) == 2 and two_before.isalpha() and two_before.isupper())


def _foreign(char: str, before: str, after: str) -> int:
    """A letter of another script, among its like; typesetters' ligatures."""
    if "ﬀ" <= char <= "ﬆ":
        return 1
    if any(letter.isalpha() and letter < "\u0250" for letter in (before, after)) or char <= "\u02ff":
        return -3
    return 1


def _mark(char: str, before: str, after: str) -> int:
    left, right = before.isalpha(), after.isalpha()
    if char in _QUOTES:
        inside = 1 if char == "’" else -3
        if char in _LOW_QUOTES and (left or not after):
            return -2
        return inside if left and right else 1
    if char in _DASHES:
        return 0 if left and right else 1
    if char in "ªº":
        return -3 if right else 2 if before.isdigit() else 1
    if char in "¿¡":
        return -2 if left or before.isdigit() else 1 if right else -1
    if char in _UNSEEN:
        return 0
    if char in _SIGNS or char in _RARE_SIGNS:
        return _sign(char, left, right)
    return -3 if left or right else -1


def _sign(char: str, left: bool, right: bool) -> int:
    if left and right:
        return -3
    if char in _AFTER_WORDS:
        return -2 if right else 1
    if left:
        return -2
    return 0 if right or char in _RARE_SIGNS else 1
