"""A user who may not write, or not read: told which place, and nothing changed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.bad_input.clear import check_clear, check_words
from tests.bad_input.fingerprint import difference, fingerprint
from tests.bad_input.machine import Guest
from tests.bad_input.material import SAMPLE
from tests.support.tiny_adapter import make_tiny_adapter
from tools.errors import AfinaError, NoPermission
from tools.prepare_dataset.contract import PrepareArgs
from tools.prepare_dataset.tool import prepare_dataset
from tools.workspace import runs
from tools.workspace.layout import Workspace


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    return Path(shutil.copytree(SAMPLE, tmp_path / "textos"))


@pytest.fixture
def ws(tiny_ws: Workspace, texts: Path) -> Workspace:
    """A workspace with a dataset and an adapter."""
    args = PrepareArgs.model_validate({"sources": [str(texts / "livros")], "name": "livros"})
    prepare_dataset(tiny_ws, args, default_model="tiny")
    marker = make_tiny_adapter(tiny_ws, "um") / "afina.json"
    marker.write_text(json.dumps({**json.loads(marker.read_text()), "dataset": "livros"}))
    return tiny_ws


@pytest.fixture
def guest() -> Iterator[Guest]:
    guest = Guest()
    yield guest
    guest.give_back()


def before_closing(ws: Workspace) -> dict[str, Any]:
    """The fingerprint; then the database's log is written back, so that the guest finds one file."""
    found = fingerprint(ws)
    ws.store.close()
    return found


def refusal(guest: Guest, ws: Workspace, tool: str, arguments: dict[str, Any], *says: str) -> AfinaError:
    """How `afina call` refuses the guest."""
    done = guest.run("call", tool, json.dumps(arguments), "--workspace", str(ws.root))
    assert done.returncode == 1, done.stdout
    assert done.stdout == b""
    error = AfinaError.from_dict(json.loads(done.stderr))
    check_clear(error, says)
    return error


def test_the_guest_may_do_all_until_it_is_forbidden(guest: Guest, ws: Workspace, texts: Path) -> None:
    done = guest.run(
        "call", "prepare_dataset", json.dumps({"sources": [str(texts)], "name": "mares"}),
        "--workspace", str(ws.root),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["state"] == "succeeded"


@pytest.mark.parametrize("command", [["call", "check_setup"], ["serve"], ["mcp"], ["models", "list"], ["doctor"]])
def test_a_workspace_that_cannot_be_made_is_told_with_its_place(
    guest: Guest, tmp_path: Path, command: list[str]
) -> None:
    locked = tmp_path / "fechada"
    locked.mkdir()
    guest.forbid(locked)
    done = guest.run(*command, "--workspace", str(locked / "afina"))
    assert done.returncode == 1
    assert done.stdout == b""
    told = done.stderr.decode()
    assert "No permission to make the workspace" in told
    assert str(locked / "afina") in told
    check_words(told)
    assert list(locked.iterdir()) == []


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("prepare_dataset", {"sources": ["<m>"], "name": "mares"}),
        ("start_finetune", {"dataset": "livros"}),
        ("evaluate", {"adapter": "um"}),
        ("annotate_dataset", {"dataset": "livros"}),
        ("export_adapter", {"adapter": "um"}),
    ],
)
def test_in_a_workspace_that_may_only_be_read_every_tool_that_writes_is_refused(
    guest: Guest, ws: Workspace, texts: Path, tool: str, arguments: dict[str, Any]
) -> None:
    before = before_closing(ws)
    guest.forbid(ws.root)
    given = json.loads(json.dumps(arguments).replace("<m>", str(texts)))
    error = refusal(guest, ws, tool, given, str(ws.root), "No permission")
    assert isinstance(error, NoPermission)
    guest.give_back()
    assert difference(before, fingerprint(ws)) == []
    assert runs.listed(ws) == []


@pytest.mark.parametrize("command", [["serve", "--port", "0"], ["mcp"], ["models", "pull", "smollm2-135m"], ["doctor"]])
def test_in_a_workspace_that_may_only_be_read_no_command_begins(
    guest: Guest, ws: Workspace, command: list[str]
) -> None:
    before = before_closing(ws)
    guest.forbid(ws.root)
    done = guest.run(*command, "--workspace", str(ws.root))
    assert done.returncode == 1
    told = done.stderr.decode()
    assert "No permission" in told
    assert str(ws.root) in told
    check_words(told)
    guest.give_back()
    assert difference(before, fingerprint(ws)) == []


