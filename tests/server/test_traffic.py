"""The engine under traffic: bases take turns, and a client that does not read costs nobody anything."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import re
import signal
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest

from server.engine.line import TURN_S
from tests.support.load import engine_of
from tests.support.running_server import RunningServer, copy_of, eventually
from tools.workspace.layout import Workspace

pytestmark = pytest.mark.verify
MB = 1024**2


def swaps(server: RunningServer) -> int:
    found = re.search(r"^\w*model_swaps_total (\S+)$", server.client.get("/metrics").text, re.MULTILINE)
    assert found is not None
    return int(float(found[1]))


def test_two_bases_under_steady_traffic_take_turns_and_neither_starves(served_ws: Workspace) -> None:
    seconds, over = 45.0, threading.Event()
    waits: dict[str, list[float]] = {"tiny": [], "outra": []}

    def ask(server: RunningServer, model: str) -> None:
        while not over.is_set():
            began = time.monotonic()
            assert server.chat(model=model).status_code == 200
            waits[model].append(time.monotonic() - began)

    with RunningServer(copy_of(served_ws), model="tiny") as server, ThreadPoolExecutor(6) as pool:
        eventually(lambda: server.client.get("/ready").status_code == 200, 60)
        asking = [pool.submit(ask, server, model) for model in ["tiny"] * 3 + ["outra"] * 3]
        over.wait(seconds)
        over.set()
        for one in asking:
            one.result()
        assert min(len(waits["tiny"]), len(waits["outra"])) > 6
        assert max(map(max, waits.values())) < TURN_S + 15
        assert 2 <= swaps(server) <= 2 + seconds / TURN_S


def test_a_client_that_does_not_read_is_ended_and_the_server_stays_small(served_ws: Workspace) -> None:
    with RunningServer(copy_of(served_ws), model="longa", slow_client_s=3) as server, socket.socket() as client:
        eventually(lambda: server.client.get("/ready").status_code == 200, 60)
        process = psutil.Process(server.process.pid)
        before = process.memory_info().rss
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        host, _, port = server.url.removeprefix("http://").partition(":")
        client.connect((host, int(port)))
        body = json.dumps(
            {
                "model": "longa",
                "messages": [{"role": "user", "content": "olá"}],
                "max_tokens": 39_000,
                "logit_bias": {"2": -100},
                "stream": True,
                "logprobs": True,
                "top_logprobs": 20,
            }
        ).encode()
        head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
        client.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        eventually(lambda: server.health()["engine"]["running"] == 1, 30)
        eventually(lambda: server.health()["engine"]["running"] == 0, 120, "the end of an answer that nobody reads")
        assert server.chat(model="longa").status_code == 200
        assert process.memory_info().rss < before + 80 * MB


def test_an_engine_that_dies_at_every_start_is_started_less_and_less_often(served_ws: Workspace) -> None:
    seen: set[int] = set()
    over = threading.Event()

    def kill(pid: int) -> None:
        while not over.wait(0.02):
            engine = engine_of(pid)
            if engine is not None:
                seen.add(engine)
                with contextlib.suppress(ProcessLookupError):
                    os.kill(engine, signal.SIGKILL)

    with RunningServer(copy_of(served_ws)) as server, ThreadPoolExecutor(1) as pool:
        eventually(lambda: server.health()["mcp"] == "ready", 60)
        killing = pool.submit(kill, server.process.pid)
        began = time.monotonic()
        while time.monotonic() - began < 8:
            answer = server.chat()
            assert (answer.status_code, answer.json()["error"]["code"]) == (500, "engine_died")
        over.set()
        killing.result()
        took = time.monotonic() - began
        # The last request waited for its own start.
        assert 3 <= len(seen) <= sum(waited <= took for waited in itertools.accumulate((0, 0.5, 2, 5, 15, 30)))
        assert server.chat().status_code == 200
