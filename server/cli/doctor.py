"""`afina doctor`: the checklist in the terminal."""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict

from server import __version__
from server.cli.output import FAILED, write, write_json
from server.cli.settings import COMMON, settings_of
from tools.check_setup.contract import CheckArgs, CheckResult
from tools.workspace.layout import Workspace

_SIGNS = {"ok": "ok  ", "warn": "warn", "fail": "FAIL"}
_COLOURS = {"ok": "green", "warn": "yellow", "fail": "red"}


def run(arguments: argparse.Namespace) -> int:
    from tools.check_setup.tool import check_setup
    from tools.workspace.layout import open_workspace

    settings = settings_of(arguments, only=COMMON)
    ws = open_workspace(settings.workspace)
    if arguments.measure:
        return _measure(ws, settings.default_model, arguments.json)
    result = check_setup(ws, CheckArgs(), default_model=settings.default_model, version=__version__)
    if arguments.json:
        write_json(result.model_dump(exclude_none=True))
    elif sys.stdout.isatty():
        _table(result)
    else:
        _lines(result)
    return 0 if result.ready else FAILED


def _measure(ws: Workspace, model: str, as_json: bool) -> int:
    from tools.check_setup.measuring import measure

    measured = measure(ws, model)
    if as_json:
        write_json(asdict(measured))
    else:
        for line in measured.lines():
            write(line)
    return 0


def _lines(result: CheckResult) -> None:
    for item in result.items:
        write(f"{_SIGNS[item.state]}  {item.item}: {item.found}")
        if item.fix:
            write(f"      {item.fix}")
    write(_summary(result))


def _summary(result: CheckResult) -> str:
    fails = sum(item.state == "fail" for item in result.items)
    warns = sum(item.state == "warn" for item in result.items)
    if fails:
        return f"{fails} to mend before Afina can work here."
    return "Ready." if not warns else f"Ready; {warns} to look at."


def _table(result: CheckResult) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=None, show_header=False, pad_edge=False)
    for item in result.items:
        colour = _COLOURS[item.state]
        found = escape(item.found) + (f"\n[dim]{escape(item.fix)}[/dim]" if item.fix else "")
        table.add_row(f"[{colour}]{item.state}[/{colour}]", escape(item.item), found)
    console = Console()
    console.print(table)
    console.print(_summary(result), markup=False)
