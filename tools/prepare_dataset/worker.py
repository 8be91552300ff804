"""The job child of prepare_dataset: a reader that crashes or hangs takes only this process. No MLX."""

from __future__ import annotations

from typing import Any

from tools.prepare_dataset.carrying_out import carry_out, result_of
from tools.prepare_dataset.memory_bound import bounded
from tools.prepare_dataset.request import Request
from tools.prepare_dataset.stages import Stages
from tools.prepare_dataset.write import write
from tools.workspace.jobs import Progress, run_job
from tools.workspace.layout import Workspace


def work(ws: Workspace, request: dict[str, Any], progress: Progress) -> dict[str, Any]:
    asked = Request(**request)
    stages = Stages(progress)
    with bounded(asked.memory_bytes, stages):
        prepared = carry_out(asked, stages)
        stages.begin("Writing", 1)
        folder = write(ws, asked.name, prepared)
        return result_of(asked, prepared, folder).model_dump()


if __name__ == "__main__":
    run_job(work)
