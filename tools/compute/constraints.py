"""Answers held to a grammar: at each step only tokens that it allows may be chosen.

llguidance (https://github.com/guidance-ai/llguidance) reads the grammars of `tools.models.tool_calls.grammar`
and tells the tokens; the mask is made on the CPU while the device computes the logits that it is for.
"""

from __future__ import annotations

import logging
import re
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import mlx.core as mx
import numpy as np
from llguidance import LLMatcher, LLTokenizer

from tools.errors import AfinaError, Conflict, InvalidArgument, WorkerDied
from tools.models.reasoning import CLOSES, OPENS, Thinking
from tools.models.tokenizer import Tokenizer

log = logging.getLogger(__name__)

# Programs ask with the same schemas and functions again and again.
_KEPT = 32

# What llguidance says of a schema that it cannot hold an answer to, and what we say.
_REFUSALS = [
    (re.compile(r"Unimplemented keys: \[(?P<told>[^\]]*)\]"), "these keywords are not supported: {told}"),
    (re.compile(r"Unknown format: (?P<told>[\w-]{1,40})"), "the `format` \"{told}\" is not supported"),
    (re.compile(r"Invalid type: (?P<told>\w{1,40})"), "there is no `type` \"{told}\""),
    (re.compile(r"look-around"), "a `pattern` looks around, which is not supported"),
    (re.compile(r"regex parse error"), "a `pattern` is not a regular expression that is supported"),
    (re.compile(r"oneOf constraints"), "the alternatives of a `oneOf` overlap, which is not supported; use `anyOf`"),
    (re.compile(r"Pointer '"), "a `$ref` points to what is not there"),
    (re.compile(r"is not present in a registry"), "a `$ref` points outside of the schema"),
    (re.compile(r"Unsatisfiable schema"), "nothing can satisfy it"),
    (re.compile(r"recursion limit|too (large|complex|big)|limit|fuel"), "it is too large"),
]  # fmt: skip


class GrammarCompiler:
    """Compiles grammars for one base. tokenizer: the base's; vocabulary: rows of its embedding."""

    def __init__(self, tokenizer: Tokenizer, vocabulary: int) -> None:
        self._tokenizer = tokenizer
        self._vocabulary = max(vocabulary, tokenizer.vocab_size)
        self._kept: OrderedDict[str, LLMatcher] = OrderedDict()

    def compile(self, grammar: str, field: str) -> LLMatcher:
        """A matcher at the grammar's start, of which each answer takes a copy.

        Raises InvalidArgument about `field` for a grammar that cannot be held, Conflict for a tokenizer
        that it cannot be read with.
        """
        if grammar in self._kept:
            self._kept.move_to_end(grammar)
            return self._kept[grammar]
        matcher = LLMatcher(self._reader, LLMatcher.grammar_from_lark(grammar), log_level=0)
        if matcher.is_error():
            told = matcher.get_error()
            log.debug("a grammar was refused: %s", told)
            raise InvalidArgument(
                f"`{field}`: answers cannot be held to this schema: {_refusal(told)}.",
                field=field,
                fix="Simplify the schema.",
            )
        self._kept[grammar] = matcher
        if len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
        return matcher

    def marks(self, text: str) -> str:
        """A mark as grammars name it: by its id where it is a token of its own, else by its text."""
        token = self._tokenizer.token_to_id(text)
        return f"<[{token}]>" if token in self._tokenizer.added_ids else f'"{text}"'

    def thoughts(self, thinking: Thinking) -> Thoughts | None:
        """How an answer's thoughts are told from what the grammar holds; None where there are none to tell."""
        opens, closes = (self._tokenizer.token_to_id(mark) for mark in (OPENS, CLOSES))
        if thinking == "no" or opens is None or closes is None:
            return None
        return Thoughts(opens, closes, thinking == "open", tuple(sorted(self._tokenizer.eos_ids)))

    @cached_property
    def _reader(self) -> LLTokenizer:
        # Takes about 8 s a million tokens, once for each base.
        try:
            return LLTokenizer(
                self._tokenizer.rust.to_str(),
                n_vocab=self._vocabulary,
                eos_token=sorted(self._tokenizer.eos_ids),
                slices=LLTokenizer.json_slices(),
            )
        except Exception as error:  # whatever the library finds wrong with the file
            raise Conflict(
                "This model's tokenizer is of a kind with which answers cannot be held to a grammar.",
                field="model",
                fix="Ask without response_format and without tools that must be called, or choose another model.",
            ) from error


