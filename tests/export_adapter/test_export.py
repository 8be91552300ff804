"""An adapter merged into its base: measured, refused when it lost what was learned, a model of its own."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import mlx.core as mx
import numpy as np
import pytest
from mlx_lm.utils import load
from safetensors.numpy import load_file, save_file

from server.engine.models import listed
from server.settings import Settings
from tests.support.running_server import RunningServer, eventually
from tests.support.tiny_model import make_tiny_model
from tests.support.training import prepare_small, start, stop_all, wait_until
from tools.compute import device
from tools.compute.loading import load_base
from tools.compute.lora import read_adapter
from tools.compute.routing import AdapterRouter
from tools.errors import Conflict
from tools.export_adapter.contract import ExportArgs, ExportResult
from tools.export_adapter.tool import export_adapter
from tools.models.info import load_info
from tools.workspace import jobs, runs
from tools.workspace.files import read_json, write_json
from tools.workspace.layout import ADAPTER_MARKER, Workspace, open_workspace

IDS = [[5, 60, 200, 17, 42, 300, 8, 9]]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """The adapter `livros`, trained on `tiny`; `leve` is the same with a hundredth of its strength."""
    folder = tmp_path_factory.mktemp("export")
    ws = open_workspace(folder / "afina")
    # A base that rounding to 4 bits harms by more than `leve` gives.
    make_tiny_model(ws, seed=3)
    prepare_small(ws, folder / "material")
    try:
        run = start(ws, iters=16, steps_per_eval=8, save_every=8)
        wait_until(ws, run, "succeeded")
        _weaken(ws, ws.adapter_folder(runs.get(ws, run).adapter or ""), "leve", 0.01)
        yield ws
    finally:
        stop_all(ws)


def _weaken(ws: Workspace, folder: Path, name: str, strength: float) -> None:
    copy = ws.adapters / name / folder.name
    shutil.copytree(folder, copy)
    arrays = load_file(copy / "adapters.safetensors")
    weak = {key: array * (strength if key.endswith("lora_b") else 1) for key, array in arrays.items()}
    save_file({key: array.astype(np.float32) for key, array in weak.items()}, copy / "adapters.safetensors")
    write_json(copy / ADAPTER_MARKER, {**read_json(copy / ADAPTER_MARKER), "name": name})


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture(scope="module")
def fused(trained: Workspace) -> ExportResult:
    begun = export_adapter(trained, ExportArgs(adapter="livros", wait_s=0))
    result = export_adapter(trained, ExportArgs(job=begun.job, wait_s=45))
    assert (result.state, result.model) == (
        "succeeded",
        f"livros-{trained.adapter_folder('livros').name}-16bit",
    )
    return result


def test_mlx_lm_loads_the_merged_model_and_it_answers_as_base_and_adapter_do(
    trained: Workspace, fused: ExportResult
) -> None:
    device.set_up()
    base = load_base(trained.models / "tiny")
    router = AdapterRouter(base.model)
    slot = router.load(read_adapter(trained.adapter_folder("livros"), base.info))
    router.rows.choose([slot])
    expected = np.array(router.model(mx.array(IDS)))
    router.rows.choose([0])
    bare = np.array(router.model(mx.array(IDS)))
    theirs, tokenizer = load(fused.path)
    theirs.set_dtype(mx.float32)  # half precision takes long on a CPU
    found = np.array(theirs(mx.array(IDS)))
    assert np.abs(found - expected).max() < 0.05 * np.abs(expected - bare).max()
    assert tokenizer.encode("O farol")


def test_the_losses_tell_what_merging_kept(fused: ExportResult) -> None:
    assert fused.loss_base and fused.loss_before and fused.loss_after
    assert fused.loss_before < fused.loss_base - 0.1
    assert fused.loss_after == pytest.approx(fused.loss_before, abs=0.02)


def test_the_same_export_is_made_once(trained: Workspace, fused: ExportResult) -> None:
    made = (trained.models / str(fused.model) / "afina.json").stat()
    again = export_adapter(trained, ExportArgs(adapter="livros", bits=16, wait_s=45))
    assert again == fused
    assert (trained.models / str(fused.model) / "afina.json").stat() == made


def test_the_merged_model_is_a_base_that_is_asked_as_its_adapter_was(trained: Workspace, fused: ExportResult) -> None:
    targets = {target.id: target for target in listed(trained, Settings(workspace=trained.root))}
    target = targets[str(fused.model)]
    assert target.adapter is None
    assert target.base.fingerprint != load_info(trained.models / "tiny").fingerprint
    assert target.serving == targets["livros"].serving is not None


@pytest.mark.verify
def test_the_merged_model_answers_over_the_endpoint(trained: Workspace, fused: ExportResult) -> None:
    with RunningServer(trained) as server:
        cards = {card["id"]: card for card in server.client.get("/v1/models").json()["data"]}
        card = cards[str(fused.model)]
        assert (card["parent"], card["root"]) == (None, fused.model)
        answer = server.chat(model=fused.model)
        assert answer.status_code == 200, answer.text
        assert answer.json()["system_fingerprint"] == f"fp_{load_info(trained.models / str(fused.model)).fingerprint}"


@pytest.mark.verify
def test_an_export_that_is_killed_is_made_anew_and_leaves_nothing(trained: Workspace) -> None:
    before = set(trained.models.iterdir())
    begun = export_adapter(trained, ExportArgs(adapter="livros", bits=8, wait_s=0))
    left = trained.models / f".tmp-{begun.job}"
    eventually(left.exists, what="the writing")
    jobs.stop(trained, begun.job, "export", grace_s=0)
    assert set(trained.models.iterdir()) <= before | {left}
    again = export_adapter(trained, ExportArgs(adapter="livros", bits=8, wait_s=45))
    assert again.state == "succeeded"
    assert set(trained.models.iterdir()) == before | {Path(str(again.path))}


def test_what_merging_would_lose_is_refused_and_nothing_is_left(trained: Workspace) -> None:
    models, adapter = set(trained.models.iterdir()), content(trained.adapter_folder("leve"))
    with pytest.raises(Conflict, match=r"4 bits would lose what `leve@\w+` learned") as caught:
        export_adapter(trained, ExportArgs(adapter="leve", bits=4, wait_s=45))
    assert "bits=8 or bits=16" in str(caught.value)
    assert set(trained.models.iterdir()) == models
    assert content(trained.adapter_folder("leve")) == adapter


def test_without_the_dataset_nothing_can_be_measured(trained: Workspace) -> None:
    folder = trained.adapter_folder("leve")
    card = read_json(folder / ADAPTER_MARKER)
    write_json(folder / ADAPTER_MARKER, {**card, "dataset": "perdido@0123456789abcdef"})
    with pytest.raises(Conflict, match=r"`perdido@0123456789abcdef`.*cannot be measured"):
        export_adapter(trained, ExportArgs(adapter="leve"))
    write_json(folder / ADAPTER_MARKER, card)
