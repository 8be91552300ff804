"""A dry run in a process of its own: a request on stdin, a result or an error as JSON on stdout, nothing written."""

from __future__ import annotations

import json
import sys

from tools.errors import AfinaError
from tools.prepare_dataset.request import Request, carry_out, result_of
from tools.workspace.processes import check_installation


def main() -> None:
    check_installation()
    request = Request.model_validate_json(sys.stdin.read())
    try:
        prepared = carry_out(request, _no_progress)
        answer = {"result": result_of(request, prepared, None).model_dump()}
    except AfinaError as error:
        answer = {"error": error.to_dict()}
    sys.stdout.write(json.dumps(answer, ensure_ascii=True))


def _no_progress(done: float, total: float, message: str) -> None:
    """Nobody asks how far a dry run is: it answers in one call."""


if __name__ == "__main__":
    main()
