"""A process on MLX starts without transformers, and mlx-lm's own loading still works there."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tools.workspace.layout import Workspace

CHILDREN = ["server.engine.worker.scheduler", "tools.compute.training.worker", "tools.compute.scoring.worker"]


def in_a_fresh_process(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False, cwd=Path.cwd()
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_children_import_neither_transformers_nor_huggingface_hub() -> None:
    found = in_a_fresh_process(
        f"import sys, {', '.join(CHILDREN)}; print(sorted({{'transformers', 'huggingface_hub'}} & set(sys.modules)))"
    )
    assert found == "[]"


def test_mlx_lm_still_loads_a_model_with_its_tokenizer(tiny_ws: Workspace) -> None:
    folder = tiny_ws.models / "tiny"
    ids = in_a_fresh_process(
        "import tools.compute, mlx_lm\n"
        f"_, tokenizer = mlx_lm.load({str(folder)!r})\n"
        "import transformers, huggingface_hub\n"
        "assert isinstance(tokenizer._tokenizer, transformers.PreTrainedTokenizerBase)\n"
        "assert tokenizer.decode(tokenizer.encode('A menina')) and callable(huggingface_hub.snapshot_download)\n"
        "print(tokenizer.encode('A menina'))"
    )
    plain = in_a_fresh_process(
        f"import mlx_lm\n_, tokenizer = mlx_lm.load({str(folder)!r})\nprint(tokenizer.encode('A menina'))"
    )
    assert ids == plain
