"""Pulls from a hub: whole, cut, refused."""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tests.support.fake_hub import FakeHub
from tests.support.tiny_model import make_tiny_model
from tools.errors import AfinaError, DiskFull, InvalidArgument, MachineError, NoPermission, NotFound, Offline
from tools.models.info import fingerprint_of, load_info
from tools.models.pull import KIND, pull, start_pull
from tools.workspace import jobs
from tools.workspace.layout import Workspace, open_workspace

REPOSITORY = "afina-tests/Tiny-4bit"


def quiet(done: float, total: float, message: str) -> None:
    assert 0 <= done <= total


def leftovers(ws: Workspace) -> list[str]:
    return [path.name for path in ws.models.iterdir() if path.name.startswith(".")]


def copied(folder: Path, target: Path) -> Path:
    shutil.copytree(folder, target)
    return target


def test_a_quantized_repository_is_installed_as_it_is(ws: Workspace, hub: FakeHub, mlx_folder: Path) -> None:
    folder = copied(mlx_folder, ws.root / "repository")
    (folder / "README.md").write_text("words")
    (folder / "modeling.py").write_text("raise SystemExit")
    (folder / "original").mkdir()
    (folder / "original" / "model.safetensors").write_bytes(b"x")
    hub.add(REPOSITORY, folder)
    told: list[tuple[float, float, str]] = []
    info = pull(ws, REPOSITORY, lambda *now: told.append(now))
    assert info == load_info(ws.models / "tiny-4bit")
    assert (info.source, info.quantized_bits) == (REPOSITORY, 4)
    assert info.fingerprint == fingerprint_of([mlx_folder / "model.safetensors"])
    assert not list((ws.models / "tiny-4bit").glob("*.py"))
    assert leftovers(ws) == []
    assert told[-1] == (info.weight_bytes, info.weight_bytes, "Installed")
    assert any(message == "Downloading the model" and total > 10_000 for _, total, message in told)
    # A second pull asks nobody.
    asked = len(hub.requests)
    assert pull(ws, REPOSITORY, quiet) == pull(ws, "tiny-4bit", quiet) == info
    assert len(hub.requests) == asked
    # The token goes to the hub and not to the store of large files.
    assert all(r.token for r in hub.requests if "/api/" in r.path)
    assert hub.asked("GET", "/model.safetensors")
    assert not any(r.token for r in hub.requests if r.path.startswith("/store/"))


def test_a_full_precision_repository_is_converted(ws: Workspace, hub: FakeHub, full_folder: Path) -> None:
    hub.add("afina-tests/Tiny", full_folder)
    info = pull(ws, "afina-tests/Tiny", quiet, bits=8)
    assert (info.name, info.quantized_bits, info.group_size) == ("tiny", 8, 64)
    assert info.fingerprint == fingerprint_of([full_folder / "model.safetensors"])
    assert leftovers(ws) == []


def test_a_killed_pull_goes_on_where_it_stopped(ws: Workspace, hub: FakeHub, tmp_path: Path) -> None:
    folder = make_tiny_model(open_workspace(tmp_path / "other"), "bigger", layers=4, hidden=128)
    hub.add("afina-tests/Bigger", folder)
    hub.stall_after = 1_500_000
    job = start_pull(ws, "afina-tests/Bigger", bits=16)
    assert hub.stalled.wait(60)
    part = ws.models / ".partial-bigger" / "model.safetensors.part"
    wait_until(lambda: part.is_file() and part.stat().st_size > 1_000_000)
    row = ws.store.row("SELECT pid FROM jobs WHERE job = ?", (job.job,))
    assert row is not None
    os.kill(row["pid"], signal.SIGKILL)
    assert jobs.wait(ws, job.job, KIND, 20).state == "failed"
    assert ws.model_names() == []
    # The orphan of the killed job ends with it.
    wait_until(lambda: not alive("hub_download", str(ws.models)))
    hub.resume.set()
    have = part.stat().st_size
    again = jobs.wait(ws, start_pull(ws, "afina-tests/Bigger", bits=16).job, KIND, 60)
    again.raise_if_failed()
    assert again.result == load_info(ws.models / "bigger").model_dump(mode="json", exclude_none=True)
    assert hub.asked("GET", "/model.safetensors")[-1].range == f"bytes={have}-"
    assert leftovers(ws) == []


