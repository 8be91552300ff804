"""From a call that was refused to the call that would do, where one follows from the refusal.

What it repeats are the caller's own arguments, what it puts in are names that are here: both as JSON, so
that no text of a file stands in it as words.
"""

from __future__ import annotations

from typing import Any

from tools.errors import AfinaError, BackendMissing, DataError, DiskFull, MachineError, NoPermission, NotFound
from tools.next_call import next_call

Arguments = dict[str, Any]
# A longer call is not repeated: its caller has it.
_LONGEST = 800
_LISTED = {
    "dataset": "datasets",
    "model": "models",
    "installed model": "models",
    "run": "runs",
    "adapter": "adapters",
    "evaluation job": "evaluations",
}
_NAMES_A = {"dataset": "datasets", "adapter": "adapters", "adapters": "adapters", "run": "runs", "models": "models"}


def add_next(tool: str, given: Arguments, error: AfinaError) -> None:
    """Tell in `error.next` which call to make now; None stays where only a person can say."""
    if error.next is None:
        call = _after(tool, given, error)
        error.next = call if call is not None and len(call) <= _LONGEST else None


def _after(tool: str, given: Arguments, error: AfinaError) -> str | None:
    mended = _mended(given, error)
    if mended is not None:
        return next_call(tool, **mended)
    if isinstance(error, NotFound) and error.details.get("kind") in _LISTED:
        # What an argument is for tells more than what its name was looked for among.
        listed = _NAMES_A.get(error.field or "", _LISTED[error.details["kind"]])
        return next_call("list_workspace", kind=listed)
    if isinstance(error, DiskFull | NoPermission | BackendMissing):
        return next_call("check_setup")
    if isinstance(error, MachineError) or (isinstance(error, DataError) and error.problems):
        return next_call(tool, **given)
    return next_call("list_workspace", kind=_NAMES_A[error.field]) if error.field in _NAMES_A else None


def _mended(given: Arguments, error: AfinaError) -> Arguments | None:
    """The arguments with what was wrong set right; None where what is right is not known."""
    details = error.details
    if "largest_settings" in details:
        return {**given, "settings": {**(given.get("settings") or {}), **details["largest_settings"]}}
    if "instead" in details:
        return {**given, **details["instead"]}
    if "nearest_paths" in details:
        return {**given, "sources": [_source(item, details["nearest_paths"]) for item in given.get("sources") or ()]}
    if isinstance(error, NotFound) and details.get("nearest") and error.name is not None:
        return _renamed(given, error.name, details["nearest"][0])
    return None


def _source(item: Any, nearest: dict[str, str]) -> Any:
    if isinstance(item, dict):
        return {**item, "path": nearest.get(item.get("path", ""), item.get("path"))}
    return nearest.get(item, item)


def _renamed(given: Arguments, wrong: str, right: str) -> Arguments | None:
    """`wrong` replaced wherever it stands as a whole argument, or as an item of one."""
    mended = {
        name: [right if item == wrong else item for item in value]
        if isinstance(value, list)
        else right
        if value == wrong
        else value
        for name, value in given.items()
    }
    return mended if mended != given else None
