"""What a run's folder says of it: all that is needed to understand, repeat or compare it later."""

from __future__ import annotations

import hashlib
import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from tools.models.info import ModelInfo
from tools.prepare_dataset.reading_back import Dataset
from tools.workspace import machine
from tools.workspace.layout import DATASET_MARKER
from tools.workspace.machine import GB
from tools.workspace.runs import Run

_PACKAGES = ("afina", "mlx", "mlx-lm")


def describe(run: Run, dataset: Dataset, info: ModelInfo, request_key: str | None) -> dict[str, Any]:
    """The content of `run.json`: the plan, and what it is a plan for."""
    return {
        "name": run.name,
        "dataset": run.dataset,
        "model": run.model,
        "plan": run.plan,
        "steps": run.steps,
        "created": run.created,
        "request_key": request_key,
        "data": {
            # The card holds the hashes of all files of the version.
            "card_sha256": hashlib.sha256((dataset.folder / DATASET_MARKER).read_bytes()).hexdigest(),
            "format": dataset.format,
            "rows": {split: size["rows"] for split, size in dataset.card["splits"].items()},
            "tokens": {split: size["tokens"] for split, size in dataset.card["splits"].items()},
        },
        "base": {"name": info.name, "fingerprint": info.fingerprint, "source": info.source},
        "versions": {name: _version(name) for name in _PACKAGES} | {"python": platform.python_version()},
        "machine": {
            "system": f"{platform.system()} {platform.mac_ver()[0] or platform.release()}",
            "device": machine.device(),
            "chip": machine.chip(),
            "memory_gb": round(machine.memory().total / GB, 1),
        },
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
