"""Adapters over the real engine: asked as they were trained, come and go under traffic, refused by name."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from tests.support.running_server import RunningServer, copy_of, eventually
from tests.support.tiny_adapter import make_tiny_adapter
from tests.support.tiny_model import make_tiny_model
from tools.prepare_dataset.wording import wording
from tools.workspace import runs
from tools.workspace.files import read_json, write_json
from tools.workspace.layout import ADAPTER_MARKER, Workspace

FORM = wording("pt").form
ENDLESS = {"2": -100}


@pytest.fixture(scope="module")
def own_ws(served_ws: Workspace) -> Workspace:
    return copy_of(served_ws)


@pytest.fixture(scope="module")
def server(own_ws: Workspace) -> Iterator[RunningServer]:
    with RunningServer(own_ws) as running:
        yield running


def told(server: RunningServer, **body: Any) -> dict[str, Any]:
    answer = server.chat(**{"temperature": 0, "max_tokens": 20, "logit_bias": ENDLESS, **body})
    assert answer.status_code == 200, answer.text
    return answer.json()


def text(server: RunningServer, **body: Any) -> str:
    return told(server, **body)["choices"][0]["message"]["content"]


def completed(server: RunningServer, **body: Any) -> dict[str, Any]:
    given = {"temperature": 0, "max_tokens": 20, "logit_bias": ENDLESS, **body}
    answer = server.client.post("/v1/completions", json=given)
    assert answer.status_code == 200, answer.text
    return answer.json()


# Asked as trained -----------------------------------------------------------------------------


def test_an_adapter_of_instructions_is_asked_in_their_form(own_ws: Workspace, server: RunningServer) -> None:
    serving = {"form": "instruction", "instruction": FORM.model_dump()}
    make_tiny_adapter(own_ws, "guia", seed=11, serving=serving)
    turns = [
        {"role": "user", "content": "Onde fica o farol?"},
        {"role": "assistant", "content": "Na ilha."},
        {"role": "user", "content": "Quem o guarda?"},
    ]
    for messages in (turns[:1], turns):
        chat = told(server, model="guia", messages=messages)
        written = completed(server, model="guia", prompt=FORM.conversation(messages))
        assert chat["choices"][0]["message"]["content"] == written["choices"][0]["text"]
        assert chat["usage"]["prompt_tokens"] == written["usage"]["prompt_tokens"]
    tool = {"type": "function", "function": {"name": "farol"}}
    for field, body in (("messages", {"messages": turns[:2]}), ("tools", {"tools": [tool]})):
        refused = server.chat(model="guia", **body)
        assert (refused.status_code, refused.json()["error"]["param"]) == (400, field)


def test_an_answer_in_the_form_of_instructions_is_gone_on_with_and_scored_beside_its_bases(
    own_ws: Workspace, server: RunningServer
) -> None:
    serving = {"form": "instruction", "instruction": FORM.model_dump()}
    make_tiny_adapter(own_ws, "guiado", seed=15, serving=serving)
    turns = [{"role": "user", "content": "Onde fica o farol?"}, {"role": "assistant", "content": "Na ilha"}]
    chat = told(server, model="guiado", messages=turns, continue_final_message=True)
    written = completed(server, model="guiado", prompt=FORM.conversation(turns[:1]) + "Na ilha")
    assert chat["choices"][0]["message"]["content"] == written["choices"][0]["text"]
    compared = told(server, model=None, models=["tiny", "guiado"], messages=turns[:1], logprobs=True)
    for choice in compared["choices"]:
        assert [score["model"] for score in choice["scores"]] == ["tiny", "guiado"]
        assert all(score["tokens"] and score["logprob"] < 0 for score in choice["scores"])


def test_a_chat_without_a_system_message_has_the_one_that_was_trained(own_ws: Workspace, server: RunningServer) -> None:
    make_tiny_adapter(own_ws, "breve", seed=12, serving={"form": "chat", "system": "Sê breve."})
    user = {"role": "user", "content": "olá"}
    open_, same, other = (
        told(server, model="breve", messages=[*system, user])
        for system in ([], [{"role": "system", "content": "Sê breve."}], [{"role": "developer", "content": ""}])
    )
    assert open_["usage"]["prompt_tokens"] == same["usage"]["prompt_tokens"] > other["usage"]["prompt_tokens"]
    assert open_["choices"] == same["choices"]


def test_sampling_that_a_request_leaves_open_is_the_adapters(own_ws: Workspace, server: RunningServer) -> None:
    make_tiny_adapter(own_ws, "certo", seed=13, serving={"form": "completions", "sampling": {"temperature": 0}})
    make_tiny_adapter(own_ws, "livre", seed=13, keys=("mlp.up_proj",), serving={"form": "completions"})

    def answers(model: str, **body: Any) -> set[str]:
        given = {"model": model, "max_tokens": 20, "logit_bias": ENDLESS, "n": 4, **body}
        return {choice["message"]["content"] for choice in server.chat(**given).json()["choices"]}

    assert answers("certo") == {text(server, model="certo")}
    assert len(answers("certo", temperature=1)) > 1
    assert len(answers("livre")) > 1


def test_an_adapters_stops_end_its_answers(own_ws: Workspace, server: RunningServer) -> None:
    folder = make_tiny_adapter(own_ws, "curto", seed=14, serving={"form": "text"})
    whole = text(server, model="curto")
    stop, other = whole[4:6], whole[2:4]
    card = read_json(folder / ADAPTER_MARKER)
    write_json(folder / ADAPTER_MARKER, {**card, "serving": {"form": "text", "stop": [stop]}})
    assert text(server, model="curto") == whole[: whole.index(stop)]
    assert text(server, model="curto", stop=[other]) == whole[: min(whole.index(stop), whole.index(other))]
    assert text(server, model="curto", stop=[]) == whole


def test_what_an_adapter_was_trained_with_is_told(own_ws: Workspace, server: RunningServer) -> None:
    serving = {"form": "chat", "system": "Sê breve.", "stop": ["Fim"], "sampling": {"temperature": 0.2}}
    make_tiny_adapter(own_ws, "conta", seed=15, serving=serving)
    card = server.client.get("/v1/models/conta").json()["afina"]
    assert {name: card[name] for name in serving} == serving
    assert "template" in card["chat"]
    assert server.client.get("/v1/models/tiny").json()["afina"] is None


# Under traffic --------------------------------------------------------------------------------


def test_a_running_answer_keeps_the_version_that_it_began_with(own_ws: Workspace, server: RunningServer) -> None:
    old = make_tiny_adapter(own_ws, "vivo", base="longa", seed=21)
    long = {"model": "vivo", "max_tokens": 1500}
    whole = text(server, **long)
    with ThreadPoolExecutor() as pool:
        running = pool.submit(text, server, **long)
        eventually(lambda: server.health()["engine"]["running"], what="the answer's start")
        make_tiny_adapter(own_ws, "vivo", base="longa", seed=22)
        after = told(server, model="vivo")
        assert not running.done()
        shutil.rmtree(old)
        assert running.result(60) == whole
    assert not after["system_fingerprint"].endswith(old.name)
    assert after["choices"][0]["message"]["content"] != whole[: len(after["choices"][0]["message"]["content"])]


def test_an_adapter_whose_folder_is_removed_is_unknown_and_leaves_the_memory(
    own_ws: Workspace, server: RunningServer
) -> None:
    folder = make_tiny_adapter(own_ws, "vago", seed=23)
    text(server, model="vago")
    held = f"vago@{folder.name}"
    eventually(lambda: held in server.health()["engine"]["adapters"], what="the adapter's loading")
    shutil.rmtree(folder)
    assert server.chat(model="vago").status_code == 404
    eventually(lambda: held not in server.health()["engine"]["adapters"], what="the adapter's leaving")


def test_two_versions_of_an_adapter_answer_in_one_batch_as_alone(own_ws: Workspace, server: RunningServer) -> None:
    ids = [f"par@{make_tiny_adapter(own_ws, 'par', seed=seed).name}" for seed in (24, 25)]
    alone = [text(server, model=name, max_tokens=200) for name in ids]
    with ThreadPoolExecutor() as pool:
        together = list(pool.map(lambda name: text(server, model=name, max_tokens=200), [*ids, *ids]))
    assert together == [*alone, *alone]
    assert alone[0] != alone[1]


def test_a_checkpoint_answers_while_its_run_goes_on(own_ws: Workspace, server: RunningServer) -> None:
    run = "passo-20261124-1"
    runs.insert(
        own_ws,
        runs.Run(
            run=run, name="passo", state="succeeded", dataset="d@1", model="tiny", plan={}, step=9, steps=9, asked=None,
            error=None, adapter=None, created=1.0, updated=1.0,
        ),
        None,
    )  # fmt: skip
    kept = runs.folder(own_ws, run) / "checkpoints" / "step-20"
    first = make_tiny_adapter(own_ws, "solto", seed=26)
    shutil.copytree(first, kept)
    before = text(server, model="passo@step-20")
    assert before == text(server, model="solto") == text(server, model=f"{run}@step-20")
    # The run went back and came to the same step again, with other weights.
    shutil.rmtree(kept)
    shutil.copytree(make_tiny_adapter(own_ws, "outro", seed=27), kept)
    assert text(server, model="passo@step-20") == text(server, model="outro") != before


def test_more_adapters_than_are_kept_take_turns(tiny_ws: Workspace) -> None:
    for i in range(5):
        make_tiny_adapter(tiny_ws, f"a{i}", seed=i)
    with RunningServer(tiny_ws, max_adapters=2) as server:
        first = [text(server, model=f"a{i}") for i in range(5)]
        again = [text(server, model=f"a{i}") for i in range(5)]
        assert first == again
        assert len(set(first)) == 5
        eventually(lambda: len(server.health()["engine"]["adapters"]) == 2, what="the others' leaving")


# Refused --------------------------------------------------------------------------------------


def test_what_is_wrong_with_an_adapter_is_told_and_the_base_never_answers_for_it(
    own_ws: Workspace, server: RunningServer
) -> None:
    _add_bad_adapters(own_ws)
    assert server.chat(model="um").status_code == 200
    for name, word in (
        ("zero", "all zeros"),
        ("roto", "damaged"),
        ("torto", "template"),
        ("largo", "shape"),
        ("infinito", "damaged"),
        ("velho", "another"),
    ):
        for stream in (False, True):
            answer = server.chat(model=name, stream=stream)
            assert answer.status_code == 422, answer.text
            error = answer.json()["error"]
            assert (error["code"], error["param"]) == ("model_refused", "model")
            assert name in error["message"]
            assert word in error["message"]
    assert server.chat(model="um").status_code == 200
    ids = [card["id"] for card in server.client.get("/v1/models").json()["data"]]
    assert not {"zero", "roto", "velho"} & set(ids)
    card = server.client.get("/v1/models/um").json()
    assert card["parent"] == "tiny"
    assert server.client.get(f"/v1/models/{card['root']}").json()["root"] == card["root"]


def test_rows_that_went_through_no_template_do_not_hang_on_it(own_ws: Workspace, server: RunningServer) -> None:
    folder = make_tiny_adapter(own_ws, "prosa", seed=31, template_hash="0000000000000000")
    card = read_json(folder / ADAPTER_MARKER)
    write_json(folder / ADAPTER_MARKER, {**card, "format": "completions"})
    assert server.chat(model="prosa").status_code == 422
    write_json(folder / ADAPTER_MARKER, {**card, "format": "text", "serving": {"form": "text"}})
    assert server.chat(model="prosa").status_code == 200


def _add_bad_adapters(ws: Workspace) -> None:
    make_tiny_model(ws, "larga", hidden=128)
    fingerprint = json.loads((ws.models / "tiny" / ADAPTER_MARKER).read_text())["fingerprint"]
    make_tiny_adapter(ws, "zero", zero=True)
    (make_tiny_adapter(ws, "roto") / "adapters.safetensors").write_bytes(b"nada")
    not_numbers(make_tiny_adapter(ws, "infinito") / "adapters.safetensors")
    make_tiny_adapter(ws, "torto", template_hash="0000000000000000")
    make_tiny_adapter(ws, "velho", fingerprint="0123456789abcdef")
    wide = make_tiny_adapter(ws, "largo", base="larga", fingerprint=fingerprint)
    described = read_json(wide / ADAPTER_MARKER)
    described["base"]["name"] = "tiny"
    write_json(wide / ADAPTER_MARKER, described)


def not_numbers(weights: Path) -> None:
    """What only reading all of it tells."""
    arrays = load_file(weights)
    save_file({**arrays, next(iter(arrays)): next(iter(arrays.values())) * np.inf}, weights)
