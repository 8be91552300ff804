"""What can go wrong, by who can mend it.

AfinaError
├── RequestError            the caller: another argument, another name
│   ├── InvalidArgument     a field is missing, unknown, of the wrong type or out of range
│   ├── NotFound            no dataset, model, run, adapter, file of that name
│   ├── Conflict            the thing exists, or is in a state that forbids the action
│   ├── DataError           the material has problems, listed by file and line
│   └── DoesNotFit          the plan needs more memory, disk or context than there is
└── MachineError            whoever keeps this machine: free room, grant a right, connect, install
    ├── DiskFull
    ├── NoPermission
    ├── Offline
    ├── BackendMissing
    └── WorkerDied          a child process ended before it answered

Messages are written by us alone: text from datasets or foreign exceptions never enters them.
"""

from __future__ import annotations

import difflib
import errno
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict


class Problem(BaseModel):
    """One finding in the material: where it is, what it is, how to mend it."""

    model_config = ConfigDict(extra="forbid")

    path: str
    line: int | None = None
    column: int | None = None
    message: str
    fix: str

    def __str__(self) -> str:
        # A name of several words is told apart from ours.
        path = f'"{self.path}"' if " " in self.path else self.path
        place = ":".join(str(part) for part in (path, self.line, self.column) if part is not None)
        return f"{place}: {self.message} {self.fix}"


class AfinaError(Exception):
    """A failure that is told to the user.

    message: what failed, in one sentence. expected: what would have been right. fix: what to do next.
    field: the argument it is about. problems: findings by file and line. next: the exact call that would do,
    where it is known.
    """

    code = "error"

    def __init__(
        self,
        message: str,
        *,
        field: str | None = None,
        expected: str | None = None,
        fix: str | None = None,
        problems: Iterable[Problem] = (),
        details: dict[str, Any] | None = None,
        next: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.field = field
        self.expected = expected
        self.fix = fix
        self.problems = list(problems)
        self.details = details or {}
        self.next = next

    def __str__(self) -> str:
        parts = [self.message]
        if self.expected:
            parts.append(f"Expected: {self.expected}.")
        if self.fix:
            parts.append(self.fix)
        parts.extend(f"\n- {problem}" for problem in self.problems)
        return " ".join(parts)

    def to_dict(self) -> dict[str, Any]:
        """The error as JSON-ready fields; empty ones are left out."""
        fields: dict[str, Any] = {
            "code": self.code,
            "message": self.message,
            "field": self.field,
            "expected": self.expected,
            "fix": self.fix,
            "problems": [problem.model_dump(exclude_none=True) for problem in self.problems],
            "details": self.details,
            "next": self.next,
        }
        return {key: value for key, value in fields.items() if value}

    @staticmethod
    def from_dict(fields: dict[str, Any]) -> AfinaError:
        """Rebuild an error that a child process wrote down with `to_dict`."""
        kind = _BY_CODE.get(str(fields.get("code")), AfinaError)
        error = kind.__new__(kind)
        AfinaError.__init__(
            error,
            str(fields.get("message", "It failed without a reason.")),
            field=fields.get("field"),
            expected=fields.get("expected"),
            fix=fields.get("fix"),
            problems=[Problem(**problem) for problem in fields.get("problems", [])],
            details=fields.get("details"),
            next=fields.get("next"),
        )
        return error


class RequestError(AfinaError):
    code = "request_error"


class InvalidArgument(RequestError):
    code = "invalid_argument"


class Conflict(RequestError):
    code = "conflict"


class DataError(RequestError):
    code = "data_error"


class DoesNotFit(RequestError):
    code = "does_not_fit"


class NotFound(RequestError):
    """No thing of that kind and name; tells the nearest names that exist."""

    name: str | None = None
    code = "not_found"

    def __init__(
        self,
        kind: str,
        name: str,
        known: Iterable[str] = (),
        *,
        field: str | None = None,
        fix: str | None = None,
    ) -> None:
        names = sorted(set(known))
        near = nearest(name, names)
        if near:
            hint = "Did you mean " + " or ".join(f"`{n}`" for n in near) + "?"
        elif names:
            shown = ", ".join(f"`{n}`" for n in names[:8])
            hint = f"There is: {shown}" + (f", and {len(names) - 8} more." if len(names) > 8 else ".")
        else:
            hint = f"There is no {kind} yet."
        super().__init__(
            f"There is no {kind} named `{printable(name)}`.",
            field=field,
            fix=f"{hint} {fix}" if fix else hint,
            details={"kind": kind, "nearest": near} if near else {"kind": kind},
        )
        self.name = name


class MachineError(AfinaError):
    code = "machine_error"


class DiskFull(MachineError):
    code = "disk_full"


class NoPermission(MachineError):
    code = "no_permission"


class Offline(MachineError):
    code = "offline"


class BackendMissing(MachineError):
    code = "backend_missing"


class WorkerDied(MachineError):
    code = "worker_died"


def _descendants(kind: type[AfinaError]) -> Iterator[type[AfinaError]]:
    yield kind
    for child in kind.__subclasses__():
        yield from _descendants(child)


_BY_CODE = {kind.code: kind for kind in _descendants(AfinaError)}


def nearest(name: str, known: Iterable[str], limit: int = 3) -> list[str]:
    """The known names that a slip of the keyboard could have meant, best first."""
    by_folded = {candidate.casefold(): candidate for candidate in known}
    found = difflib.get_close_matches(name.casefold(), list(by_folded), n=limit, cutoff=0.6)
    return [by_folded[folded] for folded in found]


def printable(text: str, limit: int = 120) -> str:
    """A name from a request, safe to repeat in a message: one line, bounded, no control characters or backticks."""
    clean = "".join(c if c.isprintable() else "?" for c in text).replace("`", "'")
    return clean if len(clean) <= limit else clean[: limit - 1] + "…"


@contextmanager
def telling_os_errors(path: Path | str, doing: str) -> Iterator[None]:
    """Turn the system's refusal to read or write `path` into an error that says what to do."""
    try:
        yield
    except OSError as error:
        raise from_os_error(error, path, doing) from error


def from_os_error(error: OSError, path: Path | str, doing: str) -> AfinaError:
    """Our error for an `OSError` met while `doing` something ("write the dataset") at `path`."""
    where = printable(str(path), 300)
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return DiskFull(
            f"The disk is full: could not {doing} at {where}.",
            fix="Free some space, or choose another folder with --workspace, and call again.",
        )
    if error.errno == errno.EFBIG:
        return DiskFull(
            f"The file grew larger than this disk or your user's limit takes: could not {doing} at {where}.",
            fix="Choose a folder on another disk with --workspace, or raise the limit (`ulimit -f`), and call again.",
        )
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return NoPermission(
            f"No permission to {doing} at {where}.",
            fix="Grant your user access to that folder, or choose another one, and call again.",
        )
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        return NotFound("file or folder", where, fix="Check the path; relative paths start where Afina was started.")
    if error.errno in (errno.EEXIST, errno.EISDIR):
        in_the_way = printable(str(error.filename or path), 300)
        return Conflict(
            f"Something else stands in the way: could not {doing} at {where}.",
            fix=f"Move {in_the_way} elsewhere and call again.",
        )
    return MachineError(
        f"The system would not let us {doing} at {where} (errno {error.errno}).",
        fix="Check that the disk and the folder are sound, and call again.",
    )
