"""Log-probabilities of tokens, told with the text that the tokens became."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import mlx.core as mx

from tools.models.tokenizer import Tokenizer

# JSON has no infinity; what OpenAI tells of a token that cannot come.
_LOWEST = -9999.0


@dataclass(frozen=True)
class TokenLogprob:
    """A token, its bytes, its natural log-probability, and the likeliest alternatives to it.

    logprob is None for a prompt's first token. start: characters of the text before the token's own.
    """

    token: str
    bytes: tuple[int, ...]
    logprob: float | None
    top: tuple[TokenLogprob, ...] = ()
    start: int = 0


class Scores:
    """Log-probabilities of chosen tokens and of the likeliest, computed with the step that chose them."""

    def __init__(self, logits: mx.array, chosen: mx.array, alternatives: int) -> None:
        """logits: [rows, vocabulary]. chosen: ids [rows]. alternatives: how many of the likeliest to keep."""
        logits = logits.astype(mx.float32)
        total = mx.logsumexp(logits, axis=-1, keepdims=True)
        own = mx.take_along_axis(logits, chosen[:, None].astype(mx.int32), axis=-1) - total
        self.arrays = [own[:, 0]]
        count = min(alternatives, logits.shape[-1])
        if count:
            ids = mx.argpartition(-logits, kth=count - 1, axis=-1)[:, :count]
            self.arrays += [ids, mx.take_along_axis(logits, ids, axis=-1) - total]
        self._lists: list[Any] | None = None

    def told(self, tokenizer: Tokenizer, row: int, token: int, alternatives: int) -> TokenLogprob:
        """What row `row` says of its token. Waits for the arrays."""
        if self._lists is None:
            self._lists = [array.tolist() for array in self.arrays]
        own, *likeliest = self._lists
        top: tuple[TokenLogprob, ...] = ()
        if alternatives:
            ids, values = likeliest
            ordered = sorted(zip(ids[row], values[row], strict=True), key=lambda pair: (-pair[1], pair[0]))
            top = tuple(describe(tokenizer, index, value) for index, value in ordered[:alternatives])
        return replace(describe(tokenizer, token, own[row]), top=top)


def describe(tokenizer: Tokenizer, token: int, logprob: float | None) -> TokenLogprob:
    data = tokenizer.token_bytes(token) if tokenizer.is_byte_level else tokenizer.decode([token], False).encode()
    told = None if logprob is None else min(max(logprob, _LOWEST), 0.0)
    return TokenLogprob(data.decode("utf-8", "replace"), tuple(data), told)


class LogprobTrail:
    """Keeps tokens until the text that they became is let through. offset: characters before the first."""

    def __init__(self, offset: int = 0) -> None:
        self._waiting: list[TokenLogprob] = []
        self._decoded = offset
        self._told = offset

    def add(self, piece: str, token: TokenLogprob) -> None:
        """piece: the text that became certain with this token."""
        self._waiting.append(replace(token, start=self._decoded))
        self._decoded += len(piece)

    def release(self, text: str, *, ended: bool, cut: bool) -> tuple[TokenLogprob, ...]:
        """The tokens of the text let through now. cut: a stop string ended it, what follows is dropped."""
        self._told += len(text)
        everything = ended and not cut
        ready = [token for token in self._waiting if everything or token.start < self._told]
        self._waiting = [] if ended else self._waiting[len(ready) :]
        return tuple(ready)
