"""`afina chat`, `afina serve` and Ctrl-C, as processes."""

from __future__ import annotations

import contextlib
import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from tests.support.running_server import RunningServer, eventually
from tests.support.tiny_adapter import make_tiny_adapter
from tools.workspace.layout import Workspace
from tools.workspace.locks import is_held

AFINA = [sys.executable, "-P", "-m", "server.cli"]


@pytest.fixture
def served(tiny_ws: Workspace) -> Iterator[Workspace]:
    make_tiny_adapter(tiny_ws, "livros")
    with RunningServer(tiny_ws):
        yield tiny_ws


def chat(
    ws: Workspace, *arguments: str, stdin: str, flags: tuple[str, ...] = ("--temperature", "0")
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*AFINA, "chat", *arguments, "--workspace", str(ws.root), "--max-tokens", "6", *flags],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_piped_lines_are_answered_one_by_one_by_the_newest_adapter(served: Workspace) -> None:
    done = chat(served, stdin="olá\nquem és?\n")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("\n") >= 2
    alone = chat(served, "livros", stdin="olá\n")
    assert done.stdout.startswith(alone.stdout.rstrip("\n"))
    assert chat(served, "tiny", stdin="olá\n").stdout != alone.stdout


def test_a_model_is_asked_with_the_temperature_that_it_was_trained_with(served: Workspace) -> None:
    make_tiny_adapter(served, "certo", seed=5, serving={"form": "chat", "sampling": {"temperature": 0}})
    certain = chat(served, "certo", stdin="olá\n").stdout
    assert certain
    open_ = chat(served, "certo", stdin="olá\nolá\nolá\n", flags=()).stdout
    assert open_ == chat(served, "certo", stdin="olá\nolá\nolá\n").stdout
    assert open_.startswith(certain.rstrip("\n"))


def test_an_unknown_model_is_one_message(served: Workspace) -> None:
    done = chat(served, "livro", stdin="olá\n")
    assert done.returncode == 1
    assert "livros" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("flags", [["--temperature", "3"], ["--max-tokens", "0"]])
def test_a_flag_out_of_range_is_refused(ws: Workspace, flags: list[str]) -> None:
    done = subprocess.run(
        [*AFINA, "chat", *flags, "--workspace", str(ws.root)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 1
    assert "out of range" in done.stderr


class Terminal:
    """A command on a terminal of its own."""

    def __init__(self, *command: str) -> None:
        pid, self._fd = pty.fork()
        if pid == 0:
            os.execvpe(command[0], command, {**os.environ, "TERM": "dumb"})
        self.pid, self.shown = pid, ""

    def wait_for(self, text: str, seconds: float = 60) -> None:
        deadline = time.monotonic() + seconds
        os.set_blocking(self._fd, False)
        while text not in self.shown:
            assert time.monotonic() < deadline, self.shown
            try:
                self.shown += os.read(self._fd, 4096).decode(errors="replace")
            except BlockingIOError:
                time.sleep(0.01)

    def type(self, text: str) -> None:
        self.shown = ""
        os.write(self._fd, text.encode())

    def code(self, seconds: float = 30) -> int:
        deadline = time.monotonic() + seconds
        while True:
            with contextlib.suppress(OSError):
                self.shown += os.read(self._fd, 4096).decode(errors="replace")
            ended, status = os.waitpid(self.pid, os.WNOHANG)
            if ended:
                return os.waitstatus_to_exitcode(status)
            if time.monotonic() > deadline:
                os.kill(self.pid, signal.SIGKILL)
                raise AssertionError(f"it did not end: {self.shown}")
            time.sleep(0.02)


def test_a_conversation_in_a_terminal_ends_with_a_word(served: Workspace) -> None:
    terminal = Terminal(*AFINA, "chat", "livros", "--max-tokens", "6", "--workspace", str(served.root))
    terminal.wait_for("> ")
    terminal.type("olá\n")
    terminal.wait_for("> ")
    terminal.type("/sair\n")
    assert terminal.code() == 0


def test_ctrl_c_at_the_prompt_leaves_quietly_with_130(served: Workspace) -> None:
    terminal = Terminal(*AFINA, "chat", "livros", "--workspace", str(served.root))
    terminal.wait_for("> ")
    terminal.type("\x03")
    assert terminal.code() == 130


def test_serve_stops_cleanly_at_ctrl_c_and_frees_the_workspace(tiny_ws: Workspace) -> None:
    server = RunningServer(tiny_ws)
    try:
        assert is_held(tiny_ws.lock_path("server"))
        assert server.stop(signal.SIGINT) == 0
    finally:
        server.client.close()
    eventually(lambda: not is_held(tiny_ws.lock_path("server")), what="letting go")


def test_a_second_server_of_a_workspace_says_where_the_first_is(served: Workspace) -> None:
    row = served.store.row("SELECT url FROM servers WHERE id = 1")
    assert row is not None
    done = subprocess.run(
        [*AFINA, "serve", "--port", "0", "--workspace", str(served.root)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert row["url"] in done.stderr


def test_serving_beyond_loopback_without_a_key_is_refused(ws: Workspace) -> None:
    done = subprocess.run(
        [*AFINA, "serve", "--host", "0.0.0.0", "--port", "0", "--workspace", str(ws.root)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={key: value for key, value in os.environ.items() if key != "AFINA_API_KEY"},
    )
    assert done.returncode == 1
    assert "AFINA_API_KEY" in done.stderr
