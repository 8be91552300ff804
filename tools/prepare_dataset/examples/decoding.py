"""One JSON value out of a text, or what is wrong with it, in words, and where."""

from __future__ import annotations

import json
import re
from typing import Any

from tools.errors import printable
from tools.prepare_dataset.examples.positions import repeated_key, skip_blanks

_QUOTES = "“”„‟«»‘’‚"
_LITERALS = {"None": "null", "True": "true", "False": "false", "undefined": "null", "nan": "null", "NaN": "null"}
_WORD = re.compile(r"[^\W\d]\w*")
_NEXT_MEMBER = re.compile(r'"[^"\n]{0,80}"\s*:')
_NO_NUMBER = re.compile(r'"(?:[^"\\]|\\.)*"|(?P<found>-?Infinity|NaN)', re.DOTALL)
_WHOLE = "Write it whole; `json.dumps` of Python and `jq` of the shell do so."


class Fault(Exception):
    """What is wrong at a character of the text, and the mend."""

    def __init__(self, at: int, message: str, fix: str) -> None:
        super().__init__(message)
        self.at, self.message, self.fix = at, message, fix

    def moved(self, by: int) -> Fault:
        """The same in a text that has `by` characters more before it."""
        return Fault(self.at + by, self.message, self.fix)


class Unclosed(Fault):
    """A text has no closing quotation mark."""


class _Repeated(ValueError):
    pass


class _NoNumber(ValueError):
    pass


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _Repeated
    return found


def _no_constant(_: str) -> None:
    raise _NoNumber


_DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_no_constant)
_LENIENT = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_no_constant, strict=False)


def decode(text: str, at: int, *, breaks_allowed: bool = False) -> tuple[Any, int]:
    """The value at `at` and where it ends. breaks_allowed: line breaks in texts are taken. Raises Fault."""
    try:
        return (_LENIENT if breaks_allowed else _DECODER).raw_decode(text, at)
    except json.JSONDecodeError as error:
        raise _fault(text, at, error) from error
    except _Repeated as error:
        key, position = repeated_key(text, at) or ("", at)
        told = f"The key `{printable(key, 40)}` stands twice."
        raise Fault(position, told, "Write each key once.") from error
    except _NoNumber as error:
        found = next((m for m in _NO_NUMBER.finditer(text, at) if m["found"]), None)
        told = f"`{found['found']}` is no number of JSON." if found else "A number is none."
        raise Fault(found.start() if found else at, told, "Write null, or leave the key out.") from error
    except RecursionError as error:
        raise Fault(at, "It is nested too deeply.", "Write a plain object of texts.") from error
    except ValueError as error:
        raise Fault(at, "It holds a number that is too long.", "Write it as a text, between quotes.") from error


def _fault(text: str, start: int, error: json.JSONDecodeError) -> Fault:
    """json's own finding, by its kind. Its words are its own; ours follow from what stands at the place."""
    at, kind = error.pos, error.msg
    if kind.startswith("Unterminated string"):
        return Unclosed(at, "The text that begins here is not closed.", "Close it with a quotation mark.")
    if kind.startswith("Invalid control character"):
        return _control_character(text, at)
    if kind.startswith("Invalid \\"):
        return Fault(
            at, "The backslash here begins no escape of JSON.", "Write a backslash that is meant as two: `\\\\`."
        )
    if kind.startswith("Illegal trailing comma"):  # Python 3.13 points at the comma itself
        return _trailing_comma(at)
    if at >= len(text):
        return Fault(at, "The JSON breaks off here.", _WHOLE)
    return _foreign(text, at) or _punctuation(text, start, at, kind)


def line_break(at: int) -> Fault:
    """A text goes on in the next line."""
    return Fault(at, "A line break stands inside a text.", "Write it as `\\n`.")


def _control_character(text: str, at: int) -> Fault:
    if text[at] in "\r\n":
        return line_break(at)
    name, escape = ("tab", "\\t") if text[at] == "\t" else ("control character", f"\\u{ord(text[at]):04x}")
    return Fault(at, f"A {name} stands inside a text.", f"Write it as `{escape}`.")


def _trailing_comma(at: int) -> Fault:
    return Fault(at, "A comma stands before the closing bracket.", "Remove the comma.")


def _foreign(text: str, at: int) -> Fault | None:
    """What is no JSON wherever it stands: Python's quotes and words, curly quotes, marks, comments."""
    char = text[at]
    if char == "'":
        return Fault(
            at, "Single quotes are no quotes of JSON.", 'Write double quotes (`"`), as `json.dumps` of Python does.'
        )
    if char in _QUOTES:
        return Fault(at, "Curly quotation marks are no quotes of JSON.", 'Write straight ones (`"`).')
    if char == "\ufeff":
        return Fault(at, "A byte order mark stands here.", "Remove it: it is left over where files were joined.")
    if text.startswith(("//", "/*", "#"), at):
        return Fault(at, "A comment is no JSON.", "Remove it.")
    word = _WORD.match(text, at)
    if word and word.group() in _LITERALS:
        return Fault(at, f"`{word.group()}` is no value of JSON.", f"Write {_LITERALS[word.group()]}.")
    return None


def _punctuation(text: str, start: int, at: int, kind: str) -> Fault:
    char, before = text[at], _before(text, start, at)
    if kind.startswith("Expecting ',' delimiter"):
        return _no_comma(text, at, before)
    if kind.startswith("Expecting ':' delimiter"):
        return Fault(at, "A colon is missing after the key.", 'Write `"key": value`.')
    if char in "]}" and text[before] == ",":
        return _trailing_comma(before)
    if char in "]},":
        return Fault(at, "A value is missing here.", "Write it, or remove the key.")
    if kind.startswith("Expecting property name"):
        return Fault(at, "A key in double quotes is missing here.", 'Write `"key": value`.')
    return Fault(at, "The JSON is wrong here.", "A value is a text in double quotes, a number, a list or an object.")


def _no_comma(text: str, at: int, before: int) -> Fault:
    """After a value comes neither comma nor end: a text ended early, or the comma is not there."""
    if text[before] == '"' and not (text[at] == '"' and _NEXT_MEMBER.match(text, at)):
        glued = at == before + 1 or text[at] not in '"{['
        if glued:
            return Fault(
                before, "The text ends at this quotation mark, and more follows.", 'Write a mark inside as `\\"`.'
            )
    if text[at] == ":":
        return Fault(at, "A key or a quotation mark is missing before this colon.", 'Write `"key": value`.')
    return Fault(at, "A comma is missing before this.", "Write one between two values.")


def _before(text: str, start: int, at: int) -> int:
    """The last character before `at` that is no blank."""
    while at > start and text[at - 1] in " \t\n\r":
        at -= 1
    return max(start, at - 1)


def rest_of(text: str, at: int) -> Fault | None:
    """What is wrong with all that stands after a whole value; None when nothing does."""
    at = skip_blanks(text, at)
    if at >= len(text):
        return None
    if text[at] == ",":
        fix = "Remove the comma; or put all objects into one list, `[…]`, in a `.json` file."
        return Fault(at, "A comma stands after the object.", fix)
    if text[at] in "{[":
        return Fault(at, "Another object begins on the same line.", "Write each object on a line of its own.")
    return Fault(at, "More stands after the object.", "Write one whole JSON object a line.")
