"""Documents through the whole of prepare_dataset: whole ones, damaged ones, and ones that harm their reader."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from openpyxl import Workbook
from reportlab.pdfgen.canvas import Canvas

from tests.prepare_dataset.readers.pdf_press import Press, prose
from tools.errors import DataError
from tools.prepare_dataset import tool
from tools.prepare_dataset.contract import PrepareArgs, PrepareResult
from tools.prepare_dataset.reading_back import open_dataset
from tools.prepare_dataset.tool import prepare_dataset
from tools.workspace import jobs
from tools.workspace.layout import Workspace

HERE = Path(__file__).parent


def call(ws: Workspace, source: Path, **more: object) -> PrepareResult:
    args = PrepareArgs.model_validate({"sources": [str(source)], "name": "mau", **more})
    return prepare_dataset(ws, args, default_model="tiny")


def refused(ws: Workspace, source: Path) -> dict[str, str]:
    with pytest.raises(DataError) as caught:
        call(ws, source)
    return {Path(problem.path).name: problem.message for problem in caught.value.problems}


def wait_until(true: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.01)


@pytest.fixture
def nasty(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A folder of files that say what is to happen to their reader, which is read by a job that lets it."""
    monkeypatch.setattr(tool, "_MODULE", "tests.prepare_dataset.readers.nasty_worker")
    monkeypatch.setenv("AFINA_TEST_SECONDS", "1.5")
    (tmp_path / "m").mkdir()
    return tmp_path / "m"


def test_a_pdf_and_a_workbook_become_a_dataset_whose_rows_know_their_pages(tiny_ws: Workspace, tmp_path: Path) -> None:
    folder = tmp_path / "m"
    folder.mkdir()
    press = Press(folder / "livro.pdf")
    for chapter in range(1, 7):
        press.heading(f"Capítulo {chapter}")
        press.paragraph(prose(chapter * 10))
        press.new_page()
    press.save()
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "Liga das Marés"
    sheet.append(["Época", "Equipa", "Pontos"])
    for year in range(2001, 2011):
        for n, team in enumerate(("Marés FC", "Faro", "Enseada")):
            sheet.append([year, team, 60 - 7 * ((n + year) % 3) - n])
    book.save(folder / "liga.xlsx")
    result = call(tiny_ws, folder)
    assert {(source.path, source.kind, source.encoding) for source in result.sources} == {
        ("livro.pdf", "book", "pdf"),
        ("liga.xlsx#Liga das Marés", "table", "xlsx"),
    }
    assert result.path is not None
    dataset = open_dataset(Path(result.path))
    pages = {origin.page for origin in dataset.provenance() if origin.source == "livro.pdf"}
    assert {page for page in pages if page} <= {str(n) for n in range(1, 8)}
    assert len(pages) >= 5
    assert (dataset.folder / "sources/original/livro.pdf").read_bytes() == (folder / "livro.pdf").read_bytes()
    texts = [dataset.source_text(source["path"]) for source in dataset.card["sources"]]
    assert any(prose(10) in text for text in texts)


def test_all_that_cannot_be_read_is_told_at_once(tiny_ws: Workspace, tmp_path: Path) -> None:
    folder = tmp_path / "m"
    folder.mkdir()
    (folder / "bom.txt").write_text(prose(1))
    (folder / "senha.xlsx").write_bytes((HERE / "senha.xlsx").read_bytes())
    (folder / "meio.xls").write_bytes((HERE / "liga.xls").read_bytes()[:3000])
    (folder / "livro.epub").write_bytes((HERE / "senha.xlsx").read_bytes()[:100])
    (folder / "cortado.docx").write_bytes(b"PK\x03\x04" + bytes(100))
    canvas = Canvas(str(folder / "digitalizado.pdf"))
    canvas.rect(60, 60, 200, 300, fill=1)
    canvas.save()
    told = refused(tiny_ws, folder)
    assert sorted(told) == ["cortado.docx", "digitalizado.pdf", "livro.epub", "meio.xls", "senha.xlsx"]
    assert "password" in told["senha.xlsx"]
    assert "pictures of pages" in told["digitalizado.pdf"]
    assert "damaged" in told["cortado.docx"]


def test_files_that_harm_their_reader_are_told_alone(tiny_ws: Workspace, nasty: Path) -> None:
    for what in ("crash", "hang", "eat", "defect"):
        (nasty / f"{what}.pdf").write_text(what)
        (nasty / f"nach-{what}.pdf").write_text(prose(1))
    assert refused(tiny_ws, nasty) == {
        "crash.pdf": "The program that reads it crashed.",
        "hang.pdf": "The program that reads it took longer than 2 s.",
        "eat.pdf": "The program that reads it needed more than 0.59 GB of memory.",
        "defect.pdf": "The program that reads it failed.",
    }


def test_a_job_that_is_cancelled_leaves_no_reader_behind(
    tiny_ws: Workspace, nasty: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AFINA_TEST_SECONDS", "600")
    (nasty / "hang.pdf").write_text("hang")
    job = call(tiny_ws, nasty, wait_s=0).job
    assert job is not None
    row = tiny_ws.store.row("SELECT pid FROM jobs WHERE job = ?", (job,))
    assert row is not None
    readers: list[psutil.Process] = []
    wait_until(lambda: bool(readers.extend(psutil.Process(row["pid"]).children()) or readers))
    jobs.cancel(tiny_ws, job, "prepare")
    assert jobs.wait(tiny_ws, job, "prepare", 20).state == "cancelled"
    wait_until(lambda: not any(reader.is_running() for reader in readers))
