"""Which paths may be read: what an assistant names is read for it, so that it reaches no further than was allowed.

Allowed are the workspace, the person's home, the sample material, and the folders that the settings
name. Hidden folders (`~/.ssh`) are private even there, unless they are named themselves.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from tools.errors import printable
from tools.workspace.layout import Workspace

VARIABLE = "AFINA_ALLOWED_ROOTS"
_FIX = f"Name its folder in {VARIABLE}, or as `allowed_roots` in the workspace's afina.toml, and start Afina again."
_PROJECT = Path(__file__).resolve().parents[2]
_SAMPLES = (_PROJECT / "server" / "sample", _PROJECT / "clients" / "sample")


def named_in(text: str) -> tuple[Path, ...]:
    """The folders in a list as PATH has it."""
    return tuple(_in_full(part) for part in text.split(os.pathsep) if part.strip())


def _in_full(part: str) -> Path:
    try:
        return Path(part).expanduser()
    except RuntimeError:  # `~name` of nobody
        return Path(part)


class Roots:
    """The folders below which may be read. named: those of the settings; of the environment where None."""

    def __init__(self, ws: Workspace, named: Sequence[Path] | None = None) -> None:
        if named is None:
            named = named_in(os.environ.get(VARIABLE, ""))
        self._roots = [root.resolve() for root in (ws.root, *named, *_home(), *_SAMPLES)]

    def refusal(self, real: Path) -> tuple[str, str] | None:
        """Why a resolved path may not be read and what to do; None where it may."""
        inside = [real.relative_to(root) for root in self._roots if real.is_relative_to(root)]
        if not inside:
            return "It lies outside the folders that Afina may read.", _FIX
        hidden = [next((part for part in path.parts if part.startswith(".")), None) for path in inside]
        if None in hidden:
            return None
        return f"It is private: `{printable(str(hidden[0]), 60)}` is hidden.", f"Copy it elsewhere. Or: {_FIX}"


def _home() -> tuple[Path, ...]:
    """The person's home. One that is the whole disk, as of a service, is nobody's."""
    try:
        home = Path.home().resolve()
    except (RuntimeError, OSError):
        return ()
    return (home,) if home != Path(home.anchor) else ()
