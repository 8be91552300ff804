"""Afina's server beside mlx_lm.server under the same load, in turns: the one rests while the other works."""

from __future__ import annotations

import dataclasses
import itertools
import statistics
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from tests.benchmarks.material import books
from tests.benchmarks.measurement import Bench, Measurement
from tests.benchmarks.serving_load import Load, put_load
from tests.benchmarks.serving_peers import (
    RANK,
    Afina,
    Messages,
    Server,
    make_workspace,
    mlx_lm_server,
    peers_folder,
)
from tests.support.running_server import RunningServer, eventually
from tools.models.info import load_info
from tools.models.tokenizer import Tokenizer

ADAPTERS = ("um", "dois", "três", "quatro")
MB = 1e6
_PEER = "mlx_lm.server"
# Of the largest context, what a long system prompt leaves for the rest.
_ROOM = 200


@dataclass(frozen=True)
class Scale:
    """clients: that ask at once; tokens: of each answer; rounds: of each case; prefix: tokens of the shared prompt."""

    clients: int
    tokens: int
    rounds: int
    prefix: int


FULL = Scale(clients=16, tokens=32, rounds=3, prefix=1000)
QUICK = Scale(clients=4, tokens=8, rounds=1, prefix=200)


class Prompts:
    """Questions of about equal length, none of which comes twice: no cache answers for the model.

    In English, the small model's own language, in which it does not repeat itself: nothing to guess from.
    """

    def __init__(self) -> None:
        self._numbers = itertools.count(1)

    def next(self, system: str = "You tell long stories.") -> Messages:
        question = f"Tell me about the {next(self._numbers)} ships that passed the lighthouse, one after the other."
        return [{"role": "system", "content": system}, {"role": "user", "content": question}]


@dataclass(frozen=True)
class Pair:
    """Both servers, and the loads that each was put under in turns."""

    servers: tuple[Server, Server]

    def rounds(self, count: int, bodies: Callable[[int], Callable[[Server], list[dict[str, Any]]]]) -> list[list[Load]]:
        """Per server, its loads. bodies: round → server → what its clients ask; both are asked the same."""
        found: list[list[Load]] = [[], []]
        for number in range(count):
            asked = bodies(number)
            for side in (0, 1) if number % 2 else (1, 0):
                found[side].append(_load(self.servers[side], asked))
        return found


def _load(server: Server, asked: Callable[[Server], list[dict[str, Any]]]) -> Load:
    before = _processor_s(server)
    load = put_load(server.url, asked(server))
    return dataclasses.replace(load, processor_s=_processor_s(server) - before)


def _processor_s(server: Server) -> float:
    return sum(sum(process.cpu_times()[:2]) for process in server.processes())


def measure(bench: Bench) -> Iterator[Measurement]:
    scale = QUICK if bench.quick else FULL
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        ws, adapters = make_workspace(bench, root, ADAPTERS)
        with (
            RunningServer(ws, max_batch=FULL.clients, model=bench.model) as running,
            mlx_lm_server(peers_folder(bench, root), adapters, root / "mlx_lm.log") as peer,
        ):
            pair = Pair((Afina(running, bench.model), peer))
            prompts = Prompts()
            for server in pair.servers:  # load the base, compile, touch the memory
                put_load(server.url, [server.body(prompts.next(), 2)])
            yield _single(pair, prompts, scale)
            yield _throughput(pair, prompts, scale, ADAPTERS[:1], scale.rounds)
            yield _throughput(pair, prompts, scale, ADAPTERS, 1)
            yield from _first_token(pair, prompts, scale, _system_text(bench, scale.prefix))
        with RunningServer(ws, model=bench.model) as running:
            yield _adapter_memory(running, Afina(running, bench.model), Prompts(), adapters)


def _single(pair: Pair, prompts: Prompts, scale: Scale) -> Measurement:
    def bodies(_: int) -> Callable[[Server], list[dict[str, Any]]]:
        messages = prompts.next()
        return lambda server: [server.body(messages, 2 * scale.tokens)]

    found = pair.rounds(scale.rounds, bodies)
    rates = [[load.answers[0].decode for load in loads] for loads in found]
    return _compared("one stream", "tok/s", rates, found, more={"tokens_each": 2 * scale.tokens})


