"""What makes an error clear: our own words, what is wrong, what to do."""

from __future__ import annotations

from collections.abc import Sequence

from tools.errors import AfinaError

# Words of Python, pydantic and SQLite, and what we say of our own defects.
_FOREIGN = ("Traceback", 'File "', "Error(", "pydantic", "validation error", "sqlite3", "input_value", "defect of ours")
_LONGEST = 3000


def check_clear(error: AfinaError, says: Sequence[str], field: str | None = None) -> None:
    """The error is about `field`, says all of `says`, and tells what would be right or what to do."""
    told = str(error)
    for words in says:
        assert words in told, told
    assert field is None or error.field == field, (error.field, told)
    # What came over the API has all of it in its message.
    advised = error.expected or error.fix or ". " in error.message
    assert advised or (error.problems and all(problem.fix for problem in error.problems)), told
    check_words(told)


def check_words(told: str) -> None:
    assert told.strip()
    assert not [words for words in _FOREIGN if words in told], told
    assert len(told) < _LONGEST
