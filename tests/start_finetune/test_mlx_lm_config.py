"""The configuration for mlx-lm, read by mlx-lm itself."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from mlx_lm import lora as mlx_lm_lora
from mlx_lm.tuner.utils import build_schedule

from tests.support.records import plan
from tests.support.training import FAST, prepare_small
from tools.compute.training.optimizer import make_optimizer
from tools.compute.training.schedule import rate_at
from tools.prepare_dataset.reading_back import open_dataset
from tools.start_finetune.contract import Plan
from tools.start_finetune.mlx_lm_config import CONFIG_FILE, config_text, write_config
from tools.workspace import runs
from tools.workspace.files import write_json
from tools.workspace.layout import Workspace
from tools.workspace.reconcile import RUN_FILE

ROWS = {"train": 400, "valid": 40, "test": 40}


def text_of(made: Plan, form: str = "chat") -> str:
    places = {"model": Path("/afina/models/tiny"), "data": Path("/afina/data/livros/1"), "adapter": Path("/afina/ã")}
    return config_text(made, form=form, rows=ROWS, **places)


def read(text: str) -> dict[str, Any]:
    """As `mlx_lm.lora --config` reads it."""
    config = yaml.safe_load(text)
    assert config == yaml.load(text, mlx_lm_lora.yaml_loader)
    assert set(config) <= set(mlx_lm_lora.CONFIG_DEFAULTS)
    for name, value in config.items():
        default = mlx_lm_lora.CONFIG_DEFAULTS[name]
        assert default is None or isinstance(value, type(default)), (name, value)
    return dict(config)


def test_each_setting_is_under_mlx_lms_name(ws: Workspace) -> None:
    made = plan(ws, preset="optimized", lora_keys=["self_attn.q_proj"], lora_layers=16, lora_rank=8, lora_alpha=16)
    config = read(text_of(made))
    for name in ("batch_size", "iters", "learning_rate", "max_seq_length", "grad_checkpoint", "save_every", "seed"):
        assert config[name] == made.value(name)
    assert config["lora_parameters"] == {"rank": 8, "scale": 2.0, "dropout": 0.05, "keys": ["self_attn.q_proj"]}
    assert (config["num_layers"], config["grad_accumulation_steps"]) == (16, made.value("gradient_accumulation_steps"))
    assert (config["adapter_path"], config["train"], config["mask_prompt"]) == ("/afina/ã", True, True)


def test_all_layers_and_rslora_are_put_in_mlx_lms_terms(ws: Workspace) -> None:
    config = read(text_of(plan(ws, lora_layers=-1, lora_rank=16, lora_alpha=32, lora_scaling="rslora")))
    assert (config["num_layers"], config["lora_parameters"]["scale"]) == (-1, 8.0)


@pytest.mark.parametrize("schedule", ["constant", "linear", "cosine"])
@pytest.mark.parametrize(("warmup", "iters", "accumulation"), [(0, 40, 1), (2, 40, 1), (10, 100, 4), (10, 99, 4)])
def test_the_rate_of_every_update_is_ours(
    ws: Workspace, schedule: str, warmup: int, iters: int, accumulation: int
) -> None:
    settings = {"schedule": schedule, "warmup_steps": warmup, "iters": iters, "learning_rate": 3e-4}
    config = read(text_of(plan(ws, gradient_accumulation_steps=accumulation, batch_size=1, **settings)))
    updates = -(-iters // accumulation)
    built = build_schedule(config["lr_schedule"]) if "lr_schedule" in config else lambda _: config["learning_rate"]
    for update in range(updates):
        ours = rate_at(update, updates, 3e-4, warmup, schedule)
        assert float(built(update)) == pytest.approx(ours, rel=1e-5, abs=1e-10), update


@pytest.mark.parametrize("name", ["adamw", "adam", "sgd", "adafactor"])
def test_the_optimizer_is_ours(ws: Workspace, name: str) -> None:
    config = read(text_of(plan(ws, optimizer=name, weight_decay=0.02)))
    assert config["optimizer"] == name
    import mlx.optimizers as optimizers

    kind = {"adamw": "AdamW", "adam": "Adam", "sgd": "SGD", "adafactor": "Adafactor"}[name]
    theirs = getattr(optimizers, kind)(learning_rate=1e-4, **config["optimizer_config"][name])
    ours = make_optimizer(name, 0.02)
    assert type(theirs) is type(ours)
    plain = {k: v for k, v in vars(ours).items() if not k.startswith("_")}
    assert {k: v for k, v in vars(theirs).items() if not k.startswith("_")} == plain


def test_what_mlx_lm_cannot_do_is_told_in_comments(ws: Workspace) -> None:
    sizes = {"batch_size": 64, "max_seq_length": 32}
    made = plan(ws, optimizer="lion", patience=3, max_grad_norm=0.5, sample_prompts=["Quem é o avô?"], **sizes)
    text = text_of(made, form="text")
    config = read(text)
    assert (config["optimizer"], config["mask_prompt"]) == ("adamw", False)
    for line in (
        "# - optimizer: lion; adamw stands in its place.",
        "# - mask_prompt: true; mlx-lm masks no prompts in rows of text.",
        "# - batch_size is larger than the rows of valid: mlx-lm refuses that.",
        "# - patience: 3",
        "# - max_grad_norm: 0.5",
        '# - sample_prompts: ["Quem é o avô?"]',
        '# - publish: "best"',
    ):
        assert line in text.split("\n")


@pytest.mark.verify
def test_mlx_lm_trains_by_it(tiny_ws: Workspace, tmp_path: Path) -> None:
    prepare_small(tiny_ws, tmp_path / "material", format="chat")
    dataset = open_dataset(tiny_ws.dataset_folder("livros"))
    made = plan(tiny_ws, **{**FAST, "iters": 4, "batch_size": 1, "steps_per_eval": 2, "val_batches": 1})
    rows = {split: size["rows"] for split, size in dataset.card["splits"].items()}
    described = {
        "dataset": f"livros@{dataset.version}",
        "model": "tiny",
        "plan": made.model_dump(mode="json"),
        "data": {"format": dataset.format, "rows": rows},
    }
    folder = runs.folder(tiny_ws, "livros-1")
    write_json(folder / RUN_FILE, described)
    write_config(tiny_ws, "livros-1")
    command = [sys.executable, "-m", "mlx_lm", "lora", "--config", str(folder / CONFIG_FILE)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert (folder / "mlx_lm_adapter" / "adapters.safetensors").is_file()
