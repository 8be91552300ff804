"""ZIP files opened within bounds: what books, documents and workbooks are packed in.

Sizes are judged by what comes out while reading: the sizes that a file tells of itself may lie.
Nothing is unpacked to the disk.
"""

from __future__ import annotations

import errno
import io
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

from tools.prepare_dataset.readers.part import Unreadable

MB = 1024**2
MAX_ENTRIES = 10_000
MAX_ENTRY = 64 * MB
MAX_TOTAL = 512 * MB
# Deflate reaches 1,032 to 1 on zeros. Text gives 3 to 10, a sheet that repeats one row some 100.
MAX_RATIO = 250
_RATIO_FROM = 1 * MB
_MAX_DIRECTORY = 4 * MB
_CHUNK = 64 * 1024
_LOCAL_HEADER = 30  # bytes, at the least, before an entry's data
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_BROKEN = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, ValueError, OverflowError, RuntimeError, KeyError)


class Archive:
    """An open ZIP file. what: the thing as messages call it, "EPUB" or "Word document".

    Raises Unreadable when it is none, damaged, protected or a bomb; OSError when the disk fails.
    """

    def __init__(self, path: Path, what: str) -> None:
        self.what = what
        self._file = _Bounded(path)
        try:
            self._zip = self._open()
            self._entries = self._checked()
        except BaseException:
            self._file.close()
            raise
        self._folded: dict[str, str] = {}
        self._read: dict[str, int] = {}
        self._total = 0

    def __enter__(self) -> Archive:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._zip.close()
        self._file.close()

    @property
    def names(self) -> list[str]:
        """The files in it, in the order of its directory; folders are none."""
        return list(self._entries)

    def __contains__(self, name: str) -> bool:
        return name in self._entries

    def find(self, name: str) -> str | None:
        """An entry's name as the archive spells it, where small letters and capitals may differ."""
        if name in self._entries:
            return name
        if not self._folded:
            for entry in self._entries:
                self._folded[entry.casefold()] = entry
        return self._folded.get(name.casefold())

    def read(self, name: str) -> bytes:
        """The bytes of one entry, which must be in `names`. Raises Unreadable naming it when it is damaged."""
        return b"".join(self.chunks(name))

    def chunks(self, name: str) -> Iterator[bytes]:
        """The same piece by piece: a check of every entry keeps nothing in memory."""
        info, done = self._entries[name], 0
        others = self._total - self._read.get(name, 0)
        try:
            with self._zip.open(info) as stream:
                while chunk := stream.read(_CHUNK):
                    done += len(chunk)
                    if done > MAX_ENTRY or others + done > MAX_TOTAL:
                        raise self._bomb()
                    if done > _RATIO_FROM and done > MAX_RATIO * max(1, info.compress_size):
                        raise self._bomb()
                    yield chunk
        except _BROKEN as error:
            raise self.damaged(name) from error
        except OSError as error:
            raise self._of_disk(error, name) from error
        self._read[name], self._total = done, others + done

    def check_all(self) -> None:
        """Unpack every entry once and keep none: for libraries that unpack on their own afterwards."""
        for name in self._entries:
            for _ in self.chunks(name):
                pass

    def damaged(self, name: str) -> Unreadable:
        """What to raise where an entry does not hold what it must."""
        return Unreadable(f"`{shown(name)}` in it is damaged.", f"Get the {self.what} again from where it comes from.")

    def missing(self, name: str) -> Unreadable:
        """What to raise where an entry must be there and is not."""
        return Unreadable(f"`{shown(name)}` is missing in it.", f"Get the {self.what} again from where it comes from.")

    def _open(self) -> zipfile.ZipFile:
        head = self._file.head
        if head.startswith(_OLE):
            raise self._ole()
        try:
            return zipfile.ZipFile(self._file)
        except (*_BROKEN, OSError) as error:
            if isinstance(error, OSError) and error.errno != errno.EINVAL:
                raise
            if head.startswith(b"PK\x03\x04"):
                raise Unreadable(
                    "It is damaged or cut off: its directory cannot be read.",
                    f"Copy the {self.what} again from where it comes from.",
                ) from error
            raise Unreadable(
                f"It is no {self.what}, in spite of its name.", "Give it the extension of what it is."
            ) from error

    def _checked(self) -> dict[str, zipfile.ZipInfo]:
        infos = self._zip.infolist()
        if len(infos) > MAX_ENTRIES:
            raise Unreadable(f"It holds more than {MAX_ENTRIES} files.", "Give the text itself, as .txt or .md.")
        if any(info.flag_bits & 0x2041 for info in infos):
            raise Unreadable("It is protected with a password.", "Save it without the password.")
        if any(info.compress_type not in _METHODS for info in infos):
            raise Unreadable("It is packed in a way that no program uses for it.", "Save it again with another one.")
        end = 0
        for info in sorted(infos, key=lambda info: info.header_offset):
            if info.header_offset < end:
                raise Unreadable("Files in it overlap: it was made to do harm, or is damaged.", "Do without it.")
            end = info.header_offset + _LOCAL_HEADER + info.compress_size
        # A damaged directory may hold a name that begins with a null, of which nothing is left.
        return {info.filename: info for info in infos if info.filename and not info.is_dir()}

    def _ole(self) -> Unreadable:
        """What Office wrote before 2007, and wraps protected files in to this day."""
        if self._file.holds("EncryptedPackage".encode("utf-16-le")):
            return Unreadable("It is protected with a password.", "Open it, remove the password, and save it.")
        return Unreadable("It is a file of Office 97-2003 with a new name.", "Open it and save it in today's format.")

    def _bomb(self) -> Unreadable:
        told = (
            f"It unpacks to more than {MAX_ENTRY // MB} MB a file or {MAX_TOTAL // MB} MB in all, or like no text does."
        )
        return Unreadable(told, "Split it, or give the text itself, as .txt or .md.")

    def _of_disk(self, error: OSError, name: str) -> Exception:
        return self.damaged(name) if error.errno == errno.EINVAL else error


class _Bounded(io.FileIO):
    """A file that gives no more at once than a directory may be long: `zipfile` reads it whole, of any length."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.head = super().read(8)

    def read(self, size: int | None = -1, /) -> Any:
        if size is not None and size > _MAX_DIRECTORY:
            raise zipfile.BadZipFile("a directory of many megabytes")
        return super().read(-1 if size is None else size)

    def holds(self, wanted: bytes) -> bool:
        """Whether bytes stand anywhere in the file."""
        self.seek(0)
        before = b""
        while chunk := super().read(_CHUNK):
            if wanted in before + chunk:
                return True
            before = chunk[-len(wanted) :]
        return False


def shown(name: str) -> str:
    """An entry's name for a message: short, without control characters."""
    clean = "".join(c if c.isprintable() and c != "`" else "?" for c in name)
    return clean if len(clean) <= 80 else "…" + clean[-79:]
