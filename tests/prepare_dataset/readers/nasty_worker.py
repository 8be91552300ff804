"""The job of prepare_dataset with a reading child that crashes, hangs or eats memory as its files say."""

from __future__ import annotations

import os

from tools.prepare_dataset.readers import apart
from tools.prepare_dataset.worker import work
from tools.workspace.jobs import run_job

if __name__ == "__main__":
    seconds = float(os.environ["AFINA_TEST_SECONDS"])
    apart.CHILD = "tests.prepare_dataset.readers.nasty_child"
    apart.DEFAULT_LIMITS = apart.Limits(seconds=seconds, memory=600 * 1024**2)
    run_job(work)
