"""Power, heat and memory pressure of this machine, as the system tells them.

macOS: `pmset -g batt`, `pmset -g therm` and the kernel's memory pressure, asked of the system's own
programs, each with a time limit. Linux: files under /sys and /proc. Where MLX runs on an NVIDIA card:
its `nvidia-smi`. What is not told is None.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from tools.workspace import machine

_TIMEOUT_S = 3.0
_NVIDIA = (
    "nvidia-smi",
    "--query-gpu=temperature.gpu,clocks_throttle_reasons.active",
    "--format=csv,noheader,nounits",
)
# Of a background job: others go first where the cores are short, and nothing is lost where they are not.
_NICENESS = 5
# Of NVML's reasons for lower clocks those of heat: nvmlClocksEventReasonSwThermalSlowdown, …HwThermalSlowdown.
_HEAT = 0x20 | 0x40
# What macOS tells: 1 normal, 2 warning, 4 critical.
_PRESSED = 2
# No such level was set (IOKit's kIOPMThermalLevelUnknown).
_UNKNOWN_LEVEL = 255


@dataclass(frozen=True)
class Power:
    """on_battery: whether it runs on its battery, or a UPS. battery: charge in percent.

    speed_limit: percent of its speed that the system lets the processor have. throttled: whether heat
    slows the machine or its NVIDIA card down. heat: the hottest sensor that can slow them down, °C.
    memory_stall: percent of the last minute in which some process waited for memory. memory_pressed: the
    system is short of it.
    """

    on_battery: bool | None = None
    battery: int | None = None
    speed_limit: int | None = None
    throttled: bool | None = None
    heat: float | None = None
    memory_stall: float | None = None
    memory_pressed: bool | None = None

    def told(self) -> dict[str, Any]:
        """What is known, as JSON-ready fields."""
        return {name: value for name, value in asdict(self).items() if value is not None}

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Power:
        """From the fields that `told` gave, others left out."""
        known = cls.__dataclass_fields__
        return cls(**{name: value for name, value in told.items() if name in known})


def read() -> Power:
    """How this machine stands now; takes some milliseconds."""
    if sys.platform == "darwin":
        found = read_therm(_output("/usr/bin/pmset", "-g", "therm"), read_batt(_output("/usr/bin/pmset", "-g", "batt")))
        level = _output("/usr/sbin/sysctl", "-n", "kern.memorystatus_vm_pressure_level").strip()
        return replace(found, memory_pressed=int(level) >= _PRESSED if level.isdigit() else None)
    found = read_linux(Path("/sys"), Path("/proc"))
    return read_nvidia(_output(*_NVIDIA), found) if machine.device() == "cuda" else found


def _output(*command: str) -> str:
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError):
        return ""
    return done.stdout


# macOS ----------------------------------------------------------------------------------------


def read_batt(text: str, known: Power | None = None) -> Power:
    """What `pmset -g batt` prints: where power comes from, and the charge of the machine's own battery."""
    source = re.search(r"drawing from '([^']+)'", text)
    charge = re.search(r"-InternalBattery[^\n]*?(\d{1,3})%", text)
    on_battery = source.group(1) != "AC Power" if source else None
    return replace(known or Power(), on_battery=on_battery, battery=int(charge.group(1)) if charge else None)


def read_therm(text: str, known: Power | None = None) -> Power:
    """What `pmset -g therm` prints: limits of the processor where there were any, warnings where there were any."""
    limits = [int(n) for n in re.findall(r"CPU_(?:Speed|Scheduler)_Limit\s*=\s*(\d+)", text)]
    levels = [int(n) for n in re.findall(r"(?:Thermal|Performance) Warning Level\s*[=:]\s*(\d+)", text, re.IGNORECASE)]
    warned = any(0 < level != _UNKNOWN_LEVEL for level in levels)
    throttled = (bool(limits) and min(limits) < 100) or warned if text.strip() else None
    return replace(known or Power(), speed_limit=min(limits) if limits else None, throttled=throttled)


