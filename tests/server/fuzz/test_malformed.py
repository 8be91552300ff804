"""Malformed and odd bodies over a real server: right answers or refusals that name the field, and nothing else."""

from __future__ import annotations

import json
import re
import socket
from typing import Any

import httpx2
import psutil
import pytest

from tests.server.fuzz.bodies import CHAT, COMPLETIONS, JSON, Case, cases, valid
from tests.support.api_contract import Contract
from tests.support.running_server import RunningServer

# What a refusal may be about instead: another name of the same limit.
OTHER_NAMES = {"max_completion_tokens": {"max_tokens"}}
# Of the process; the first bodies make room for those that follow.
GROWTH_BYTES = 48 * 1024**2


@pytest.fixture(scope="module")
def contract(server: RunningServer) -> Contract:
    return Contract(server.client.get("/openapi.json").json())


def reference(server: RunningServer) -> Any:
    answer = server.client.post(CHAT, json={**valid(CHAT), "temperature": 0, "max_tokens": 12})
    assert answer.status_code == 200, answer.text
    return answer.json()["choices"]


def memory(server: RunningServer) -> int:
    return sum(psutil.Process(pid).memory_info().rss for pid in (server.process.pid, server.engine_pid()))


def send(server: RunningServer, case: Case) -> httpx2.Response | None:
    """The answer, None where the server closed the connection without one."""
    if case.raw is None:
        return server.client.post(case.path, content=case.body, headers=case.headers)
    host, _, port = server.url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall(case.raw)
        connection.shutdown(socket.SHUT_WR)
        try:
            told = b"".join(iter(lambda: connection.recv(65536), b""))
        except ConnectionResetError:
            return None
    head, _, body = told.partition(b"\r\n\r\n")
    if not head:
        return None
    kind = re.search(rb"(?i)content-type: (\S+)", head)
    return httpx2.Response(
        int(head.split()[1]), content=body, headers={"content-type": kind[1].decode() if kind else ""}
    )


def judge(case: Case, answer: httpx2.Response | None, contract: Contract) -> None:
    if answer is None:
        assert case.raw is not None, case
        return
    assert answer.status_code < 500, (case, answer.text)
    contract.check("POST", case.path, answer.status_code, answer.headers["content-type"], answer.text)
    if answer.status_code == 200:
        return
    told = answer.json()["error"]
    assert set(told) == {"message", "type", "param", "code"}
    assert "Traceback" not in told["message"]
    assert len(told["message"]) < 1000
    if case.about is not None and told["code"] != "invalid_json":
        root = re.split(r"[.\[]", told["param"] or "")[0]
        named = {case.about, *OTHER_NAMES.get(case.about, ())}
        assert root in named or case.kind == "unknown", (case.about, case.body[:300], told)
        assert told["param"] is not None, (case.body[:300], told)


def endure(server: RunningServer, contract: Contract, seed: int, count: int) -> dict[str, int]:
    """Send `count` cases and see that the server is as before. Returns how many were answered how."""
    before, engine = reference(server), server.engine_pid()
    restarts = server.health()["engine"]["restarts"]
    statuses: dict[str, int] = {}
    held = 0
    for number, case in enumerate(cases(seed, count)):
        if number == count // 4:
            held = memory(server)
        answer = send(server, case)
        judge(case, answer, contract)
        status = "none" if answer is None else str(answer.status_code)
        statuses[status] = statuses.get(status, 0) + 1
    assert memory(server) < held + GROWTH_BYTES
    assert server.engine_pid() == engine
    assert server.health()["engine"]["restarts"] == restarts
    assert reference(server) == before
    return statuses


def test_a_hundred_malformed_bodies_change_nothing(server: RunningServer, contract: Contract) -> None:
    statuses = endure(server, contract, seed=1, count=100)
    assert statuses["400"] > 50
    assert statuses["200"] > 8


@pytest.mark.verify
@pytest.mark.parametrize("seed", [2, 3])
def test_a_thousand_malformed_bodies_change_nothing(server: RunningServer, contract: Contract, seed: int) -> None:
    statuses = endure(server, contract, seed, count=1000)
    assert statuses["400"] > 500
    assert statuses["200"] > 50


# Each ends mlx_lm.server's generation for good.
KILLERS: list[tuple[str, str, dict[str, Any], int]] = [
    ("an empty prompt", COMPLETIONS, {"prompt": ""}, 400),
    ("several prompts", COMPLETIONS, {"prompt": ["a", "b"]}, 200),
    ("a stop that is no text", COMPLETIONS, {"stop": [1]}, 400),
    ("a stop that is no text", CHAT, {"stop": [1]}, 400),
    ("a bias out of the vocabulary", CHAT, {"logit_bias": {"999999999": 1}}, 400),
    ("a bias out of the vocabulary", COMPLETIONS, {"logit_bias": {"999999999": 1}}, 400),
    ("more likeliest tokens than there are", CHAT, {"top_k": 1_000_000_000, "temperature": 1}, 200),
    ("more likeliest tokens than there are", CHAT, {"top_k": 1e9, "temperature": 1}, 200),
]


@pytest.mark.parametrize(("path", "given", "status"), [row[1:] for row in KILLERS], ids=[row[0] for row in KILLERS])
def test_what_kills_mlx_lms_server_is_answered_or_refused(
    server: RunningServer, contract: Contract, path: str, given: dict[str, Any], status: int
) -> None:
    before, engine = reference(server), server.engine_pid()
    answer = server.client.post(path, content=json.dumps({**valid(path), **given}), headers=JSON)
    assert answer.status_code == status, answer.text
    contract.check("POST", path, status, answer.headers["content-type"], answer.text)
    if status == 400:
        assert answer.json()["error"]["param"].partition("[")[0] in given
    assert reference(server) == before
    assert server.engine_pid() == engine
