"""Files damaged in every way: each ends in text or in a plain refusal, never in a defect, a crash or a hang.

The damage is chosen by hypothesis, the same in every run; documents are read in a real child, as in a job.
"""

from __future__ import annotations

import functools
import io
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from docx import Document
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl import Workbook

from tests.prepare_dataset.readers.open_sheets import ODS_EMPTY, ods, ods_row, ods_text
from tests.prepare_dataset.readers.packed import epub, page, paragraphs
from tests.prepare_dataset.readers.pdf_press import Press, prose
from tools.prepare_dataset.biographies import parse_biographies
from tools.prepare_dataset.books import parse_book
from tools.prepare_dataset.contract import Kind
from tools.prepare_dataset.examples import parse_examples
from tools.prepare_dataset.file_types import FILE_TYPES
from tools.prepare_dataset.material import Parsed, Source, SourceFile
from tools.prepare_dataset.read import read_sources
from tools.prepare_dataset.readers.apart import Apart, Limits
from tools.prepare_dataset.tables import parse_tables
from tools.prepare_dataset.wording import wording

HERE = Path(__file__).parent
Damage = Callable[[bytes], bytes]
DEFECTS = ("The program that reads it",)  # crashed, failed, took longer, needed more


def _pdf(path: Path) -> None:
    press = Press(path)
    press.canvas.setTitle("O Farol")
    press.canvas.setPageCompression(0)  # so that damage reaches what is drawn
    for n, title in enumerate(("A partida", "O regresso")):
        press.canvas.bookmarkPage(title)
        press.canvas.addOutlineEntry(title, title, 0)
        press.heading(title)
        press.paragraph(prose(n * 10, 3))
        press.new_page()
    press.save()


def _workbook(path: Path) -> None:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    for row in (["Equipa", "Pontos"], ["Marés FC", 85], ["Faro", 1.5], ["Enseada", "=1/0"]):
        sheet.append(row)
    sheet.merge_cells("A3:A4")
    book.save(path)


def _document(path: Path) -> None:
    document = Document()
    document.add_heading("A partida", 1)
    document.add_paragraph(prose(1))
    table = document.add_table(rows=2, cols=2)
    table.cell(0, 0).text = "Equipa"
    document.save(str(path))


TEXT = f"# O Farol\n\n## Capítulo 1\n\n{prose(1)}\n\n## Capítulo 2\n\n{prose(9)}\n"
MADE: dict[str, bytes | Callable[[Path], object]] = {
    ".txt": TEXT.replace("#", "").encode("cp1252"),
    ".md": TEXT.encode(),
    ".csv": 'época;equipa;pontos\n2001;Marés, FC;85,5\n2001;"Faro";1.234\n'.encode(),
    ".jsonl": '{"prompt": "Quem é?", "completion": "A avó."}\n{"text": "Era uma vez."}\n'.encode(),
    ".json": '[{"question": "Quem?", "answer": "A avó."}, {"messages": []}]'.encode(),
    ".html": page(f"<h1>O Farol</h1>{paragraphs(3)}<table><tr><td>a</td></tr></table>", "O Farol").encode(),
    ".pdf": _pdf,
    ".xlsx": _workbook,
    ".docx": _document,
    ".epub": lambda path: epub(path, {"um": page(paragraphs(3)), "dois": page(paragraphs(2))}, contents="<p>x</p>"),
    ".ods": lambda path: ods(path, *(ods_row(ods_text(name), ods_text("85"), ODS_EMPTY) for name in ("Marés", "Faro"))),
    ".xls": (HERE / "liga.xls").read_bytes(),
}


@functools.cache
def seed(suffix: str) -> bytes:
    made = MADE[suffix]
    if isinstance(made, bytes):
        return made
    with tempfile.TemporaryDirectory() as folder:
        made(Path(folder, f"x{suffix}"))
        return Path(folder, f"x{suffix}").read_bytes()


