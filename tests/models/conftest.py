"""A hub on this machine, and the tiny model in the forms that are found in the wild."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.fake_hub import FakeHub, fake_hub
from tests.support.tiny_model import make_tiny_model
from tools.models.pull import pull
from tools.workspace.layout import MODEL_MARKER, open_workspace


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[FakeHub]:
    with fake_hub() as running:
        monkeypatch.setenv("HF_ENDPOINT", running.endpoint)
        monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
        monkeypatch.setenv("HF_TOKEN", "hf_for_the_hub_alone")
        monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
        yield running


@pytest.fixture(scope="session")
def full_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A full-precision folder as the hub's repositories are."""
    folder = make_tiny_model(open_workspace(tmp_path_factory.mktemp("full")), "Tiny_Full")
    (folder / MODEL_MARKER).unlink()
    return folder


@pytest.fixture(scope="session")
def mlx_folder(tmp_path_factory: pytest.TempPathFactory, full_folder: Path) -> Path:
    """The same in 4 bits, as those of mlx-community are."""
    ws = open_workspace(tmp_path_factory.mktemp("quantized"))
    pull(ws, str(full_folder), lambda *_: None, as_name="tiny-4bit")
    (ws.models / "tiny-4bit" / MODEL_MARKER).unlink()
    return ws.models / "tiny-4bit"