@dataclass(frozen=True)
class Thoughts:
    """Ids of the marks of thoughts and of the ends of text. opened: the prompt has opened them already."""

    opens: int
    closes: int
    opened: bool
    ends: tuple[int, ...]


class GrammarProcessor:
    """Takes away the logits of tokens that the grammar does not allow; one for each answer.

    It follows the tokens that it is shown, also back: a row may be begun anew after a failure, and
    drafted tokens may be dropped. Thoughts are free, but must end before the text does. `error` tells
    what the grammar met; the answer then ends, and is not to be trusted.
    """

    def __init__(self, start: LLMatcher, prompt_tokens: int, thoughts: Thoughts | None = None) -> None:
        self._start = start
        self._matcher = start.deep_copy()
        self._prompt_tokens = prompt_tokens
        self._thoughts = thoughts
        self._thinking = thoughts is not None and thoughts.opened
        self._taken: list[int] = []
        self.error: AfinaError | None = None

    def __call__(self, tokens: mx.array, logits: mx.array) -> mx.array:
        """tokens: ids of prompt and answer so far [length]. logits: [1, vocabulary]."""
        self.follow(tokens)
        allowed = mx.array(self._allowed(logits.shape[-1]))
        return mx.where(allowed, logits, mx.array(-np.inf, logits.dtype))

    def follow(self, tokens: mx.array) -> None:
        """Take the tokens that are new; see `tools.compute.sampling.Follower`."""
        written = tokens.shape[0] - self._prompt_tokens
        if written < len(self._taken):
            self._begin_anew()
        if written > len(self._taken):
            fresh: list[int] = tokens[self._prompt_tokens + len(self._taken) :].tolist()  # type: ignore[assignment]
            self._take(fresh)

    def _begin_anew(self) -> None:
        self._matcher = self._start.deep_copy()
        self._thinking = self._thoughts is not None and self._thoughts.opened
        self._taken = []

    def _take(self, ids: Sequence[int]) -> None:
        for token in ids:
            at_start = not self._taken
            self._taken.append(token)
            if self._thoughts and at_start and token == self._thoughts.opens:
                self._thinking = True
            elif self._thoughts and self._thinking:
                self._thinking = token != self._thoughts.closes
            elif not self._matcher.consume_token(token):
                self._failed()

    def _allowed(self, size: int) -> np.ndarray:
        """Which tokens may come next: [size], true for those."""
        allowed = np.zeros(size, np.bool_)
        if self._thoughts and self._thinking:
            allowed[:] = True
            allowed[list(self._thoughts.ends)] = False
            return allowed
        bits = np.unpackbits(np.frombuffer(self._matcher.compute_bitmask(), np.uint8), bitorder="little")[:size]
        allowed[: bits.size] = bits
        if self._matcher.is_error():
            self._failed()
        if self._thoughts and not self._taken:
            allowed[self._thoughts.opens] = True
        return allowed

    def _failed(self) -> None:
        if self.error is None:
            log.error("a grammar was left: %s", self._matcher.get_error().partition("\n")[0][:300])
            self.error = WorkerDied(
                "The answer could not be held to its schema any further: it is too complex at this point.",
                fix="Simplify the schema, and call again.",
            )


def _refusal(told: str) -> str:
    for pattern, ours in _REFUSALS:
        found = pattern.search(told)
        if found:
            return ours.format(**{name: text.replace('"', "`") for name, text in found.groupdict().items()})
    return "it is not one that a grammar can be made of"
