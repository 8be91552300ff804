"""Guessing what a row writes next from what it has read: people ask for quotations of their books.

Prompt lookup decoding (Saxena 2023, https://github.com/apoorvumang/prompt-lookup-decoding) and LLMA
(https://arxiv.org/abs/2304.04487): the tokens that followed the last n-gram before are proposed, the
model reads them all at once, and those it would have written itself are kept.
"""

from __future__ import annotations

from collections.abc import Sequence

_NGRAM = 3
_SHORTEST = 2
_LONGEST = 16
# Of the time of all steps, what proposals that came to nothing may cost; and how far ahead they may begin.
_LOSS = 0.02
_CREDIT = 0.5
_MOST_CREDIT = 3.0


class PromptLookup:
    """The guesses for one row, and whether they pay."""

    def __init__(self, tokens: Sequence[int]) -> None:
        """tokens: all that was read so far."""
        self._tokens: list[int] = []
        self._places: dict[tuple[int, ...], int] = {}  # an n-gram → where its last continuation starts
        self._source: int | None = None
        self._length = 4
        self._balance = _CREDIT
        self._step_s = 0.0
        self.proposed = self.accepted = 0
        self.extend(tokens)

    def extend(self, tokens: Sequence[int]) -> None:
        """Tokens were read or written."""
        for token in tokens:
            self._follow(token)

    def guess(self, room: int) -> list[int]:
        """What may come: the token that is being chosen now, and those after it, at most `room`."""
        if self._source is None or self._balance < 0:
            return []
        # What follows the last token of all is taken for a repetition of what came since the source.
        period = len(self._tokens) - self._source
        return [self._tokens[self._source + at % period] for at in range(min(self._length + 1, room))]

    def stepped(self, seconds: float) -> None:
        """A token was written the usual way."""
        # The shortest of late: a step that waited for a prompt's chunk is no measure.
        self._step_s = seconds if not self._step_s else min(seconds, self._step_s * 1.02)
        self._balance = min(self._balance + _LOSS, _MOST_CREDIT)

    def verified(self, proposed: int, accepted: int, seconds: float) -> None:
        """`accepted` of the proposed tokens were right; the step wrote one token more than these."""
        self.proposed += proposed
        self.accepted += accepted
        if self._step_s:
            self._balance = min(self._balance + accepted + 1 - seconds / self._step_s, _MOST_CREDIT)
        if accepted == proposed:
            self._length = min(2 * self._length, _LONGEST)
        else:
            self._length = max(_SHORTEST, min(self._length, accepted + 1))

    def _follow(self, token: int) -> None:
        if self._source is not None and self._tokens[self._source] == token:
            self._source += 1
        else:
            self._source = None
        self._tokens.append(token)
        if len(self._tokens) < _NGRAM:
            return
        gram = tuple(self._tokens[-_NGRAM:])
        if self._source is None:
            self._source = self._places.get(gram)
        self._places[gram] = len(self._tokens)
