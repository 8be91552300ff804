"""`afina serve`."""

from __future__ import annotations

import argparse

from server.cli.settings import settings_of


def run(arguments: argparse.Namespace) -> int:
    from server.app import serve
    from server.mcp.under_way import leave
    from tools.workspace.processes import adopt_lock

    adopt_lock()
    serve(settings_of(arguments))
    leave(0)
