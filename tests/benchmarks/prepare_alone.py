"""One preparation as its job does it, alone in this process: a request on stdin, what it took as JSON on stdout."""

from __future__ import annotations

import json
import os
import resource
import sys
from pathlib import Path

from tools.prepare_dataset.worker import work
from tools.workspace.layout import open_workspace


def main() -> None:
    asked = json.load(sys.stdin)
    ws = open_workspace(Path(asked["workspace"]))
    began = _cpu_seconds()
    result = work(ws, asked["request"], lambda *_: None)
    peaks = [resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    print(
        json.dumps(
            {
                "cpu_s": _cpu_seconds() - began,
                "peak_bytes": sum(peaks) * (1 if sys.platform == "darwin" else 1024),
                "path": result["path"],
            }
        )
    )


def _cpu_seconds() -> float:
    """Of all processors, for this process and those it waited for."""
    return sum(os.times()[:4])


if __name__ == "__main__":
    main()