@pytest.fixture(scope="module")
def readers() -> Iterator[Apart]:
    with Apart(Limits(seconds=20, memory=2 * 1024**3)) as apart:
        yield apart


def _flipped(places: list[float], value: int) -> Damage:
    def flip(raw: bytes) -> bytes:
        changed = bytearray(raw)
        for place in places:
            changed[int(place * len(raw))] ^= value
        return bytes(changed)

    return flip


def _inside(share: float, damage: Damage) -> Damage:
    """The damage done to one of the files packed in a ZIP, which itself stays whole."""

    def spoil(raw: bytes) -> bytes:
        try:
            with zipfile.ZipFile(io.BytesIO(raw)) as archive:
                entries = {name: archive.read(name) for name in archive.namelist()}
        except (zipfile.BadZipFile, NotImplementedError, zlib.error, OSError, ValueError, RuntimeError):
            return damage(raw)
        name = sorted(entries)[int(share * len(entries))] if entries else ""
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            for entry, content in entries.items():
                archive.writestr(entry, damage(content) if entry == name and content else content)
        return packed.getvalue()

    return spoil


SHARES = st.floats(0, 1, exclude_max=True)
# What tells of sizes, counts and depths that are not there.
HUGE = st.sampled_from([b"9" * 10, b"-1", b"\xff" * 8, b"\0" * 64, b"(" * 5000, b"<a>" * 5000, b"[" * 5000, b"\x80"])
OUTER = st.one_of(
    st.builds(lambda at: lambda raw: raw[: int(at * len(raw))], SHARES),
    st.builds(_flipped, st.lists(SHARES, min_size=1, max_size=20), st.integers(1, 255)),
    st.builds(lambda at, more: lambda raw: raw[: int(at * len(raw))] + more + raw[int(at * len(raw)) :], SHARES, HUGE),
    st.builds(lambda a, b: lambda raw: raw[: int(a * len(raw))] + raw[int(b * len(raw)) :], SHARES, SHARES),
    st.builds(
        lambda other, a, b: lambda raw: raw[: int(a * len(raw))] + seed(other)[int(b * len(seed(other))) :],
        st.sampled_from(sorted(MADE)),
        SHARES,
        SHARES,
    ),
    st.builds(lambda other: lambda raw: seed(other), st.sampled_from(sorted(MADE))),
    st.binary(max_size=200).map(lambda noise: lambda raw: noise),
)
DAMAGE = st.one_of(OUTER, st.builds(_inside, SHARES, OUTER))


@pytest.mark.parametrize("suffix", sorted(MADE))
def test_a_damaged_file_gives_text_or_is_refused(readers: Apart, tmp_path: Path, suffix: str) -> None:
    @settings(max_examples=60, derandomize=True, deadline=None, database=None, suppress_health_check=[*HealthCheck])
    @given(st.lists(DAMAGE, max_size=3), st.sampled_from([None, "book", "table", "biography", "examples"]))
    def read(damages: list[Damage], kind: Kind | None) -> None:
        raw = functools.reduce(lambda so_far, damage: damage(so_far) if so_far else so_far, damages, seed(suffix))
        path = tmp_path / f"x{suffix}"
        path.write_bytes(raw)
        asked = kind if kind in FILE_TYPES[suffix].kinds else None
        sources, problems = read_sources(SourceFile(path, path.name, asked), readers.read)
        assert bool(sources) != bool(problems)
        assert not [problem for problem in problems if problem.message.startswith(DEFECTS)]
        for source in sources:
            source.text.encode()
            assert all(0 <= start <= len(source.text) for start, _ in source.pages)
            understood(source)

    read()


def understood(source: Source) -> Parsed:
    """What the rest of the pipeline makes of it: units, or findings."""
    words = wording("pt")
    if source.kind == "table":
        return parse_tables([source], words)[0]
    if source.kind == "book":
        return parse_book(source, words)
    return parse_biographies(source, words) if source.kind == "biography" else parse_examples(source)
