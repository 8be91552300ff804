"""Mend what typesetting, copying and old programs left in a text. Each mend is counted and can be undone."""

from __future__ import annotations

import re
import unicodedata

from tools.prepare_dataset.edits import EditedText
from tools.prepare_dataset.unwrap import unwrap

_WINDOWS_LINE_END = re.compile("\r\n")
_LINE_END = re.compile("\r\n?")
_NEWLINES = re.compile("\r\n|[\r\v\x85\u2028\u2029]")
# A new page begins on a new line.
_PAGE_BREAK = re.compile("\n?\f")
# Colours of terminals, and all control characters but tabs and line ends; \x1a ended files of DOS.
_STRUCK_OVER = re.compile("[^\n]\b")
_CONTROLS = re.compile("\x1b\\[[0-9;?]*[ -/]*[@-~]|[\x00-\x08\x0b-\x0c\x0e-\x1f\x7f-\x84\x86-\x9f]")
_MARKS_OF_ORDER = re.compile("\ufeff")
_ZERO_WIDTH = re.compile("[\u200b\u2060\ufeff]")
_SOFT_HYPHEN = re.compile("\u00ad(?:\n[ \t]*)?")
_LIGATURE = re.compile("[\ufb00-\ufb06]")
_BLANK = re.compile("[\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]")
# A letter or digit with the marks that belong to it.
_DECOMPOSED = re.compile(r"[^\W_][\u0300-\u036f]+")
_COMBINING = re.compile("[\u0300-\u036f]")
_TRAILING = re.compile(r"[ \t]+$", re.MULTILINE)


def repair_lines(edited: EditedText) -> None:
    """For examples, whose lines mean something: line ends, what nobody sees, and decomposed letters alone."""
    edited.substitute("line_ends", _WINDOWS_LINE_END, "\n")
    _repair_characters(edited)


def repair_table(edited: EditedText) -> None:
    """As `repair_lines`, and the lone carriage returns of old Macs."""
    edited.substitute("line_ends", _LINE_END, "\n")
    _repair_characters(edited)


def _repair_characters(edited: EditedText) -> None:
    edited.substitute("control_characters", _CONTROLS, "")
    edited.substitute("invisible_characters", _MARKS_OF_ORDER, "")
    _compose(edited)


def repair_prose(edited: EditedText, *, whole_lines: bool = False) -> None:
    """Make the paragraphs whole.

    Hard-wrapped lines are joined only in files that were wrapped at a fixed width; verse, lists and
    headings keep their lines. whole_lines: nothing was wrapped, see `Part`.
    """
    edited.substitute("line_ends", _NEWLINES, "\n")
    if "\f" in edited.text:
        edited.substitute("page_breaks", _PAGE_BREAK, "\n")
    if "\b" in edited.text:
        edited.substitute("control_characters", _STRUCK_OVER, "")
    edited.substitute("control_characters", _CONTROLS, "")
    edited.substitute("invisible_characters", _ZERO_WIDTH, "")
    edited.substitute("soft_hyphens", _SOFT_HYPHEN, "")
    edited.substitute("ligatures", _LIGATURE, lambda match: unicodedata.normalize("NFKC", match.group()))
    edited.substitute("special_blanks", _BLANK, " ")
    _compose(edited)
    edited.substitute("trailing_blanks", _TRAILING, "")
    if not whole_lines:
        unwrap(edited)


def _compose(edited: EditedText) -> None:
    if _COMBINING.search(edited.text):
        edited.substitute("decomposed_letters", _DECOMPOSED, _composed)


def _composed(match: re.Match[str]) -> str:
    return unicodedata.normalize("NFC", match.group())
