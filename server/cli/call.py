"""`afina call TOOL [JSON | -]`: the same tools as over MCP, for scripts."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

from server.cli.output import FAILED, tell_json_error, write, write_json
from server.cli.settings import COMMON, settings_of
from server.settings import Settings
from tools.errors import AfinaError, InvalidArgument


def run(arguments: argparse.Namespace) -> int:
    from server.mcp import audit, registry
    from server.mcp.rendering import structured
    from server.mcp.schema import input_schema

    try:
        if arguments.tool is None:
            for tool in registry.TOOLS:
                write(f"{tool.name:18} {tool.description.splitlines()[0]}")
            return 0
        tool = registry.find(arguments.tool)
        if arguments.schema:
            write_json(input_schema(tool.arguments))
            return 0
        given = read_json_object(arguments.arguments or "{}")
        context = registry.open_context(_reading_here(settings_of(arguments, only=COMMON)))
        with audit.recorded(context.ws, audit.Caller("cli", audit.user_name()), tool.name):
            result = registry.call(context, tool.name, given)
        write_json(structured(result))
    except AfinaError as error:
        tell_json_error(error)
        return FAILED
    return 0


def _reading_here(settings: Settings) -> Settings:
    """Whoever types a command means the files about them: the current folder may be read too."""
    here = Path.cwd()
    if here == Path(here.anchor):
        return settings
    return settings.model_copy(update={"allowed_roots": f"{settings.allowed_roots}{os.pathsep}{here}"})


def read_json_object(text: str) -> dict[str, Any]:
    """The arguments from the command line, or from stdin for `-`. Raises InvalidArgument naming the place."""
    if text == "-":
        text = sys.stdin.read()
    try:
        value = json.loads(text or "{}", parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        raise InvalidArgument(
            f"The arguments are not JSON: line {error.lineno}, column {error.colno}: {error.msg}.",
            field="JSON",
            expected='an object, e.g. {"limit": 5}',
            fix="In a shell, put it between single quotes, or send it over stdin with `-`.",
        ) from error
    except RecursionError as error:
        raise InvalidArgument(
            "The arguments are nested too deeply.", field="JSON", expected='an object, e.g. {"limit": 5}'
        ) from error
    if not isinstance(value, dict):
        raise InvalidArgument("The arguments are JSON, but no object.", field="JSON", expected='e.g. {"limit": 5}')
    return value


def _no_constant(name: str) -> float:
    raise InvalidArgument(f"{name} is no JSON.", field="JSON", expected="finite numbers")
