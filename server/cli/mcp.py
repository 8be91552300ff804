"""`afina mcp`."""

from __future__ import annotations

import argparse

from server.cli.settings import COMMON, settings_of


def run(arguments: argparse.Namespace) -> int:
    from server.mcp.stdio import run_stdio

    run_stdio(settings_of(arguments, only=COMMON))
