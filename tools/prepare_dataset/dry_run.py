"""A dry run: all of a preparation but the writing, in a process of its own.

As a module run by Python, it is that process: a request on stdin, a result or an error as JSON on
stdout, nothing written.
"""

from __future__ import annotations

import json
import subprocess
import sys

from tools.errors import AfinaError, Conflict, WorkerDied
from tools.prepare_dataset.contract import PrepareResult
from tools.prepare_dataset.memory_bound import bounded
from tools.prepare_dataset.request import Request
from tools.prepare_dataset.stages import Stages
from tools.workspace.processes import check_installation, child_command, child_environment

# It answers in one call: assistants give up on a call after a minute.
_LIMIT_S = 50.0


def dry_run(request: Request, limit_s: float = _LIMIT_S) -> PrepareResult:
    """What a preparation would make. Raises Conflict when it takes longer than `limit_s`, and what it raises."""
    command = child_command("tools.prepare_dataset.dry_run", [])
    try:
        child = subprocess.run(
            command,
            input=request.model_dump_json().encode(),
            capture_output=True,
            timeout=limit_s,
            env=child_environment(),
            cwd="/",
            check=False,
        )
        answer = json.loads(child.stdout)
    except subprocess.TimeoutExpired as error:
        raise Conflict(
            f"The dry run did not end within {limit_s:.0f} s: there is much material.",
            field="dry_run",
            fix="Try it on some of the sources; or leave dry_run out: the work then goes on in the background, "
            'can be asked for by its job, and stopped with action="cancel".',
        ) from error
    except ValueError as error:
        raise WorkerDied(
            "The process doing the dry run ended before it answered.", fix="Call again; if it stays so, report it."
        ) from error
    if "error" in answer:
        raise AfinaError.from_dict(answer["error"])
    return PrepareResult(**answer["result"])


def _main() -> None:
    # The process that asks for a dry run does without the pipeline: it takes a second to load.
    from tools.prepare_dataset.carrying_out import carry_out, result_of

    check_installation()
    request = Request.model_validate_json(sys.stdin.read())
    stages = Stages(_no_progress)
    try:
        with bounded(request.memory_bytes, stages):
            prepared = carry_out(request, stages)
            answer = {"result": result_of(request, prepared, None).model_dump()}
    except AfinaError as error:
        answer = {"error": error.to_dict()}
    sys.stdout.write(json.dumps(answer, ensure_ascii=True))


def _no_progress(done: float, total: float, message: str) -> None:
    """Nobody asks how far a dry run is: it answers in one call."""


if __name__ == "__main__":
    _main()