# Linux ----------------------------------------------------------------------------------------


def read_linux(sys_folder: Path, proc: Path) -> Power:
    """What the kernel tells under /sys/class/power_supply, /sys/class/thermal and /proc/pressure."""
    on_battery, battery = _supplies(sys_folder / "class" / "power_supply")
    heat, throttled = _zones(sys_folder / "class" / "thermal")
    stall = re.search(r"^some .*?avg60=(\d+\.\d+)", _text(proc / "pressure" / "memory"), re.MULTILINE)
    return Power(
        on_battery=on_battery,
        battery=battery,
        throttled=throttled,
        heat=heat,
        memory_stall=float(stall.group(1)) if stall else None,
    )


def _supplies(folder: Path) -> tuple[bool | None, int | None]:
    """Whether the machine runs on its battery, and the battery's charge. Batteries of mice do not count."""
    mains: list[str] = []
    charges: list[int] = []
    discharging = False
    for supply in sorted(folder.glob("*")):
        kind = _text(supply / "type")
        if kind == "Mains" or kind.startswith("USB"):
            mains.append(_text(supply / "online"))
        elif kind == "Battery" and _text(supply / "scope") != "Device":
            discharging |= _text(supply / "status") == "Discharging"
            charge = _text(supply / "capacity")
            charges += [int(charge)] if charge.isdigit() else []
    if not charges:
        return (False if "1" in mains else None), None
    return discharging and "1" not in mains, min(charges)


def _zones(folder: Path) -> tuple[float | None, bool | None]:
    """The hottest zone with a point at which the kernel slows the machine down, and whether one has reached it."""
    hottest: float | None = None
    throttled: bool | None = None
    for zone in sorted(folder.glob("thermal_zone*")):
        heat = _milli(zone / "temp")
        points = [path for path in zone.glob("trip_point_*_type") if _text(path) == "passive"]
        limits = [_milli(path.with_name(path.name.removesuffix("type") + "temp")) or 0.0 for path in points]
        limits = [limit for limit in limits if limit > 0]
        if heat is None or not limits:
            continue
        hottest = heat if hottest is None else max(hottest, heat)
        throttled = bool(throttled) or heat >= min(limits)
    return hottest, throttled


def _milli(path: Path) -> float | None:
    text = _text(path)
    return int(text) / 1000 if re.fullmatch(r"-?\d+", text) else None


def _text(path: Path) -> str:
    try:
        return path.read_text().strip()
    except (OSError, UnicodeDecodeError):
        return ""


# NVIDIA ---------------------------------------------------------------------------------------


def read_nvidia(text: str, known: Power | None = None) -> Power:
    """What `nvidia-smi` prints of each card: its temperature in °C, and why its clocks are lower than they could be.

    Clocks that are lower for want of work, or at the limit of power, are no sign of heat.
    """
    cards = [
        (float(heat) if heat.isdigit() else None, int(reasons, 16))
        for heat, reasons in re.findall(r"^\s*(\S+)\s*,\s*(0x[0-9a-fA-F]+)\s*$", text, re.MULTILINE)
    ]
    found = known or Power()
    if not cards:
        return found
    throttled = any(reasons & _HEAT for _, reasons in cards)
    heats = [heat for heat in (found.heat, *(heat for heat, _ in cards)) if heat is not None]
    return replace(found, throttled=throttled or bool(found.throttled), heat=max(heats, default=None))


# Giving way -----------------------------------------------------------------------------------


def give_way() -> int:
    """Let others go first: lower this process's priority, for good. Returns its niceness; one set by hand stays."""
    found = niceness()
    return os.nice(_NICENESS - found) if 0 <= found < _NICENESS else found


def niceness() -> int:
    """-20 to 19; the higher, the more this process gives way to others."""
    return os.getpriority(os.PRIO_PROCESS, 0)
