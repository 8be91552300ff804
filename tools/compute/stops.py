"""Stop strings, matched on the text as it comes."""

from __future__ import annotations

from collections.abc import Sequence


class StopMatcher:
    """Lets text through, up to the first stop string that is completed.

    Text that could still become a stop is held back. What comes out does not depend on how the text
    was cut into pieces.
    """

    def __init__(self, stops: Sequence[str]) -> None:
        self._stops = [stop for stop in stops if stop]
        self._held = ""
        self.matched: str | None = None

    def add(self, text: str) -> str:
        """The text that is certain not to belong to a stop. Nothing after a match."""
        if self.matched is not None:
            return ""
        held = self._held + text
        found = self._first(held)
        if found is not None:
            at, self.matched = found
            self._held = ""
            return held[:at]
        keep = self._doubtful(held)
        self._held = held[len(held) - keep :]
        return held[: len(held) - keep]

    def finish(self) -> str:
        """What was held back, when the text ends without a stop."""
        rest, self._held = self._held, ""
        return rest

    def _first(self, text: str) -> tuple[int, str] | None:
        """Start and string of the stop that is completed first; of several, the longest."""
        found = [(text.find(stop), stop) for stop in self._stops]
        ends = [(at + len(stop), at, stop) for at, stop in found if at >= 0]
        return min(ends)[1:] if ends else None

    def _doubtful(self, text: str) -> int:
        """Length of the longest end of the text with which a stop begins."""
        longest = max((len(stop) for stop in self._stops), default=1) - 1
        for length in range(min(longest, len(text)), 0, -1):
            if any(stop.startswith(text[-length:]) for stop in self._stops):
                return length
        return 0
