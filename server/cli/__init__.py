"""The `afina` command: one front for the server, the MCP face, the tools, the models and the terminal chat."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import sys
from collections.abc import Sequence
from pathlib import Path

FAILED, INTERRUPTED = 1, 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code. Whatever fails is one message on stderr, never a traceback."""
    _own_tools_first()
    from server.cli.parser import parse

    try:
        arguments = parse(sys.argv[1:] if argv is None else argv)
        return int(arguments.run(arguments))
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has gone; nothing more can be told.
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return FAILED
    except Exception as error:
        from server.cli.output import tell_failure

        tell_failure(error)
        return FAILED


def _own_tools_first() -> None:
    """Bind `tools` to the package beside ours, whatever the current folder or PYTHONPATH hold by that name."""
    ours = Path(__file__).parents[2] / "tools"
    loaded = sys.modules.get("tools")
    if loaded is not None and getattr(loaded, "__file__", None) == str(ours / "__init__.py"):
        return
    spec = importlib.util.spec_from_file_location("tools", ours / "__init__.py", submodule_search_locations=[str(ours)])
    if spec is None or spec.loader is None:
        return
    module = importlib.util.module_from_spec(spec)
    sys.modules["tools"] = module
    spec.loader.exec_module(module)
