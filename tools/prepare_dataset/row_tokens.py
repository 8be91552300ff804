"""A row as training reads it: token ids, which of them are learned, and the text that they spell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tools.models.tokenizer import Tokenizer


@dataclass(frozen=True)
class RowTokens:
    """ids; for each its characters of `text`, and whether its prediction is learned.

    text: what the ids spell, template and control tokens included.
    """

    text: str
    ids: list[int]
    offsets: list[tuple[int, int]]
    learned: list[bool]


def row_tokens(
    content: Mapping[str, Any], response_start: int | None, tokenizer: Tokenizer, *, mask_prompt: bool = True
) -> RowTokens:
    """The tokens of a row with mlx-lm's keys, through the model's template.

    response_start: character of a `text` at which the answer begins, None where all is learned.
    mask_prompt: learn the answers alone. Raises InvalidArgument when the template refuses a conversation.
    """
    if "text" in content:
        return _plain(content["text"], response_start if mask_prompt else None, tokenizer)
    if "messages" in content:
        return _chat(content["messages"], content.get("tools"), tokenizer, mask_prompt)
    prompt, completion = content["prompt"], content["completion"]
    if tokenizer.has_chat_template:
        turns = [{"role": "user", "content": prompt}, {"role": "assistant", "content": completion}]
        return _chat(turns, None, tokenizer, mask_prompt)
    return _plain(f"{prompt}{completion}", len(prompt) if mask_prompt else None, tokenizer)


def _chat(messages: Any, tools: Any, tokenizer: Tokenizer, mask_prompt: bool) -> RowTokens:
    text, ids, offsets, mask = tokenizer.spell_chat(messages, tools=tools)
    return RowTokens(text, ids, offsets, [bool(m) for m in mask] if mask_prompt else [True] * len(ids))


def _plain(text: str, response_start: int | None, tokenizer: Tokenizer) -> RowTokens:
    """The text between the model's beginning and end tokens, as far as it has them."""
    ids, offsets = tokenizer.encode_with_offsets(text)
    learned = [response_start is None or end > response_start for _, end in offsets]
    bos, eos = tokenizer.bos_id, tokenizer.eos_id
    if bos is not None and tokenizer.encode("", special=True)[:1] == [bos]:
        lead = tokenizer.id_to_token(bos) or ""
        text, ids, learned = lead + text, [bos, *ids], [False, *learned]
        offsets = [(0, len(lead)), *((start + len(lead), end + len(lead)) for start, end in offsets)]
    if eos is not None and (not ids or ids[-1] != eos):
        end = len(text)
        text += tokenizer.id_to_token(eos) or ""
        ids, learned, offsets = [*ids, eos], [*learned, True], [*offsets, (end, len(text))]
    return RowTokens(text, ids, offsets, learned)
