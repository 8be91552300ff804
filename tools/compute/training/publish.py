"""Make a trained adapter public: a version of its own, whole or not there, never overwritten."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mlx.core as mx

from tools.compute.lora import LoraShape, adapter_version, write_adapter
from tools.workspace.files import publishing
from tools.workspace.layout import ADAPTER_MARKER, Workspace


def publish(ws: Workspace, arrays: dict[str, mx.array], shape: LoraShape, described: dict[str, Any]) -> str:
    """Write `outputs/adapters/<name>/<version>/`; returns `<name>@<version>`.

    The version names the content: the same adapter published twice is one folder.
    """
    name = described["name"]
    version = adapter_version(arrays, described["base"]["fingerprint"])
    final: Path = ws.adapters / name / version
    if not (final / ADAPTER_MARKER).is_file():
        with publishing(final) as aside:
            write_adapter(aside, arrays, shape, {**described, "version": version})
    return f"{name}@{version}"
