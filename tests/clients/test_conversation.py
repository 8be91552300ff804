"""The walk-through, held anew with the tiny model."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tools.workspace.layout import Workspace

pytestmark = pytest.mark.verify
ROOT = Path(__file__).parents[2]
SETTINGS = {"iters": 8, "max_seq_length": 64, "steps_per_eval": 4, "val_batches": 1, "sample_prompts": []}


def titles(text: str) -> list[str]:
    return re.findall(r"^## (.+)$", text, re.MULTILINE)


def tools_called(text: str) -> list[str]:
    return re.findall(r"^```text\n(\w+) \{", text, re.MULTILINE)


def test_the_conversation_goes_all_the_way_and_as_it_is_written_down(tiny_ws: Workspace) -> None:
    afina = f"{sys.executable} -P -m server.cli mcp"
    given = ["--model", "tiny", "--settings", json.dumps(SETTINGS), "--max-items", "3", "--command", afina]
    roots = os.pathsep.join([os.environ["AFINA_ALLOWED_ROOTS"], str(ROOT / "clients")])
    own = {"AFINA_WORKSPACE": str(tiny_ws.root), "AFINA_EXIT_IDLE_S": "5", "AFINA_ALLOWED_ROOTS": roots}
    done = subprocess.run(
        [sys.executable, ROOT / "clients" / "conversation.py", *given],
        capture_output=True,
        text=True,
        timeout=300,
        cwd=ROOT,
        env={**os.environ, **own},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    kept = (ROOT / "clients" / "conversation.md").read_text(encoding="utf-8")
    assert titles(done.stdout) == titles(kept)
    assert tools_called(done.stdout) == tools_called(kept)
    assert len(tools_called(kept)) >= 9
    for private in (str(ROOT), str(tiny_ws.root)):
        assert private not in done.stdout
