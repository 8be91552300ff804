"""Walk down the checklist."""

from __future__ import annotations

from tools.check_setup import device, python, resources, runs, thermals
from tools.check_setup.contract import CheckArgs, CheckResult, Item
from tools.next_call import next_call
from tools.workspace import power
from tools.workspace.layout import Workspace
from tools.workspace.machine import memory


def check_setup(ws: Workspace, args: CheckArgs, *, default_model: str, version: str) -> CheckResult:
    """Every item, in the order in which one would mend them: before, during and after training.

    `default_model`: the base that is used when none is named. `version`: Afina's.
    """
    del args  # there is nothing to ask for yet
    system = power.read()
    found: list[Item | None] = [
        python.python(),
        python.macos(),
        python.virtual_environment(),
        mlx := python.packages(),
        device.device_item() if mlx.state == "ok" else None,
        device.blas(),
        resources.memory(memory(), resources.holders(ws), bool(system.memory_pressed)),
        resources.disk_of(ws),
        resources.writable(ws),
        resources.model(ws, default_model),
        resources.data(ws),
        resources.backup(ws),
        thermals.judged(system),
        resources.calibration(ws),
        *runs.run_items(ws),
    ]
    items = [item for item in found if item is not None]
    return CheckResult(
        ready=all(item.state != "fail" for item in items),
        version=version,
        workspace=str(ws.root),
        items=items,
        next=_next(ws, items),
    )


def _next(ws: Workspace, items: list[Item]) -> str:
    if any(item.state == "fail" for item in items):
        return next_call("check_setup")
    names = ws.dataset_names()
    if not names:
        return next_call("prepare_dataset", sources=["PATH"], dry_run=True)
    return next_call("start_finetune", dataset=names[0], dry_run=True)
