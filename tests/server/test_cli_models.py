"""`afina models pull`, as a process: from a folder, shown on a terminal and off it, stopped by Ctrl-C."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.running_server import eventually
from tests.support.tiny_model import make_tiny_model
from tools.models.pull import KIND
from tools.workspace import jobs
from tools.workspace.layout import MODEL_MARKER, Workspace, open_workspace
from tools.workspace.locks import FileLock

AFINA = [sys.executable, "-P", "-m", "server.cli", "models", "pull"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model's folder, as one downloads it."""
    made = make_tiny_model(open_workspace(tmp_path_factory.mktemp("full")), "Tiny_Full")
    (made / MODEL_MARKER).unlink()
    return made


def pull(ws: Workspace, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [*AFINA, *arguments, "--workspace", str(ws.root)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def test_a_folder_is_installed_and_its_name_told_on_stdout(ws: Workspace, folder: Path) -> None:
    done = pull(ws, str(folder), "--as", "meu", "--bits", "8")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "meu\n"
    assert done.stderr.splitlines()[-1].startswith("Installed")
    assert ws.model_names() == ["meu"]
    again = pull(ws, "meu")
    assert (again.returncode, again.stdout) == (0, "meu\n")


def test_an_unknown_model_is_one_message_with_the_nearest(ws: Workspace) -> None:
    done = pull(ws, "smolm2-135m")
    assert done.returncode == 1
    assert "Did you mean `smollm2-135m`?" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_failure_of_the_job_is_told(ws: Workspace, tmp_path: Path) -> None:
    (tmp_path / "vazio").mkdir()
    done = pull(ws, str(tmp_path / "vazio"))
    assert done.returncode == 1
    assert done.stderr.startswith("afina: ")
    assert "Traceback" not in done.stderr


def test_ctrl_c_cancels_the_job_and_says_how_to_go_on(ws: Workspace, folder: Path) -> None:
    held = FileLock.try_acquire(ws.lock_path("pull-meu"))  # another pull of the same model, which does not end
    assert held is not None
    command = [*AFINA, str(folder), "--as", "meu", "--workspace", str(ws.root)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    with held:
        assert process.stderr is not None
        assert "Waiting for another pull" in process.stderr.readline()
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) == 130
    told = process.stderr.read()
    assert "goes on where it was" in told
    assert "Traceback" not in told
    eventually(lambda: jobs.listed(ws, KIND)[0].state == "cancelled", what="the cancelling")
    assert ws.model_names() == []
