"""The device, tried for real: a child multiplies two matrices with MLX."""

from __future__ import annotations

import json
import subprocess
from typing import Any

from tools.check_setup.contract import Item
from tools.workspace.machine import GB, device, device_memory, fast_blas, mlx_environment
from tools.workspace.processes import child_command, child_environment

_TRIAL_TIMEOUT_S = 30


def device_item() -> Item:
    """What MLX runs on here, and how fast it multiplies."""
    kind = device()
    name = {"metal": "Metal", "cuda": "CUDA", "cpu": "the CPU"}[kind]
    budget = f"{device_memory() / GB:.1f} GB for models"
    trial = _try()
    if trial is None:
        return Item(
            item="device",
            state="fail",
            found=f"{name}, {budget}; MLX does not run there",
            fix="Run `python -c 'import mlx.core as mx; print(mx.ones(1))'` in this environment to see why.",
        )
    return Item(item="device", state="ok", found=f"{name}, {budget}, {trial['gflops']:.0f} GFLOP/s")


def blas() -> Item | None:
    """The BLAS behind MLX on a CPU; None where MLX brings its own kernels."""
    if device() != "cpu":
        return None
    found = fast_blas()
    if found is not None:
        return Item(item="fast BLAS", state="ok", found=found.name)
    return Item(
        item="fast BLAS",
        state="warn",
        found="none: MLX's own for the CPU is some 30 times slower",
        fix="Install one: `pip install faiss-cpu` (x86_64), or the system's package `libopenblas0`.",
    )


def _try() -> dict[str, Any] | None:
    try:
        told = subprocess.run(
            child_command("tools.compute.trial", []),
            env=child_environment(mlx_environment()),
            capture_output=True,
            text=True,
            timeout=_TRIAL_TIMEOUT_S,
            check=False,
            cwd="/",
        )
        return dict(json.loads(told.stdout)) if told.returncode == 0 else None
    except (OSError, subprocess.TimeoutExpired, ValueError):
        return None
