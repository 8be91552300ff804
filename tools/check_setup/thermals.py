"""Heat and power: a hot machine, or one on battery, trains slowly."""

from __future__ import annotations

import re
import shutil
import subprocess
from typing import Any

import psutil

from tools.check_setup.contract import Item


def thermals() -> Item:
    """From `pmset` on a Mac, from the sensors elsewhere."""
    if shutil.which("pmset"):
        return read_pmset(_pmset("therm"), _pmset("batt"))
    return _from_sensors()


def _pmset(what: str) -> str:
    try:
        told = subprocess.run(["pmset", "-g", what], capture_output=True, text=True, timeout=5, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return told.stdout


def read_pmset(therm: str, batt: str) -> Item:
    """Judge what `pmset -g therm` and `pmset -g batt` print."""
    limits = [int(number) for number in re.findall(r"(?:CPU_Speed_Limit|CPU_Scheduler_Limit)\s*=\s*(\d+)", therm)]
    warning = re.search(r"thermal warning level[^\n]*?(\d+)", therm, re.IGNORECASE)
    hot = (bool(limits) and min(limits) < 100) or (warning is not None and int(warning.group(1)) > 0)
    power = re.search(r"Now drawing from '([^']+)'", batt)
    charge = re.search(r"(\d+)%", batt)
    battery = int(charge.group(1)) if charge else None
    return _judged(hot, f"speed limited to {min(limits)}%" if limits and hot else "", _on_battery(power), battery)


def _on_battery(power: re.Match[str] | None) -> bool | None:
    return None if power is None else power.group(1).startswith("Battery")


def _from_sensors() -> Item:
    temperatures: dict[str, list[Any]] = getattr(psutil, "sensors_temperatures", dict)()
    readings = [reading for group in temperatures.values() for reading in group]
    hot = [r for r in readings if r.high and r.current >= r.high]
    battery = getattr(psutil, "sensors_battery", lambda: None)()
    said = f"{hot[0].label or 'a sensor'} at {hot[0].current:.0f} °C" if hot else ""
    if not readings and battery is None:
        return Item(item="thermals", state="ok", found="no sensor tells; watch the fans during long runs")
    plugged = None if battery is None else not battery.power_plugged
    return _judged(bool(hot), said, plugged, None if battery is None else int(battery.percent))


def _judged(hot: bool, how: str, on_battery: bool | None, charge: int | None) -> Item:
    power = {None: "no battery", True: "on battery", False: "on mains power"}[on_battery]
    if charge is not None:
        power += f" ({charge}%)"
    if hot:
        fix = "Let it cool and keep its vents free before a long run: a hot machine is slowed down."
        return Item(item="thermals", state="warn", found=f"hot{f', {how}' if how else ''}; {power}", fix=fix)
    if on_battery:
        return Item(
            item="thermals",
            state="warn",
            found=f"cool; {power}",
            fix="Plug it in before a run: on battery it is slower and may sleep.",
        )
    return Item(item="thermals", state="ok", found=f"cool; {power}")
