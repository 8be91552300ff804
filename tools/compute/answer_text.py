"""The tokens of one answer as they become text: decoded, cut at a stop, with their log-probabilities."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tools.compute.logprobs import LogprobTrail, TokenLogprob
from tools.compute.rows import GenerationRequest
from tools.compute.stops import StopMatcher
from tools.compute.writing import Written
from tools.models.tokenizer import Tokenizer

FinishReason = Literal["stop", "length"]


@dataclass(frozen=True)
class Piece:
    """Text that became certain, often none, and why the answer ends here, if it does."""

    text: str
    logprobs: tuple[TokenLogprob, ...]
    reason: FinishReason | None


class AnswerText:
    """One answer, fed token by token."""

    def __init__(self, tokenizer: Tokenizer, request: GenerationRequest) -> None:
        self._tokenizer = tokenizer
        self._decoder = tokenizer.stream_decoder(shown=request.shown, context=request.prompt[-8:])
        self._stops = StopMatcher(request.stop)
        self._alternatives = request.top_logprobs
        self._trail = None if request.top_logprobs is None else LogprobTrail(request.offset)
        # The end of the text has none of its own, but a prompt's reader counts on a place for every token.
        self._tells_end = request.prompt_logprobs is not None
        self._left = request.max_tokens

    def add(self, written: Written) -> Piece:
        self._left -= 1
        ended = written.token in self._tokenizer.eos_ids
        reason: FinishReason | None = "stop" if ended else None if self._left else "length"
        piece = "" if ended else self._decoder.add(written.token)
        if self._trail is not None and written.scored is not None and (not ended or self._tells_end):
            scores, row = written.scored
            self._trail.add(piece, scores.told(self._tokenizer, row, written.token, self._alternatives or 0))
        text = self._stops.add(piece)
        if reason is not None and self._stops.matched is None:
            text += self._stops.add(self._decoder.finish())
            text += self._stops.finish()
        cut = self._stops.matched is not None
        if cut:
            reason = "stop"
        logprobs = self._trail.release(text, ended=reason is not None, cut=cut) if self._trail else ()
        return Piece(text, logprobs, reason)
