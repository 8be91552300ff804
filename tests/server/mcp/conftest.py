from __future__ import annotations

import pytest

from server.mcp.registry import context_of
from server.mcp.tool import ToolContext
from server.settings import load_settings
from tools.workspace.layout import Workspace


@pytest.fixture
def context(tiny_ws: Workspace) -> ToolContext:
    """A context on a workspace with the tiny model, which is also the default one."""
    return context_of(tiny_ws, load_settings({"workspace": str(tiny_ws.root), "default_model": "tiny"}, {}))
