"""The whole way on the real small model, as `make demo` goes it."""

from __future__ import annotations

import re
import subprocess
import time
from pathlib import Path

import pytest

from tests.support.training import stop_all
from tools.workspace.layout import open_workspace
from tools.workspace.processes import child_command, child_environment


def demo(workspace: Path, *arguments: str) -> str:
    command = child_command("server.cli", ["demo", "--workspace", str(workspace), *arguments])
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=900, env=child_environment({"COLUMNS": "140"}), check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def change(printed: str) -> float:
    found = re.search(r"bits per byte: base ([\d.]+), tuned ([\d.]+) \(([-+][\d.]+)%\)", printed)
    assert found is not None, printed
    base, tuned, told = (float(part) for part in found.groups())
    assert told == pytest.approx(100 * (tuned / base - 1), abs=0.1)
    return told


@pytest.mark.journey
def test_the_demo_goes_from_an_empty_workspace_to_a_served_adapter(tmp_path: Path) -> None:
    workspace, picture = tmp_path / "afina", tmp_path / "demo.svg"
    try:
        printed = demo(workspace, "--minutes", "0.5", "--picture", str(picture))
    finally:
        ws = open_workspace(workspace)
        stop_all(ws)
    assert change(printed) < 0
    for step in ("1/5", "2/5 Dataset mares", "3/5 Training: step", "4/5", "5/5 Served at http://127.0.0.1:"):
        assert step in printed
    adapter = ws.adapter_folder("mares")
    assert f"mares@{adapter.name}" in printed
    assert "afina serve --model mares" in printed
    report = next(ws.evaluations.glob("*/report.html"))
    # The line may be broken anywhere.
    assert f"report:{report}" in "".join(printed.split())
    assert picture.read_text(encoding="utf-8").startswith("<svg")


@pytest.mark.verify
@pytest.mark.journey
def test_the_demo_keeps_its_promise(tmp_path: Path) -> None:
    """Held-out bits per byte at least 15% lower, within six minutes on two cores."""
    began = time.monotonic()
    try:
        printed = demo(tmp_path / "afina")
    finally:
        stop_all(open_workspace(tmp_path / "afina"))
    assert change(printed) <= -15
    assert time.monotonic() - began < 360
