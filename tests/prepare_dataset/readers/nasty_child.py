"""A reading child whose reader does what the file says: answers, crashes, hangs, or eats memory."""

from __future__ import annotations

import ctypes
import os
import sys
import time
from pathlib import Path

from tools.prepare_dataset.readers.child import serve
from tools.prepare_dataset.readers.part import Part, Unreadable


def read(path: Path) -> list[Part]:
    what = path.read_text()
    if what == "crash":
        ctypes.string_at(0)
    if what == "exit":
        os._exit(3)
    if what == "hang":
        time.sleep(600)
    if what == "eat":
        # Beyond what Python's own allocator would refuse: pages are touched, as a parser's would be.
        eaten = [bytearray(8 * 1024**2) for _ in range(1000)]
        return [Part(str(len(eaten)), "pdf")]
    if what == "defect":
        raise KeyError("a library's own words")
    if what == "refuse":
        raise Unreadable("It is wrong.", "Mend it.", 7)
    if what == "print":
        print("a library prints")
        sys.stdout.flush()
        os.write(1, b'{"parts": []}\n')
    if what == "pid":
        what = f"pid {os.getpid()}"
    return [Part(what, "pdf", title="título", pages=((0, "iv"),), mended={"ligatures": 2}, left_out={"notes": 1})]


if __name__ == "__main__":
    if "AFINA_TEST_UNLIMITED" in os.environ:  # as on macOS, where the system limits no process
        sys.argv[1] = str(2**48)
    serve(read)
