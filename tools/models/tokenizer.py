"""A model's tokenizer, from the files in its folder, by the `tokenizers` library alone.

Text to ids and back, the chat template, the mask of what the assistant wrote, streaming. It gives
what transformers gives for the same files, without transformers' second of start.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from tokenizers import Tokenizer as RustTokenizer
from tokenizers.decoders import ByteLevel

from tools.errors import DataError, InvalidArgument, Problem, printable
from tools.models.chat_spans import assistant_char_spans, token_mask
from tools.models.chat_template import ChatTemplate, Message
from tools.models.stream_decoder import StreamDecoder, bytes_of_token
from tools.workspace.files import read_json

if TYPE_CHECKING:
    from tools.models.fast_counter import TokenCounter

_NAMED = ("bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token")


class SpelledChat(NamedTuple):
    """A conversation as text and ids; for each id its characters of the text, and 1 where the assistant wrote it."""

    text: str
    ids: list[int]
    offsets: list[tuple[int, int]]
    mask: list[int]


class Tokenizer:
    """Make one with `Tokenizer.load(folder)`; it may be shared between threads."""

    def __init__(
        self,
        rust: RustTokenizer,
        named: Mapping[str, str],
        eos_ids: Iterable[int] = (),
        template: ChatTemplate | None = None,
    ) -> None:
        self._rust = rust
        self._named = dict(named)
        self._template = template
        own = self._id("eos_token")
        self.eos_id = own
        self.eos_ids: frozenset[int] = frozenset([*eos_ids, *([] if own is None else [own])])
        self.bos_id = self._id("bos_token")
        self.pad_id = self._id("pad_token")
        added = rust.get_added_tokens_decoder()
        self._special = {index: token.content for index, token in added.items() if token.special}
        self._byte_level = isinstance(rust.decoder, ByteLevel)

    @classmethod
    def load(cls, folder: Path | str) -> Tokenizer:
        """The tokenizer of a model folder. Raises DataError naming the file that is missing or damaged."""
        folder = Path(folder)
        config = _json(folder / "tokenizer_config.json")
        named = {**_named_tokens(_json(folder / "special_tokens_map.json")), **_named_tokens(config)}
        source = _template_source(folder, config)
        return cls(
            _load_rust(folder / "tokenizer.json"),
            named,
            [*_eos_of(_json(folder / "config.json")), *_eos_of(_json(folder / "generation_config.json"))],
            ChatTemplate(source, named) if source else None,
        )

    # Text and ids -----------------------------------------------------------------------------

    def encode(self, text: str, *, special: bool = False) -> list[int]:
        """Ids of a text. special: with what the model wants around a text, such as its BOS.

        A control token written out in the text is that token, as in training and in transformers.
        """
        return self._rust.encode(text, add_special_tokens=special).ids

    def encode_batch(self, texts: Sequence[str]) -> list[list[int]]:
        """Ids of several texts, on all cores."""
        return [found.ids for found in self._rust.encode_batch(list(texts), add_special_tokens=False)]

    def encode_with_offsets(self, text: str) -> tuple[list[int], list[tuple[int, int]]]:
        """Ids, and the range of characters of `text` that each stands for; a word's blank is its token's.

        Tokens that share one character (bytes of an emoji) have the same range.
        """
        found = self._rust.encode(text, add_special_tokens=False)
        return found.ids, found.offsets

    def count(self, text: str) -> int:
        return len(self._rust.encode(text, add_special_tokens=False).ids)

    def fast_counter(self, sample: str) -> TokenCounter:
        """`count` for many texts like `sample`, several times faster where the model's BPE allows it."""
        # tiktoken and the vocabulary's unpacking are only worth their time to who counts much.
        from tools.models.fast_counter import fast_counter

        return fast_counter(self._rust, sample)

    def decode(self, ids: Sequence[int], skip_special: bool = True) -> str:
        return self._rust.decode(list(ids), skip_special_tokens=skip_special)

    def stream_decoder(
        self, *, skip_special: bool = True, shown: Collection[int] = (), context: Sequence[int] = ()
    ) -> StreamDecoder:
        """A decoder for one answer. shown: control tokens whose text is shown all the same.

        context: ids of the prompt's end, for vocabularies that mark word starts.
        """
        decode = self._rust.decode
        hidden = self.special_ids - set(shown) if skip_special else frozenset()

        def window(ids: Sequence[int]) -> str:
            return decode([token for token in ids if token not in hidden], skip_special_tokens=False)

        def token_bytes(token_id: int) -> bytes:
            return b"" if token_id in hidden else self.token_bytes(token_id)

        return StreamDecoder(window, token_bytes if self._byte_level else None, context)

    def token_bytes(self, token_id: int) -> bytes:
        """The bytes that a token of a byte-level vocabulary stands for, b"" for an id out of it."""
        token = self._rust.id_to_token(token_id)
        if token is None:
            return b""
        return token.encode("utf-8") if token_id in self.added_ids else bytes_of_token(token)

    # Vocabulary -------------------------------------------------------------------------------

    @property
    def rust(self) -> RustTokenizer:
        """The `tokenizers.Tokenizer` beneath, for libraries that take one."""
        return self._rust

    @cached_property
    def vocab_size(self) -> int:
        """Tokens in the vocabulary, added ones counted. A model's embedding may have more rows."""
        return self._rust.get_vocab_size(with_added_tokens=True)

    @property
    def is_byte_level(self) -> bool:
        return self._byte_level

    @property
    def special_ids(self) -> frozenset[int]:
        """Ids of the control tokens, which decoding leaves out."""
        return frozenset(self._special)

    @cached_property
    def added_ids(self) -> frozenset[int]:
        """Ids of the tokens that stand beside the vocabulary proper, control tokens among them."""
        return frozenset(self._rust.get_added_tokens_decoder())

    def token_to_id(self, token: str) -> int | None:
        return self._rust.token_to_id(token)

    def id_to_token(self, token_id: int) -> str | None:
        return self._rust.id_to_token(token_id)

    def _id(self, name: str) -> int | None:
        return self._rust.token_to_id(self._named[name]) if name in self._named else None

    # Conversations ----------------------------------------------------------------------------

    @property
    def has_chat_template(self) -> bool:
        return self._template is not None

    @property
    def chat_template(self) -> ChatTemplate:
        """Raises InvalidArgument for a model without one."""
        return self._chat()

    @property
    def template_hash(self) -> str:
        """16 hex digits of the chat template's text, "" without one."""
        return self._template.hash if self._template else ""

    def render_chat(
        self,
        messages: Sequence[Message],
        *,
        tools: Sequence[Mapping[str, Any]] | None = None,
        add_generation_prompt: bool = False,
    ) -> str:
        """The conversation as the model reads it. Raises InvalidArgument when the template refuses it."""
        return self._chat().render(messages, tools=tools, add_generation_prompt=add_generation_prompt)

    def encode_chat(
        self,
        messages: Sequence[Message],
        *,
        tools: Sequence[Mapping[str, Any]] | None = None,
        add_generation_prompt: bool = False,
    ) -> list[int]:
        """Ids of the rendered conversation; a BOS is the template's to write, none is added."""
        return self.encode(self.render_chat(messages, tools=tools, add_generation_prompt=add_generation_prompt))

    def chat_spans(
        self, messages: Sequence[Message], *, tools: Sequence[Mapping[str, Any]] | None = None
    ) -> tuple[list[int], list[int]]:
        """Ids of the conversation, and a mask: 1 for what the assistant writes, its end-of-turn too.

        Raises InvalidArgument when the template refuses the conversation or does not let its turns
        be told apart.
        """
        found = self.spell_chat(messages, tools=tools)
        return found.ids, found.mask

    def spell_chat(
        self, messages: Sequence[Message], *, tools: Sequence[Mapping[str, Any]] | None = None
    ) -> SpelledChat:
        """What `chat_spans` gives, with the text that the ids spell."""
        text, spans = assistant_char_spans(self._chat(), messages, tools, self._special.values())
        ids, offsets = self.encode_with_offsets(text)
        return SpelledChat(text, ids, offsets, token_mask(ids, offsets, spans, self.special_ids | self.eos_ids))

    def _chat(self) -> ChatTemplate:
        if self._template is None:
            raise InvalidArgument(
                "This model has no chat template.",
                field="model",
                expected="an instruct or chat model for conversations",
                fix="Choose an instruct model, or use prompts and completions in place of messages.",
            )
        return self._template