def _throughput(pair: Pair, prompts: Prompts, scale: Scale, adapters: Sequence[str], rounds: int) -> Measurement:
    def bodies(_: int) -> Callable[[Server], list[dict[str, Any]]]:
        asked = [(prompts.next(), adapters[client % len(adapters)]) for client in range(scale.clients)]
        return lambda server: [server.body(messages, scale.tokens, adapter) for messages, adapter in asked]

    for adapter in adapters:  # ours holds them all from here on; the peer holds the last
        for server in pair.servers:
            put_load(server.url, [server.body(prompts.next(), 1, adapter)])
    found = pair.rounds(rounds, bodies)
    rates = [[load.throughput for load in loads] for loads in found]
    plural = "s" if len(adapters) > 1 else ""
    case = f"{scale.clients} clients, {len(adapters)} adapter{plural}"
    return _compared(case, "tok/s", rates, found, more={"tokens_each": scale.tokens, "rank": RANK})


def _first_token(pair: Pair, prompts: Prompts, scale: Scale, system: str) -> Iterator[Measurement]:
    """All clients with one long system prompt: seen for the first time, then again with other questions."""

    def bodies(_: int) -> Callable[[Server], list[dict[str, Any]]]:
        asked = [prompts.next(system) for _ in range(scale.clients)]
        return lambda server: [server.body(messages, 2) for messages in asked]

    for case in ("new", "seen"):
        found = pair.rounds(1, bodies)
        times = [[load.first_p95 for load in loads] for loads in found]
        name = f"first token p95, {scale.clients} clients, {case} prefix"
        yield _compared(name, "s", times, found, lower=True, more={"prefix_tokens": scale.prefix})


def _system_text(bench: Bench, tokens: int) -> str:
    """The beginning of the sample's books, so many tokens long."""
    tokenizer = Tokenizer.load(bench.folder)
    most = load_info(bench.folder).max_positions - _ROOM
    return tokenizer.decode(tokenizer.encode(books())[: min(tokens, most)])


def _compared(
    case: str,
    unit: str,
    figures: list[list[float]],
    loads: list[list[Load]],
    *,
    lower: bool = False,
    more: dict[str, Any],
) -> Measurement:
    """The median round of each. The answers must have been equally long for the figures to be comparable."""
    ours, theirs = (statistics.median(side) for side in figures)
    pairs = [(a, b) for x, y in zip(*loads, strict=True) for a, b in zip(x.answers, y.answers, strict=True)]
    written = [sum(load.tokens for load in side) for side in loads]
    # What other work on the machine hardly changes.
    work = [1000 * sum(load.processor_s for load in side) / count for side, count in zip(loads, written, strict=True)]
    notes = [f"processor {work[0]:.0f} against {work[1]:.0f} ms a token"]
    if written[0] != written[1]:
        notes.append(f"answers of {written[0]} and {written[1]} tokens in all")
    same = sum(a.text == b.text for a, b in pairs)
    return Measurement(
        "serving",
        case,
        unit,
        round(ours, 3),
        round(theirs, 3),
        _PEER,
        lower_is_better=lower,
        notes="; ".join(notes),
        more={
            "afina_all": [round(value, 3) for value in figures[0]],
            "peer_all": [round(value, 3) for value in figures[1]],
            "tokens": written,
            "processor_ms_a_token": [round(ms, 1) for ms in work],
            "same_answers": f"{same} of {len(pairs)}",
            **more,
        },
    )


def _adapter_memory(running: RunningServer, server: Afina, prompts: Prompts, adapters: dict[str, Path]) -> Measurement:
    """What the engine grows by for each adapter after the first, which wraps the base's layers, beside its arrays."""

    def held() -> tuple[int, int]:
        return int(running.health()["engine"]["memory_bytes"]), psutil.Process(running.engine_pid()).memory_info().rss

    grown: list[tuple[int, int]] = []
    for name in adapters:
        put_load(running.url, [server.body(prompts.next(), 4, name)])
        # The engine tells its memory once a second.
        eventually(lambda name=name: any(one.startswith(name) for one in _adapters(running)), 20, "the adapter")
        grown.append(held())
    own = statistics.mean((folder / "adapters.safetensors").stat().st_size for folder in adapters.values())
    told, resident = ((grown[-1][i] - grown[0][i]) / (len(grown) - 1) for i in (0, 1))
    return Measurement(
        "serving",
        f"memory of a further rank-{RANK} adapter",
        "MB",
        round(resident / MB, 2),
        round(own / MB, 2),
        "its own arrays",
        lower_is_better=True,
        notes=f"RSS of the engine; MLX tells {told / MB:.1f} MB",
        more={"mlx_mb": round(told / MB, 2), "adapters": len(adapters)},
    )


def _adapters(running: RunningServer) -> list[str]:
    return list(running.health()["engine"].get("adapters", []))
