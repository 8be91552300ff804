"""Power, heat and memory pressure, from what real systems print."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tools.workspace import machine, power
from tools.workspace.power import Power

# `pmset -g batt`, from old and new versions of macOS, on laptops and desktops.
AC, BATTERY = "Now drawing from 'AC Power'\n", "Now drawing from 'Battery Power'\n"
BATT = {
    "charged": f"{AC} -InternalBattery-0 (id=4653155)\t100%; charged; 0:00 remaining present: true\n",
    "holding": f"{AC} -InternalBattery-0 (id=9306211)\t80%; AC attached; not charging present: true\n",
    "charging": f"{AC} -InternalBattery-0 (id=24182883)\t82%; charging; 1:20 remaining present: true\n",
    "running down": f"{BATTERY} -InternalBattery-0 (id=23003235)\t9%; discharging; 0:21 remaining present: true\n",
    "unplugged": f"{BATTERY} -InternalBattery-0 (id=23003235)\t95%; discharging; (no estimate) present: true\n",
    "old": "Currently drawing from 'Battery Power'\n -InternalBattery-0\t41%; discharging; 3:10 remaining\n",
    "desktop": AC,
    "UPS": "Now drawing from 'UPS Power'\n -Back-UPS ES 700G (id=11665408)\t97%; discharging; 0:32 remaining\n",
    "nothing": "",
}


@pytest.mark.parametrize(
    ("case", "on_battery", "charge"),
    [
        ("charged", False, 100),
        ("holding", False, 80),
        ("charging", False, 82),
        ("running down", True, 9),
        ("unplugged", True, 95),
        ("old", True, 41),
        ("desktop", False, None),
        ("UPS", True, None),
        ("nothing", None, None),
    ],
)
def test_the_source_of_power_is_read(case: str, on_battery: bool | None, charge: int | None) -> None:
    found = power.read_batt(BATT[case])
    assert (found.on_battery, found.battery) == (on_battery, charge)


NO_WARNING = """Note: No thermal warning level has been recorded
Note: No performance warning level has been recorded
"""
APPLE_SILICON = NO_WARNING + "Note: No CPU power status has been recorded\n"
INTEL = """2021-11-02 10:22:33 +0000 CPU Power notify
\tCPU_Scheduler_Limit \t= 100
\tCPU_Available_CPUs \t= 8
\tCPU_Speed_Limit \t= {speed}
"""
WARNED = """2026-09-23 14:05:31 -0700 Thermal Warning Level = {level}
Note: No performance warning level has been recorded
Note: No CPU power status has been recorded
"""


@pytest.mark.parametrize(
    ("text", "throttled", "limit"),
    [
        (APPLE_SILICON, False, None),
        (NO_WARNING + INTEL.format(speed=100), False, 100),
        (NO_WARNING + INTEL.format(speed=62), True, 62),
        (WARNED.format(level=70), True, None),
        (WARNED.format(level=0), False, None),
        (WARNED.format(level=255), False, None),
        ("", None, None),
    ],
)
def test_a_slowed_down_mac_is_known(text: str, throttled: bool | None, limit: int | None) -> None:
    found = power.read_therm(text)
    assert (found.throttled, found.speed_limit) == (throttled, limit)


def put(folder: Path, **files: str) -> None:
    folder.mkdir(parents=True)
    for name, content in files.items():
        (folder / name).write_text(content + "\n")


def test_a_linux_laptop_on_its_battery_that_is_hot_and_short_of_memory(tmp_path: Path) -> None:
    supplies, zones = tmp_path / "sys/class/power_supply", tmp_path / "sys/class/thermal"
    put(supplies / "AC", type="Mains", online="0")
    put(supplies / "BAT0", type="Battery", status="Discharging", capacity="37")
    put(supplies / "hid-mouse", type="Battery", scope="Device", status="Discharging", capacity="5")
    passive = {"trip_point_0_type": "passive", "trip_point_0_temp": "95000"}
    put(zones / "thermal_zone0", type="x86_pkg_temp", temp="97000", **passive)
    put(zones / "thermal_zone1", type="acpitz", temp="20000")
    put(
        tmp_path / "proc/pressure", memory="some avg10=9.10 avg60=12.50 avg300=3.00 total=1\nfull avg10=1.00 avg60=2.00"
    )
    found = power.read_linux(tmp_path / "sys", tmp_path / "proc")
    assert found == Power(on_battery=True, battery=37, heat=97.0, throttled=True, memory_stall=12.5)
    assert Power.of({**found.told(), "nice": 5}) == found


def test_a_linux_machine_that_tells_nothing_gives_nothing(tmp_path: Path) -> None:
    assert power.read_linux(tmp_path, tmp_path) == Power()
    assert Power().told() == {}


def test_a_plugged_in_laptop_below_its_limits_is_neither_on_battery_nor_throttled(tmp_path: Path) -> None:
    put(tmp_path / "class/power_supply/AC", type="Mains", online="1")
    put(tmp_path / "class/power_supply/BAT0", type="Battery", status="Charging", capacity="80")
    passive = {"trip_point_1_type": "passive", "trip_point_1_temp": "95000"}
    put(tmp_path / "class/thermal/thermal_zone0", temp="51000", **passive)
    assert power.read_linux(tmp_path, tmp_path) == Power(on_battery=False, battery=80, heat=51.0, throttled=False)


# `nvidia-smi --query-gpu=temperature.gpu,clocks_throttle_reasons.active --format=csv,noheader,nounits`: the
# first three as an H100 with driver 580 printed them, idle, at work, and at its limit of power; then the
# bits of NVML for heat, a card that tells no temperature, two cards, and what an older driver answers.
IDLE, AT_WORK, AT_ITS_POWER = "35, 0x0000000000000001\n", "35, 0x0000000000000000\n", "55, 0x0000000000000004\n"
HOT_BY_SOFTWARE, HOT_BY_HARDWARE = "87, 0x0000000000000020\n", "92, 0x0000000000000048\n"
NOT_KNOWN = 'Field "clocks_throttle_reasons.active" is not a valid field to query.\n\n'


@pytest.mark.parametrize(
    ("text", "throttled", "heat"),
    [
        (IDLE, False, 35.0),
        (AT_WORK, False, 35.0),
        (AT_ITS_POWER, False, 55.0),
        (HOT_BY_SOFTWARE, True, 87.0),
        (HOT_BY_HARDWARE, True, 92.0),
        ("[N/A], 0x0000000000000040\n", True, None),
        (AT_WORK + HOT_BY_SOFTWARE, True, 87.0),
        ("41, [N/A]\n", None, None),
        (NOT_KNOWN, None, None),
        ("", None, None),
    ],
)
def test_a_hot_nvidia_card_is_known(text: str, throttled: bool | None, heat: float | None) -> None:
    found = power.read_nvidia(text, Power(battery=80))
    assert found == Power(battery=80, throttled=throttled, heat=heat)


def test_a_cool_card_makes_a_hot_machine_no_cooler() -> None:
    assert power.read_nvidia(IDLE, Power(throttled=True, heat=97.0)) == Power(throttled=True, heat=97.0)


def test_a_machine_without_the_cards_program_is_read_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    told = power.read()
    monkeypatch.setattr(machine, "device", lambda: "cuda")
    assert power.read().throttled == told.throttled


def test_this_machine_can_be_asked() -> None:
    assert isinstance(power.read(), Power)


@pytest.mark.parametrize("more", [0, 12])
def test_a_process_gives_way_once_and_keeps_what_was_set_by_hand(more: int) -> None:
    code = "from tools.workspace.power import give_way; print(give_way(), give_way())"
    command = ["nice", "-n", str(more), sys.executable, "-c", code]
    told = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
    expected = max(5, power.niceness() + more)
    assert told.stdout.split() == [str(expected)] * 2
