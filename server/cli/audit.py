"""`afina audit`: the calls of tools on this workspace."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict

from server.cli.output import write
from server.cli.settings import COMMON, settings_of
from server.mcp import audit
from tools.errors import InvalidArgument, printable


def run(arguments: argparse.Namespace) -> int:
    from tools.workspace.layout import open_workspace

    if arguments.limit < 1:
        raise InvalidArgument("--limit is less than 1.", field="limit", expected="a whole number of at least 1")
    entries = audit.read(open_workspace(settings_of(arguments, only=COMMON).workspace), arguments.limit)
    for entry in entries:
        write(json.dumps(asdict(entry), ensure_ascii=False) if arguments.json else _line(entry))
    if not entries and not arguments.json:
        write("No tool has been called yet.")
    return 0


def _line(entry: audit.Entry) -> str:
    who = f"{entry.client} ({entry.app})" if entry.app else entry.client
    return f"{entry.time}  {entry.tool:17} {entry.outcome:16} {entry.ms:9.1f} ms  {entry.via:5}  {printable(who)}"
