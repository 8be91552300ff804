"""What a model id means, and which are refused rather than answered by the base."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from server.engine.errors import NotServed
from server.engine.models import listed, resolve
from server.settings import Settings
from tests.support.running_server import RunningServer, copy_of
from tests.support.tiny_adapter import make_tiny_adapter
from tests.support.tiny_model import make_tiny_model
from tools.errors import Conflict, DataError, InvalidArgument, NotFound
from tools.workspace import runs
from tools.workspace.layout import Workspace


def settings(ws: Workspace, **how: Any) -> Settings:
    return Settings(workspace=ws.root, **how)


def add_run(ws: Workspace, run: str, name: str, created: float = 1.0) -> None:
    runs.insert(
        ws,
        runs.Run(
            run=run, name=name, state="succeeded", dataset="d@1", model="tiny", plan={}, step=9, steps=9, asked=None,
            error=None, adapter=None, created=created, updated=created,
        ),
        None,
    )  # fmt: skip


def test_a_base_stands_for_itself(tiny_ws: Workspace) -> None:
    target = resolve(tiny_ws, settings(tiny_ws), "tiny")
    assert (target.base.name, target.adapter) == ("tiny", None)


def test_a_name_is_its_newest_version_and_each_version_has_its_own_id(tiny_ws: Workspace) -> None:
    old, new = make_tiny_adapter(tiny_ws, "um", seed=1), make_tiny_adapter(tiny_ws, "um", seed=2)
    assert resolve(tiny_ws, settings(tiny_ws), "um").adapter.folder == str(new)
    assert resolve(tiny_ws, settings(tiny_ws), f"um@{old.name}").adapter.folder == str(old)


def test_a_run_stands_for_the_adapter_it_made(tiny_ws: Workspace) -> None:
    add_run(tiny_ws, "um-20261124-1", "um")
    with pytest.raises(NotFound, match="no adapter yet"):
        resolve(tiny_ws, settings(tiny_ws), "um-20261124-1")
    folder = make_tiny_adapter(tiny_ws, "um", run="um-20261124-1")
    make_tiny_adapter(tiny_ws, "um", seed=9, run="um-20261124-2")
    assert resolve(tiny_ws, settings(tiny_ws), "um-20261124-1").adapter.folder == str(folder)


def test_a_kept_checkpoint_has_an_id(tiny_ws: Workspace) -> None:
    add_run(tiny_ws, "um-20261124-1", "um")
    kept = runs.folder(tiny_ws, "um-20261124-1") / "checkpoints" / "step-20"
    shutil.copytree(make_tiny_adapter(tiny_ws, "um"), kept)
    for name in ("um@step-20", "um-20261124-1@step-20"):
        target = resolve(tiny_ws, settings(tiny_ws), name)
        assert (target.adapter.folder, target.adapter.version) == (str(kept), "step-20")
    with pytest.raises(NotFound):
        resolve(tiny_ws, settings(tiny_ws), "um@step-21")


@pytest.mark.parametrize("name", ["nada", "um@99999999", "../tiny", "um@../..", "tiny@12345678", "", "a" * 500, "um\n"])
def test_unknown_ids_are_not_found(tiny_ws: Workspace, name: str) -> None:
    make_tiny_adapter(tiny_ws, "um")
    with pytest.raises(NotFound):
        resolve(tiny_ws, settings(tiny_ws), name)


def test_no_id_is_the_servers_own_model(tiny_ws: Workspace) -> None:
    assert resolve(tiny_ws, settings(tiny_ws, model="tiny"), None).id == "tiny"
    with pytest.raises(InvalidArgument, match="names no model"):
        resolve(tiny_ws, settings(tiny_ws), None)


def test_an_adapter_of_a_base_that_is_gone_or_differs_is_refused_by_name(tiny_ws: Workspace) -> None:
    make_tiny_adapter(tiny_ws, "um")
    make_tiny_adapter(tiny_ws, "velho", fingerprint="0123456789abcdef")
    with pytest.raises(Conflict, match=r"velho.*tiny.*0123456789abcdef.*another"):
        resolve(tiny_ws, settings(tiny_ws), "velho")
    shutil.rmtree(tiny_ws.models / "tiny")
    with pytest.raises(Conflict, match=r"um.*not installed"):
        resolve(tiny_ws, settings(tiny_ws), "um")


def test_a_base_is_known_by_its_weights_not_by_its_name(tiny_ws: Workspace) -> None:
    make_tiny_adapter(tiny_ws, "um")
    (tiny_ws.models / "tiny").rename(tiny_ws.models / "minha")
    info = json.loads((tiny_ws.models / "minha" / "afina.json").read_text())
    (tiny_ws.models / "minha" / "afina.json").write_text(json.dumps({**info, "name": "minha"}))
    assert resolve(tiny_ws, settings(tiny_ws), "um").base.name == "minha"


def test_a_pinned_server_serves_one_base(tiny_ws: Workspace) -> None:
    make_tiny_model(tiny_ws, "outra", seed=5)
    make_tiny_adapter(tiny_ws, "um")
    make_tiny_adapter(tiny_ws, "dois", base="outra")
    pinned = settings(tiny_ws, model="tiny", pin=True)
    assert resolve(tiny_ws, pinned, "um").base.name == "tiny"
    for name in ("outra", "dois"):
        with pytest.raises(NotServed, match="pinned to `tiny`"):
            resolve(tiny_ws, pinned, name)
    assert [target.id for target in listed(tiny_ws, pinned)] == ["tiny", "um"]


def test_only_what_can_be_served_is_listed(tiny_ws: Workspace) -> None:
    make_tiny_adapter(tiny_ws, "um")
    make_tiny_adapter(tiny_ws, "velho", fingerprint="0123456789abcdef")
    (make_tiny_adapter(tiny_ws, "roto") / "afina.json").write_text("{")
    make_tiny_model(tiny_ws, "rota", seed=7)
    (tiny_ws.models / "rota" / "afina.json").write_text("{")
    assert [target.id for target in listed(tiny_ws, settings(tiny_ws))] == ["tiny", "um"]
    with pytest.raises(DataError, match="damaged"):
        resolve(tiny_ws, settings(tiny_ws), "roto")
    with pytest.raises(DataError, match="damaged"):
        resolve(tiny_ws, settings(tiny_ws), "rota")


def damage(folder: Path) -> None:
    (folder / "adapters.safetensors").write_bytes(b"nada")


def test_what_is_wrong_with_an_adapter_is_told_and_the_base_never_answers_for_it(served_ws: Workspace) -> None:
    with RunningServer(_with_bad_adapters(copy_of(served_ws))) as server:
        assert server.chat(model="um").status_code == 200
        for name, word in (("zero", "all zeros"), ("roto", "damaged"), ("torto", "template"), ("largo", "shape")):
            for stream in (False, True):
                answer = server.chat(model=name, stream=stream)
                assert answer.status_code == 422, answer.text
                told = answer.json()["error"]
                assert told["code"] == "model_refused"
                assert told["param"] == "model"
                assert word in told["message"]
        assert server.chat(model="velho").status_code == 422
        assert server.chat(model="um").status_code == 200
        ids = [card["id"] for card in server.client.get("/v1/models").json()["data"]]
        assert "velho" not in ids
        card = server.client.get("/v1/models/um").json()
        assert card["parent"] == "tiny"
        assert server.client.get(f"/v1/models/{card['root']}").json()["root"] == card["root"]


def test_a_version_published_while_serving_answers_at_once(served_ws: Workspace) -> None:
    ws = copy_of(served_ws)
    with RunningServer(ws) as server:
        before = server.chat(model="um", temperature=0, max_tokens=20).json()
        make_tiny_adapter(ws, "um", seed=77)
        after = server.chat(model="um", temperature=0, max_tokens=20).json()
        old = before["system_fingerprint"].rpartition("_")[2]
        again = server.chat(model=old, temperature=0, max_tokens=20).json()
    assert before["system_fingerprint"] != after["system_fingerprint"]
    assert before["choices"] != after["choices"]
    assert again["choices"] == before["choices"]


def test_more_adapters_than_are_kept_take_turns(tiny_ws: Workspace) -> None:
    for i in range(5):
        make_tiny_adapter(tiny_ws, f"a{i}", seed=i)
    with RunningServer(tiny_ws, max_adapters=2) as server:
        first = [server.chat(model=f"a{i}", temperature=0).json()["choices"] for i in range(5)]
        again = [server.chat(model=f"a{i}", temperature=0).json()["choices"] for i in range(5)]
        assert first == again
        assert len({choices[0]["message"]["content"] for choices in first}) > 1


def _with_bad_adapters(ws: Workspace) -> Workspace:
    make_tiny_model(ws, "larga", hidden=128)
    fingerprint = json.loads((ws.models / "tiny" / "afina.json").read_text())["fingerprint"]
    make_tiny_adapter(ws, "zero", zero=True)
    damage(make_tiny_adapter(ws, "roto"))
    make_tiny_adapter(ws, "torto", template_hash="0000000000000000")
    make_tiny_adapter(ws, "velho", fingerprint="0123456789abcdef")
    wide = make_tiny_adapter(ws, "largo", base="larga", fingerprint=fingerprint)
    described = json.loads((wide / "afina.json").read_text())
    described["base"]["name"] = "tiny"
    (wide / "afina.json").write_text(json.dumps(described))
    return ws
