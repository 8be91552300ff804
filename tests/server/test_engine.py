"""The engine's life under a real server: death, cancellation, the line, and the memory it gives back."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import psutil
import pytest

from server import keys
from tests.support.running_server import RunningServer, copy_of, eventually
from tools.workspace import ledger
from tools.workspace.layout import Workspace
from tools.workspace.locks import FileLock, is_held

# An answer that goes on for a minute unless something ends it.
LONG: dict[str, Any] = {"model": "longa", "max_tokens": 39_000, "temperature": 0, "logit_bias": {"2": -100}}


def running(server: RunningServer) -> int:
    return server.health()["engine"]["running"]


def adapters(server: RunningServer) -> list[str]:
    return server.health()["engine"].get("adapters", [])


def lines(answer: httpx2.Response) -> Iterator[Any]:
    for line in answer.iter_lines():
        if line.startswith("data: "):
            yield line[6:] if line == "data: [DONE]" else json.loads(line[6:])


def said(text: str) -> list[dict[str, str]]:
    """Messages of a test's own: an engine that is killed twice at the same request refuses it."""
    return [{"role": "user", "content": text}]


def streaming(server: RunningServer, **body: Any) -> Any:
    given = {"messages": [{"role": "user", "content": "olá"}], **LONG, "stream": True, **body}
    return server.client.stream("POST", "/v1/chat/completions", json=given)


def streamed(server: RunningServer, **body: Any) -> list[Any]:
    with streaming(server, **body) as stream:
        return list(lines(stream))


@pytest.fixture(autouse=True)
def at_rest(server: RunningServer) -> Iterator[None]:
    yield
    eventually(lambda: running(server) == 0, what="the engine's rest")


def test_a_killed_engine_ends_the_stream_with_an_error_and_the_next_request_works(server: RunningServer) -> None:
    answers: list[float] = []
    watched = threading.Event()

    def watch() -> None:
        with httpx2.Client(base_url=server.url, timeout=5, trust_env=False) as client:
            while not watched.is_set():
                start = time.monotonic()
                assert client.get("/health").status_code == 200
                answers.append(time.monotonic() - start)

    with ThreadPoolExecutor(1) as pool:
        watching = pool.submit(watch)
        with streaming(server, messages=said("primeiro")) as stream:
            events = lines(stream)
            for _ in range(20):
                next(events)
            server.kill_engine()
            rest = list(events)
        assert server.chat().status_code == 200
        watched.set()
        watching.result()

    assert rest[-1] == "[DONE]"
    assert rest[-2]["error"]["code"] == "engine_died"
    assert len(answers) > 20
    assert max(answers) < 2


def test_a_killed_engine_is_a_500_for_a_plain_request(server: RunningServer) -> None:
    server.chat()
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(server.chat, **LONG, messages=said("segundo"))
        eventually(lambda: running(server) == 1)
        time.sleep(0.3)
        server.kill_engine()
        answer = asked.result()
    assert answer.status_code == 500
    assert answer.json()["error"]["code"] == "engine_died"


def test_an_engine_that_died_is_back_with_its_adapters_and_refuses_what_it_died_of_twice(served_ws: Workspace) -> None:
    with RunningServer(copy_of(served_ws), model="um") as server, ThreadPoolExecutor(1) as pool:
        poison = {**LONG, "model": "dois", "max_tokens": 480, "messages": said("veneno")}
        assert server.chat(model="um").status_code == 200
        for _ in range(2):
            asked = pool.submit(server.chat, **poison)
            eventually(lambda: running(server) == 1, 60)
            eventually(lambda: any("dois" in name for name in adapters(server)))
            server.kill_engine()
            assert asked.result().json()["error"]["code"] == "engine_died"
            # Nobody asks, and yet it is there again with what it had.
            eventually(lambda: {name.partition("@")[0] for name in adapters(server)} == {"um", "dois"}, 60)
        refused = server.chat(**poison)
        assert refused.status_code == 400
        assert refused.json()["error"]["code"] == "engine_died_of_request"
        assert server.chat(**{**poison, "max_tokens": 8}).status_code == 200
        assert server.health()["engine"]["restarts"] == 2


def test_an_engine_that_hangs_is_ended_and_started_anew(served_ws: Workspace) -> None:
    with RunningServer(copy_of(served_ws), model="longa", engine_hang_s=3) as server:
        eventually(lambda: server.client.get("/ready").status_code == 200, 60)
        with streaming(server) as stream:
            events = lines(stream)
            next(events)
            os.kill(server.engine_pid(), signal.SIGSTOP)
            *_, error, done = events
        assert error["error"]["code"] == "engine_died"
        assert "had said nothing for" in error["error"]["message"]
        assert done == "[DONE]"
        assert server.chat(model="longa").status_code == 200


