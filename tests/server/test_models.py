"""What a model id means, and which are refused rather than answered by the base."""

from __future__ import annotations

import json
import shutil
from typing import Any

import pytest

from server.engine.errors import NotServed
from server.engine.models import listed, resolve
from server.settings import Settings
from tests.support.run_rows import add_run
from tests.support.tiny_adapter import make_tiny_adapter
from tests.support.tiny_model import make_tiny_model
from tools.errors import Conflict, DataError, InvalidArgument, NotFound
from tools.workspace import runs
from tools.workspace.layout import Workspace


def settings(ws: Workspace, **how: Any) -> Settings:
    return Settings(workspace=ws.root, **how)


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


def test_an_adapter_that_is_broken_or_changes_nothing_is_refused_before_it_is_loaded(tiny_ws: Workspace) -> None:
    make_tiny_adapter(tiny_ws, "zero", zero=True)
    (make_tiny_adapter(tiny_ws, "roto") / "adapters.safetensors").write_bytes(b"nada")
    with pytest.raises(Conflict, match=r"zero.*all zeros"):
        resolve(tiny_ws, settings(tiny_ws), "zero")
    with pytest.raises(DataError, match=r"roto.*damaged"):
        resolve(tiny_ws, settings(tiny_ws), "roto")
    assert [target.id for target in listed(tiny_ws, settings(tiny_ws))] == ["tiny"]


def test_a_card_that_asks_for_what_is_not_known_is_damaged(tiny_ws: Workspace) -> None:
    make_tiny_adapter(tiny_ws, "um", serving={"form": "verso"})
    with pytest.raises(DataError, match=r"um.*damaged"):
        resolve(tiny_ws, settings(tiny_ws), "um")
