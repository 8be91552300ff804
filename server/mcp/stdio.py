"""`afina mcp`: the server over stdin and stdout, its tools run here on the workspace."""

from __future__ import annotations

import logging
import sys
from typing import NoReturn

from server.mcp.registry import open_context
from server.mcp.server import build_server
from server.mcp.under_way import leave
from server.settings import Settings


def run_stdio(settings: Settings) -> NoReturn:
    """Serve until stdin closes, then leave the process. Raises AfinaError when the workspace cannot be opened.

    stdout carries the protocol alone; warnings go to stderr, which hosts show in their logs.
    """
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    code = 0
    try:
        build_server(open_context(settings)).run("stdio")
    except KeyboardInterrupt:
        code = 130
    leave(code)
