"""Every test has a workspace of its own in a temporary folder."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.tiny_model import make_tiny_model
from tools.workspace.layout import Workspace, open_workspace

# A test run in the background of a script ignores Ctrl-C, and what it starts would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest first, so that they do not run on alone when all else is done."""
    items.sort(key=lambda item: item.get_closest_marker("journey") is None)


@pytest.fixture(scope="session", autouse=True)
def temporary_files_may_be_read(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Material of tests lies in their temporary folders: this process and its children may read there."""
    os.environ["AFINA_ALLOWED_ROOTS"] = str(tmp_path_factory.getbasetemp())
    yield
    del os.environ["AFINA_ALLOWED_ROOTS"]


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    """An empty workspace."""
    return open_workspace(tmp_path / "afina")


@pytest.fixture
def tiny_ws(ws: Workspace) -> Workspace:
    """A workspace with the tiny random model `tiny` installed."""
    make_tiny_model(ws)
    return ws
