"""An adapter's files are judged before anything is loaded."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from tests.support.tiny_adapter import make_tiny_adapter
from tools.errors import Conflict, DataError
from tools.models.adapter_files import check_files
from tools.workspace.layout import Workspace


def weights(folder: Path) -> Path:
    return folder / "adapters.safetensors"


def rewrite(folder: Path, *, without: str = "", dtype: type = np.float32) -> None:
    arrays = load_file(weights(folder))
    save_file({k: v.astype(dtype) for k, v in arrays.items() if not (without and k.endswith(without))}, weights(folder))


def test_a_sound_adapter_passes_and_a_change_of_its_files_is_seen(tiny_ws: Workspace) -> None:
    folder = make_tiny_adapter(tiny_ws, "um")
    check_files(folder, "um@1")
    rewrite(folder, dtype=np.float16)
    check_files(folder, "um@1")
    weights(folder).write_bytes(weights(folder).read_bytes()[:-8])
    with pytest.raises(DataError, match=r"damaged: adapters\.safetensors"):
        check_files(folder, "um@1")


@pytest.mark.parametrize(
    ("damage", "file"),
    [
        (lambda folder: weights(folder).unlink(), "adapters.safetensors"),
        (lambda folder: weights(folder).write_bytes(b""), "adapters.safetensors"),
        (lambda folder: weights(folder).write_bytes(b"\xff" * 64), "adapters.safetensors"),
        (lambda folder: weights(folder).write_bytes((2).to_bytes(8, "little") + b"[]"), "adapters.safetensors"),
        (lambda folder: weights(folder).write_bytes(weights(folder).read_bytes() + b"x"), "adapters.safetensors"),
        (lambda folder: rewrite(folder, without="q_proj.lora_b"), "adapters.safetensors"),
        (lambda folder: rewrite(folder, without=".lora_b"), "adapters.safetensors"),
        (lambda folder: (folder / "adapter_config.json").unlink(), "adapter_config.json"),
        (lambda folder: (folder / "adapter_config.json").write_text("[]"), "adapter_config.json"),
        (lambda folder: (folder / "adapter_config.json").write_text(json.dumps({"num_layers": 1})), "adapter_config"),
    ],
)
def test_a_damaged_file_is_named(tiny_ws: Workspace, damage, file: str) -> None:
    folder = make_tiny_adapter(tiny_ws, "um")
    damage(folder)
    with pytest.raises(DataError, match=f"`um@{folder.name}` is damaged: {file}"):
        check_files(folder, "um@1", "model")


def test_an_adapter_that_changes_nothing_is_told(tiny_ws: Workspace) -> None:
    folder = make_tiny_adapter(tiny_ws, "zero", zero=True)
    with pytest.raises(Conflict, match="`zero@1` is all zeros"):
        check_files(folder, "zero@1")
