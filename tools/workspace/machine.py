"""What this machine has: device, memory, disk. Told without importing MLX."""

from __future__ import annotations

import functools
import importlib.util
import os
import platform
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import distributions
from pathlib import Path
from typing import Literal

import psutil

Device = Literal["metal", "cuda", "cpu"]
GB = 1024**3

# Metal refuses working sets above what it recommends: two thirds of the memory up to 36 GB, three
# quarters above (10.7 GB of 16).
_METAL_SHARE_SMALL = 0.67
_METAL_SHARE_LARGE = 0.75


@dataclass(frozen=True)
class Memory:
    """Bytes. `total` and `available` are the system's, or the container's where it is smaller."""

    total: int
    available: int
    swap_used: int


@functools.cache
def device() -> Device:
    """The device that MLX will use here: Metal, CUDA, or the CPU."""
    forced = os.environ.get("AFINA_DEVICE")
    if forced == "cpu":
        return "cpu"
    if sys.platform == "darwin" and platform.machine() == "arm64":
        return "metal"
    if importlib.util.find_spec("mlx") and _cuda_backend_installed() and Path("/dev/nvidiactl").exists():
        return "cuda"
    return "cpu"


@functools.cache
def chip() -> str:
    """The processor's name as the system tells it: `Apple M1 Pro`, `AMD EPYC`."""
    if sys.platform == "darwin":
        told = subprocess.run(
            ["/usr/sbin/sysctl", "-n", "machdep.cpu.brand_string"], capture_output=True, text=True, check=False
        )
        return told.stdout.strip()
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "")


def emulates_bfloat16() -> bool:
    """Whether this is an M1 or M2, whose GPUs emulate bfloat16; float16 is faster there."""
    return device() == "metal" and re.match(r"Apple M[12]\b", chip()) is not None


def backend_installed() -> bool:
    """Whether MLX has a backend to run on: on Linux it comes with the `cpu` or the `cuda13` extra."""
    return sys.platform == "darwin" or _library("libmlx.so")


def _library(name: str) -> bool:
    spec = importlib.util.find_spec("mlx")
    places = list(spec.submodule_search_locations or []) if spec else []
    return any((Path(place) / "lib" / name).exists() for place in places)


def _cuda_backend_installed() -> bool:
    return any((d.metadata["Name"] or "").lower().startswith("mlx-cuda") for d in distributions())


def memory() -> Memory:
    """Total and available memory, the smaller of the system's and the container's."""
    system = psutil.virtual_memory()
    total, available = int(system.total), int(system.available)
    limit, used = _cgroup("memory.max"), _cgroup("memory.current")
    if limit is not None and limit < total:
        total = limit
        available = min(available, max(0, limit - (used or 0)))
    return Memory(total, available, int(psutil.swap_memory().used))


def _cgroup(name: str) -> int | None:
    try:
        text = (Path("/sys/fs/cgroup") / name).read_text().strip()
    except OSError:
        return None
    return int(text) if text.isdigit() else None


def device_memory() -> int:
    """Bytes that models may hold on the device in all: Metal's working set, the GPU's memory, or the RAM."""
    kind = device()
    if kind == "metal":
        total = memory().total
        return int(total * (_METAL_SHARE_SMALL if total <= 36 * GB else _METAL_SHARE_LARGE))
    if kind == "cuda":
        return _cuda_memory() or memory().total
    return int(memory().total * 0.9)


@functools.cache
def _cuda_memory() -> int | None:
    if not shutil.which("nvidia-smi"):
        return None
    told = subprocess.run(
        ["nvidia-smi", "--query-gpu=memory.total", "--format=csv,noheader,nounits"],
        capture_output=True,
        text=True,
        timeout=10,
        check=False,
    )
    first = told.stdout.split("\n")[0].strip()
    return int(first) * 1024**2 if first.isdigit() else None


@functools.cache
def boot_id() -> str | None:
    """What names this start of the machine, whatever its clock says; None where the system does not tell."""
    if sys.platform == "darwin":
        told = subprocess.run(
            ["/usr/sbin/sysctl", "-n", "kern.bootsessionuuid"], capture_output=True, text=True, check=False
        )
        return told.stdout.strip() or None
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip() or None
    except OSError:
        return None


def disk_free(folder: Path) -> int:
    return shutil.disk_usage(folder).free


@functools.cache
def fast_blas() -> Path | None:
    """The fast BLAS to preload in MLX's children on a Linux CPU, or None.

    MLX's CPU wheel bundles a reference BLAS of about 5 GFLOP/s; an OpenBLAS before it on the
    loader's path gives some 30 times that. Looked for in the `faiss-cpu` wheel, then in the system.
    """
    if not sys.platform.startswith("linux") or device() != "cpu":
        return None
    spec = importlib.util.find_spec("faiss")
    for place in (spec.submodule_search_locations or []) if spec else []:
        found = sorted((Path(place).parent / "faiss_cpu.libs").glob("libopenblas*.so*"))
        if found:
            return found[0]
    for pattern in ("libopenblas.so.0", "openblas*/libopenblas*.so.0"):
        for folder in (
            Path(f"/usr/lib/{platform.machine()}-linux-gnu"),
            Path("/usr/lib64"),
            Path("/usr/lib"),
        ):
            for path in sorted(folder.glob(pattern)):
                return path
    return None


def mlx_environment() -> dict[str, str]:
    """What a child that imports MLX needs in its environment on this machine."""
    environment = {
        "HF_HUB_OFFLINE": "1",
        "TOKENIZERS_PARALLELISM": "false",
        "TRANSFORMERS_VERBOSITY": "error",
    }
    blas = fast_blas()
    if blas is not None:
        earlier = os.environ.get("LD_LIBRARY_PATH")
        environment["LD_PRELOAD"] = str(blas)
        # Threads that spin while they wait take the cores from whoever works: two processes side by
        # side ran at a fifth of their speed.
        environment["OMP_WAIT_POLICY"] = "PASSIVE"
        environment["LD_LIBRARY_PATH"] = f"{blas.parent}:{earlier}" if earlier else str(blas.parent)
    return environment


def cores() -> int:
    return psutil.cpu_count(logical=False) or os.cpu_count() or 1
