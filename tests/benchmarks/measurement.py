"""One figure of Afina beside its peer's, the table's row that shows it, and the frame of a benchmark's process."""

from __future__ import annotations

import argparse
import dataclasses
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tools.workspace.files import write_json
from tools.workspace.layout import Workspace, open_workspace

_COLUMNS = (("benchmark", 12), ("case", 34), ("Afina", 16), ("peer", 16), ("ratio", 7), ("", 0))


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
    for measurement in measure(bench):
        print(measurement.row(), flush=True)
        found.append(measurement.as_json())
        write_json(arguments.json, found)
    sys.stdout.flush()
