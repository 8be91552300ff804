"""A disk without room: the work says so, and what was there is there still."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from server.mcp import registry
from server.mcp.tool import ToolContext
from server.settings import load_settings
from tests.bad_input.clear import check_clear, check_words
from tests.bad_input.fingerprint import difference, fingerprint
from tests.bad_input.machine import SmallDisk, small_disk
from tests.bad_input.material import SAMPLE
from tests.support.fake_hub import fake_hub
from tests.support.running_server import RunningServer, eventually
from tests.support.tiny_adapter import make_tiny_adapter
from tests.support.tiny_model import make_tiny_model
from tools.errors import AfinaError, DiskFull, MachineError
from tools.models.pull import KIND as PULL
from tools.models.pull import start_pull
from tools.training_status.contract import StatusResult
from tools.workspace import jobs, runs
from tools.workspace.layout import MODEL_MARKER, Workspace, open_workspace
from tools.workspace.processes import child_command, child_environment

# Beside a model so much must be free before a pull begins; the tiny one takes the rest.
_ROOM_FOR_A_PULL_MB = 270
# Less than what the test writes in one file, more than the database does meanwhile.
_LITTLE = 800_000


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    with small_disk(tmp_path / "disk", 12) as made:
        yield made


def context_of(ws: Workspace) -> ToolContext:
    roots = os.environ["AFINA_ALLOWED_ROOTS"]
    flags = {"workspace": str(ws.root), "default_model": "tiny", "allowed_roots": roots}
    return registry.context_of(ws, load_settings(flags, {}))


def move_to(disk: SmallDisk, folder: Path) -> None:
    """Keep a folder of the workspace on the small disk, as people do with a second disk: by a link."""
    place = disk.folder / folder.name
    shutil.move(folder, place)
    folder.symlink_to(place)


def refused_for_room(disk: SmallDisk, ws: Workspace, call: Callable[[], Any]) -> None:
    with pytest.raises(MachineError) as refused:
        call()
    check_clear(refused.value, [str(ws.root)])
    if disk.is_mounted:
        assert isinstance(refused.value, DiskFull), refused.value
        assert "Free some space" in str(refused.value)


def end_of(ws: Workspace, run: str) -> runs.Run:
    eventually(lambda: not runs.is_alive(ws, run), 90, "the run's end")
    return runs.get(ws, run)


def big_book(folder: Path) -> Path:
    """Two megabytes in which no paragraph is like another."""
    path = folder / "grande.txt"
    lines = (
        f"O barco número {n} saiu do porto {n * 7 % 1013} com {n * 31 % 977} redes a bordo." for n in range(30_000)
    )
    path.write_text("\n\n".join(lines), encoding="utf-8")
    return path


def test_a_dataset_that_finds_no_room_leaves_nothing(tiny_ws: Workspace, disk: SmallDisk, tmp_path: Path) -> None:
    move_to(disk, tiny_ws.data)
    context, arguments = context_of(tiny_ws), {"sources": [str(big_book(tmp_path))], "name": "grande"}
    before = fingerprint(tiny_ws)
    disk.fill(_LITTLE)
    refused_for_room(disk, tiny_ws, lambda: registry.call(context, "prepare_dataset", arguments))
    disk.empty()
    assert difference(before, fingerprint(tiny_ws)) == []


@pytest.fixture
def whole(disk: SmallDisk) -> Workspace:
    """A workspace on the small disk, with a dataset and an adapter."""
    ws = open_workspace(disk.folder / "afina")
    make_tiny_model(ws)
    registry.call(context_of(ws), "prepare_dataset", {"sources": [str(SAMPLE / "livros")], "name": "livros"})
    marker = make_tiny_adapter(ws, "um") / "afina.json"
    marker.write_text(json.dumps({**json.loads(marker.read_text()), "dataset": "livros"}))
    return ws


def test_on_a_full_disk_what_writes_is_refused_and_what_reads_goes_on(whole: Workspace, disk: SmallDisk) -> None:
    context = context_of(whole)
    before = fingerprint(whole)
    disk.fill(0)
    for tool, arguments in (
        ("prepare_dataset", {"sources": [str(SAMPLE)], "name": "mares"}),
        ("start_finetune", {"dataset": "livros", "settings": {"iters": 2}}),
        ("evaluate", {"adapter": "um"}),
        ("export_adapter", {"adapter": "um"}),
    ):
        refused_for_room(disk, whole, lambda t=tool, a=arguments: registry.call(context, t, a))  # type: ignore[misc]
    listed: Any = registry.call(context, "list_workspace", {})
    assert [entry.dataset for entry in listed.datasets] == ["livros"]
    planned: Any = registry.call(context, "start_finetune", {"dataset": "livros", "dry_run": True})
    assert planned.state == "planned"
    disk.empty()
    assert difference(before, fingerprint(whole)) == []
    assert runs.listed(whole) == []


def test_questions_that_find_no_room_make_no_version(whole: Workspace, disk: SmallDisk) -> None:
    context = context_of(whole)
    handed: Any = registry.call(context, "annotate_dataset", {"dataset": "livros", "limit": 1})
    words = handed.passages[0].text.split()
    pair = {
        "passage": handed.passages[0].id,
        "question": "Que palavras estão no primeiro registo de todos, a seguir às quatro primeiras?",
        "answer": " ".join(words[4:7]).strip(".,;:—«»"),
        "quote": " ".join(words[2:12]),
    }
    arguments = {"dataset": "livros", "pairs": [pair]}
    before = fingerprint(whole)
    disk.fill(4096)
    refused_for_room(disk, whole, lambda: registry.call(context, "annotate_dataset", arguments))
    disk.empty()
    assert difference(before, fingerprint(whole)) == []
    result: Any = registry.call(context, "annotate_dataset", arguments)
    assert result.accepted == 1


def test_on_a_full_disk_the_commands_say_so(whole: Workspace, disk: SmallDisk) -> None:
    def afina(*arguments: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            child_command("server.cli", [*arguments, "--workspace", str(whole.root)]),
            capture_output=True, timeout=120, env=child_environment(), cwd="/", check=False,
        )  # fmt: skip

    disk.fill(0)
    started = afina("call", "start_finetune", '{"dataset": "livros"}')
    doctor = afina("doctor")
    served = afina("serve", "--port", "0")
    written = subprocess.run(
        child_command("server.cli", ["call"]), stdout=(disk.folder / "out").open("wb"), stderr=subprocess.PIPE,
        timeout=120, env=child_environment(), cwd="/", check=False,
    )  # fmt: skip
    disk.empty()
    assert (started.returncode, started.stdout) == (1, b"")
    check_clear(AfinaError.from_dict(json.loads(started.stderr)), [str(whole.root)])
    assert (served.returncode, served.stdout) == (1, b"")
    assert served.stderr.decode().splitlines()[-1].startswith("afina: The ")
    check_words(served.stderr.decode())
    assert doctor.returncode == 1
    assert b"FAIL" in doctor.stdout
    assert written.returncode == 1
    told = written.stderr.decode()
    assert told.startswith("afina: ")
    check_words(told)


def test_a_server_whose_disk_fills_up_says_so_and_goes_on_when_there_is_room(whole: Workspace, disk: SmallDisk) -> None:
    with RunningServer(whole) as server:
        eventually(lambda: server.health()["mcp"] == "ready", what="the whole server")
        if disk.is_mounted:  # a limit is only felt by processes that start after it
            disk.fill(0)
            told = server.chat().json()["error"]
            assert (told["code"], told["type"]) == ("disk_full", "server_error")
            assert "Free some space" in told["message"]
            check_words(told["message"])
            assert server.health()["status"] == "ok"
            assert [entry["id"] for entry in server.client.get("/v1/models").json()["data"]] == ["tiny", "um"]
            disk.empty()
        assert server.chat().status_code == 200
        disk.fill(0)
        assert server.chat(model="um").status_code == 200
        assert server.stop() == 0
    assert "Traceback" not in (whole.logs / "stderr.log").read_text()


def test_a_checkpoint_that_finds_no_room_ends_the_run_and_keeps_the_earlier_ones(
    tiny_ws: Workspace, disk: SmallDisk
) -> None:
    move_to(disk, tiny_ws.runs)
    context = context_of(tiny_ws)
    registry.call(context, "prepare_dataset", {"sources": [str(SAMPLE / "livros")], "name": "livros"})
    # A rank at which a checkpoint takes more than two megabytes.
    settings = {"iters": 60, "batch_size": 1, "max_seq_length": 64, "save_every": 20, "lora_rank": 64, "val_batches": 1}
    arguments = {"dataset": "livros", "settings": {**settings, "sample_prompts": [], "steps_per_eval": 1000}}
    run = registry.call(context, "start_finetune", arguments).run  # type: ignore[attr-defined]
    folder = runs.folder(tiny_ws, run)
    eventually(lambda: list(folder.glob("checkpoints/step-*/afina.json")), 90, "a checkpoint")
    registry.call(context, "control_finetune", {"run": run, "action": "pause"})
    assert end_of(tiny_ws, run).state == "paused"
    before = fingerprint(tiny_ws)
    kept = {key: value for key, value in before.items() if f"{run}/checkpoints/" in key}
    assert kept

    disk.fill(_LITTLE)
    registry.call(context, "start_finetune", {"resume": run})
    ended = end_of(tiny_ws, run)
    assert ended.state == "failed"
    assert ended.error is not None
    told = AfinaError.from_dict(ended.error)
    assert isinstance(told, DiskFull)
    check_clear(told, [run])
    status = registry.call(context, "training_status", {"run": run})
    assert isinstance(status, StatusResult)
    assert status.verdict.kind == "failed"
    assert told.message in status.verdict.text
    after = fingerprint(tiny_ws)
    assert {key: value for key, value in after.items() if f"{run}/checkpoints/" in key} == kept
    assert tiny_ws.adapter_names() == []

    disk.empty()
    registry.call(context, "start_finetune", {"resume": run})
    assert end_of(tiny_ws, run).state == "succeeded"


def test_a_report_that_finds_no_room_leaves_nothing_and_can_be_made_later(whole: Workspace, disk: SmallDisk) -> None:
    context, arguments = context_of(whole), {"adapter": "um", "max_items": 3}
    before = fingerprint(whole)
    with small_disk(disk.folder.parent / "second", 0.05) as second:
        move_to(second, whole.evaluations)
        second.fill(0)
        refused_for_room(second, whole, lambda: registry.call(context, "evaluate", arguments))
        second.empty()
        # No report; what was measured before there was no room may be gone on from.
        assert [path for path in (second.folder / "evaluations").iterdir() if path.suffix != ".stages"] == []
        whole.evaluations.unlink()
    whole.evaluations.mkdir()
    assert difference(before, fingerprint(whole)) == []
    result: Any = registry.call(context, "evaluate", arguments)
    assert result.state == "succeeded"


def test_a_pull_that_finds_no_room_installs_nothing_and_goes_on_later(
    ws: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make_tiny_model(open_workspace(tmp_path / "other"), "bigger", layers=4, hidden=128)
    (folder / MODEL_MARKER).unlink()
    with fake_hub() as hub, small_disk(tmp_path / "disk", _ROOM_FOR_A_PULL_MB) as disk:
        for name, value in (("HF_ENDPOINT", hub.endpoint), ("HF_HOME", str(tmp_path / "hf"))):
            monkeypatch.setenv(name, value)
        monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
        hub.add("afina-tests/Bigger", folder)
        hub.stall_after = 400_000
        move_to(disk, ws.models)
        if not disk.is_mounted:
            disk.fill(_LITTLE)  # a limit is only felt by processes that start after it
        job = start_pull(ws, "afina-tests/Bigger", bits=16)
        assert hub.stalled.wait(60)
        disk.fill(_LITTLE)
        hub.resume.set()
        ended = jobs.wait(ws, job.job, PULL, 60)
        refused_for_room(disk, ws, ended.raise_if_failed)
        assert ws.model_names() == []
        disk.empty()
        again = jobs.wait(ws, start_pull(ws, "afina-tests/Bigger", bits=16).job, PULL, 60)
        again.raise_if_failed()
        assert ws.model_names() == ["bigger"]
        assert [path.name for path in ws.models.iterdir()] == ["bigger"]
