"""The device under MLX: set up once a process, and asked for its memory."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass

import mlx.core as mx
import psutil

from tools.errors import BackendMissing
from tools.workspace import machine

# Buffers that MLX keeps for reuse: enough to keep a training step's, small enough not to grow for hours.
CACHE_LIMIT = machine.GB


@dataclass(frozen=True)
class DeviceMemory:
    """Bytes: held by arrays now, their peak since the last reset, kept for reuse, and the process's RSS."""

    active: int
    peak: int
    cache: int
    rss: int


def set_up() -> machine.Device:
    """Choose the device, bound MLX's buffer cache; returns the device's kind.

    Raises BackendMissing where MLX was installed without a backend. The wired limit is left alone:
    a high one has been linked to kernel panics on 16 GB Macs.
    """
    if not machine.backend_installed():
        raise BackendMissing(
            "MLX has no backend on this machine.",
            fix="Install Afina with the extra `cpu` (any Linux) or `cuda13` (NVIDIA): pip install 'afina[cpu]'.",
        )
    kind = machine.device()
    if kind == "cpu":
        mx.set_default_device(mx.cpu)
    mx.set_cache_limit(CACHE_LIMIT)
    return kind


def bound_memory(limit: int) -> None:
    """Have MLX wait for work under way rather than hold more than `limit` bytes, as far as that is possible.

    Work is handed to a device faster than it is done, and each step's temporaries would pile up.
    """
    mx.set_memory_limit(limit)


def give_back() -> None:
    """Give the memory that MLX keeps for reuse back to the system, for times when what is needed has changed.

    glibc alone would keep freed buffers too: an adapter that is loaded cost twice its bytes.
    """
    mx.clear_cache()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def kind() -> machine.Device:
    """The kind of device that computes in this process."""
    return "cpu" if mx.default_device() == mx.cpu else machine.device()


def memory() -> DeviceMemory:
    return DeviceMemory(
        active=int(mx.get_active_memory()),
        peak=int(mx.get_peak_memory()),
        cache=int(mx.get_cache_memory()),
        rss=int(psutil.Process().memory_info().rss),
    )
