"""What the terminal is told."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import tempfile
import traceback
from pathlib import Path
from typing import Any

from tools.errors import AfinaError, from_os_error

FAILED, INTERRUPTED = 1, 130


def tell_failure(error: Exception) -> None:
    """One clear message on stderr."""
    if isinstance(error, OSError) and not isinstance(error, AfinaError):
        error = from_os_error(error, error.filename or "a file", "go on")
    if isinstance(error, AfinaError):
        tell(f"afina: {error}")
        return
    path = Path(tempfile.gettempdir()) / f"afina-defect-{os.getpid()}.log"
    with contextlib.suppress(OSError):
        path.write_text("".join(traceback.format_exception(error)), encoding="utf-8")
    tell(f"afina: it failed by a defect of ours. The details are in {path}; please report them.")


def tell(text: str) -> None:
    """A line for the person, beside the results on stdout."""
    with contextlib.suppress(OSError):
        sys.stderr.write(text + "\n")
        sys.stderr.flush()


def tell_json_error(error: AfinaError) -> None:
    tell(json.dumps(error.to_dict(), ensure_ascii=False, indent=2))


def write(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def write_json(value: Any) -> None:
    write(json.dumps(value, ensure_ascii=False, indent=2))