def _load_rust(path: Path) -> RustTokenizer:
    text = _text(path)
    # Offsets are to cover the blank that belongs to a word. The key cannot stand in the vocabulary,
    # where quotes are escaped and values are numbers.
    text = re.sub(r'("trim_offsets"\s*:\s*)true', r"\1false", text)
    try:
        rust: RustTokenizer = RustTokenizer.from_str(text)
    except Exception as error:  # the library raises bare Exception
        raise _unusable(path, "is not a tokenizer that Afina reads") from error
    rust.no_truncation()
    rust.no_padding()
    return rust


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise _unusable(path, "is missing") from error
    except UnicodeDecodeError as error:
        raise _unusable(path, "is not UTF-8 text") from error


def _json(path: Path) -> dict[str, Any]:
    """The object in a file, {} where there is none."""
    try:
        value = read_json(path)
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise _unusable(path, "is not JSON") from error
    if not isinstance(value, dict):
        raise _unusable(path, "is not a JSON object")
    return value


def _unusable(path: Path, what: str) -> DataError:
    problem = Problem(
        path=printable(str(path), 300),
        message=f"It {what}.",
        fix="Choose a model with a tokenizer.json; install again.",
    )
    return DataError("The model's tokenizer cannot be loaded.", problems=[problem])


def _named_tokens(config: Mapping[str, Any]) -> dict[str, str]:
    found = {}
    for name in _NAMED:
        token = config.get(name)
        token = token.get("content") if isinstance(token, dict) else token
        if isinstance(token, str):
            found[name] = token
    return found


def _eos_of(config: Mapping[str, Any]) -> list[int]:
    value = config.get("eos_token_id")
    if value is None and isinstance(config.get("text_config"), dict):
        value = config["text_config"].get("eos_token_id")
    values = value if isinstance(value, list) else [value]
    return [int(item) for item in values if isinstance(item, int)]


def _template_source(folder: Path, config: Mapping[str, Any]) -> str | dict[str, str] | None:
    """The template's text: `chat_template.jinja`, then `chat_template.json`, then the tokenizer's config."""
    main = folder / "chat_template.jinja"
    if main.is_file():
        more = sorted((folder / "additional_chat_templates").glob("*.jinja"))
        sources = {"default": _text(main)}
        sources.update({path.stem: _text(path) for path in more})
        return sources if more else sources["default"]
    value = _json(folder / "chat_template.json").get("chat_template") or config.get("chat_template")
    if isinstance(value, list):
        named = {str(item["name"]): str(item["template"]) for item in value if isinstance(item, dict)}
        return named or None
    return value if isinstance(value, str) else None


__all__ = ["ChatTemplate", "StreamDecoder", "Tokenizer"]
