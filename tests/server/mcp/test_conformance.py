"""The protocol's own checkers, from npm, against a running server."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.running_server import RunningServer
from tools.workspace.layout import open_workspace

pytestmark = pytest.mark.verify
CACHE = Path(__file__).parents[3] / ".cache" / "mcp-checkers"
PACKAGES = ["node@22", "@modelcontextprotocol/conformance@0.2.0-alpha.12", "@modelcontextprotocol/inspector@2.12.0"]
# Those that need no fixture tools, by the revision that has them.
SCENARIOS = {
    "2026-07-28": [
        "tools-list",
        "resources-list",
        "prompts-list",
        "dns-rebinding-protection",
        "caching",
        "sep-2164-resource-not-found",
        "http-header-validation",
        "server-sse-multiple-streams",
    ],
    "2025-11-25": [
        "server-initialize",
        "tools-list",
        "resources-list",
        "prompts-list",
        "dns-rebinding-protection",
        "server-sse-multiple-streams",
    ],
}


@pytest.fixture(scope="module")
def modules() -> Path:
    npm = shutil.which("npm")
    assert npm, "install Node.js: the checkers come from npm"
    CACHE.mkdir(parents=True, exist_ok=True)
    subprocess.run([npm, "install", "--silent", "--prefix", CACHE, *PACKAGES], check=True, timeout=300)
    return CACHE / "node_modules"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with RunningServer(open_workspace(tmp_path_factory.mktemp("conformance") / "afina")) as server:
        yield server


def node(modules: Path, *arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [modules / ".bin" / "node", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=cwd, check=False)


@pytest.mark.parametrize(
    ("revision", "scenario"), [(revision, name) for revision, names in SCENARIOS.items() for name in names]
)
def test_a_scenario_of_the_conformance_suite_passes(
    modules: Path, server: RunningServer, tmp_path: Path, revision: str, scenario: str
) -> None:
    program = modules / "@modelcontextprotocol" / "conformance" / "dist" / "index.js"
    asked = ["--scenario", scenario, "--spec-version", revision, "-o", tmp_path]
    done = node(modules, program, "server", "--url", f"{server.url}/mcp", *asked, cwd=tmp_path)
    told = done.stdout + done.stderr
    assert done.returncode == 0, told
    assert " 0 failed, 0 warnings" in told, told


def test_the_inspector_finds_no_fault_in_the_tools(modules: Path, server: RunningServer, tmp_path: Path) -> None:
    over_http = ["--transport", "http", "--protocol-era", "modern"]
    flags = [*over_http, "--method", "tools/list", "--strict", "--format", "json"]
    done = node(modules, modules / ".bin" / "mcp-inspector", "--cli", f"{server.url}/mcp", *flags, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "warning" not in done.stderr, done.stderr
    assert '"prepare_dataset"' in done.stdout
