"""Children that bring or convert a model: what they say to their parent, and how they end with it.

A child writes JSON lines on its standard output: `{"progress": [done, total, message]}` any number of
times, then `{"result": {…}}` or `{"error": {…}}`. It holds its standard input open, and exits when that
closes: no child outlives its parent, however that ends.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, Protocol

from tools.errors import AfinaError, WorkerDied, from_os_error
from tools.workspace.processes import child_environment

_TICK_S = 0.1


class Tell(Protocol):
    """Progress: `done` of `total` bytes. The callee may raise, to stop the work."""

    def __call__(self, done: float, total: float, message: str) -> None: ...


# The child's side ---------------------------------------------------------------------------------


def answer(work: Callable[[Tell], dict[str, Any]]) -> None:
    """The main of a child: do the work, say its result or its error, end the process."""
    said = os.fdopen(os.dup(1), "w", encoding="utf-8")
    # What libraries print goes to the log, not between our lines.
    os.dup2(2, 1)
    threading.Thread(target=_end_with_parent, daemon=True).start()

    def say(line: dict[str, Any]) -> None:
        with suppress(BrokenPipeError):
            said.write(json.dumps(line, ensure_ascii=False) + "\n")
            said.flush()

    def tell(done: float, total: float, message: str) -> None:
        say({"progress": [done, total, message]})

    code = 1
    try:
        result = work(tell)
        say({"result": result})
        code = 0
    except AfinaError as error:
        traceback.print_exc()
        say({"error": error.to_dict()})
    except OSError as error:
        traceback.print_exc()
        say({"error": from_os_error(error, error.filename or "a file", "install the model").to_dict()})
    except Exception:
        traceback.print_exc()
    sys.stderr.flush()
    os._exit(code)


def _end_with_parent() -> None:
    while os.read(0, 4096):
        pass
    os._exit(2)


# The parent's side --------------------------------------------------------------------------------


def ask(
    command: Sequence[str],
    *,
    log: Path,
    tick: Callable[[], None],
    tell: Tell | None = None,
    environment: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Run a child made with `answer`; returns its result, raises its error.

    tick: called ten times a second; what it raises ends the child and comes out of here.
    Raises WorkerDied when the child ends without an answer.
    """
    answered: dict[str, Any] | None = None

    def line(text: str) -> None:
        nonlocal answered
        said = json.loads(text)
        if "progress" in said:
            if tell is not None:
                tell(*said["progress"])
        else:
            answered = said

    code = run(command, log=log, on_line=line, tick=tick, environment=environment)
    if answered is None:
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        raise WorkerDied(
            f"The process that installs the model ended before it answered ({how}).",
            fix=f"Free some memory and call again; what it printed is in {log}.",
        )
    if "error" in answered:
        raise AfinaError.from_dict(answered["error"])
    result: dict[str, Any] = answered["result"]
    return result


def run(
    command: Sequence[str],
    *,
    log: Path,
    on_line: Callable[[str], None],
    tick: Callable[[], None],
    environment: Mapping[str, str] | None = None,
) -> int:
    """Run a command to its end, its output line by line to `on_line`, its errors to `log`; returns its exit code."""
    lines: queue.Queue[str | None] = queue.Queue()
    with _started(command, log, environment) as child:
        assert child.stdout is not None
        threading.Thread(target=_read, args=(child.stdout, lines), daemon=True).start()
        while True:
            tick()
            try:
                text = lines.get(timeout=_TICK_S)
            except queue.Empty:
                continue
            if text is None:
                return child.wait()
            on_line(text)


def _read(output: IO[bytes], lines: queue.Queue[str | None]) -> None:
    for raw in output:
        text = raw.decode("utf-8", "replace").strip()
        if text:
            lines.put(text)
    lines.put(None)


@contextmanager
def _started(
    command: Sequence[str], log: Path, environment: Mapping[str, str] | None
) -> Iterator[subprocess.Popen[bytes]]:
    """A child in a process group of its own, which is gone, whole, on leaving."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as errors:
        child = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            env=child_environment(environment),
            start_new_session=True,
        )
    try:
        yield child
    finally:
        if child.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            child.wait()
        for pipe in (child.stdin, child.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()
