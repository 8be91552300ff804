"""From paths, folders and globs to the files to read, each once, every fault told at once."""

from __future__ import annotations

import glob
import os
import stat
import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path

from tools.errors import DataError, InvalidArgument, Problem, printable
from tools.prepare_dataset.contract import Kind, SourceSpec
from tools.prepare_dataset.file_types import FILE_TYPES, NOT_READ, TOLD, suffixes_of
from tools.prepare_dataset.material import SourceFile

MAX_FILES = 10_000
MAX_BYTES = 256 * 1024**2


class Found:
    """The files found and what was wrong on the way."""

    def __init__(self) -> None:
        self.files: dict[Path, Kind | None] = {}
        self.errors: list[Problem] = []
        self.warnings: list[Problem] = []
        self._seen = 0

    def error(self, path: Path | str, message: str, fix: str) -> None:
        self.errors.append(Problem(path=printable(str(path), 300), message=message, fix=fix))

    def count(self) -> None:
        """Guard against a whole disk given by mistake."""
        self._seen += 1
        if self._seen > MAX_FILES * 10 or len(self.files) > MAX_FILES:
            raise InvalidArgument(
                "The sources hold too many files.",
                field="sources",
                expected=f"at most {MAX_FILES} files",
                fix="Name the folder that holds the texts alone.",
            )


def find_sources(sources: Sequence[str | SourceSpec]) -> tuple[list[SourceFile], list[Problem]]:
    """The files of all sources and warnings about what was passed over.

    Raises InvalidArgument when nothing is named, and DataError listing every path that is missing,
    unreadable, empty or of a type that is not read.
    """
    if not sources:
        raise InvalidArgument(
            "No sources are given.",
            field="sources",
            expected="at least one file, folder or glob",
            fix="For instance: sources=[`livros/`, `classificacoes.csv`].",
        )
    found = Found()
    for source in sources:
        spec = SourceSpec(path=source) if isinstance(source, str) else source
        _expand(spec, found)
    if not found.files and not found.errors:
        found.error(
            ", ".join(spec if isinstance(spec, str) else spec.path for spec in sources),
            f"There is no {TOLD} in it.",
            "Name a folder that holds some.",
        )
    if found.errors:
        raise problems_error(found.errors)
    return _named(found.files), found.warnings


def problems_error(problems: Sequence[Problem], untold: int = 0) -> DataError:
    """One error for all findings, at most 200 of them spelled out. untold: findings besides, that are counted alone."""
    count = len(problems) + untold
    return DataError(
        "The material has a problem." if count == 1 else f"The material has {count} problems.",
        field="sources",
        fix="Mend what is listed and call again." if count <= 200 else "The first 200 are listed: mend and call again.",
        problems=problems[:200],
    )


def place_of(text: str) -> Path | None:
    """The path that a person wrote, absolute, `~` resolved; None where no file can be called so."""
    try:
        return None if "\0" in text else Path.cwd() / Path(text).expanduser()
    except RuntimeError:  # `~name` of nobody
        return None


def _expand(spec: SourceSpec, found: Found) -> None:
    path = place_of(spec.path)
    if path is None:
        found.error(spec.path, "It cannot be a path.", "Write it in full, without `~name`.")
        return
    if not os.path.lexists(path) and glob.has_magic(spec.path):
        matches = sorted(glob.glob(str(path), recursive=True))  # noqa: PTH207 - absolute patterns
        if not matches:
            found.error(spec.path, "The pattern matches nothing.", "Check it; `**` reaches into folders.")
        for match in matches:
            found.count()
            if Path(match).is_dir():
                continue
            _add(Path(match), spec.kind, found, in_folder=True)
        return
    try:
        mode = path.stat().st_mode
    except PermissionError:
        found.error(spec.path, "It may not be read.", "Grant your user access to it.")
    except OSError:
        if path.is_symlink():
            found.error(spec.path, "It is a link to what does not exist.", "Mend the link, or name the file itself.")
        else:
            found.error(spec.path, "It does not exist.", _near(path))
    else:
        if stat.S_ISDIR(mode):
            for file in _walk(path, found):
                _add(file, spec.kind, found, in_folder=True)
        else:
            _add(path, spec.kind, found, in_folder=False)


def _near(path: Path) -> str:
    from tools.errors import nearest

    try:
        names = [entry.name for entry in path.parent.iterdir()][:5000]
    except OSError:
        return "Check the path; relative paths start where Afina was started."
    near = nearest(path.name, names)
    return f"Did you mean `{near[0]}`?" if near else "Check the path; relative paths start where Afina was started."


def _walk(root: Path, found: Found) -> Iterator[Path]:
    def failed(error: OSError) -> None:
        found.error(error.filename or root, "This folder may not be read.", "Grant your user access to it.")

    real = root.resolve()
    for folder, folders, files in os.walk(root, onerror=failed):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in [*folders, *sorted(files)]:
            found.count()
            path = Path(folder) / name
            if path.is_symlink() and not path.resolve().is_relative_to(real):
                found.error(
                    path, "It is a link that leads out of the folder.", "Name what it leads to as a source of its own."
                )
            elif name in files and not name.startswith(".") and not name.lower().startswith("readme"):
                yield path


def _add(path: Path, kind: Kind | None, found: Found, *, in_folder: bool) -> None:
    suffix = path.suffix.lower()
    if suffix not in FILE_TYPES:
        told = f"`{printable(suffix, 20)}` files are not read." if suffix else "It has no extension."
        fix = NOT_READ.get(suffix, f"Give it as one of {TOLD}.")
        if in_folder and suffix not in NOT_READ:
            found.warnings.append(Problem(path=printable(str(path), 300), message=told + " It was left out.", fix=fix))
        else:
            found.error(path, told, fix)
        return
    if kind is not None and kind not in FILE_TYPES[suffix].kinds:
        if not in_folder:
            allowed = ", ".join(suffixes_of(kind))
            found.error(path, f"A `{suffix}` file cannot be a {kind}.", f"A {kind} is one of {allowed}.")
            return
        kind = None
    real = path.resolve()
    fault = _fault(real)
    if fault:
        found.error(path, *fault)
    elif found.files.get(real) is None:
        found.files[real] = kind


def _fault(path: Path) -> tuple[str, str] | None:
    try:
        status = path.stat()
    except OSError:
        return "It cannot be read.", "Check that it exists and that your user may read it."
    if not stat.S_ISREG(status.st_mode):
        return "It is not a regular file.", "Name a file that holds text."
    if any("\ud800" <= c <= "\udfff" for c in str(path)):
        return "Its name is not UTF-8.", "Rename it."
    if not os.access(path, os.R_OK):
        return "It may not be read.", "Grant your user the right to read it."
    if status.st_size == 0:
        return "It is empty.", "Fill it, or leave it out."
    if status.st_size > MAX_BYTES:
        return f"It is larger than {MAX_BYTES // 1024**2} MB.", "Split it into several files."
    return None


def _named(files: dict[Path, Kind | None]) -> list[SourceFile]:
    """Names are relative to the folder that holds all files, so that they are the same elsewhere."""
    shared = Path(os.path.commonpath([str(path.parent) for path in files]))
    # macOS stores names decomposed; in a dataset they are composed, as people type them.
    named = [
        SourceFile(path, unicodedata.normalize("NFC", path.relative_to(shared).as_posix()), kind)
        for path, kind in files.items()
    ]
    return sorted(named, key=lambda file: file.name)
