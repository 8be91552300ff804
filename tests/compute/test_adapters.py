"""Adapters on disk: mlx-lm reads ours as we do, and what does not fit is refused by name."""

from __future__ import annotations

import json
from pathlib import Path

import mlx.core as mx
import numpy as np
import pytest
from mlx_lm.tuner.utils import load_adapters
from mlx_lm.utils import load_model

from tests.support.tiny_adapter import make_tiny_adapter
from tests.support.tiny_model import make_tiny_model
from tests.support.training import prepare_small, start, wait_until
from tools.compute import device
from tools.compute.loading import load_base
from tools.compute.lora import read_adapter
from tools.compute.routing import AdapterRouter
from tools.errors import Conflict, DataError
from tools.models.info import load_info
from tools.workspace import runs
from tools.workspace.layout import Workspace

IDS = [[5, 60, 200, 17, 42, 300, 8, 9]]


def test_mlx_lm_loads_a_published_adapter_and_gives_the_same_logits(tiny_ws: Workspace, tmp_path: Path) -> None:
    device.set_up()
    prepare_small(tiny_ws, tmp_path / "material")
    run = start(tiny_ws)
    wait_until(tiny_ws, run, "succeeded")
    folder = tiny_ws.adapter_folder(runs.get(tiny_ws, run).adapter or "")
    base = load_base(tiny_ws.models / "tiny")
    router = AdapterRouter(base.model)
    slot = router.load(read_adapter(folder, base.info))
    router.rows.choose([slot])
    ours = np.array(router.model(mx.array(IDS)))
    router.rows.choose([0])
    bare = np.array(router.model(mx.array(IDS)))
    theirs_model, _ = load_model(tiny_ws.models / "tiny")
    adapted = load_adapters(theirs_model, str(folder))
    adapted.eval()
    theirs = np.array(adapted(mx.array(IDS)))
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-4)
    assert np.abs(ours - bare).max() > 0.1


def test_an_adapter_of_another_base_is_refused(tiny_ws: Workspace) -> None:
    make_tiny_model(tiny_ws, "outro", seed=9)
    folder = make_tiny_adapter(tiny_ws, "livros", base="tiny")
    with pytest.raises(Conflict, match="trained on `tiny`") as caught:
        read_adapter(folder, load_info(tiny_ws.models / "outro"))
    assert "afina models pull tiny" in str(caught.value)


def test_an_all_zero_adapter_is_refused_unless_it_is_to_be_measured(tiny_ws: Workspace) -> None:
    folder = make_tiny_adapter(tiny_ws, "vazio", zero=True)
    info = load_info(tiny_ws.models / "tiny")
    with pytest.raises(Conflict, match="all zeros"):
        read_adapter(folder, info)
    assert read_adapter(folder, info, allow_zero=True).is_zero


@pytest.mark.parametrize("damage", ["missing", "cut", "nan", "config", "marker"])
def test_a_damaged_adapter_is_refused_by_name(tiny_ws: Workspace, damage: str) -> None:
    folder = make_tiny_adapter(tiny_ws, "livros")
    weights = folder / "adapters.safetensors"
    if damage == "missing":
        weights.unlink()
    elif damage == "cut":
        weights.write_bytes(weights.read_bytes()[:-100])
    elif damage == "nan":
        arrays = dict(mx.load(str(weights)))
        first = sorted(arrays)[0]
        arrays[first] = mx.full(arrays[first].shape, float("nan"))
        mx.eval(arrays)
        mx.save_safetensors(str(weights), arrays)
    elif damage == "config":
        (folder / "adapter_config.json").write_text(json.dumps({"num_layers": 2}))
    else:
        (folder / "afina.json").write_text("{")
    with pytest.raises(DataError, match=f"livros@{folder.name}.*damaged"):
        read_adapter(folder, load_info(tiny_ws.models / "tiny"))
