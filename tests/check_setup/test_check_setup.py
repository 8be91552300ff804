"""The checklist on this machine, and its judgement on told values."""

from __future__ import annotations

import pytest

from tests.list_workspace.rows import add_dataset
from tools.check_setup import resources, thermals
from tools.check_setup.contract import CheckArgs, CheckResult
from tools.check_setup.tool import check_setup
from tools.workspace import power
from tools.workspace.layout import Workspace
from tools.workspace.machine import GB, Memory

COOL = """Note: No thermal warning level has been recorded
Note: No performance warning level has been recorded
"""
HOT = """2026-11-24 10:00:00 +0000 CPU Power notify
\tCPU_Scheduler_Limit \t= 100
\tCPU_Available_CPUs \t= 8
\tCPU_Speed_Limit \t= 62
"""
MAINS = """Now drawing from 'AC Power'
 -InternalBattery-0 (id=4653155)\t100%; charged; 0:00 remaining present: true
"""
BATTERY = """Now drawing from 'Battery Power'
 -InternalBattery-0 (id=4653155)\t41%; discharging; 3:10 remaining present: true
"""


def check(ws: Workspace, default_model: str = "tiny") -> CheckResult:
    return check_setup(ws, CheckArgs(), default_model=default_model, version="0")


def test_this_machine_is_ready_and_its_device_was_tried(tiny_ws: Workspace) -> None:
    result = check(tiny_ws)
    states = {item.item: item.state for item in result.items}
    assert result.ready, result.items
    assert states["python"] == states["mlx"] == states["workspace"] == states["model"] == "ok"
    assert "GFLOP/s" in next(item.found for item in result.items if item.item == "device")


def test_every_item_that_is_not_ok_says_what_to_do(ws: Workspace) -> None:
    for item in check(ws).items:
        assert item.state == "ok" or item.fix, item


def test_a_missing_model_is_named_with_the_command_that_brings_it(ws: Workspace) -> None:
    item = next(item for item in check(ws, "smollm2-135m").items if item.item == "model")
    assert item.state == "warn"
    assert "afina models pull smollm2-135m" in str(item.fix)


def test_without_data_the_next_call_prepares_some(tiny_ws: Workspace) -> None:
    assert check(tiny_ws).next.startswith("prepare_dataset {")


@pytest.mark.parametrize(
    ("available", "total", "state"), [(9, 16, "ok"), (8, 16, "ok"), (7.9, 16, "warn"), (0.9, 16, "fail")]
)
def test_half_of_the_memory_should_be_free(available: float, total: float, state: str) -> None:
    item = resources.memory(Memory(int(total * GB), int(available * GB), 0))
    assert item.state == state


def test_memory_that_the_system_is_short_of_is_told_whatever_is_free() -> None:
    item = resources.memory(Memory(16 * GB, 12 * GB, 0), pressed=True)
    assert item.state == "warn"
    assert "short of it" in item.found


def test_a_dataset_without_the_bytes_of_its_sources_is_told(ws: Workspace) -> None:
    assert resources.backup(ws) is None
    folder = add_dataset(ws, "livros", "aaaa", 1.0)
    item = resources.backup(ws)
    assert item is not None
    assert (item.state, item.found) == ("warn", "no copy of the sources of livros")
    (folder / "sources" / "original").mkdir(parents=True)
    (folder / "sources" / "original" / "livro.txt").write_text("Era uma vez.")
    item = resources.backup(ws)
    assert item is not None
    assert item.state == "ok"


def test_swapped_memory_is_told(ws: Workspace) -> None:
    assert "3.0 GB are swapped out" in str(resources.memory(Memory(16 * GB, 4 * GB, 3 * GB)).fix)


@pytest.mark.parametrize(("free", "state"), [(10, "ok"), (9, "warn"), (1, "fail")])
def test_disk_is_judged_by_what_a_run_takes(free: int, state: str) -> None:
    assert resources.disk(free * GB).state == state


def test_a_missing_folder_fails(ws: Workspace) -> None:
    ws.logs.rmdir()
    item = resources.writable(ws)
    assert item.state == "fail"
    assert item.fix


@pytest.mark.parametrize(
    ("therm", "batt", "state", "told"),
    [
        (COOL, MAINS, "ok", "mains power (100%)"),
        (HOT, MAINS, "warn", "speed limited to 62%"),
        (COOL, BATTERY, "warn", "on battery (41%)"),
        (COOL, "", "ok", "no battery"),
        ("", "", "ok", "no sensor tells"),
    ],
)
def test_heat_and_power_are_read_from_pmset(therm: str, batt: str, state: str, told: str) -> None:
    item = thermals.judged(power.read_therm(therm, power.read_batt(batt)))
    assert item.state == state
    assert told in item.found
