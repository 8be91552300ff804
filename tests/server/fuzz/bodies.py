"""Malformed and odd requests, drawn from a seed."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

CHAT, COMPLETIONS = "/v1/chat/completions", "/v1/completions"
JSON = {"content-type": "application/json"}

VALID: dict[str, dict[str, Any]] = {
    CHAT: {"model": "tiny", "messages": [{"role": "user", "content": "olá, mãe"}], "max_tokens": 4},
    COMPLETIONS: {"model": "um", "prompt": "O farol", "max_tokens": 4},
}

_FIELDS = {
    CHAT: "model messages max_tokens max_completion_tokens stream stream_options n temperature top_p top_k min_p seed "
    "presence_penalty frequency_penalty repetition_penalty logit_bias stop logprobs top_logprobs models tools "
    "tool_choice parallel_tool_calls response_format reasoning_effort chat_template_kwargs continue_final_message "
    "add_generation_prompt user metadata functions audio modalities prediction store service_tier verbosity",
    COMPLETIONS: "model prompt max_tokens stream stream_options n temperature top_p top_k min_p seed best_of echo "
    "suffix presence_penalty frequency_penalty repetition_penalty logit_bias stop logprobs user metadata",
}


def _values(text: str) -> list[str]:
    return [value.strip() for value in text.split("~")]


# Text of JSON values that a field may be given; "@" stands for a long string.
_ODD = _values(
    r"""
    null ~ true ~ false ~ 0 ~ -0 ~ -1 ~ 1 ~ 0.0 ~ 1e0 ~ 1.5 ~ -1.5 ~ 2.0000000001 ~ 9 ~ 64 ~ 1e9 ~ 1e10 ~ 1e308
    ~ 1e309 ~ -1e309 ~ 9223372036854775807 ~ 9223372036854775808 ~ -9223372036854775809 ~ 123456789012345678901
    ~ "" ~ " " ~ "a" ~ "1" ~ "true" ~ "null" ~ "NaN" ~ "\u0000" ~ "\ud83d\ude00" ~ "\u202e\u200d\ufeff" ~ "@"
    ~ "tiny" ~ "um@" ~ "../../etc/passwd" ~ "https://huggingface.co/a/b" ~ "<|im_end|>" ~ "{{ 7*7 }}" ~ "%s%n"
    ~ [] ~ [[]] ~ [null] ~ [1] ~ [1.0] ~ [-1] ~ [400] ~ [2147483648] ~ [""] ~ ["a", "b"] ~ ["a", 1] ~ [[1], [2]]
    ~ ["a","b","c","d","e"] ~ [[[[]]]] ~ [true] ~ [{}] ~ [{"role": "user"}] ~ [{"type": "text"}] ~ [1e9] ~ ["@"]
    ~ {} ~ {"a": 1} ~ {"": ""} ~ {"1": 1} ~ {"1": 101} ~ {"1": -100.5} ~ {"999999": 1} ~ {"-1": 1} ~ {"1": null}
    ~ {"1": 1e309} ~ {"role": "user", "content": "a"} ~ {"type": "json_object"} ~ {"type": "json_schema"}
    ~ {"enable_thinking": true} ~ {"enable_thinking": 1} ~ [{"type": "function", "function": {"name": "f"}}]
    ~ "required" ~ "high" ~ {"type": "function"}
    ~ [{"type": "function", "function": {"name": "f", "parameters": {"$ref": "#"}}}] ~ [{"type": "custom"}]
    ~ {"type": "json_schema", "json_schema": {"name": "a", "schema": {"type": "nada"}}}
    ~ {"type": "function", "function": {"name": "g"}} ~ {"include_usage": true} ~ {"include_usage": 1}
    ~ {"type": "text"} ~ {"constructor": {"prototype": 1}} ~ {"@": 1}
    """
)
_MESSAGES = _values(
    r"""
    {"role": "chefe", "content": "a"} ~ {"role": "tool", "content": "a"} ~ {"role": "function", "content": "a"}
    ~ {"role": null, "content": "a"} ~ {"role": "user", "content": null} ~ {"role": "user", "content": 1} ~ null
    ~ 5 ~ {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "http://127.0.0.1:9/a.png"}}]}
    ~ "olá" ~ {"role": "user", "content": [{"type": "text", "text": null}]} ~ {"role": "user", "content": [[]]}
    ~ [] ~ {} ~ {"role": "user", "content": [{"type": "input_audio", "input_audio": {}}]}
    ~ {"role": "user", "content": "@"} ~ {"role": "assistant", "content": "a", "tool_calls": [{}]}
    ~ {"role": "user", "content": "a", "outro": 1} ~ {"role": "assistant", "content": ""}
    ~ {"role": "system", "content": ""} ~ {"role": "user", "content": ""}
    """
)
# Values at the edge of what is taken, several of which meet in one request.
_EDGES = {
    "temperature": ["0", "1e-9", "2", "2.0"],
    "top_p": ["1e-9", "1", "0.5"],
    "top_k": ["-1", "0", "1", "1000000000", "1e9"],
    "min_p": ["0", "1", "1e-300"],
    "seed": ["0", "-9223372036854775808", "9223372036854775807", "1e3"],
    "n": ["1", "8", "3"],
    "presence_penalty": ["-2", "2"],
    "frequency_penalty": ["-2", "2"],
    "repetition_penalty": ["1e-9", "2"],
    "logit_bias": ["{}", '{"0": 100}', '{"2": -100, "5": 100}', '{"1": 0}'],
    "stop": ['"\\u0000"', '"\\n"', '["a", "e", "i", "o"]', "[]", '"@"'],
    "max_tokens": ["1", "5", "9", "40", "2147483648"],
    "stream": ["true", "false"],
    "user": ['"@"', '"\\u0000"'],
}
_TYPES = [
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "application/xml",
    "",
    "json",
]


@dataclass(frozen=True)
class Case:
    """One request. about: the field that was made odd, where one was. raw: the whole request as bytes for a socket."""

    kind: str
    path: str = CHAT
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=lambda: dict(JSON))
    about: str | None = None
    raw: bytes | None = None


def cases(seed: int, count: int) -> Iterator[Case]:
    """The same cases for the same seed, of all kinds in turn."""
    draw = random.Random(seed)
    kinds: list[Callable[[random.Random], Case]] = [_odd_field, _odd_field, _odd_field, _odd_message, _broken, _framed]
    kinds += [_edges, _odd_field, _unknown, _broken, _edges, _typed, _nested]
    for number in range(count):
        yield kinds[number % len(kinds)](draw)


def _odd_value(draw: random.Random, odd: list[str]) -> str:
    return draw.choice(odd).replace("@", "ã" * draw.choice([100, 1000, 20_000]))


def _written(path: str, changed: dict[str, str]) -> bytes:
    """The valid body with JSON text in place of some fields."""
    parts = {name: json.dumps(value) for name, value in VALID[path].items()} | changed
    return ("{" + ", ".join(f'"{name}": {value}' for name, value in parts.items()) + "}").encode()


def _odd_field(draw: random.Random) -> Case:
    path = draw.choice([CHAT, COMPLETIONS])
    name = draw.choice(_FIELDS[path].split())
    return Case("field", path, _written(path, {name: _odd_value(draw, _ODD)}), about=name)


def _edges(draw: random.Random) -> Case:
    path = draw.choice([CHAT, COMPLETIONS])
    names = draw.sample(sorted(_EDGES), draw.randrange(1, 5))
    return Case("edge", path, _written(path, {name: _odd_value(draw, _EDGES[name]) for name in names}))


def _odd_message(draw: random.Random) -> Case:
    some = [_odd_value(draw, _MESSAGES) for _ in range(draw.choice([1, 1, 2, 5]))]
    return Case("message", CHAT, _written(CHAT, {"messages": "[" + ", ".join(some) + "]"}), about="messages")


def _unknown(draw: random.Random) -> Case:
    path = draw.choice([CHAT, COMPLETIONS])
    known = draw.choice(_FIELDS[path].split())
    name = draw.choice([known.upper(), known[:-1] + "x", f" {known}", "__proto__", "", known * 50])
    return Case("unknown", path, _written(path, {name: _odd_value(draw, _ODD)}), about=name)


def _broken(draw: random.Random) -> Case:
    path = draw.choice([CHAT, COMPLETIONS])
    body = json.dumps(VALID[path], ensure_ascii=False).encode()
    cut = draw.randrange(1, len(body) - 1)
    broken = draw.choice(
        [
            body[:cut],
            body[cut:],
            body + draw.choice([b"}", b",", b"\x00", b"{}", body]),
            body.replace(b'"', b"'"),
            body.replace(b":", b":NaN,", 1),
            body.replace(b"4", draw.choice([b"NaN", b"-Infinity", b"0x4", b"04", b"4.", b"+4", b"4_0", b"9" * 5000])),
            body[:cut] + bytes([draw.randrange(128, 256)]) + body[cut:],
            body.decode().encode(draw.choice(["utf-16", "utf-32", "utf-8-sig"])),
            body[:-1] + b', "model": "tiny"}',
            body[:-1] + b', "user": "\\ud800"}',
            body[:-1] + b', "user": "\xed\xa0\x80"}',
            body[:-1] + b", // nada\n}",
            draw.choice([b"", b" ", b"null", b"[]", b"1", b'"a"', b"true", b"\xff", b"\x1f\x8b\x08", b"a=b"]),
        ]
    )
    return Case("broken", path, broken)


def _typed(draw: random.Random) -> Case:
    path = draw.choice([CHAT, COMPLETIONS])
    kind = draw.choice(_TYPES)
    return Case("type", path, json.dumps(VALID[path]).encode(), {"content-type": kind} if kind else {})


def _nested(draw: random.Random) -> Case:
    path = draw.choice([CHAT, COMPLETIONS])
    depth = draw.choice([50, 500, 900, 5000, 100_000])
    opening, closing = draw.choice([("[", "]"), ('{"a":', "}"), ('[{"content":', "}]")])
    value = opening * depth + "1" + closing * depth
    name = draw.choice([*_FIELDS[path].split(), "outro"])
    return Case("nested", path, _written(path, {name: value}), about=name if depth < 400 else None)


def _framed(draw: random.Random) -> Case:
    """Bodies that are not as long as they say, or come in odd pieces."""
    path = draw.choice([CHAT, COMPLETIONS])
    body = json.dumps(VALID[path]).encode()
    pieces = [body[i : i + 7] for i in range(0, len(body), 7)]
    chunked = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)
    length, chunks = b"Content-Length: %d\r\n", b"Transfer-Encoding: chunked\r\n"
    head, content = draw.choice(
        [
            (chunks, chunked + b"0\r\n\r\n"),
            (chunks, chunked),
            (chunks, b"zz\r\n" + body),
            (chunks, b"ffffffffffffffffff\r\n" + body),
            (chunks, b"-5\r\n" + body + b"\r\n0\r\n\r\n"),
            (length % (len(body) + 50), body),
            (length % (len(body) - 10), body),
            (length % 0, body),
            (b"Content-Length: -5\r\n", body),
            (b"Content-Length: 1e3\r\n", body),
            (b"Content-Length: 5\r\nContent-Length: 7\r\n", body),
            (length % len(body) + chunks, chunked + b"0\r\n\r\n"),
            (b"", body),
        ]
    )
    start = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n"
    return Case("framed", path, raw=start.encode() + head + b"\r\n" + content)


def valid(path: str) -> dict[str, Any]:
    return copy.deepcopy(VALID[path])
