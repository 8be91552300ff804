"""Numbers and ordinals written in words, Portuguese and English, as figures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

_ONES = {
    "zero": 0, "dois": 2, "duas": 2, "três": 3, "quatro": 4, "cinco": 5, "seis": 6, "sete": 7, "oito": 8, "nove": 9,
    "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9,
}  # fmt: skip
# Numbers only beside others: alone they are articles.
_ONE = {"um": 1, "uma": 1, "one": 1}
_TEENS = {
    "dez": 10, "onze": 11, "doze": 12, "treze": 13, "catorze": 14, "quatorze": 14, "quinze": 15, "dezasseis": 16,
    "dezesseis": 16, "dezassete": 17, "dezessete": 17, "dezoito": 18, "dezanove": 19, "dezenove": 19,
    "ten": 10, "eleven": 11, "twelve": 12, "thirteen": 13, "fourteen": 14, "fifteen": 15, "sixteen": 16,
    "seventeen": 17, "eighteen": 18, "nineteen": 19,
}  # fmt: skip
_TENS = {
    "vinte": 20, "trinta": 30, "quarenta": 40, "cinquenta": 50, "cinqüenta": 50, "sessenta": 60, "setenta": 70,
    "oitenta": 80, "noventa": 90, "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70,
    "eighty": 80, "ninety": 90,
}  # fmt: skip
_HUNDREDS = {
    "cem": 100, "cento": 100, "duzentos": 200, "duzentas": 200, "trezentos": 300, "trezentas": 300,
    "quatrocentos": 400, "quatrocentas": 400, "quinhentos": 500, "quinhentas": 500, "seiscentos": 600,
    "seiscentas": 600, "setecentos": 700, "setecentas": 700, "oitocentos": 800, "oitocentas": 800,
    "novecentos": 900, "novecentas": 900,
}  # fmt: skip
_SCALES = {"mil": 1000, "thousand": 1000, "milhão": 10**6, "milhões": 10**6, "million": 10**6}
_ORDINALS = {
    **{word + end: number for end in "oa" for word, number in (
        ("primeir", 1), ("segund", 2), ("terceir", 3), ("quart", 4), ("quint", 5), ("sext", 6), ("sétim", 7),
        ("oitav", 8), ("non", 9), ("décim", 10), ("vigésim", 20), ("trigésim", 30), ("quadragésim", 40),
        ("quinquagésim", 50),
    )},
    "first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5, "sixth": 6, "seventh": 7, "eighth": 8, "ninth": 9,
    "tenth": 10, "eleventh": 11, "twelfth": 12, "thirteenth": 13, "fourteenth": 14, "fifteenth": 15, "sixteenth": 16,
    "seventeenth": 17, "eighteenth": 18, "nineteenth": 19, "twentieth": 20, "thirtieth": 30,
}  # fmt: skip
_AND = ("e", "and")


def in_figures(words: Sequence[str]) -> list[str]:
    """Words in small letters with numbers in figures: `vinte e três` is `23`, `vigésimo primeiro` is `21.`."""
    return list(_figures(words))


def _figures(words: Sequence[str]) -> Iterator[str]:
    at = 0
    while at < len(words):
        ordinal = _ORDINALS.get(words[at])
        if ordinal is not None:
            following = _ORDINALS.get(words[at + 1], 0) if at + 1 < len(words) and ordinal >= 10 else 0
            joined = following if following < 10 and ordinal % 10 == 0 else 0
            yield f"{ordinal + joined}."
            at += 2 if joined else 1
            continue
        value, used = _number(words, at)
        if used:
            ordinal = _ORDINALS.get(words[at + used], 0) if at + used < len(words) else 0
            if 0 < ordinal < 10 and value % 10 == 0 and words[at] in _TENS:  # twenty-first
                yield f"{value + ordinal}."
                used += 1
            else:
                yield str(value)
        else:
            yield words[at]
        at += used or 1


def _number(words: Sequence[str], start: int) -> tuple[int, int]:
    """The number that begins at a word, and how many words it has; 0 where none does."""
    total = current = 0
    room = 1000  # what may follow must be below it: `três quatro` are two numbers
    at = used = start
    while at < len(words):
        word = words[at]
        if word in _AND and used > start and at == used:
            at += 1
            continue
        small = _ONES.get(word, _ONE.get(word))
        lone = word in _ONE and used == start
        value = next(
            (found for found in (_HUNDREDS.get(word), _TENS.get(word), _TEENS.get(word), small) if found), None
        )
        if word == "hundred" and 0 < current < 10:
            current, room = current * 100, 100
        elif word in _SCALES and current < 1000 and (current or word in ("mil", "thousand")):
            total, current, room = total + max(1, current) * _SCALES[word], 0, 1000
        elif value is not None and not (lone and not _counts_on(words, at)) and value < room:
            current += value
            room = 100 if value >= 100 else 10 if value >= 20 else 1
        else:
            break
        at += 1
        used = at
    if used == start and start < len(words) and words[start] == "zero":
        return 0, 1
    return total + current, used - start


def _counts_on(words: Sequence[str], at: int) -> bool:
    return at + 1 < len(words) and (words[at + 1] in _SCALES or words[at + 1] == "hundred")
