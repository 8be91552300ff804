"""The measurements of a script on a machine that may take it away: each is written as soon as it is made."""

from __future__ import annotations

import json
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import mlx.core as mx

# What the others stand on.
ALWAYS = ("machine", "set_up", "model", "dequantize", "end")


@dataclass
class Report:
    """What was measured so far; written after each measurement, so that a killed script leaves its figures."""

    path: Path
    budget_s: float
    only: tuple[str, ...] = ()
    began: float = field(default_factory=time.monotonic)
    told: dict[str, Any] = field(default_factory=dict)

    def measure(self, name: str, work: Callable[[], Any]) -> Any:
        """Do `work` and keep what it returns under `name`; a failure or a lack of time is kept instead."""
        spent = time.monotonic() - self.began
        if self.only and name not in ALWAYS and not name.startswith(self.only):
            return None
        if spent > self.budget_s and name not in ALWAYS:
            found: Any = {"skipped": f"{spent:.0f} s were spent"}
        else:
            try:
                found = work()
            except Exception as error:
                found = {"failed": f"{type(error).__name__}: {error}", "trace": traceback.format_exc()[-2000:]}
        took = time.monotonic() - self.began - spent
        self.told[name] = found | {"took_s": round(took, 2)} if isinstance(found, dict) else found
        self.path.write_text(json.dumps(self.told, indent=1))
        print(f"[{time.monotonic() - self.began:6.1f} s] {name}: {_short(found)}", flush=True)
        mx.clear_cache()
        return found


def _short(found: Any) -> str:
    told = {key: value for key, value in found.items() if key != "trace"} if isinstance(found, dict) else found
    return json.dumps(told)
