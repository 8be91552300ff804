"""Log-probabilities of tokens, told with the text that the tokens became."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import mlx.core as mx

from tools.models.tokenizer import Tokenizer

# JSON has no infinity; what OpenAI tells of a token that cannot come.
_LOWEST = -9999.0


@dataclass(frozen=True)
class TokenLogprob:
    """A token, its bytes, its natural log-probability, and the likeliest alternatives to it."""

    token: str
    bytes: tuple[int, ...]
    logprob: float
    top: tuple[TokenLogprob, ...] = ()


def describe_token(tokenizer: Tokenizer, token: int, logprobs: mx.array, alternatives: int) -> TokenLogprob:
    """logprobs: [vocabulary]. alternatives: how many of the likeliest tokens to tell."""
    top: tuple[TokenLogprob, ...] = ()
    if alternatives:
        count = min(alternatives, logprobs.shape[-1])
        likeliest = mx.argpartition(-logprobs, kth=count - 1)[:count]
        ids: Any = likeliest.tolist()
        values: Any = logprobs[likeliest].tolist()
        ordered = sorted(zip(ids, values, strict=True), key=lambda pair: (-pair[1], pair[0]))
        top = tuple(_told(tokenizer, index, value) for index, value in ordered)
    own: Any = logprobs[token].item()
    told = _told(tokenizer, token, own)
    return TokenLogprob(told.token, told.bytes, told.logprob, top)


def _told(tokenizer: Tokenizer, token: int, logprob: float) -> TokenLogprob:
    data = tokenizer.token_bytes(token) if tokenizer.is_byte_level else tokenizer.decode([token], False).encode()
    return TokenLogprob(data.decode("utf-8", "replace"), tuple(data), max(logprob, _LOWEST))


class LogprobTrail:
    """Keeps tokens until the text that they became is let through."""

    def __init__(self) -> None:
        self._waiting: list[tuple[int, TokenLogprob]] = []  # where the token's text starts
        self._decoded = 0
        self._told = 0

    def add(self, piece: str, token: TokenLogprob) -> None:
        """piece: the text that became certain with this token."""
        self._waiting.append((self._decoded, token))
        self._decoded += len(piece)

    def release(self, text: str, *, ended: bool, cut: bool) -> tuple[TokenLogprob, ...]:
        """The tokens of the text let through now. cut: a stop string ended it, what follows is dropped."""
        self._told += len(text)
        everything = ended and not cut
        ready = [token for start, token in self._waiting if everything or start < self._told]
        self._waiting = [] if ended else self._waiting[len(ready) :]
        return tuple(ready)
