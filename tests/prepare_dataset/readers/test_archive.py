from __future__ import annotations

import struct
import time
import tracemalloc
import zipfile
from pathlib import Path

import pytest

from tests.prepare_dataset.readers.packed import damaged, zipped
from tools.prepare_dataset.readers import archive as module
from tools.prepare_dataset.readers.archive import MB, Archive
from tools.prepare_dataset.readers.part import Unreadable

TEXT = "O farol acendia-se todas as noites.\n" * 50


def refused(path: Path) -> Unreadable:
    """What opening and reading all of it raises, within little time and memory."""
    tracemalloc.start()
    started = time.monotonic()
    with pytest.raises(Unreadable) as caught, Archive(path, "EPUB") as archive:
        archive.check_all()
    assert time.monotonic() - started < 20
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 40 * MB
    return caught.value


def test_entries_are_read_by_name(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {"pasta/": "", "pasta/é.txt": TEXT, "b.txt": "b"})
    with Archive(path, "EPUB") as archive:
        assert archive.names == ["pasta/é.txt", "b.txt"]
        assert "b.txt" in archive
        assert "pasta/" not in archive
        assert archive.read("pasta/é.txt").decode() == TEXT
        archive.check_all()


def test_an_entry_without_a_name_is_passed_over(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {"a.txt": TEXT, "b.txt": "b"})
    path.write_bytes(path.read_bytes().replace(b"b.txt", b"\0.txt"))
    with Archive(path, "EPUB") as archive:
        assert archive.names == ["a.txt"]


def test_an_entry_that_unpacks_beyond_bounds_is_refused_while_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    zeros = zipped(tmp_path / "a.zip", {"a": b"\0" * (70 * MB)})
    assert zeros.stat().st_size < MB
    assert "unpacks to more" in refused(zeros).reason
    stored = zipped(tmp_path / "b.zip", {"a": bytes(range(256)) * 4096 * 3}, zipfile.ZIP_STORED)
    monkeypatch.setattr(module, "MAX_ENTRY", 2 * MB)
    assert "2 MB a file" in refused(stored).reason


def test_a_size_that_lies_in_the_header_changes_nothing(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {"a": b"\0" * (8 * MB)})
    raw = path.read_bytes()
    path.write_bytes(raw.replace(struct.pack("<L", 8 * MB), struct.pack("<L", 10)))
    assert "`a` in it is damaged" in refused(path).reason
    path.write_bytes(raw.replace(struct.pack("<L", 8 * MB), struct.pack("<L", 2**31)))
    assert "unpacks to more" in refused(path).reason


def test_many_entries_that_are_each_small_are_bounded_in_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_TOTAL", 3 * MB)
    content = bytes(range(256)) * 2048
    path = zipped(tmp_path / "a.zip", {f"{n}": content for n in range(7)})
    assert "in all" in refused(path).reason
    with Archive(path, "EPUB") as archive:  # one that is read again is counted once
        for _ in range(10):
            assert archive.read("0") == content


def test_a_directory_of_too_many_entries_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = zipped(tmp_path / "a.zip", {f"{n:05}": "" for n in range(1001)}, zipfile.ZIP_STORED)
    with Archive(path, "EPUB") as archive:
        assert len(archive.names) == 1001
    monkeypatch.setattr(module, "MAX_ENTRIES", 1000)
    assert "more than 1000 files" in refused(path).reason
    long = zipped(tmp_path / "b.zip", {f"{n}" + "x" * 9000: "" for n in range(500)}, zipfile.ZIP_STORED)
    assert "directory" in refused(long).reason


def test_entries_that_overlap_are_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {"a": TEXT, "b": TEXT})
    raw = path.read_bytes()
    second = raw.rfind(b"PK\x01\x02")
    offset = struct.unpack_from("<L", raw, second + 42)[0]
    path.write_bytes(raw[: second + 42] + struct.pack("<L", offset - 10) + raw[second + 46 :])
    assert "overlap" in refused(path).reason


def test_a_zip_within_a_zip_is_only_bytes(tmp_path: Path) -> None:
    inner = zipped(tmp_path / "a.zip", {"a": b"\0" * (8 * MB)})
    path = zipped(tmp_path / "b.zip", {"a.zip": inner.read_bytes()})
    with Archive(path, "EPUB") as archive:
        assert archive.read("a.zip") == inner.read_bytes()


def test_protected_entries_and_odd_packings_are_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {"a": TEXT})
    raw = bytearray(path.read_bytes())
    raw[raw.rfind(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(raw)
    assert "password" in refused(path).reason
    odd = zipped(tmp_path / "b.zip", {"a": TEXT}, zipfile.ZIP_LZMA)
    assert "packed in a way" in refused(odd).reason


def test_what_is_no_zip_is_told_so(tmp_path: Path) -> None:
    path = tmp_path / "a.epub"
    path.write_text("Era uma vez.")
    assert refused(path).reason == "It is no EPUB, in spite of its name."
    path.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600)
    assert "Office 97-2003" in refused(path).reason
    path.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 65_530 + "EncryptedPackage".encode("utf-16-le"))
    assert "password" in refused(path).reason


def test_a_damaged_copy_gives_what_is_sound_or_is_unreadable(tmp_path: Path) -> None:
    entries = {"a": TEXT, "pasta/b": TEXT * 2, "c": "c"}
    raw = zipped(tmp_path / "a.zip", entries).read_bytes()
    path = tmp_path / "b.zip"
    cut = 0
    for copy in damaged(raw):
        path.write_bytes(copy)
        try:
            with Archive(path, "EPUB") as archive:
                for name in archive.names:
                    assert archive.read(name).decode() in entries.values()
        except Unreadable:
            cut += 1
    assert cut > len(raw) // 10