@pytest.mark.parametrize(
    ("place", "tool", "arguments"),
    [
        ("data", "prepare_dataset", {"sources": ["<m>"], "name": "mares"}),
        ("logs", "prepare_dataset", {"sources": ["<m>"], "name": "mares"}),
        ("locks", "prepare_dataset", {"sources": ["<m>"], "name": "mares"}),
        ("outputs/runs", "start_finetune", {"dataset": "livros"}),
        ("locks", "start_finetune", {"dataset": "livros"}),
        ("outputs/evaluations", "evaluate", {"adapter": "um", "max_items": 2}),
        ("logs", "evaluate", {"adapter": "um", "max_items": 2}),
        ("models", "export_adapter", {"adapter": "um"}),
    ],
)
def test_a_folder_of_the_workspace_that_may_not_be_written_is_named(
    guest: Guest, ws: Workspace, texts: Path, place: str, tool: str, arguments: dict[str, Any]
) -> None:
    before = before_closing(ws)
    guest.forbid(ws.root / place)
    given = json.loads(json.dumps(arguments).replace("<m>", str(texts)))
    error = refusal(guest, ws, tool, given, str(ws.root / place), "No permission")
    assert isinstance(error, NoPermission)
    guest.give_back()
    assert difference(before, fingerprint(ws)) == []
    assert runs.listed(ws) == []


def test_a_pull_into_models_that_may_not_be_written_is_told(guest: Guest, ws: Workspace, tmp_path: Path) -> None:
    source = tmp_path / "minha"
    shutil.copytree(ws.models / "tiny", source)
    (source / "afina.json").unlink()
    before = before_closing(ws)
    guest.forbid(ws.models)
    done = guest.run("models", "pull", str(source), "--bits", "16", "--workspace", str(ws.root))
    assert done.returncode == 1
    told = done.stderr.decode()
    assert "No permission" in told
    assert str(ws.models) in told
    check_words(told)
    guest.give_back()
    assert difference(before, fingerprint(ws)) == []


def test_a_run_that_may_not_publish_its_adapter_fails_and_keeps_its_checkpoints(guest: Guest, ws: Workspace) -> None:
    guest.forbid(ws.adapters)
    settings = {"iters": 2, "batch_size": 1, "max_seq_length": 64, "save_every": 1, "val_batches": 1}
    started = guest.run(
        "call", "start_finetune", json.dumps({"dataset": "livros", "settings": settings, "name": "novo"}),
        "--workspace", str(ws.root),
    )  # fmt: skip
    run = json.loads(started.stdout)["run"]
    told: dict[str, Any] = {"state": "running"}
    while told["state"] in runs.ACTIVE:
        asked = json.dumps({"run": run, "wait_s": 30})
        told = json.loads(guest.run("call", "training_status", asked, "--workspace", str(ws.root)).stdout)
    assert told["state"] == "failed"
    error = AfinaError.from_dict(told["error"])
    assert isinstance(error, NoPermission)
    check_clear(error, [str(ws.root)])
    assert told["checkpoints"] == ["step-1", "step-2"]


@pytest.mark.parametrize("dry_run", [False, True])
def test_a_source_that_may_not_be_read_is_named(guest: Guest, ws: Workspace, texts: Path, dry_run: bool) -> None:
    file = texts / "livros" / "o-farol-de-areia.md"
    guest.hide(file)
    before = before_closing(ws)
    arguments = {"sources": [str(texts)], "name": "mares", "dry_run": dry_run}
    refusal(
        guest, ws, "prepare_dataset", arguments, f"{file}: It may not be read.", "Grant your user the right to read it."
    )
    guest.give_back()
    assert difference(before, fingerprint(ws)) == []


def test_settings_that_may_not_be_read_are_named(guest: Guest, ws: Workspace) -> None:
    file = ws.root / "afina.toml"
    file.write_text("port = 9000\n")
    guest.hide(file)
    refusal(guest, ws, "list_workspace", {}, f"No permission to read the settings at {file}.")
    file.chmod(0o644)
