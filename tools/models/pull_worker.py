"""The job that installs a model: `python -m tools.models.pull_worker WORKSPACE JOB`."""

from __future__ import annotations

from tools.models.pull import run_pull
from tools.workspace.jobs import run_job

if __name__ == "__main__":
    run_job(run_pull)
