"""One workspace for all that must leave it as it is, and a server on it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from server.mcp.registry import context_of
from server.mcp.tool import ToolContext
from server.settings import load_settings
from tests.bad_input.fingerprint import difference, fingerprint
from tests.bad_input.material import make_workspace, write_material
from tests.support.running_server import RunningServer
from tools.workspace.layout import Workspace


@pytest.fixture(scope="session")
def material(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_material(tmp_path_factory.mktemp("material") / "textos")


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return make_workspace(tmp_path_factory.mktemp("shared") / "afina")


@pytest.fixture(scope="session")
def shared_server(shared: Workspace) -> Iterator[RunningServer]:
    with RunningServer(shared, default_model="tiny") as running:
        yield running


@pytest.fixture(scope="session")
def shared_context(shared: Workspace, shared_server: RunningServer) -> ToolContext:
    """Calls find the server; the default model is `tiny`."""
    roots = os.environ["AFINA_ALLOWED_ROOTS"]
    flags = {"workspace": str(shared.root), "default_model": "tiny", "allowed_roots": roots}
    return context_of(shared, load_settings(flags, {}))


@pytest.fixture
def unchanged(shared: Workspace) -> Iterator[None]:
    """Fails the test after which the shared workspace is not as it was before."""
    before = fingerprint(shared)
    yield
    assert difference(before, fingerprint(shared)) == []
