"""What a run's folder says of it, without a run."""

from __future__ import annotations

import hashlib
import platform
from importlib.metadata import version

import yaml

from tests.support.records import SMALL, insert_run, plan
from tools.prepare_dataset.reading_back import Dataset
from tools.start_finetune.contract import Setting
from tools.start_finetune.description import describe
from tools.start_finetune.mlx_lm_config import CONFIG_FILE
from tools.start_finetune.written_plan import write_plan
from tools.workspace import runs
from tools.workspace.files import read_json, write_json
from tools.workspace.layout import Workspace
from tools.workspace.reconcile import RUN_FILE, reconcile


def described_run(ws: Workspace) -> runs.Run:
    """A run that was written down, of a dataset of which there is only the card."""
    run = insert_run(ws, plan=plan(ws, iters=40).model_dump(mode="json"), steps=40)
    folder = ws.data / "livros" / "00000000"
    folder.mkdir(parents=True)
    splits = {split: {"rows": rows, "tokens": 100 * rows} for split, rows in (("train", 80), ("valid", 10))}
    write_json(folder / "card.json", {"name": "livros", "version": "00000000", "format": "chat", "splits": splits})
    dataset = Dataset(folder, read_json(folder / "card.json"))
    write_json(runs.folder(ws, run.run) / RUN_FILE, describe(run, dataset, SMALL, "uma vez"))
    return run


def test_a_run_tells_its_versions_its_data_its_base_and_its_machine(ws: Workspace) -> None:
    run = described_run(ws)
    told = read_json(runs.folder(ws, run.run) / RUN_FILE)
    card = (ws.data / "livros" / "00000000" / "card.json").read_bytes()
    assert told["data"] == {
        "card_sha256": hashlib.sha256(card).hexdigest(),
        "format": "chat",
        "rows": {"train": 80, "valid": 10},
        "tokens": {"train": 8000, "valid": 1000},
    }
    assert told["base"] == {"name": SMALL.name, "fingerprint": SMALL.fingerprint, "source": SMALL.source}
    assert told["versions"] == {
        "afina": version("afina"),
        "mlx": version("mlx"),
        "mlx-lm": version("mlx-lm"),
        "python": platform.python_version(),
    }
    assert told["machine"]["system"] and told["machine"]["device"] and told["machine"]["memory_gb"] > 0


def test_a_plan_that_changes_is_changed_for_mlx_lm_too(ws: Workspace) -> None:
    run = described_run(ws)
    made = plan(ws, iters=40)
    made.settings["iters"] = Setting(value=24, source="measured")
    write_plan(ws, run.run, made, 24)
    config = yaml.safe_load((runs.folder(ws, run.run) / CONFIG_FILE).read_text())
    assert (config["iters"], config["data"]) == (24, str(ws.data / "livros" / "00000000"))
    assert runs.get(ws, run.run).steps == 24


def test_a_lost_row_is_made_again_of_the_folder(ws: Workspace) -> None:
    run = described_run(ws)
    runs.delete(ws, run.run)
    reconcile(ws)
    again = runs.get(ws, run.run)
    assert (again.plan, again.dataset, again.model, again.steps) == (run.plan, run.dataset, run.model, run.steps)