def test_a_request_in_line_survives_the_engines_death(server: RunningServer) -> None:
    expected = server.chat(model="tiny", temperature=0).json()["choices"]
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(server.chat, **LONG, messages=said("terceiro"))
        eventually(lambda: running(server) == 1)
        second = pool.submit(server.chat, model="tiny", temperature=0)
        eventually(lambda: server.health()["engine"]["waiting"] == 1)
        server.kill_engine()
        assert first.result().status_code == 500
        assert second.result().json()["choices"] == expected


def test_leaving_a_stream_ends_its_generation(server: RunningServer) -> None:
    with streaming(server) as stream:
        events = lines(stream)
        next(events)
        eventually(lambda: running(server) == 1)
    eventually(lambda: running(server) == 0, 1)


def test_leaving_a_plain_request_ends_its_generation(server: RunningServer) -> None:
    server.chat(model="longa")
    with (
        httpx2.Client(base_url=server.url, timeout=0.5, trust_env=False) as client,
        pytest.raises(httpx2.TimeoutException),
    ):
        client.post("/v1/chat/completions", json={"messages": [{"role": "user", "content": "olá"}], **LONG})
    eventually(lambda: running(server) == 0, 1)


def test_leaving_the_line_frees_the_place(server: RunningServer) -> None:
    with streaming(server) as stream:
        events = lines(stream)
        next(events)
        eventually(lambda: running(server) == 1)
        body = {"model": "outra", "messages": [{"role": "user", "content": "olá"}]}
        with (
            httpx2.Client(base_url=server.url, timeout=0.5, trust_env=False) as client,
            pytest.raises(httpx2.TimeoutException),
        ):
            client.post("/v1/chat/completions", json=body)
        eventually(lambda: server.health()["engine"]["waiting"] == 0, 1)
        assert server.health()["engine"]["base"] == "longa"
        assert next(events)["choices"]


def test_another_base_waits_until_what_has_begun_is_finished(server: RunningServer) -> None:
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(server.chat, **{**LONG, "max_tokens": 600})
        eventually(lambda: running(server) == 1)
        second = pool.submit(server.chat, model="outra")
        assert first.result().json()["usage"]["completion_tokens"] == 600
        assert second.result().status_code == 200
    assert server.health()["engine"]["base"] == "outra"


def test_the_engine_leaves_with_a_killed_server(served_ws: Workspace) -> None:
    doomed = RunningServer(copy_of(served_ws))
    assert doomed.chat().status_code == 200
    pid = doomed.engine_pid()
    doomed.client.close()
    doomed.process.kill()
    doomed.process.wait(10)
    eventually(lambda: not psutil.pid_exists(pid), 5, "the engine's end")
    with RunningServer(doomed.ws) as again:
        assert again.chat().status_code == 200


def test_a_full_line_is_a_429_first_for_the_client_who_fills_it(served_ws: Workspace) -> None:
    ws = copy_of(served_ws)
    ana, rui = ({"Authorization": f"Bearer {keys.add(ws, name)}"} for name in ("ana", "rui"))
    with RunningServer(ws, max_queue=4, max_batch=1, model="longa") as server, ThreadPoolExecutor(5) as pool:

        def chat(headers: dict[str, str]) -> httpx2.Response:
            given = {"messages": said("olá"), **LONG}
            return server.client.post("/v1/chat/completions", json=given, headers=headers)

        def engine(headers: dict[str, str]) -> dict[str, Any]:
            return server.client.get("/health", headers=headers).json()["engine"]

        waiting = [pool.submit(chat, ana)]
        eventually(lambda: engine(ana)["running"] == 1, 60)
        waiting += [pool.submit(chat, ana) for _ in range(3)]
        eventually(lambda: engine(ana)["waiting"] == 3)
        refused = chat(ana)
        assert refused.status_code == 429
        assert refused.json()["error"]["code"] == "queue_full"
        assert "as many as one client may" in refused.json()["error"]["message"]
        assert int(refused.headers["retry-after"]) > 0

        waiting.append(pool.submit(chat, rui))
        eventually(lambda: engine(rui)["waiting"] == 4)
        assert chat(rui).status_code == 429
        server.stop()
        assert {one.result().status_code for one in waiting} == {503}


def test_a_request_that_takes_too_long_is_ended(served_ws: Workspace) -> None:
    with RunningServer(copy_of(served_ws), request_timeout_s=3, model="longa") as server:
        eventually(lambda: server.client.get("/ready").status_code == 200, 60)
        answer = server.chat(**LONG)
        assert answer.status_code == 504
        assert answer.json()["error"]["code"] == "timeout"
        *_, error, done = streamed(server)
        assert error["error"]["code"] == "timeout"
        assert done == "[DONE]"
        eventually(lambda: running(server) == 0, 1)


