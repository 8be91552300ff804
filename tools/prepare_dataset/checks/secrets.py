"""What should hardly be taught to a model: keys, passwords, and numbers and addresses of persons.

Found by shapes that prose, tables, dates and ISBNs do not have: numbers must pass their check digits,
and where those prove little, a word such as `NIF` or `telefone` must stand before them. Nothing is
left out for it, and what was found is never repeated in a message: it may be meant, and it is the
person who decides.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from tools.prepare_dataset.checks.check_digits import is_card, is_cpf, is_iban, is_nif
from tools.prepare_dataset.checks.ngrams import merged

Secret = Literal[
    "key", "private key", "password", "card number", "IBAN", "CPF", "NIF", "e-mail address", "phone number"
]
TOLD: dict[Secret, str] = {
    "key": "a key to a service",
    "private key": "a private key",
    "password": "a password",
    "card number": "the number of a payment card",
    "IBAN": "the number of a bank account (IBAN)",
    "CPF": "a tax number (CPF)",
    "NIF": "a tax number (NIF)",
    "e-mail address": "an e-mail address",
    "phone number": "a phone number",
}


@dataclass(frozen=True)
class Found:
    """What was found at a character of the text."""

    kind: Secret
    position: int


@dataclass(frozen=True)
class _Shape:
    """hints: one of them stands in all that the pattern finds; looked for first, since that is fast. None: digits."""

    kind: Secret
    pattern: re.Pattern[str]
    hints: tuple[str, ...] = ()
    check: Callable[[str], bool] | None = None


def _by_hint(kind: Secret, pattern: str, *hints: str) -> _Shape:
    return _Shape(kind, re.compile(pattern), hints)


def _by_digits(kind: Secret, pattern: str, check: Callable[[str], bool]) -> _Shape:
    return _Shape(kind, re.compile(pattern), (), check)


def _digits(text: str) -> str:
    return re.sub(r"\D", "", text)


def _has_digits(fewest: int, most: int) -> Callable[[str], bool]:
    return lambda text: fewest <= len(_digits(text)) <= most


def _is_no_span_of_years(text: str) -> bool:
    return re.search(r"\b(?:1\d|20)\d\d[ -](?:1\d|20)\d\d$", text) is None


_NAMES = ["password", "passwd", "senha", "palavra-passe", "api_key", "api-key", "apikey", "secret", "token"]
_NAMES_TOLD = [written for name in _NAMES for written in (name, name.capitalize(), name.upper())]
_SHAPES = (
    _by_hint("private key", r"-----BEGIN (?:[A-Z]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----", "PRIVATE KEY"),
    # Shapes that the issuers publish for scanners of secrets.
    _by_hint("key", r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b", "AKIA", "ASIA"),
    _by_hint("key", r"\bgh[pousr]_[A-Za-z0-9]{36,251}\b", "ghp_", "gho_", "ghu_", "ghs_", "ghr_"),
    _by_hint("key", r"\bgithub_pat_[A-Za-z0-9_]{40,}", "github_pat_"),
    _by_hint("key", r"\bglpat-[A-Za-z0-9_-]{20,}", "glpat-"),
    _by_hint("key", r"\bsk-(?=[A-Za-z_-]*\d)[A-Za-z0-9_-]{20,}", "sk-"),
    _by_hint("key", r"\bAIza[0-9A-Za-z_-]{35}(?![0-9A-Za-z_-])", "AIza"),
    _by_hint("key", r"\bxox[abeoprs]-[0-9A-Za-z-]{10,}", "xox"),
    _by_hint("key", r"\b[rs]k_(?:live|test)_[0-9A-Za-z]{16,}", "k_live_", "k_test_"),
    _by_hint("key", r"\bhf_[A-Za-z]{30,}\b", "hf_"),
    _by_hint("key", r"\bnpm_[A-Za-z0-9]{36}\b", "npm_"),
    _by_hint("key", r"\bpypi-AgE[A-Za-z0-9_-]{50,}", "pypi-AgE"),
    _by_hint("key", r"\bSG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}", "SG."),
    _by_hint("key", r"\b\d{8,10}:AA[A-Za-z0-9_-]{33}(?![A-Za-z0-9_-])", ":AA"),
    _by_hint("key", r"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}", "eyJ"),
    _by_hint("password", r"\b[A-Za-z][A-Za-z0-9+.-]{1,15}://[^\s:/?#@]+:[^\s:/?#@]{2,}@[\w.-]+", "://"),
    _by_hint(
        "password",
        rf"(?i)\b(?:{'|'.join(_NAMES)})\b[\"']?\s{{0,3}}[:=]\s{{0,3}}[\"']?(?=[^\s\"']*\d)(?=[^\s\"']*[a-z])[^\s\"',;]{{8,}}",
        *_NAMES_TOLD,
    ),
    _by_hint("e-mail address", r"\b[A-Za-z0-9][\w.+-]{0,63}@(?:[A-Za-z0-9-]{1,63}\.)+[A-Za-z]{2,24}\b", "@"),
    _by_digits(
        "card number",
        r"(?<![\d.,/-])(?:\d{15,16}|\d{4}([ -])\d{4}\1\d{4}\1\d{4}|\d{4}([ -])\d{6}\2\d{5})(?![\d/-]|[.,]\d)",
        lambda text: is_card(_digits(text)),
    ),
    _by_digits(
        "IBAN",
        r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b",
        lambda text: is_iban(text.replace(" ", "")),
    ),
    _by_digits("CPF", r"(?<![\d.])\d{3}\.\d{3}\.\d{3}-\d{2}(?!\d)", lambda text: is_cpf(_digits(text))),
    _by_digits("CPF", r"(?i:\bCPF\b)\D{0,12}\d{11}(?!\d)", lambda text: is_cpf(_digits(text))),
    _by_digits(
        "NIF",
        r"(?i:\b(?:NIF|NIPC|contribuinte)\b)[^\d\n]{0,25}\d{3}[ .]?\d{3}[ .]?\d{3}(?!\d)",
        lambda text: is_nif(_digits(text)),
    ),
    # With the country's number, with a word for it, or with Brazil's area in brackets.
    _by_digits(
        "phone number",
        r"(?<![\w+])(?:\+|00)(?:351|55|34|33|44|49|1|244|258|238)(?:[ .-]?\(?\d{1,5}\)?){2,5}(?!\d)",
        _has_digits(10, 15),
    ),
    _by_digits(
        "phone number",
        r"(?i:\b(?:telefone|telem[óo]vel|telefax|tel|tlm|tlf|fone|celular|whatsapp|phone|mobile)\b)[^\d\n]{0,25}"
        r"\d{2,5}\)?(?:[ .-]?\d{2,5}){1,4}(?!\d)",
        lambda text: _has_digits(8, 12)(text) and _is_no_span_of_years(text),
    ),
    _by_digits("phone number", r"\(\d{2}\) ?(?:9\d{4}|[2-5]\d{3})-\d{4}(?!\d)", _is_no_span_of_years),
)
# Enough digits for a number of any of the shapes, and what may stand between them.
_DIGITS = re.compile(r"[0-9](?:[ .()-]{0,2}[0-9]){7,30}")
_BEFORE_HINT, _AFTER_HINT, _BEFORE_DIGITS, _AFTER_DIGITS = 100, 300, 40, 12


def find_secrets(text: str) -> list[Found]:
    """Everything found, in the text's order; of what overlaps, that which starts first."""
    numbers = merged([(m.start() - _BEFORE_DIGITS, m.end() + _AFTER_DIGITS) for m in _DIGITS.finditer(text)])
    matches = []
    for order, shape in enumerate(_SHAPES):
        for start, end in _windows(text, shape.hints) if shape.hints else numbers:
            for match in shape.pattern.finditer(text, max(0, start), end):
                if shape.check is None or shape.check(match.group()):
                    matches.append((match.start(), order, match.end()))
    found: list[Found] = []
    done = 0
    for start, order, end in sorted(matches):
        if start >= done:
            found.append(Found(_SHAPES[order].kind, start))
            done = end
    return found


def _windows(text: str, hints: Sequence[str]) -> list[tuple[int, int]]:
    """Characters around the places where a hint stands, in order and apart."""
    places = []
    for hint in hints:
        position = text.find(hint)
        while position >= 0:
            places.append(position)
            position = text.find(hint, position + len(hint))
    return merged([(position - _BEFORE_HINT, position + _AFTER_HINT) for position in places])