def test_a_cancelled_pull_stops_its_children_and_keeps_what_it_has(
    ws: Workspace, hub: FakeHub, mlx_folder: Path
) -> None:
    hub.add(REPOSITORY, mlx_folder)
    hub.stall_after = 50_000
    job = start_pull(ws, REPOSITORY)
    assert hub.stalled.wait(60)
    wait_until(lambda: jobs.get(ws, job.job, KIND).progress.get("message") == "Downloading the model")
    jobs.cancel(ws, job.job, KIND)
    assert jobs.wait(ws, job.job, KIND, 20).state == "cancelled"
    wait_until(lambda: not alive("hub_download", str(ws.models)))
    assert leftovers(ws) == [".partial-tiny-4bit"]


def test_damaged_weights_are_not_installed(ws: Workspace, hub: FakeHub, mlx_folder: Path) -> None:
    hub.add(REPOSITORY, mlx_folder)
    hub.damage_at = 20_000
    with pytest.raises(MachineError, match="checksum"):
        pull(ws, REPOSITORY, quiet)
    assert ws.model_names() == []
    hub.damage_at = None
    assert pull(ws, REPOSITORY, quiet).name == "tiny-4bit"


def test_a_new_commit_does_not_mix_with_the_parts_of_the_old(ws: Workspace, hub: FakeHub, mlx_folder: Path) -> None:
    repository = hub.add(REPOSITORY, mlx_folder)
    partial = ws.models / ".partial-tiny-4bit"
    partial.mkdir()
    (partial / ".revision").write_text(f"{REPOSITORY}@{'b' * 40}")
    (partial / "model.safetensors.part").write_bytes(b"of another commit")
    (partial / "config.json").write_bytes((mlx_folder / "config.json").read_bytes()[::-1])
    repository.commit = "c" * 40
    assert pull(ws, REPOSITORY, quiet).name == "tiny-4bit"
    assert hub.asked("GET", "/model.safetensors")[-1].range is None


def test_no_answer_is_told_as_offline(ws: Workspace, hub: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(Offline, match="could not be made") as caught:
        pull(ws, REPOSITORY, quiet)
    assert "127.0.0.1" not in str(caught.value)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(Offline, match="HF_HUB_OFFLINE"):
        pull(ws, REPOSITORY, quiet)


def test_too_little_disk_is_told_before_the_download(ws: Workspace, hub: FakeHub, mlx_folder: Path) -> None:
    hub.add(REPOSITORY, mlx_folder, claimed={"model.safetensors": 10**15})
    with pytest.raises(DiskFull, match=r"1000000\.\d GB"):
        pull(ws, REPOSITORY, quiet)
    assert not hub.asked("GET", "/model.safetensors")


def test_code_of_the_models_own_is_refused_before_the_download(
    ws: Workspace, hub: FakeHub, mlx_folder: Path, tmp_path: Path
) -> None:
    folder = copied(mlx_folder, tmp_path / "r")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "auto_map": {"AutoModel": "modeling.Model"}}))
    hub.add(REPOSITORY, folder)
    with pytest.raises(InvalidArgument, match="program code"):
        pull(ws, REPOSITORY, quiet)
    assert not hub.asked("GET", "/model.safetensors")
    assert leftovers(ws) == []


def test_an_unknown_architecture_is_refused_before_the_download(
    ws: Workspace, hub: FakeHub, mlx_folder: Path, tmp_path: Path
) -> None:
    folder = copied(mlx_folder, tmp_path / "r")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "model_type": "bert"}))
    hub.add(REPOSITORY, folder)
    with pytest.raises(InvalidArgument, match="`bert`"):
        pull(ws, REPOSITORY, quiet)
    assert not hub.asked("GET", "/model.safetensors")


def test_pickled_weights_are_refused(ws: Workspace, hub: FakeHub, mlx_folder: Path, tmp_path: Path) -> None:
    folder = copied(mlx_folder, tmp_path / "r")
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    hub.add(REPOSITORY, folder)
    with pytest.raises(InvalidArgument, match="pickles"):
        pull(ws, REPOSITORY, quiet)
    assert not hub.asked("GET", ".bin")


@pytest.mark.parametrize(
    ("name", "more", "kind"),
    [("afina-tests/None", {}, NotFound), (REPOSITORY, {"gated": True}, NoPermission)],
)
def test_what_the_hub_refuses_is_told(
    ws: Workspace, hub: FakeHub, mlx_folder: Path, name: str, more: dict[str, bool], kind: type[AfinaError]
) -> None:
    hub.add(REPOSITORY, mlx_folder, **more)
    with pytest.raises(kind) as caught:
        pull(ws, name, quiet)
    assert "words of the hub" not in str(caught.value)
    assert name in str(caught.value)


def wait_until(condition: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def alive(*words: str) -> bool:
    for process in psutil.process_iter(["cmdline", "status"]):
        line = " ".join(process.info["cmdline"] or [])
        if all(word in line for word in words) and process.info["status"] != psutil.STATUS_ZOMBIE:
            return True
    return False
