"""A request's prompts as token ids, within the model's context and vocabulary."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from server.engine.protocol import Conversation, Generate, PlainText, TokenIds
from server.engine.worker.conversations import FREE, AnswerPlan, Conversations
from server.engine.worker.echo import Echo
from tools.compute.loading import LoadedBase
from tools.errors import DoesNotFit, InvalidArgument
from tools.models.tokenizer import Tokenizer


@dataclass(frozen=True)
class Prepared:
    """prompts: token ids. limits: the most tokens to write after each. plans: how the answers are written.
    echoes: the prompts as text, where answers begin with it."""

    prompts: list[list[int]]
    limits: list[int]
    plans: list[AnswerPlan]
    echoes: list[Echo]


def prepare(request: Generate, base: LoadedBase, conversations: Conversations) -> Prepared:
    """Ids of every prompt, and how to answer. conversations: the base's.

    Raises DoesNotFit for a prompt that leaves no room in the context, InvalidArgument for one without
    tokens, for ids that the vocabulary does not have, and for what the template does not take.
    """
    context = base.info.max_positions
    _check_ids(request.sampling.logit_bias, base, "logit_bias")
    prompts, limits, plans = [], [], []
    for prompt in request.prompts:
        if isinstance(prompt, Conversation):
            ids, plan = conversations.read(prompt)
        else:
            ids, plan = _ids(prompt, base), FREE
        field = "messages" if isinstance(prompt, Conversation) else "prompt"
        if not ids:
            raise InvalidArgument("The prompt has no tokens.", field=field, expected="some text")
        if len(ids) + min(request.max_tokens, 1) > context:
            raise DoesNotFit(
                f"The prompt has {len(ids)} tokens; the model's context of {context} is "
                f"{len(ids) + 1 - context} too small for it and an answer.",
                field=field,
                fix="Shorten the prompt.",
            )
        prompts.append(ids)
        limits.append(min(request.max_tokens, context - len(ids)))
        plans.append(plan)
    asked = zip(request.prompts, prompts, strict=True) if request.echo else ()
    echoes = [Echo.of(prompt, ids, base.tokenizer) for prompt, ids in asked]
    return Prepared(prompts, limits, plans, echoes)


def _ids(prompt: PlainText | TokenIds, base: LoadedBase) -> list[int]:
    tokenizer: Tokenizer = base.tokenizer
    match prompt:
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
