"""`make bench`, or `python -m tests.benchmarks [--only NAME] [--quick] [--json FILE]`."""

from __future__ import annotations

import argparse
import json
import shlex
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from server import __version__
from tests.benchmarks.measurement import header
from tools.errors import AfinaError
from tools.models.catalogue import DEFAULT
from tools.models.pull import pull
from tools.workspace import machine
from tools.workspace.files import write_json
from tools.workspace.layout import open_workspace
from tools.workspace.processes import child_command, child_environment

# Each in a process of its own, so that none pays for another's memory.
BENCHMARKS = (
    *("training", "learning", "memory", "generation", "serving", "tokenizing", "preparing", "tool_calls"),
    "evaluating",
)
WORKSPACE = Path(__file__).resolve().parents[2] / ".cache" / "bench"
_MOST_SECONDS = 3600


def main() -> int:
    arguments = _arguments()
    told = {
        "afina": __version__,
        "command": shlex.join(["python", "-m", "tests.benchmarks", *sys.argv[1:]]),
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "model": arguments.model,
        "machine": describe_machine(),
    }
    print(f"{told['command']}\n{_machine_line(told['machine'])}\nmodel: {arguments.model}\n")
    try:
        pull(open_workspace(arguments.workspace), arguments.model, lambda *_: None)
    except AfinaError as error:
        print(f"{error.message} {error.fix or ''}", file=sys.stderr)
        return 1
    print(header(), flush=True)
    results: list[dict[str, Any]] = []
    failed: list[str] = []
    for name in arguments.only or BENCHMARKS:
        found, code = _run(name, arguments)
        results += found
        if code:
            print(f"{name}: failed with exit code {code}", file=sys.stderr)
            failed.append(name)
    if arguments.json:
        write_json(arguments.json.resolve(), {**told, "results": results, "failed": failed})
    return 1 if failed else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks", description="Afina beside its peers, on this machine."
    )
    parser.add_argument("--only", action="append", choices=BENCHMARKS, metavar="NAME", help=", ".join(BENCHMARKS))
    parser.add_argument("--quick", action="store_true", help="a few steps each: rough figures in about two minutes")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there")
    parser.add_argument("--model", default=DEFAULT, metavar="NAME", help=f"base to measure with ({DEFAULT})")
    parser.add_argument("--workspace", type=Path, default=WORKSPACE, metavar="DIR", help="where the base is kept")
    return parser.parse_args()


def _run(name: str, arguments: argparse.Namespace) -> tuple[list[dict[str, Any]], int]:
    """One benchmark in a child that prints its rows; what it measured and its exit code."""
    with tempfile.TemporaryDirectory() as folder:
        answer = Path(folder) / "measured.json"
        given = ["--workspace", str(arguments.workspace.resolve()), "--model", arguments.model, "--json", str(answer)]
        command = child_command(f"tests.benchmarks.{name}", [*given, *(["--quick"] if arguments.quick else [])])
        try:
            code = subprocess.run(
                command, env=child_environment(machine.mlx_environment()), timeout=_MOST_SECONDS, check=False
            ).returncode
        except subprocess.TimeoutExpired:
            code = 124
        return (json.loads(answer.read_text()) if answer.is_file() else []), code


def describe_machine() -> dict[str, Any]:
    return {
        "chip": machine.chip(),
        "cores": machine.cores(),
        "memory_gb": round(machine.memory().total / machine.GB, 1),
        "device": machine.device(),
        "fast_blas": machine.fast_blas() is not None,
        "platform": sys.platform,
        "python": sys.version.split()[0],
        **{package: _version(package) for package in ("mlx", "mlx-lm", "tokenizers", "tiktoken", "mcp")},
    }


def _machine_line(told: dict[str, Any]) -> str:
    blas = ", fast BLAS preloaded" if told["fast_blas"] else ""
    return (
        f"{told['chip']}, {told['cores']} cores, {told['memory_gb']} GB, device {told['device']}{blas}; "
        f"mlx {told['mlx']}, mlx-lm {told['mlx-lm']}, Python {told['python']}"
    )


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


if __name__ == "__main__":
    sys.exit(main())
