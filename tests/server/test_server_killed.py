"""Kill -9 of the server: the run that it started goes on, and the next server knows it and serves its adapter."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path
from typing import Any

from mcp import Client

from tests.support.running_server import RunningServer
from tests.support.training import FAST, prepare_small, stop_all, wait_for_step, wait_until
from tools.workspace import runs
from tools.workspace.layout import Workspace


def call(server: RunningServer, tool: str, **arguments: Any) -> dict[str, Any]:
    async def ask() -> dict[str, Any]:
        async with Client(f"{server.url}/mcp") as client:
            result = await client.call_tool(tool, arguments)
            assert not result.is_error, result.content
            return result.structured_content or {}

    return asyncio.run(ask())


def test_a_run_outlives_its_server_and_the_next_server_serves_the_adapter(tiny_ws: Workspace, tmp_path: Path) -> None:
    prepare_small(tiny_ws, tmp_path / "material")
    try:
        first = RunningServer(tiny_ws)
        settings = {**FAST, "iters": 120, "save_every": 20, "sample_prompts": []}
        run = call(first, "start_finetune", dataset="livros", settings=settings)["run"]
        wait_for_step(tiny_ws, run, 10)
        first.process.send_signal(signal.SIGKILL)
        first.process.wait(10)
        first.client.close()
        step = runs.get(tiny_ws, run).step
        wait_for_step(tiny_ws, run, step + 5)
        with RunningServer(tiny_ws) as second:
            told = call(second, "training_status", run=run)
            assert told["state"] in ("running", "succeeded") and told["step"] > step
            wait_until(tiny_ws, run, "succeeded")
            ids = [model["id"] for model in second.client.get("/v1/models").json()["data"]]
            assert {"tiny", "livros"} <= set(ids)
            answer = second.chat(model="livros")
            assert answer.status_code == 200
            version = tiny_ws.adapter_folder("livros").name
            assert version in answer.json()["system_fingerprint"]
    finally:
        stop_all(tiny_ws)
