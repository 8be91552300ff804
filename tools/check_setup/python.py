"""Python, its environment, the packages and MLX's backend."""

from __future__ import annotations

import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, version

from tools.check_setup.contract import Item
from tools.workspace.machine import backend_installed

OLDEST_PYTHON = (3, 11)
OLDEST_MACOS = (14, 0)


def python() -> Item:
    found = f"Python {platform.python_version()} ({platform.machine()}) at {sys.executable}"
    if sys.version_info < OLDEST_PYTHON:
        return Item(item="python", state="fail", found=found, fix="Install Python 3.11 or later.")
    if sys.platform == "darwin" and platform.machine() != "arm64":
        fix = "Metal needs a native build on Apple silicon: install Python for arm64 and make the environment again."
        return Item(item="python", state="fail", found=f"{found}, an Intel build", fix=fix)
    return Item(item="python", state="ok", found=found)


def macos() -> Item | None:
    """The system's version, on a Mac."""
    told = platform.mac_ver()[0]
    if not told:
        return None
    numbers = tuple(int(part) for part in told.split(".")[:2] if part.isdigit())
    if numbers < OLDEST_MACOS:
        return Item(item="macos", state="fail", found=f"macOS {told}", fix="MLX needs macOS 14 or later: upgrade.")
    return Item(item="macos", state="ok", found=f"macOS {told}")


def virtual_environment() -> Item:
    if sys.prefix != sys.base_prefix or os.environ.get("CONDA_PREFIX") == sys.prefix:
        return Item(item="virtual environment", state="ok", found=sys.prefix)
    return Item(
        item="virtual environment",
        state="warn",
        found="Afina runs in the system's Python",
        fix="Make one (`python3 -m venv .venv`) and install Afina there, apart from other projects.",
    )


def packages() -> Item:
    versions, missing = [], []
    for name in ("mlx", "mlx-lm"):
        try:
            versions.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            missing.append(name)
    if missing:
        return Item(
            item="mlx",
            state="fail",
            found=f"not installed: {', '.join(missing)}",
            fix="Install Afina again: `pip install afina`.",
        )
    if not backend_installed():
        return Item(
            item="mlx",
            state="fail",
            found=f"{', '.join(versions)}, without a backend to run on",
            fix="Install one: `pip install 'afina[cpu]'`, or `'afina[cuda13]'` for an NVIDIA GPU.",
        )
    return Item(item="mlx", state="ok", found=", ".join(versions))
