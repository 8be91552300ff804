"""`afina keys add NAME`, `afina keys list` and `afina keys remove NAME`."""

from __future__ import annotations

import argparse
import sys
from datetime import datetime

from server import keys
from server.cli.output import tell, write, write_json
from server.cli.settings import COMMON, settings_of
from tools.workspace.layout import Workspace, open_workspace


def run(arguments: argparse.Namespace) -> int:
    ws = open_workspace(settings_of(arguments, only=COMMON).workspace)
    if arguments.action == "add":
        _add(ws, arguments.name)
    elif arguments.action == "remove":
        _remove(ws, arguments.name)
    else:
        _list(ws, arguments.json)
    return 0


def _add(ws: Workspace, name: str) -> None:
    write(keys.add(ws, name))
    tell(
        f"This is the key `{name}`, shown this once: keep it where programs find it, and send it as "
        "`Authorization: Bearer KEY`. The server of this workspace asks for a key from now on."
    )


def _remove(ws: Workspace, name: str) -> None:
    keys.remove(ws, name)
    tell(f"The key `{name}` opens nothing any longer.")
    if not keys.listed(ws):
        tell("It was the last one: a server that runs lets nobody in by a stored key until it is started again.")


def _list(ws: Workspace, as_json: bool) -> None:
    found = keys.listed(ws)
    if as_json:
        write_json([{"name": key.name, "created": key.created} for key in found])
        return
    for key in found:
        write(f"{key.name}\t{datetime.fromtimestamp(key.created):%Y-%m-%d %H:%M}")
    if not found and sys.stdout.isatty():
        tell("There are none; `afina keys add NAME` makes one.")
