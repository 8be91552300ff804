"""Numbers that carry their own proof: cards, IBANs, and the tax numbers of Brazil and Portugal."""

from __future__ import annotations

import re
from collections.abc import Sequence

# Length of an IBAN by country, from the SWIFT registry (release 98), where accounts of our readers lie.
_IBAN_LENGTHS = {
    "AD": 24, "AT": 20, "BE": 16, "BG": 22, "BR": 29, "CH": 21, "CY": 28, "CZ": 24, "DE": 22, "DK": 18, "EE": 20,
    "ES": 24, "FI": 18, "FR": 27, "GB": 22, "GR": 27, "HR": 21, "HU": 28, "IE": 22, "IT": 27, "LI": 21, "LT": 20,
    "LU": 20, "LV": 21, "MC": 27, "MT": 31, "NL": 18, "NO": 15, "PL": 28, "PT": 25, "RO": 24, "SE": 24, "SI": 19,
    "SK": 24, "ST": 25, "TL": 23,
}  # fmt: skip
# Issuers with 16 digits: Visa, Mastercard, Discover, Elo, Hipercard; with 15: American Express.
_CARD = re.compile(r"(?:4\d{3}|5[1-5]\d\d|2(?:2[2-9]|[3-6]\d|7[01])\d|2720|6011|65\d\d|6362|6062)\d{12}|3[47]\d{13}")


def is_card(number: str) -> bool:
    """Whether digits are a payment card's: its issuer's range and Luhn's check digit (ISO/IEC 7812-1)."""
    if _CARD.fullmatch(number) is None or len(set(number)) == 1:
        return False
    doubled = [int(digit) * (1 + index % 2) for index, digit in enumerate(reversed(number))]
    return sum(digit - 9 if digit > 9 else digit for digit in doubled) % 10 == 0


def is_iban(text: str) -> bool:
    """Whether letters and digits are an IBAN (ISO 13616): its country's length, and 1 modulo 97."""
    if _IBAN_LENGTHS.get(text[:2]) != len(text) or not text.isalnum():
        return False
    return int("".join(str(int(char, 36)) for char in text[4:] + text[:4])) % 97 == 1


def is_cpf(number: str) -> bool:
    """Whether 11 digits are a person's tax number in Brazil: the last two check the others."""
    digits = [int(digit) for digit in number]
    if len(digits) != 11 or len(set(digits)) == 1:
        return False
    return all(_modulo_11(digits[:count], range(count + 1, 1, -1)) == digits[count] for count in (9, 10))


def is_nif(number: str) -> bool:
    """Whether 9 digits are a tax number in Portugal: the last checks the others."""
    digits = [int(digit) for digit in number]
    return (
        len(digits) == 9 and digits[0] in (1, 2, 3, 5, 6, 8, 9) and _modulo_11(digits[:8], range(9, 1, -1)) == digits[8]
    )


def _modulo_11(digits: Sequence[int], weights: Sequence[int]) -> int:
    rest = sum(digit * weight for digit, weight in zip(digits, weights, strict=True)) % 11
    return 0 if rest < 2 else 11 - rest
