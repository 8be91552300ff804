"""A server that the tests of the API share, with a base, another base, and two adapters."""

from __future__ import annotations

from collections.abc import Iterator

import httpx2
import openai
import pytest

from tests.support.api_contract import Contract
from tests.support.running_server import RunningServer, lengthen_context
from tests.support.tiny_adapter import make_tiny_adapter
from tests.support.tiny_model import make_tiny_model
from tools.workspace.layout import Workspace, open_workspace

LONG = 40_000


@pytest.fixture(scope="session")
def served_ws(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """`tiny` with the adapters `um` and `dois`; `outra`; `longa`, whose answers may be long."""
    ws = open_workspace(tmp_path_factory.mktemp("served") / "afina")
    make_tiny_model(ws)
    make_tiny_model(ws, "outra", seed=5)
    lengthen_context(make_tiny_model(ws, "longa", seed=6), LONG)
    make_tiny_adapter(ws, "um", seed=1)
    make_tiny_adapter(ws, "dois", seed=2, rank=7, layers=(0, 2))
    return ws


@pytest.fixture(scope="session")
def server(served_ws: Workspace) -> Iterator[RunningServer]:
    with RunningServer(served_ws) as running:
        running.client.event_hooks = {"response": [contract_of(running).hold]}
        yield running


@pytest.fixture(scope="session")
def client(server: RunningServer) -> Iterator[openai.OpenAI]:
    http = openai.DefaultHttpxClient(event_hooks={"response": [contract_of(server).hold]})
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key="-", max_retries=0, http_client=http) as made:
        yield made


def contract_of(server: RunningServer) -> Contract:
    """What the server says of its answers: all that tests get of it are held to that."""
    return Contract(httpx2.get(f"{server.url}/openapi.json", trust_env=False).json())
