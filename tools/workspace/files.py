"""Files that are either whole or not there: written aside, synced, renamed."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

TEMPORARY_PREFIX = ".tmp-"
_PROBE_BYTES = 1024**2


def sync_folder(folder: Path) -> None:
    """Make renames inside `folder` survive a power cut."""
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def write_bytes(path: Path, content: bytes, *, private: bool = False) -> None:
    """Replace `path` by `content` in one step; a reader sees the old bytes or the new ones.

    private: only the file's owner may read it, from its first moment on.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.parent / f"{TEMPORARY_PREFIX}{uuid.uuid4().hex}"
    try:
        with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600 if private else 0o666), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            aside.unlink()
        raise
    sync_folder(path.parent)


def write_text(path: Path, content: str) -> None:
    write_bytes(path, content.encode("utf-8"))


def write_json(path: Path, content: Any) -> None:
    write_text(path, json.dumps(content, ensure_ascii=False, indent=2, sort_keys=True) + "\n")


def read_json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def write_jsonl(path: Path, rows: list[dict[str, Any]]) -> None:
    write_text(path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))


def read_jsonl(path: Path) -> list[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        return [json.loads(line) for line in file if line.strip()]


@contextmanager
def publishing(final: Path, label: str | None = None) -> Iterator[Path]:
    """Fill a folder aside, then rename it to `final`.

    Yields the folder to fill. If `final` appeared meanwhile (the same content made twice), ours is
    dropped: published folders are immutable. A failure leaves nothing behind. label: a fixed name for
    the folder aside, so that what a killed writer left there is removed by the next; the caller holds
    a lock for it.
    """
    new_parent = not final.parent.exists()
    final.parent.mkdir(parents=True, exist_ok=True)
    aside = final.parent / f"{TEMPORARY_PREFIX}{label or uuid.uuid4().hex}"
    if label:
        shutil.rmtree(aside, ignore_errors=True)
    try:
        aside.mkdir()
        yield aside
        for path in aside.rglob("*"):
            if path.is_file():
                with path.open("rb") as file:
                    os.fsync(file.fileno())
            elif path.is_dir():
                sync_folder(path)
        sync_folder(aside)
        try:
            aside.rename(final)
        except OSError:
            if not final.is_dir():
                raise
        sync_folder(final.parent)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
        if new_parent and not final.exists():
            with contextlib.suppress(OSError):
                final.parent.rmdir()


@contextmanager
def telling_foreign_writes(folder: Path) -> Iterator[None]:
    """A library's failed write inside `folder`, which it tells without a reason, as the system's OSError.

    To be asked at once: what was written so far still takes the room.
    """
    try:
        yield
    except RuntimeError:
        probe = folder / f"{TEMPORARY_PREFIX}{uuid.uuid4().hex}"
        try:
            with probe.open("wb") as file:
                file.write(bytes(_PROBE_BYTES))
                file.flush()
                os.fsync(file.fileno())
        finally:
            probe.unlink(missing_ok=True)
        raise


def sweep_temporary(folder: Path) -> int:
    """Remove what an interrupted writer left directly inside `folder`; returns how many."""
    swept = 0
    if not folder.is_dir():
        return 0
    for path in folder.iterdir():
        if path.name.startswith(TEMPORARY_PREFIX):
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)
            swept += 1
    return swept


def sha256_file(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
