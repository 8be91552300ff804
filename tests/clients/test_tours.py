"""OpenAI's clients and those built on them, each in an environment of its own, through everything that they can ask.

The tours of `clients/` against a real server with the small model, an adapter and keys.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.clients.environments import node_environment, python_environment
from tests.support.running_server import RunningServer
from tests.support.tiny_adapter import make_tiny_adapter
from tools.models.pull import pull
from tools.workspace.layout import open_workspace

pytestmark = pytest.mark.verify

CLIENTS = Path(__file__).parents[2] / "clients"
BASE = "smollm2-135m"
KEY = "segredo"
CITIES = ("Lisboa", "Porto", "Faro")


@dataclass(frozen=True)
class Tour:
    """A client at a version, its tour, and the classes that it has for the three refusals."""

    client: str
    version: str
    script: str
    errors: dict[str, str]


_OPENAI = {"unknown model": "NotFoundError", "bad parameter": "BadRequestError", "wrong key": "AuthenticationError"}
TOURS = (
    Tour("openai", "3.57.0", "openai_tour.py", _OPENAI),
    Tour("openai", "7.57.0", "openai_tour.mjs", _OPENAI),
    Tour(
        "langchain-openai",
        "1.7.4",
        "langchain_tour.py",
        {
            "unknown model": "OpenAIModelNotFoundError",
            "bad parameter": "OpenAIInvalidRequestError",
            "wrong key": "OpenAIAuthenticationError",
        },
    ),
    Tour("litellm", "1.110.2", "litellm_tour.py", _OPENAI),
    Tour("llm", "0.36", "llm_tour.py", _OPENAI),
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    ws = open_workspace(tmp_path_factory.mktemp("tours") / "afina")
    pull(ws, BASE, lambda *_: None)
    make_tiny_adapter(ws, "livros", base=BASE, rank=8, scale=0.5, layers=range(10, 30))
    with RunningServer(ws, api_key=KEY, model=BASE) as running:
        yield running


@pytest.fixture(scope="module", params=TOURS, ids=lambda tour: tour.script)
def tour(request: pytest.FixtureRequest) -> Tour:
    return request.param


@pytest.fixture(scope="module")
def found(tour: Tour, server: RunningServer, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the client's tour found, step by step."""
    if tour.script.endswith(".mjs"):
        environment = node_environment(tour.client, tour.version)
        program, folder = environment.bin / "node", environment.folder
    else:
        program = python_environment(tour.client, tour.version).python
        folder = tmp_path_factory.mktemp("home")
    done = subprocess.run(
        [program, CLIENTS / tour.script, "--base-url", f"{server.url}/v1", "--model", BASE, "--adapter", "livros"],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(folder), "AFINA_API_KEY": KEY, "NO_PROXY": "127.0.0.1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.stdout.startswith("{"), done.stderr
    return json.loads(done.stdout)


def test_every_step_of_the_tour_comes_through(found: dict[str, Any]) -> None:
    assert {name: step["failed"] for name, step in found.items() if "failed" in step} == {}


def test_the_models_are_listed(found: dict[str, Any], tour: Tour) -> None:
    if tour.client != "langchain-openai":  # which has no such call
        assert {BASE, "livros"} <= set(found["models"]["ids"])


def test_a_stream_is_the_whole_answer_in_pieces_and_tells_the_same_usage(found: dict[str, Any]) -> None:
    assert found["chat"]["text"].strip()
    assert found["stream"]["text"] == found["chat"]["text"]
    assert found["stream"]["pieces"] > 4
    assert counted(found["stream"]["usage"]) == counted(found["chat"]["usage"])
    assert min(counted(found["chat"]["usage"])) > 0


def counted(usage: dict[str, int]) -> tuple[int, int]:
    """Tokens of the prompt and of the answer, by the names that the client has for them."""
    read = next(usage[name] for name in ("prompt_tokens", "input_tokens", "input") if name in usage)
    return read, next(usage[name] for name in ("completion_tokens", "output_tokens", "output") if name in usage)


def test_an_answer_keeps_to_the_schema(found: dict[str, Any]) -> None:
    for told in found["schema"].values():
        assert set(told) == {"city", "capital"}
        assert told["city"] in CITIES
        assert isinstance(told["capital"], bool)


def test_a_required_call_names_the_function_and_keeps_to_its_parameters(found: dict[str, Any], tour: Tour) -> None:
    if tour.client == "llm":  # which cannot ask for a call
        assert found["tools"]["text"] or found["tools"]["calls"]
        return
    assert found["tools"]["name"] == "weather"
    assert found["tools"]["arguments"]["city"] in CITIES
    assert found["tools"]["after"]


def test_log_probabilities_are_told_for_every_token(found: dict[str, Any]) -> None:
    told = found["logprobs"]
    assert "".join(told["tokens"]) == told["text"]
    assert len(told["logprobs"]) == len(told["tokens"]) > 4
    assert all(value <= 0 for value in told["logprobs"])


def test_a_seed_brings_the_same_answer_twice_and_another_one_does_not(found: dict[str, Any]) -> None:
    assert found["seed"]["same"] == found["seed"]["again"] != found["seed"]["other"]


def test_an_adapter_is_asked_by_its_name(found: dict[str, Any]) -> None:
    assert found["adapter"]["base"] == found["chat"]["text"]
    assert found["adapter"]["tuned"] != found["adapter"]["base"]


def test_refusals_are_the_clients_own_exceptions(found: dict[str, Any], tour: Tour) -> None:
    assert {name: told["error"] for name, told in found["errors"].items()} == tour.errors
    assert "no-such-model" in found["errors"]["unknown model"]["message"]
    assert {told["status_code"] for told in found["errors"].values() if told["status_code"]} == {400, 401, 404}


def test_the_ready_models_file_serves_llms_command(server: RunningServer, tmp_path: Path) -> None:
    given = (CLIENTS / "extra-openai-models.yaml").read_text(encoding="utf-8")
    local = "http://127.0.0.1:8321"  # of a plain `afina serve`
    assert local in given
    (tmp_path / "extra-openai-models.yaml").write_text(given.replace(local, server.url), encoding="utf-8")
    command = python_environment("llm", "0.36").bin / "llm"
    done = subprocess.run(
        [
            command,
            "-m",
            "livros",
            "--key",
            KEY,
            "-o",
            "max_tokens",
            "6",
            "-o",
            "temperature",
            "0",
            "Quem acende o farol?",
        ],
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "LLM_USER_PATH": str(tmp_path),
            "NO_PROXY": "127.0.0.1",
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()
