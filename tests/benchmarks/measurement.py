"""One figure of Afina beside its peer's, the table's row that shows it, and the frame of a benchmark's process."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from tools.workspace.files import write_json
from tools.workspace.layout import Workspace, open_workspace

_COLUMNS = (("benchmark", 12), ("case", 34), ("Afina", 16), ("peer", 16), ("ratio", 7), ("", 0))
# Other work below this share of the processors is not worth a word.
_QUIET = 0.1


@dataclass(frozen=True)
class Measurement:
    """What was measured in one case. `ratio` above 1 says that Afina is better by so much.

    more: further figures and the conditions, for the JSON; notes: what a reader of the row needs.
    """

    benchmark: str
    case: str
    unit: str
    afina: float
    peer: float | None = None
    peer_name: str | None = None
    lower_is_better: bool = False
    notes: str = ""
    more: dict[str, Any] = field(default_factory=dict)

    @property
    def ratio(self) -> float | None:
        if self.peer is None or not self.afina or not self.peer:
            return None
        return self.peer / self.afina if self.lower_is_better else self.afina / self.peer

    def as_json(self) -> dict[str, Any]:
        return {**dataclasses.asdict(self), "ratio": self.ratio}

    def row(self) -> str:
        return _line(
            self.benchmark,
            self.case,
            _figure(self.afina, self.unit),
            "" if self.peer is None else _figure(self.peer, self.unit),
            "" if self.ratio is None else f"{self.ratio:.2f}x",
            "; ".join(part for part in (f"peer: {self.peer_name}" if self.peer_name else "", self.notes) if part),
        )


def header() -> str:
    return _line(*(name for name, _ in _COLUMNS))


def _line(*cells: str) -> str:
    return "  ".join(cell.ljust(width) for cell, (_, width) in zip(cells, _COLUMNS, strict=True)).rstrip()


def _figure(value: float, unit: str) -> str:
    digits = 0 if abs(value) >= 1000 else 1 if abs(value) >= 100 else 2
    return f"{value:,.{digits}f} {unit}"


@dataclass(frozen=True)
class Bench:
    """What a benchmark is given: the workspace, an installed base, and whether to be quick about it."""

    ws: Workspace
    model: str
    quick: bool

    @property
    def folder(self) -> Path:
        return self.ws.model_folder(self.model)


def run_child(measure: Callable[[Bench], Iterator[Measurement]]) -> None:
    """The `main` of a benchmark: print each row as soon as it is measured, write all to `--json`."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--workspace", type=Path, required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", type=Path, required=True)
    arguments = parser.parse_args()
    bench = Bench(open_workspace(arguments.workspace), arguments.model, arguments.quick)
    found = []
    others = Others()
    for measurement in measure(bench):
        share = others.share()
        told = "" if share < _QUIET else f"{share:.0%} of the processors were busy with other work"
        notes = "; ".join(part for part in (measurement.notes, told) if part)
        measurement = dataclasses.replace(
            measurement, notes=notes, more={**measurement.more, "others_busy": round(share, 3)}
        )
        print(measurement.row(), flush=True)
        found.append(measurement.as_json())
        write_json(arguments.json, found)
        others = Others()
    sys.stdout.flush()


class Others:
    """What else this machine did since the construction: figures taken beside other work are not to be trusted."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._all, self._own = _busy_seconds(), _own_seconds()

    def share(self) -> float:
        """Processor time of other processes, as a share of all processors' time."""
        elapsed = (time.monotonic() - self._began) * (psutil.cpu_count() or 1)
        others = (_busy_seconds() - self._all) - (_own_seconds() - self._own)
        return max(0.0, others / elapsed)


def _busy_seconds() -> float:
    times = psutil.cpu_times()
    return float(sum(times) - times.idle - getattr(times, "iowait", 0.0) - getattr(times, "guest", 0.0))


def _own_seconds() -> float:
    """Of this process, its living children and those that have ended."""
    own = psutil.Process()
    spent = own.cpu_times()
    total = spent.user + spent.system + spent.children_user + spent.children_system
    for child in own.children(recursive=True):
        with contextlib.suppress(psutil.Error):
            total += child.cpu_times().user + child.cpu_times().system
    return float(total)
