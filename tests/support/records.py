"""Rows and folders as the tools write them, for tests of what reads them."""

from __future__ import annotations

import time
from typing import Any

from tools.models.info import ModelInfo
from tools.start_finetune.contract import Plan, StartArgs, TrainSettings
from tools.start_finetune.plan import make_plan
from tools.start_finetune.presets import DatasetShape
from tools.workspace import runs
from tools.workspace.layout import Workspace

EIGHT_B = ModelInfo(
    name="llama-3.1-8b-instruct-4bit",
    source="catalogue",
    fingerprint="8b",
    model_type="llama",
    parameters=8_030_000_000,
    weight_bytes=4_520_000_000,
    bits=4.5,
    group_size=64,
    quantized_bits=4,
    layers=32,
    hidden_size=4096,
    intermediate_size=14336,
    heads=32,
    kv_heads=8,
    head_dim=128,
    vocab_size=128256,
    max_positions=131072,
    tied_embeddings=False,
    has_chat_template=True,
)
SMALL = EIGHT_B.model_copy(
    update={
        "name": "smollm2-135m",
        "fingerprint": "135m",
        "parameters": 134_515_008,
        "weight_bytes": 98_000_000,
        "layers": 30,
        "hidden_size": 576,
        "intermediate_size": 1536,
        "heads": 9,
        "kv_heads": 3,
        "head_dim": 64,
        "vocab_size": 49152,
        "max_positions": 8192,
    }
)
BOOKS = DatasetShape(rows=400, tokens=200_000, longest=500)


def plan(
    ws: Workspace, info: ModelInfo = SMALL, preset: str = "auto", data: DatasetShape = BOOKS, **settings: Any
) -> Plan:
    args = StartArgs(preset=preset, settings=TrainSettings(**settings))  # type: ignore[arg-type]
    return make_plan(ws, info, data, args.preset, args.settings)


def insert_run(
    ws: Workspace, name: str = "livros-20261124-1", state: runs.RunState = "running", **more: Any
) -> runs.Run:
    """A run's row without a process behind it."""
    now = time.time()
    values: dict[str, Any] = {
        "run": name,
        "name": "livros",
        "state": state,
        "dataset": "livros@00000000",
        "model": "tiny",
        "plan": plan(ws).model_dump(mode="json"),
        "step": 0,
        "steps": 100,
        "asked": None,
        "error": None,
        "adapter": None,
        "created": now,
        "updated": now,
    }
    run = runs.Run(**{**values, **more})
    assert runs.insert(ws, run, None)
    return run
