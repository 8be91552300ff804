"""`afina demo`."""

from __future__ import annotations

import argparse

from server.cli.settings import COMMON, settings_of


def run(arguments: argparse.Namespace) -> int:
    from server import demo

    return int(demo.run(settings_of(arguments, only=COMMON), arguments.minutes, arguments.picture))
