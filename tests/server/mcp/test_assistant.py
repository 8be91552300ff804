"""A scripted assistant goes from the sample folder to a served adapter and a verdict by what the tools tell it."""

from __future__ import annotations

import asyncio
import os
import re
import signal
from collections.abc import Iterator
from typing import Any

import psutil
import pytest
from mcp import Client
from mcp.client.stdio import StdioServerParameters, stdio_client

from server.settings import sample_folder
from tests.server.mcp.assistant import Arguments, Assistant, Event, Person
from tests.support.running_server import RunningServer, eventually
from tests.support.training import stop_all, supervisor_of, wait_for_step, worker_of
from tools.models.pull import pull
from tools.workspace import jobs, runs
from tools.workspace.layout import Workspace
from tools.workspace.locks import is_held
from tools.workspace.processes import child_command, child_environment

# What the plan's process takes by itself and for a row at once, and no more.
LITTLE_BYTES = 270 * 1024**2
SMOLLM2 = "smollm2-135m"
QUESTION = "Quem foi Gil Serradela?"
# As a person in a hurry would ask for it.
QUICK: dict[str, Any] = {"max_seq_length": 96, "val_batches": 1, "steps_per_report": 1, "sample_prompts": []}
WISHES: dict[str, Arguments] = {
    "prepare_dataset": {"name": "mares", "max_tokens": 96},
    "start_finetune": {"settings": {**QUICK, "iters": 12, "steps_per_eval": 6, "save_every": 6}},
    "evaluate": {"max_items": 3, "metrics": ["likelihood"]},
    "ask_model": {"max_tokens": 8},
}
# Too large for the little memory that there then is.
LARGE: dict[str, Any] = {**QUICK, "iters": 60, "save_every": 30, "steps_per_eval": 30, "batch_size": 8}


@pytest.fixture
def server(tiny_ws: Workspace) -> Iterator[RunningServer]:
    with RunningServer(tiny_ws, default_model="tiny") as server:
        yield server
    stop_all(tiny_ws)


async def go(transport: Any, person: Person) -> Assistant:
    async with Client(transport) as client:
        assistant = Assistant(client, person)
        await assistant.go()
        return assistant


@pytest.mark.verify
async def test_from_the_sample_to_a_verdict_and_an_answer_without_a_wrong_call(server: RunningServer) -> None:
    person = Person(str(sample_folder() / "biografias"), QUESTION, WISHES)
    assistant = await go(f"{server.url}/mcp", person)
    assert not assistant.refused, assistant.told()
    tools = [call.tool for call in assistant.calls]
    assert list(dict.fromkeys(tools)) == [
        "check_setup",
        "prepare_dataset",
        "start_finetune",
        "training_status",
        "evaluate",
        "ask_model",
    ]
    assert [model["id"] for model in server.client.get("/v1/models").json()["data"]][:2] == ["tiny", "mares"]


@pytest.mark.verify
async def test_with_the_small_model_over_pipes_it_hears_what_was_learned(ws: Workspace) -> None:
    pull(ws, SMOLLM2, lambda *_, **__: None)
    settings = {**QUICK, "iters": 16, "batch_size": 1, "lora_layers": 4, "steps_per_eval": 8}
    wishes = {
        **WISHES,
        "start_finetune": {"settings": settings},
        "evaluate": {"max_items": 8, "metrics": ["likelihood"]},
    }
    command, *arguments = child_command("server.cli", ["mcp", "--workspace", str(ws.root)])
    transport = stdio_client(StdioServerParameters(command=command, args=arguments, env=child_environment()))
    try:
        assistant = await go(transport, Person(str(sample_folder() / "biografias"), QUESTION, wishes))
    finally:
        stop_all(ws)
    assert not assistant.refused, assistant.told()
    verdict = next(call.text for call in assistant.calls if call.tool == "evaluate" and "verdict:" in call.text)
    assert re.search(r"kind: (learned|not_proven|memorized)", verdict), verdict


async def test_each_step_that_fails_at_first_is_mended_by_what_the_refusal_says(
    server: RunningServer, tiny_ws: Workspace
) -> None:
    """A path and names with slips, a plan too large, killed workers: each costs one refused call or none."""
    machine = Machine(tiny_ws)
    person = Person(
        str(sample_folder() / "biografia"),
        QUESTION,
        {
            **WISHES,
            "start_finetune": {"settings": {**LARGE, "rows_at_once": 8}},
            "evaluate": {"max_items": 4, "metrics": ["likelihood"], "wait_s": 0},
        },
        {
            "start_finetune": [slip("dataset", "mraes"), machine.has_little_memory, as_it_is, machine.has_much_memory],
            "training_status": [machine.kills_training, slip("run", "mares-2026")],
            "evaluate": [slip("adapter", "maers"), as_it_is, machine.kills_evaluation],
            "ask_model": [slip("models", ["tinny", "mares"])],
        },
    )
    assistant = await go(f"{server.url}/mcp", person)
    assert [call.tool for call in assistant.refused] == [
        "prepare_dataset",
        "start_finetune",
        "start_finetune",
        "training_status",
        "evaluate",
        "evaluate",
    ], assistant.told()
    assert [call.tool for call in assistant.calls].count("control_finetune") == 1, assistant.told()
    assert len(runs.names(tiny_ws)) == 1


def as_it_is(arguments: Arguments) -> Arguments:
    return arguments


def slip(name: str, wrong: Any) -> Event:
    return lambda arguments: {**arguments, name: wrong}


class Machine:
    """What befalls the machine between two calls."""

    def __init__(self, ws: Workspace) -> None:
        self._ws = ws

    def has_little_memory(self, arguments: Arguments) -> Arguments:
        """As much for all models as a plan with one row at once takes."""
        self._ws.store.write(
            "INSERT OR REPLACE INTO calibration (key, value, updated) VALUES ('budget_bytes', ?, 1)", (LITTLE_BYTES,)
        )
        return arguments

    def has_much_memory(self, arguments: Arguments) -> Arguments:
        self._ws.store.write("DELETE FROM calibration WHERE key = 'budget_bytes'")
        return arguments

    async def kills_training(self, arguments: Arguments) -> Arguments:
        run = str(arguments["run"])
        await asyncio.to_thread(wait_for_step, self._ws, run, 1)
        self._kill(supervisor_of(self._ws, run), worker_of(self._ws, run))
        await asyncio.to_thread(eventually, lambda: not runs.is_alive(self._ws, run))
        return arguments

    async def kills_evaluation(self, arguments: Arguments) -> Arguments:
        job = str(arguments["evaluation"])
        self._kill(await asyncio.to_thread(eventually, lambda: self._process_of(job)))
        await asyncio.to_thread(eventually, lambda: not is_held(jobs.lock_path(self._ws, job)))
        return arguments

    def _process_of(self, job: str) -> psutil.Process | None:
        for process in psutil.process_iter(["cmdline"]):
            line = process.info["cmdline"] or []
            if job in line and str(self._ws.root) in line:
                return process
        return None

    @staticmethod
    def _kill(*processes: psutil.Process) -> None:
        for process in processes:
            os.kill(process.pid, signal.SIGKILL)
