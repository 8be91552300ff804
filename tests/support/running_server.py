"""A real server process on a workspace, as `afina serve` starts it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import httpx2

from tools.workspace.files import read_json, write_json
from tools.workspace.layout import MODEL_MARKER, Workspace, open_workspace
from tools.workspace.processes import child_command, child_environment

T = TypeVar("T")


def eventually(check: Callable[[], T], seconds: float = 20.0, what: str = "it") -> T:
    """The first true answer of `check`; fails when none comes in time."""
    deadline = time.monotonic() + seconds
    while True:
        found = check()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not happen within {seconds:g} s")
        time.sleep(0.01)


class RunningServer:
    """Started by the constructor, which returns once it listens. Used as a context manager.

    module: what is run; it takes the words of the `afina` command.
    """

    module = "server.cli"

    def __init__(self, ws: Workspace, **settings: Any) -> None:
        environment = {f"AFINA_{name.upper()}": str(value) for name, value in settings.items()}
        self.ws = ws
        self.started = time.monotonic()
        self.process = subprocess.Popen(
            child_command(self.module, ["serve", "--workspace", str(ws.root), "--port", "0"]),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=(ws.logs / "stderr.log").open("ab"),
            env=child_environment(environment),
            cwd="/",
        )
        assert self.process.stdout is not None
        self.line = self.process.stdout.readline().decode().strip()
        assert self.line, (ws.logs / "stderr.log").read_text()
        self.url = self.line.rpartition(" ")[2]
        self.client = httpx2.Client(base_url=self.url, timeout=60, trust_env=False)

    def __enter__(self) -> RunningServer:
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()
        self.stop()

    def stop(self, number: int = signal.SIGTERM) -> int:
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            return self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise

    def health(self) -> dict[str, Any]:
        answer = self.client.get("/health")
        assert answer.status_code == 200
        return answer.json()

    def chat(self, **body: Any) -> httpx2.Response:
        given = {"model": "tiny", "messages": [{"role": "user", "content": "olá"}], "max_tokens": 8, **body}
        return self.client.post("/v1/chat/completions", json=given)

    def engine_pid(self) -> int:
        """The engine's process: the child of the server that runs its module."""
        listed = subprocess.run(
            ["ps", "-o", "pid=,args=", "--ppid", str(self.process.pid)], capture_output=True, text=True, check=False
        )
        for row in listed.stdout.splitlines():
            pid, _, arguments = row.strip().partition(" ")
            if "server.engine.worker" in arguments:
                return int(pid)
        raise AssertionError("there is no engine")

    def kill_engine(self) -> None:
        os.kill(self.engine_pid(), signal.SIGKILL)


def copy_of(ws: Workspace) -> Workspace:
    """A workspace with the same models and adapters, for a server of its own."""
    root = ws.root.parent / f"copy-{uuid.uuid4().hex[:8]}"
    shutil.copytree(ws.models, root / "models")
    shutil.copytree(ws.adapters, root / "outputs" / "adapters")
    return open_workspace(root)


def lengthen_context(folder: Path, tokens: int) -> None:
    """Let a tiny model's answers be long, so that a test has the time to interrupt one."""
    config = read_json(folder / "config.json")
    write_json(folder / "config.json", {**config, "max_position_embeddings": tokens})
    info = read_json(folder / MODEL_MARKER)
    write_json(folder / MODEL_MARKER, {**info, "max_positions": tokens})
