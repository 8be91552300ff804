"""How far a preparation is: stages of known shares, each told by how much of the material it has behind it."""

from __future__ import annotations

from collections.abc import Callable

from tools.errors import printable

Progress = Callable[[float, float, str], None]
TOTAL = 1000
# The shares of the whole that the stages take, about as measured on books and on examples.
_STAGES: tuple[tuple[str, int], ...] = (
    ("Reading", 250),
    ("Understanding", 100),
    ("Cutting", 450),
    ("Checking", 100),
    ("Writing", 100),
)


class Stages:
    """Where the work is; `progress` is told each step and may raise to end it."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._before = self._share = 0
        self._done = self._total = 0.0
        self.stage = "Starting"
        self.name = self._raw_name = ""

    @property
    def doing(self) -> str:
        """The stage and the file that it is at, to tell people."""
        return f"{self.stage} {self.name}".rstrip()

    def begin(self, stage: str, total: float) -> None:
        """The next stage, over `total` bytes, characters or rows."""
        names = [name for name, _ in _STAGES]
        self._before = sum(share for _, share in _STAGES[: names.index(stage)])
        self._share = dict(_STAGES)[stage]
        self.stage, self._done, self._total = stage, 0.0, max(total, 1.0)
        self.name = self._raw_name = ""
        self.tell()

    def at(self, name: str, done: float | None = None) -> None:
        """The stage is at the file `name`, with `done` of its total behind it."""
        if name != self._raw_name:
            self._raw_name, self.name = name, printable(name, 100)
        if done is not None:
            self._done = done
        self.tell()

    def tell(self) -> None:
        """The same again: the work goes on."""
        part = min(1.0, self._done / self._total)
        # The end is told by the result alone.
        self._progress(min(TOTAL - 1, self._before + self._share * part), TOTAL, self.doing)
