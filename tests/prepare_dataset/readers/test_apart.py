"""Reading apart: what a reader does to its process, and that only its file suffers. The children are real."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from tools.errors import WorkerDied
from tools.prepare_dataset.readers.apart import Apart, Limits
from tools.prepare_dataset.readers.part import Part, Unreadable
from tools.workspace.processes import child_environment

NASTY = "tests.prepare_dataset.readers.nasty_child"
LIMITS = Limits(seconds=20, memory=600 * 1024**2)
Write = Callable[[str], Path]


@pytest.fixture
def file(tmp_path: Path) -> Write:
    def write(what: str) -> Path:
        path = tmp_path / f"{what}.pdf"
        path.write_text(what)
        return path

    return write


@pytest.fixture(scope="module")
def readers() -> Iterator[Apart]:
    with Apart(LIMITS, NASTY) as apart:
        yield apart


def wait_until(true: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.01)


def pid_of(readers: Apart, file: Write) -> int:
    return int(readers.read(file("pid"))[0].text.split()[1])


def children() -> set[int]:
    return {child.pid for child in psutil.Process().children() if child.status() != psutil.STATUS_ZOMBIE}


def test_a_part_comes_back_as_it_was_read(readers: Apart, file: Write) -> None:
    part = Part("coração", "pdf", title="título", pages=((0, "iv"),), mended={"ligatures": 2}, left_out={"notes": 1})
    assert readers.read(file("coração")) == [part]


def test_one_child_reads_file_after_file(readers: Apart, file: Write) -> None:
    assert pid_of(readers, file) == pid_of(readers, file) != os.getpid()


@pytest.mark.parametrize(
    ("what", "told"),
    [
        ("crash", "The program that reads it crashed."),
        ("exit", "The program that reads it crashed."),
        ("eat", "The program that reads it needed more than 0.59 GB of memory."),
        ("defect", "The program that reads it failed."),
        ("refuse", "It is wrong."),
    ],
)
def test_what_a_file_does_to_its_reader_is_told_and_the_next_one_is_read(
    readers: Apart, file: Write, what: str, told: str
) -> None:
    with pytest.raises(Unreadable) as caught:
        readers.read(file(what))
    assert caught.value.reason == told
    assert caught.value.fix
    assert "own words" not in caught.value.fix
    assert readers.read(file("boa"))[0].text == "boa"


def test_a_reader_that_hangs_is_ended(file: Write) -> None:
    with Apart(Limits(seconds=0.3), NASTY) as readers:
        pid = pid_of(readers, file)
        with pytest.raises(Unreadable, match="took longer than 0 s"):
            readers.read(file("hang"))
        assert not psutil.pid_exists(pid)


def test_larger_files_may_take_longer() -> None:
    assert Limits(seconds=10, seconds_per_mb=2).seconds_for(5 * 1024**2) == 20


def test_memory_is_watched_from_outside_too(file: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AFINA_TEST_UNLIMITED", "1")
    with Apart(LIMITS, NASTY) as readers, pytest.raises(Unreadable, match=r"needed more than 0\.59 GB"):
        readers.read(file("eat"))


def test_what_a_library_prints_does_not_get_between_the_answers(readers: Apart, file: Write) -> None:
    assert readers.read(file("print"))[0].text == "print"
    assert readers.read(file("boa"))[0].text == "boa"


def test_plain_text_starts_no_child(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("Olá.")
    before = children()
    with Apart(LIMITS, NASTY) as readers:
        assert readers.read(tmp_path / "a.txt")[0].text == "Olá."
        assert children() == before


def test_a_file_that_is_gone_is_the_systems_error(readers: Apart, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        readers.read(tmp_path / "nada.pdf")


def test_what_the_caller_raises_meanwhile_ends_the_child(file: Write) -> None:
    def cancelled() -> None:
        raise KeyboardInterrupt

    with Apart(LIMITS, NASTY) as readers:
        pid = pid_of(readers, file)
        with pytest.raises(KeyboardInterrupt):
            readers.read(file("hang"), cancelled)
        assert not psutil.pid_exists(pid)


def test_the_child_ends_with_the_context(file: Write) -> None:
    with Apart(LIMITS, NASTY) as readers:
        pid = pid_of(readers, file)
    assert not psutil.pid_exists(pid)


def test_the_child_ends_when_its_parent_is_killed_while_it_reads(file: Write) -> None:
    code = f"""
from pathlib import Path
from tools.prepare_dataset.readers.apart import Apart
with Apart(child={NASTY!r}) as readers:
    print(readers.read(Path({str(file("pid"))!r}))[0].text.split()[1], flush=True)
    readers.read(Path({str(file("hang"))!r}))
"""
    command = [sys.executable, "-P", "-c", code]
    parent = subprocess.Popen(command, stdout=subprocess.PIPE, env=child_environment())
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    assert psutil.pid_exists(pid)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    wait_until(lambda: not psutil.pid_exists(pid))


def test_a_child_that_does_not_start_is_no_fault_of_the_file(file: Write) -> None:
    with Apart(LIMITS, "tests.prepare_dataset.readers.none_such") as readers, pytest.raises(WorkerDied):
        readers.read(file("boa"))
