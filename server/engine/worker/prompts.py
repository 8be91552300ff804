"""A request's prompts as token ids, within the model's context and vocabulary."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from server.engine.protocol import Conversation, Generate, PlainText, TokenIds
from tools.compute.loading import LoadedBase
from tools.errors import DoesNotFit, InvalidArgument
from tools.models.tokenizer import Tokenizer


@dataclass(frozen=True)
class Prepared:
    """prompts: token ids. limits: the most tokens to write after each."""

    prompts: list[list[int]]
    limits: list[int]


def prepare(request: Generate, base: LoadedBase) -> Prepared:
    """Ids of every prompt.

    Raises DoesNotFit for a prompt that leaves no room in the context, InvalidArgument for one without
    tokens and for ids that the vocabulary does not have.
    """
    context = base.info.max_positions
    _check_ids(request.sampling.logit_bias, base, "logit_bias")
    prompts, limits = [], []
    for prompt in request.prompts:
        ids = _ids(prompt, base)
        field = "messages" if isinstance(prompt, Conversation) else "prompt"
        if not ids:
            raise InvalidArgument("The prompt has no tokens.", field=field, expected="some text")
        if len(ids) >= context:
            raise DoesNotFit(
                f"The prompt has {len(ids)} tokens; the model's context of {context} is "
                f"{len(ids) + 1 - context} too small for it and an answer.",
                field=field,
                fix="Shorten the prompt.",
            )
        prompts.append(ids)
        limits.append(min(request.max_tokens, context - len(ids)))
    return Prepared(prompts, limits)


def _ids(prompt: Conversation | PlainText | TokenIds, base: LoadedBase) -> list[int]:
    tokenizer: Tokenizer = base.tokenizer
    match prompt:
        case Conversation():
            return tokenizer.encode_chat(prompt.messages, add_generation_prompt=True)
        case PlainText():
            return tokenizer.encode(prompt.text, special=True) if prompt.text else []
        case TokenIds():
            _check_ids(prompt.ids, base, "prompt")
            return list(prompt.ids)


def _check_ids(ids: Iterable[int], base: LoadedBase, field: str) -> None:
    size = base.info.vocab_size
    if any(not 0 <= token < size for token in ids):
        raise InvalidArgument(
            f"`{field}` has a token id that is not in the model's vocabulary.",
            field=field,
            expected=f"ids from 0 to {size - 1}",
        )
