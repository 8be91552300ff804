"""Children that bring models: their answers, their deaths, and that none outlives its parent."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from tools.errors import DiskFull, WorkerDied
from tools.models import child

ANSWER = """
import os, sys, time
from tools.errors import *
from tools.models.child import answer
def work(tell):
{body}
answer(work)
"""


def command(body: str) -> list[str]:
    lines = "\n".join(f"    {line}" for line in body.splitlines())
    return [sys.executable, "-P", "-c", ANSWER.format(body=lines)]


def test_a_result_comes_back_with_its_progress(tmp_path: Path) -> None:
    told: list[tuple[float, float, str]] = []
    body = "tell(1, 2, 'metade')\nprint('libraries print')\nreturn {'x': 'é'}"
    log = tmp_path / "log"
    result = child.ask(command(body), log=log, tick=lambda: None, tell=lambda *now: told.append(now))
    assert result == {"x": "é"}
    assert told == [(1, 2, "metade")]
    assert "libraries print" in log.read_text()


@pytest.mark.parametrize(
    "body", ["raise DiskFull('Cheio.', fix='Liberta.')", "raise OSError(28, 'No space left', '/some/where')"]
)
def test_an_error_comes_out_as_the_same_kind(tmp_path: Path, body: str) -> None:
    with pytest.raises(DiskFull):
        child.ask(command(body), log=tmp_path / "log", tick=lambda: None)


@pytest.mark.parametrize(
    ("body", "how"), [("os.kill(os.getpid(), 9)", "signal 9"), ("raise KeyError('x')", "exit code 1")]
)
def test_a_death_is_told_with_its_log(tmp_path: Path, body: str, how: str) -> None:
    with pytest.raises(WorkerDied, match=how) as caught:
        child.ask(command(body), log=tmp_path / "log", tick=lambda: None)
    assert str(tmp_path / "log") in str(caught.value)


def test_stopping_ends_the_child_and_its_children(tmp_path: Path) -> None:
    body = "import subprocess\np = subprocess.Popen(['sleep', '60'])\ntell(p.pid, 1, '')\ntime.sleep(60)"
    pids: list[int] = []

    def tell(done: float, total: float, message: str) -> None:
        pids.append(int(done))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        child.ask(command(body), log=tmp_path / "log", tick=lambda: None, tell=tell)
    gone(pids[0])


def test_a_child_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    inner = command("open(sys.argv[1], 'w').write(str(os.getpid()))\ntime.sleep(60)")
    mark = tmp_path / "pid"
    code = (
        "import pathlib\nfrom tools.models import child\n"
        f"child.ask({[*inner, str(mark)]!r}, log=pathlib.Path({str(tmp_path / 'log')!r}), tick=lambda: None)"
    )
    parent = subprocess.Popen([sys.executable, "-P", "-c", code])
    deadline = time.monotonic() + 20
    while not (mark.is_file() and mark.read_text()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    parent.kill()
    parent.wait()
    gone(int(mark.read_text()))


def gone(pid: int) -> None:
    deadline = time.monotonic() + 10
    while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert os.getpid() != pid
