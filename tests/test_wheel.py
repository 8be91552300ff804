"""The built wheel, installed alone, works from a folder that holds a foreign `tools` package."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "-w", str(folder), ROOT],
        check=True,
        timeout=120,
    )
    return next(folder.glob("afina-*.whl"))


@pytest.fixture(scope="module")
def afina(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The command of an environment that has the wheel, and the dependencies of this one without our checkout."""
    env = tmp_path_factory.mktemp("env")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(env)], check=True, timeout=120)
    subprocess.run(
        [sys.executable, "-m", "pip", f"--python={env}", "install", "--quiet", "--no-deps", "--no-index", str(wheel)],
        check=True,
        timeout=120,
    )
    site = next(env.glob("lib/python*/site-packages"))
    # A path in a .pth file brings packages in; .pth files there, like the one of our checkout, are not read.
    (site / "dependencies.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    return env / "bin" / "afina"


def run(afina: Path, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    env = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "AFINA"))}
    return subprocess.run(
        [str(afina), *arguments], capture_output=True, text=True, timeout=120, cwd=cwd, env=env, check=False
    )


def foreign_project(folder: Path) -> Path:
    for name in ("tools", "server"):
        (folder / name).mkdir()
        (folder / name / "__init__.py").write_text(f"raise RuntimeError('the wrong {name}')\n")
    return folder


def test_the_wheel_holds_the_packages_and_the_sample_and_nothing_of_the_tests(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert "server/cli/__init__.py" in names
    assert "tools/workspace/store.py" in names
    assert any(name.startswith("server/sample/livros/") for name in names)
    assert not any(name.startswith("tests/") for name in names)


def test_the_installed_command_runs_beside_a_foreign_tools_package(afina: Path, tmp_path: Path) -> None:
    project = foreign_project(tmp_path)
    assert run(afina, "--help", cwd=project).returncode == 0
    done = run(afina, "doctor", "--workspace", str(tmp_path / "afina"), cwd=project)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "GFLOP/s" in done.stdout  # a child of its own ran, too


def test_the_installed_command_answers_calls_and_finds_its_sample(afina: Path, tmp_path: Path) -> None:
    done = run(afina, "call", "list_workspace", "--workspace", str(tmp_path / "afina"), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    python = afina.with_name("python")
    code = "from server.settings import sample_folder; print(sample_folder())"
    found = subprocess.run([python, "-P", "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert str(afina.parents[1]) in found.stdout