def test_memory_is_given_back_after_idling(served_ws: Workspace) -> None:
    ws = copy_of(served_ws)
    with RunningServer(ws, idle_unload_s=0.5, model="um") as server:
        eventually(lambda: server.client.get("/ready").status_code == 200)
        assert is_held(ws.lock_path("engine"))
        assert [entry.kind for entry in ledger.entries(ws)] == ["engine"]
        eventually(lambda: not is_held(ws.lock_path("engine")), 10, "unloading")
        assert ledger.entries(ws) == []
        assert server.chat(model="um").status_code == 200


def test_a_training_run_that_needs_the_room_gets_it_and_chat_says_so(served_ws: Workspace) -> None:
    ws = copy_of(served_ws)
    budget = 8 * 1024**3
    ws.store.write("INSERT OR REPLACE INTO calibration (key, value, updated) VALUES ('budget_bytes', ?, 0)", (budget,))
    with RunningServer(ws) as server, ThreadPoolExecutor(4) as pool:
        assert server.chat(model="longa").status_code == 200
        begun = pool.submit(server.chat, **{**LONG, "max_tokens": 700})
        streams = [pool.submit(streamed, server, max_tokens=500 + 50 * place) for place in range(3)]
        eventually(lambda: running(server) == 4)
        lock = FileLock.try_acquire(ws.lock_path("train-livros-20261124-1"))
        assert lock is not None

        def claim() -> bool:
            return not ledger.claim(ws, "train-livros-20261124-1", "training", budget - 1000, lock.path)

        assert not claim()
        eventually(claim, 20, "the room")

        assert begun.result().json()["usage"]["completion_tokens"] == 700
        for one in streams:
            *_, last, done = one.result()
            assert (last["choices"][0]["finish_reason"], done) == ("length", "[DONE]")
        refused = server.chat()
        assert refused.status_code == 503
        assert "livros-20261124-1" in refused.json()["error"]["message"]
        assert int(refused.headers["retry-after"]) > 0
        assert server.health()["engine"]["base"] is None

        ledger.release(ws, "train-livros-20261124-1")
        lock.release()
        assert server.chat().status_code == 200


def test_a_base_that_has_no_room_leaves_the_one_that_is_held(served_ws: Workspace) -> None:
    ws = copy_of(served_ws)
    budget = 8 * 1024**3
    ws.store.write("INSERT OR REPLACE INTO calibration (key, value, updated) VALUES ('budget_bytes', ?, 0)", (budget,))
    lock = FileLock.try_acquire(ws.lock_path("train-livros-20261124-1"))
    assert lock is not None
    assert not ledger.claim(ws, "train-livros-20261124-1", "training", budget - 40 * 1024**2, lock.path)
    with lock, RunningServer(ws) as server:
        assert server.chat(model="tiny").status_code == 200
        refused = server.chat(model="longa")  # its longer context needs some 90 MB
        assert refused.status_code == 503
        assert refused.json()["error"]["code"] == "memory_in_use"
        assert server.health()["engine"]["base"] == "tiny"
        assert server.chat(model="um").status_code == 200
        assert [entry.state for entry in ledger.entries(ws)] == ["holding", "holding"]


def test_an_engine_that_dies_again_and_again_does_not_hang_its_requests(served_ws: Workspace) -> None:
    with RunningServer(copy_of(served_ws)) as server, ThreadPoolExecutor(1) as pool:
        ended = threading.Event()

        def kill() -> None:
            while not ended.wait(0.05):
                with contextlib.suppress(AssertionError, ProcessLookupError):
                    server.kill_engine()

        killing = pool.submit(kill)
        answer = server.chat()
        ended.set()
        killing.result()
        assert answer.status_code == 500
        assert answer.json()["error"]["code"] == "engine_died"
        assert server.chat().status_code == 200


def test_a_damaged_base_and_what_cannot_fit_are_refused_and_the_others_go_on(served_ws: Workspace) -> None:
    ws = copy_of(served_ws)
    (ws.models / "outra" / "model.safetensors").write_bytes(b"nada")
    budget = (512 + 40) * 1024**2
    ws.store.write("INSERT OR REPLACE INTO calibration (key, value, updated) VALUES ('budget_bytes', ?, 0)", (budget,))
    with RunningServer(ws) as server:
        answer = server.chat(model="outra")
        assert answer.status_code == 422
        assert "outra" in answer.json()["error"]["message"]
        assert server.chat().status_code == 200
        large = server.chat(**LONG, n=4)
        assert large.status_code == 400
        assert "MB too few" in large.json()["error"]["message"]
        assert server.chat(model="longa").status_code == 200
