"""Mixed load on a real server: clients of every kind, a person who publishes adapters, and a fate that kills engines.

Every exchange ends in one of three ways: answered, an error in OpenAI's shape, or left by the client
on purpose. All else is `broken`, and told.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import statistics
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import psutil

from tests.support.running_server import RunningServer
from tests.support.tiny_adapter import make_tiny_adapter

ADAPTERS = ("farol", "barco", "mapa", "areia")
BASES = ("tiny", "outra")
_ERROR_FIELDS = {"message", "type", "param", "code"}
_WORDS = ("o farol", "a menina", "os barcos", "caderno azul", "quem foi", "o campeão", "não sei")
# What must be refused, each by a status below 500.
_BAD: tuple[dict[str, Any], ...] = (
    {"model": "nenhum"},
    {"max_tokens": -1},
    {"messages": []},
    {"temperature": 99},
    {"messages": [{"role": "user", "content": "a " * 4000}]},
    {"unknown_field": 1},
    {"logit_bias": {"999999": 1}},
    {"n": 0},
    {"stop": ["x"] * 9},
)


@dataclass
class Outcomes:
    """What became of the exchanges; errors by their code. seconds: of those that were answered."""

    answered: int = 0
    left: int = 0
    refused: int = 0
    errors: Counter[str] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)
    kills: int = 0
    published: int = 0
    seconds: list[float] = field(default_factory=list)

    @property
    def ended(self) -> int:
        return self.answered + self.left + self.refused + self.errors.total()


@dataclass
class Sample:
    """The server's and its engine's memory in bytes; the server's file handles, those of the database aside,
    of which each thread has its own; and its threads."""

    server: int
    engine: int | None
    handles: int
    threads: int


class Load:
    """`run` it once. Seeded, so that the order of what each client does is the same every time."""

    def __init__(self, server: RunningServer, *, clients: int = 6, seed: int = 0) -> None:
        self.server = server
        self.outcomes = Outcomes()
        self.samples: list[Sample] = []
        self._clients = clients
        self._seed = seed
        self._lock = threading.Lock()
        self._over = threading.Event()

    def run(self, seconds: float, kills: int) -> Outcomes:
        """Load the server for so long, killing its engine so many times at even distances."""
        jobs = [lambda place=place: self._client(place) for place in range(self._clients)]
        jobs += [self._watch, self._publish, lambda: self._kill(seconds, kills)]
        threads = [threading.Thread(target=self._guarded, args=(job,), daemon=True) for job in jobs]
        for thread in threads:
            thread.start()
        self._over.wait(seconds)
        self._over.set()
        for thread in threads:
            thread.join(90)
            if thread.is_alive():
                self._note_broken("a client did not come to its end")
        return self.outcomes

    def _guarded(self, job: Callable[[], None]) -> None:
        try:
            job()
        except Exception as error:
            self._note_broken(f"the load itself: {error!r}")

    # Clients ----------------------------------------------------------------------------------

    def _client(self, place: int) -> None:
        chance = random.Random(self._seed * 1000 + place)
        kinds = [self._plain, self._stream, self._leave_stream, self._leave_plain, self._bad, self._other_base]
        with httpx2.Client(base_url=self.server.url, timeout=60, trust_env=False) as client:
            while not self._over.is_set():
                kind = chance.choices(kinds, weights=[30, 30, 10, 5, 15, 3])[0]
                body = _body(chance)
                began = time.monotonic()
                try:
                    answered = kind(client, chance, body)
                except httpx2.HTTPError as error:
                    self._note_broken(f"{kind.__name__} {body}: {error!r}")
                    continue
                with self._lock:
                    self.outcomes.answered += answered
                    if answered:
                        self.outcomes.seconds.append(time.monotonic() - began)

    def _plain(self, client: httpx2.Client, chance: random.Random, body: dict[str, Any]) -> bool:
        if chance.random() < 0.3:
            body |= {"n": 2, "logprobs": True, "top_logprobs": 3}
        return self._judge(client.post("/v1/chat/completions", json=body), body)

    def _other_base(self, client: httpx2.Client, chance: random.Random, body: dict[str, Any]) -> bool:
        return self._plain(client, chance, body | {"model": BASES[1], "max_tokens": 8})

    def _bad(self, client: httpx2.Client, chance: random.Random, body: dict[str, Any]) -> bool:
        wrong = chance.choice(_BAD)
        answer = client.post("/v1/chat/completions", json=body | wrong)
        if not 400 <= answer.status_code < 500 or not _is_error(answer.text):
            self._note_broken(f"{wrong}: {answer.status_code} {answer.text[:300]}")
        else:
            with self._lock:
                self.outcomes.refused += 1
        return False

    def _leave_plain(self, client: httpx2.Client, chance: random.Random, body: dict[str, Any]) -> bool:
        try:
            answer = client.post("/v1/chat/completions", json=body, timeout=chance.uniform(0.01, 0.3))
        except httpx2.TimeoutException:
            self._note_left()
            return False
        return self._judge(answer, body)

    def _leave_stream(self, client: httpx2.Client, chance: random.Random, body: dict[str, Any]) -> bool:
        body |= {"stream": True, "max_tokens": 400}
        with client.stream("POST", "/v1/chat/completions", json=body) as answer:
            if answer.status_code != 200:
                answer.read()
                return self._judge(answer, body)
            for _, _event in zip(range(chance.randint(1, 8)), _events(answer), strict=False):
                pass
        self._note_left()
        return False

    def _stream(self, client: httpx2.Client, chance: random.Random, body: dict[str, Any]) -> bool:
        body |= {"stream": True, "stream_options": {"include_usage": True}}
        with client.stream("POST", "/v1/chat/completions", json=body) as answer:
            if answer.status_code != 200:
                answer.read()
                return self._judge(answer, body)
            events = list(_events(answer))
        if events[-1:] != ["[DONE]"]:
            self._note_broken(f"a stream without its end: {events[-2:]}")
            return False
        if len(events) > 1 and "error" in events[-2]:
            return self._note_error(json.dumps(events[-2]), body)
        reasons = [choice["finish_reason"] for event in events[:-1] for choice in event["choices"]]
        if not any(reasons) or not events[-2].get("usage"):
            self._note_broken(f"a stream without a reason or its usage: {events[-3:]}")
            return False
        return True

    # Judging ----------------------------------------------------------------------------------

    def _judge(self, answer: httpx2.Response, body: dict[str, Any]) -> bool:
        if answer.status_code != 200:
            return self._note_error(answer.text, body)
        if all(choice["finish_reason"] in ("stop", "length") for choice in answer.json()["choices"]):
            return True
        self._note_broken(f"an answer without an end: {answer.text[:300]}")
        return False

    def _note_error(self, text: str, body: dict[str, Any]) -> bool:
        if not _is_error(text):
            self._note_broken(f"no error in OpenAI's shape to {body}: {text[:300]}")
            return False
        with self._lock:
            self.outcomes.errors[str(json.loads(text)["error"]["code"])] += 1
        return False

    def _note_left(self) -> None:
        with self._lock:
            self.outcomes.left += 1

    def _note_broken(self, told: str) -> None:
        with self._lock:
            self.outcomes.broken.append(told)

    # Beside the clients -----------------------------------------------------------------------

    def _publish(self) -> None:
        """A new version of one adapter after the other, under the requests for it."""
        seed = 100
        while not self._over.wait(4):
            seed += 1
            make_tiny_adapter(self.server.ws, ADAPTERS[seed % len(ADAPTERS)], seed=seed)
            self.outcomes.published += 1

    def _kill(self, seconds: float, kills: int) -> None:
        for _ in range(kills):
            if self._over.wait(seconds / (kills + 1)):
                return
            pid = engine_of(self.server.process.pid)
            if pid is not None:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                    self.outcomes.kills += 1

    def _watch(self) -> None:
        while not self._over.wait(0.5):
            self.samples.append(sample(self.server.process.pid))

    def growth(self, of: Callable[[Sample], int | None]) -> tuple[float, float]:
        """Medians of the first and of the last third of the samples."""
        values = [value for one in self.samples if (value := of(one)) is not None]
        third = max(1, len(values) // 3)
        return statistics.median(values[:third]), statistics.median(values[-third:])


def sample(pid: int) -> Sample:
    server = psutil.Process(pid)
    engine = engine_of(pid)
    held = None
    if engine is not None:
        with contextlib.suppress(psutil.Error):
            held = psutil.Process(engine).memory_info().rss
    database = sum(Path(file.path).name.startswith("afina.db") for file in server.open_files())
    return Sample(server.memory_info().rss, held, server.num_fds() - database, server.num_threads())


def engine_of(pid: int) -> int | None:
    """The engine's process among the server's children, if there is one now."""
    for child in psutil.Process(pid).children():
        with contextlib.suppress(psutil.Error):
            if child.status() != psutil.STATUS_ZOMBIE and "server.engine.worker" in child.cmdline():
                return int(child.pid)
    return None


def _body(chance: random.Random) -> dict[str, Any]:
    words = " ".join(chance.choices(_WORDS, k=chance.randint(1, 12)))
    return {
        "model": chance.choice((BASES[0], *ADAPTERS)),
        "messages": [{"role": "user", "content": words}],
        "max_tokens": chance.randint(1, 60),
        "temperature": chance.choice((0, 0.8)),
        "seed": chance.randint(0, 10_000),
    }


def _events(answer: httpx2.Response) -> Iterator[Any]:
    for line in answer.iter_lines():
        if line.startswith("data: "):
            yield line[6:] if line == "data: [DONE]" else json.loads(line[6:])


def _is_error(text: str) -> bool:
    try:
        error = json.loads(text)["error"]
    except (ValueError, KeyError, TypeError):
        return False
    return set(error) == _ERROR_FIELDS and bool(error["message"])
