"""list_workspace over real folders and rows."""

from __future__ import annotations

import time

import pytest

from tests.list_workspace.rows import add_dataset, add_run
from tests.support.tiny_adapter import make_tiny_adapter
from tools.errors import InvalidArgument
from tools.list_workspace.contract import ListArgs
from tools.list_workspace.tool import list_workspace
from tools.workspace import jobs, runs
from tools.workspace.files import write_json
from tools.workspace.layout import Workspace
from tools.workspace.locks import FileLock


def test_an_empty_workspace_shows_the_catalogue_and_how_to_begin(ws: Workspace) -> None:
    result = list_workspace(ws, ListArgs())
    assert result.counts["datasets"] == result.counts["runs"] == 0
    assert result.models is not None
    assert result.models[0].model == "smollm2-135m"
    assert result.models[0].state == "available"
    assert result.next.startswith("prepare_dataset {")


def test_installed_models_come_before_the_catalogue(tiny_ws: Workspace) -> None:
    models = list_workspace(tiny_ws, ListArgs(kind="models")).models
    assert models is not None
    assert [(m.model, m.state) for m in models[:2]] == [("tiny", "installed"), ("smollm2-135m", "available")]
    assert models[0].parameters > 100_000


def test_a_dataset_is_told_by_its_newest_version(ws: Workspace) -> None:
    add_dataset(ws, "livros", "bbbb", 100)
    add_dataset(ws, "livros", "aaaa", 200, rows=7)
    add_dataset(ws, "liga", "cccc", 300)
    result = list_workspace(ws, ListArgs(kind="datasets"))
    assert result.datasets is not None
    assert [d.dataset for d in result.datasets] == ["liga", "livros"]
    assert (result.datasets[1].version, result.datasets[1].versions) == ("aaaa", 2)
    assert result.datasets[1].rows == {"train": 7, "valid": 1}
    assert result.next == 'start_finetune {"dataset": "liga", "dry_run": true}'


def test_half_written_and_damaged_datasets_are_left_out(ws: Workspace) -> None:
    (ws.data / "sem-cartao" / "v").mkdir(parents=True)
    broken = ws.data / "partido" / "v"
    broken.mkdir(parents=True)
    (broken / "card.json").write_text("{")
    assert list_workspace(ws, ListArgs(kind="datasets")).datasets == []


def test_pages_neither_repeat_nor_lose_an_entry_when_one_is_added_between(ws: Workspace) -> None:
    for i in range(5):
        add_dataset(ws, f"d{i}", "v", 100 + i)
    first = list_workspace(ws, ListArgs(kind="datasets", limit=2))
    add_dataset(ws, "novo", "v", 900)
    seen = [d.dataset for d in first.datasets or []]
    cursor = first.next_cursor
    while cursor:
        page = list_workspace(ws, ListArgs(kind="datasets", limit=2, cursor=cursor))
        seen += [d.dataset for d in page.datasets or []]
        cursor = page.next_cursor
    assert seen == ["d4", "d3", "d2", "d1", "d0"]


def test_the_next_call_reads_on_where_there_is_more(ws: Workspace) -> None:
    for i in range(3):
        add_dataset(ws, f"d{i}", "v", 100 + i)
    result = list_workspace(ws, ListArgs(kind="datasets", limit=2))
    assert result.next == f'list_workspace {{"kind": "datasets", "limit": 2, "cursor": "{result.next_cursor}"}}'


@pytest.mark.parametrize("cursor", ["nonsense", "!!!", "W10", "WyJydW5zIiwgMS4wLCAieCJd"])
def test_a_cursor_that_is_not_ours_is_refused(ws: Workspace, cursor: str) -> None:
    with pytest.raises(InvalidArgument) as refused:
        list_workspace(ws, ListArgs(kind="datasets", cursor=cursor))
    assert refused.value.field == "cursor"


def test_a_cursor_without_its_kind_is_refused(ws: Workspace) -> None:
    with pytest.raises(InvalidArgument, match="one kind"):
        list_workspace(ws, ListArgs(cursor="W10"))


def test_a_run_whose_process_died_reads_as_interrupted(ws: Workspace) -> None:
    add_run(ws, "livros-20261124-1", "running", 1.0)
    add_run(ws, "livros-20261124-2", "running", 2.0)
    lock = FileLock.try_acquire(runs.lock_path(ws, "livros-20261124-2"))
    assert lock is not None
    with lock:
        found = list_workspace(ws, ListArgs(kind="runs")).runs
    assert found is not None
    assert [(r.run, r.state) for r in found] == [
        ("livros-20261124-2", "running"),
        ("livros-20261124-1", "interrupted"),
    ]


def test_adapters_tell_their_base_run_and_dataset(tiny_ws: Workspace) -> None:
    folder = make_tiny_adapter(tiny_ws, "livros", run="livros-20261124-1")
    result = list_workspace(tiny_ws, ListArgs(kind="adapters"))
    assert result.adapters is not None
    found = result.adapters[0]
    assert (found.adapter, found.version, found.model) == ("livros", folder.name, "tiny")
    assert found.run == "livros-20261124-1"
    assert result.next == 'evaluate {"adapter": "livros"}'


def test_evaluations_come_from_reports_and_from_jobs_without_one(ws: Workspace) -> None:
    report = ws.evaluations / "livros-1234"
    report.mkdir(parents=True)
    verdict = [{"kind": "learned", "model": "livros@a", "text": "x", "action": "y"}]
    request = {"adapters": ["livros@a"], "dataset": "livros@b"}
    write_json(report / "report.json", {"request": request, "result": {"verdict": verdict}, "answers": {}})
    now = time.time()
    ws.store.write(
        "INSERT INTO jobs (job, kind, state, request, created, updated) VALUES (?, 'evaluation', 'failed', '{}', ?, ?)",
        ("livros-5678", now + 10, now),
    )
    found = list_workspace(ws, ListArgs(kind="evaluations")).evaluations
    assert found is not None
    assert [(e.evaluation, e.state, e.verdict) for e in found] == [
        ("livros-5678", "failed", None),
        ("livros-1234", "succeeded", {"livros@a": "learned"}),
    ]


def test_an_evaluation_whose_process_died_reads_as_failed(ws: Workspace) -> None:
    ws.store.write(
        "INSERT INTO jobs (job, kind, state, request, created, updated)"
        " VALUES ('livros-1', 'evaluation', 'running', '{}', 1, 1)"
    )
    found = list_workspace(ws, ListArgs(kind="evaluations")).evaluations
    assert found is not None
    assert found[0].state == "failed"
    assert jobs.get(ws, "livros-1", "evaluation").error is not None
