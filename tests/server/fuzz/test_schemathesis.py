"""schemathesis reads the served description and looks for answers that break it, or that are a 500."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.running_server import RunningServer, lengthen_context
from tests.support.tiny_adapter import make_tiny_adapter
from tests.support.tiny_model import make_tiny_model
from tools.workspace.layout import open_workspace

pytestmark = pytest.mark.verify

CACHE = Path(__file__).parents[3] / ".cache" / "schemathesis"
PACKAGE = "schemathesis==4.32.5"
KEY = "segredo"
# Checks that are left out, and why.
EXCLUDED = {
    # It knows no refusals that depend on the model; `valid_requests_are_taken` stands in its place.
    "positive_data_acceptance",
    # Nothing can be made or deleted over this API.
    "use_after_free",
    "ensure_resource_availability",
    "object_level_authorization",
}


@pytest.fixture(scope="module")
def program() -> Path:
    """schemathesis in an environment of its own."""
    environment = CACHE / PACKAGE
    uv = Path(sys.executable).with_name("uv")
    subprocess.run([uv, "venv", "--quiet", "--allow-existing", "--python", sys.executable, environment], check=True)
    python = environment / "bin" / "python"
    subprocess.run([uv, "pip", "install", "--quiet", "--python", python, PACKAGE], check=True, timeout=300)
    return environment / "bin" / "schemathesis"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A base and an adapter whose context is short, so that answers are."""
    ws = open_workspace(tmp_path_factory.mktemp("schemathesis") / "afina")
    lengthen_context(make_tiny_model(ws), 96)
    make_tiny_adapter(ws, "um")
    with RunningServer(ws, api_key=KEY, model="tiny") as server:
        yield server


def test_no_answer_breaks_the_description(program: Path, server: RunningServer, tmp_path: Path) -> None:
    command = [program, "run", f"{server.url}/openapi.json", "--header", f"Authorization: Bearer {KEY}"]
    command += ["--checks", "all", "--exclude-checks", ",".join(sorted(EXCLUDED))]
    command += ["--mode", "all", "--max-examples", "100", "--seed", "7", "--continue-on-failure"]
    command += ["--request-timeout", "60", "--no-color"]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
        cwd=tmp_path,
        env={
            **os.environ,
            "SCHEMATHESIS_HOOKS": "schemathesis_hooks",
            "PYTHONPATH": str(Path(__file__).parent),
            "COLUMNS": "120",
        },
    )
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-2000:]
    tested = re.search(r"(\d+) generated", done.stdout)
    assert tested is not None, done.stdout[-3000:]
    assert int(tested[1]) > 500
    health = server.client.get("/health", headers={"authorization": f"Bearer {KEY}"}).json()
    assert health["engine"]["restarts"] == 0
