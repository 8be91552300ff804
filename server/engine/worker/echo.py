"""A prompt as the text that its answer begins with, when the answer is to repeat it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

from server.engine.protocol import PlainText, Prompt
from tools.compute.logprobs import TokenLogprob
from tools.models.tokenizer import Tokenizer


@dataclass(frozen=True)
class Echo:
    """starts: for each token, the characters of the text before its own."""

    text: str
    starts: list[int]

    @classmethod
    def of(cls, prompt: Prompt, ids: Sequence[int], tokenizer: Tokenizer) -> Echo:
        """A text as it was given, with no room for what the model wants around it; ids as they decode."""
        if isinstance(prompt, PlainText):
            offsets = tokenizer.rust.encode(prompt.text, add_special_tokens=True).offsets
            # A token that was added has no place of its own: it stands where the one before it ended.
            return cls(prompt.text, list(accumulate((start for start, _ in offsets), max)))
        decoder = tokenizer.stream_decoder(skip_special=False)
        text, starts = "", []
        for token in ids:
            starts.append(len(text))
            text += decoder.add(token)
        return cls(text + decoder.finish(), starts)

    def part(self, first: int, logprobs: Sequence[TokenLogprob]) -> tuple[str, list[TokenLogprob]]:
        """The text of the tokens from `first` on that these are about, and they with their places in it."""
        stop = first + len(logprobs)
        end = self.starts[stop] if stop < len(self.starts) else len(self.text)
        placed = [replace(one, start=start) for one, start in zip(logprobs, self.starts[first:stop], strict=True)]
        return self.text[self.starts[first] : end], placed
