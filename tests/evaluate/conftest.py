"""A small dataset, prepared once for all evaluations."""

from __future__ import annotations

import shutil
from collections.abc import Callable

import pytest

from tests.support.tiny_model import make_tiny_model
from tests.support.training import prepare_small
from tools.workspace.layout import Workspace, open_workspace


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    folder = tmp_path_factory.mktemp("prepared")
    ws = open_workspace(folder / "afina")
    make_tiny_model(ws)
    prepare_small(ws, folder / "material")
    return ws


@pytest.fixture(scope="session")
def new_workspace(prepared: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Workspace]:
    """Makes workspaces with the base `tiny` and the dataset `livros`."""

    def make() -> Workspace:
        root = tmp_path_factory.mktemp("evaluated") / "afina"
        for folder in ("models", "data"):
            shutil.copytree(prepared.root / folder, root / folder)
        return open_workspace(root)

    return make
