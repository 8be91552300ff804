"""Afina's server and mlx_lm.server on the same base, the same adapters and the same precision, as real processes."""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import httpx2
import psutil
from mlx_lm.tokenizer_utils import load as load_tokenizer
from mlx_lm.utils import save

from tests.benchmarks.measurement import Bench
from tests.support.running_server import RunningServer, eventually
from tests.support.tiny_adapter import make_tiny_adapter
from tools.compute.loading import load_base
from tools.models.info import load_info
from tools.models.precision import choose_precision
from tools.workspace import machine
from tools.workspace.files import read_json
from tools.workspace.layout import Workspace, open_workspace
from tools.workspace.processes import child_environment

LINEARS = (
    *(f"self_attn.{name}_proj" for name in ("q", "k", "v", "o")),
    *(f"mlp.{name}_proj" for name in ("gate", "up", "down")),
)
RANK = 16
Messages = list[dict[str, str]]


class Server(Protocol):
    """A running server with the base and the adapters."""

    url: str

    def processes(self) -> list[psutil.Process]:
        """Its processes."""

    def body(self, messages: Messages, tokens: int, adapter: str | None = None) -> dict[str, Any]:
        """A greedy chat request in this server's terms."""


@dataclass(frozen=True)
class Afina:
    running: RunningServer
    base: str

    @property
    def url(self) -> str:
        return self.running.url

    def processes(self) -> list[psutil.Process]:
        return [psutil.Process(self.running.process.pid), psutil.Process(self.running.engine_pid())]

    def body(self, messages: Messages, tokens: int, adapter: str | None = None) -> dict[str, Any]:
        return {"model": adapter or self.base, "messages": messages, "max_tokens": tokens, "temperature": 0}


@dataclass(frozen=True)
class MlxLm:
    url: str
    folder: Path
    adapters: dict[str, Path]
    process: psutil.Process

    def processes(self) -> list[psutil.Process]:
        return [self.process]

    def body(self, messages: Messages, tokens: int, adapter: str | None = None) -> dict[str, Any]:
        return {
            "model": str(self.folder),
            "adapters": str(self.adapters[adapter]) if adapter else None,
            "messages": messages,
            "max_tokens": tokens,
            "temperature": 0,
        }


def make_workspace(bench: Bench, root: Path, adapters: Sequence[str]) -> tuple[Workspace, dict[str, Path]]:
    """A workspace with a copy of the base and random adapters of RANK on all its linears; the adapters' folders."""
    ws = open_workspace(root / "workspace")
    shutil.copytree(bench.folder, ws.models / bench.model)
    layers = range(load_info(bench.folder).layers)
    return ws, {
        name: make_tiny_adapter(
            ws, name, base=bench.model, seed=number, rank=RANK, scale=0.2, layers=layers, keys=LINEARS
        )
        for number, name in enumerate(adapters)
    }


def peers_folder(bench: Bench, root: Path) -> Path:
    """The base for mlx-lm with the weights that Afina serves on this device: in float32, if so, value for value."""
    if choose_precision(load_info(bench.folder), "serve") not in ("float32", "dequantized"):
        return bench.folder
    config = read_json(bench.folder / "config.json")
    plain = {key: value for key, value in config.items() if not key.startswith("quantization")}
    save(root / "float32", bench.folder, load_base(bench.folder, "serve").model, load_tokenizer(bench.folder), plain)
    return root / "float32"


@contextlib.contextmanager
def mlx_lm_server(folder: Path, adapters: dict[str, Path], log: Path) -> Iterator[MlxLm]:
    """`mlx_lm.server` with the fast BLAS that Afina's engine has, its settings as they come."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "mlx_lm", "server", "--model", str(folder), "--port", str(port)]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*command, "--log-level", "WARNING"],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=child_environment(machine.mlx_environment()),
        )
    try:
        url = f"http://127.0.0.1:{port}"
        eventually(lambda: _answers(url) or process.poll() is not None, 120, "mlx_lm.server")
        assert process.poll() is None, log.read_text()
        yield MlxLm(url, folder, adapters, psutil.Process(process.pid))
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _answers(url: str) -> bool:
    try:
        return httpx2.get(f"{url}/health", trust_env=False).status_code == 200
    except httpx2.TransportError:
        return False
