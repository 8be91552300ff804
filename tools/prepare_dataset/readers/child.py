"""The process in which files are read that could crash, hang or flood their reader.

It takes JSON lines on its standard input, `{"path", "seconds"}` each, and answers each with one line on its
standard output: `{"parts": […]}`, `{"unreadable": {…}}`, `{"os_error": errno}`, `{"memory": true}` or
`{"failed": true}`. Its first line is `{"ready": true}`. It ends when its input closes: it never outlives
its parent.
"""

from __future__ import annotations

import json
import os
import queue
import resource
import signal
import sys
import threading
import traceback
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from tools.prepare_dataset.readers.part import Part, Reader, Unreadable
from tools.prepare_dataset.readers.registry import read_parts
from tools.workspace.processes import check_installation

PARTS = TypeAdapter(list[Part])
MAX_CHARACTERS = 200_000_000
# The parent ends a child that takes too long; this much later it ends by itself, whatever holds its threads.
_GRACE_S = 30


def serve(read: Reader) -> None:
    """The main of the child: answer until the input closes. argv[1]: bytes of memory that it may have."""
    answers = os.fdopen(os.dup(1), "w", encoding="ascii")
    # What libraries print goes to the log, not between our lines.
    os.dup2(2, 1)
    check_installation()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _limit_memory(int(sys.argv[1]))
    requests: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
    threading.Thread(target=_take, args=(requests,), daemon=True).start()
    answer: dict[str, Any] = {"ready": True}
    while True:
        answers.write(json.dumps(answer) + "\n")
        answers.flush()
        if "memory" in answer:
            os._exit(0)
        request = requests.get()
        signal.alarm(int(request["seconds"]) + _GRACE_S)
        answer = _answer(read, Path(request["path"]))
        signal.alarm(0)


def _take(requests: queue.SimpleQueue[dict[str, Any]]) -> None:
    for line in sys.stdin.buffer:
        requests.put(json.loads(line))
    os._exit(0)


def _answer(read: Reader, path: Path) -> dict[str, Any]:
    try:
        parts = read(path)
        if sum(len(part.text) for part in parts) > MAX_CHARACTERS:
            raise Unreadable(
                f"It holds more than {MAX_CHARACTERS // 1_000_000} million characters.", "Split it into several files."
            )
        return {"parts": PARTS.dump_python(parts, mode="json")}
    except Unreadable as fault:
        return {"unreadable": {"reason": fault.reason, "fix": fault.fix, "line": fault.line}}
    except MemoryError:
        return {"memory": True}
    except OSError as error:
        return {"os_error": error.errno}
    except Exception:
        traceback.print_exc()
        return {"failed": True}


def _limit_memory(size: int) -> None:
    """Let allocations beyond `size` bytes fail. macOS knows no such limit: there the parent watches alone."""
    if sys.platform.startswith("linux"):
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        if hard == resource.RLIM_INFINITY or size < hard:
            resource.setrlimit(resource.RLIMIT_AS, (size, hard))


if __name__ == "__main__":
    serve(read_parts)
