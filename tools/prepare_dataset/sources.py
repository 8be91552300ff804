"""From paths, folders and patterns to the files to read, each once, every fault told at once."""

from __future__ import annotations

import errno
import os
import stat
import unicodedata
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

from tools.errors import DataError, InvalidArgument, Problem, nearest, printable
from tools.prepare_dataset.contract import Kind, SourceSpec
from tools.prepare_dataset.file_types import FILE_TYPES, NOT_READ, TOLD, suffixes_of
from tools.prepare_dataset.material import SourceFile
from tools.prepare_dataset.patterns import MAGIC, Search, as_stored, base_of, real_of
from tools.prepare_dataset.roots import Roots

# Findings that one error spells out.
MOST_TOLD = 200
MAX_FILES = 10_000
MAX_BYTES = 256 * 1024**2
MAX_TOTAL_BYTES = 2 * 1024**3
# What libraries of datasets write beside the examples.
_ABOUT_EXAMPLES = frozenset({"dataset_info.json", "dataset_infos.json", "dataset_dict.json", "state.json"})
_GRANT = "Grant your user access to it."


class Found:
    """The files found and what was wrong on the way."""

    def __init__(self, roots: Roots) -> None:
        self.roots = roots
        self.files: dict[Path, Kind | None] = {}
        self.errors: list[Problem] = []
        self.warnings: list[Problem] = []
        # Of paths that are not there, as they were written, the ones that may have been meant.
        self.nearest: dict[str, str] = {}
        self._same: dict[tuple[int, int], Path] = {}
        self._seen = self._bytes = 0

    def error(self, path: Path | str, message: str, fix: str) -> None:
        self.errors.append(Problem(path=printable(str(path), 300), message=message, fix=fix))

    def warn(self, path: Path, message: str, fix: str) -> None:
        self.warnings.append(Problem(path=printable(str(path), 300), message=message, fix=fix))

    def failed(self, error: OSError) -> None:
        self.error(error.filename or "sources", "This folder may not be read.", _GRANT)

    def count(self) -> None:
        """Guard against a whole disk given by mistake."""
        self._seen += 1
        if self._seen > MAX_FILES * 10 or len(self.files) > MAX_FILES:
            raise _too_much("many files", f"at most {MAX_FILES} files")

    def add(self, real: Path, kind: Kind | None, status: os.stat_result) -> None:
        """A file, once: it may have several names. The first to name its kind counts."""
        same = self._same.setdefault((status.st_dev, status.st_ino), real)
        if same not in self.files:
            self._bytes += status.st_size
            if self._bytes > MAX_TOTAL_BYTES:
                raise _too_much("much", f"at most {MAX_TOTAL_BYTES // 1024**3} GB in all")
        if self.files.get(same) is None:
            self.files[same] = kind


def _too_much(what: str, expected: str) -> InvalidArgument:
    return InvalidArgument(
        f"The sources hold too {what}.",
        field="sources",
        expected=expected,
        fix="Name the folder that holds the texts alone, or make several datasets.",
    )


def find_sources(sources: Sequence[str | SourceSpec], roots: Roots) -> tuple[list[SourceFile], list[Problem]]:
    """The files of all sources and warnings about what was passed over.

    Raises InvalidArgument when nothing is named, and DataError listing every path that is missing,
    outside of `roots`, unreadable, empty or of a type that is not read.
    """
    if not sources:
        raise InvalidArgument(
            "No sources are given.",
            field="sources",
            expected="at least one file, folder or glob",
            fix="For instance: sources=[`livros/`, `classificacoes.csv`].",
        )
    found = Found(roots)
    for source in sources:
        _expand(SourceSpec(path=source) if isinstance(source, str) else source, found)
    if not found.files and not found.errors:
        found.error(
            ", ".join(spec if isinstance(spec, str) else spec.path for spec in sources),
            f"There is no {TOLD} in it.",
            "Name a folder that holds some.",
        )
    if found.errors:
        error = problems_error(found.errors)
        if found.nearest:
            error.details["nearest_paths"] = found.nearest
        raise error
    files = _named(found.files)
    for one, other in pairwise(files):
        if one.name == other.name:
            told = "Another file has the same name, but for how its accents are stored."
            found.error(other.path, told, "Rename one of them.")
    if found.errors:
        raise problems_error(found.errors)
    return files, found.warnings


def problems_error(problems: Sequence[Problem], untold: int = 0) -> DataError:
    """One error for all findings, at most MOST_TOLD spelled out. untold: findings besides, that are counted alone."""
    count = len(problems) + untold
    first = f"The first {MOST_TOLD} are listed: mend and call again."
    return DataError(
        "The material has a problem." if count == 1 else f"The material has {count} problems.",
        field="sources",
        fix="Mend what is listed and call again." if count <= MOST_TOLD else first,
        problems=problems[:MOST_TOLD],
    )


def place_of(text: str) -> Path | None:
    """The path that a person wrote, absolute, `~` resolved; None where no file can be called so."""
    try:
        return None if "\0" in text else Path.cwd() / Path(text).expanduser()
    except RuntimeError:  # `~name` of nobody
        return None


def _expand(spec: SourceSpec, found: Found) -> None:
    place = place_of(spec.path)
    if place is None:
        found.error(spec.path, "It cannot be a path.", "Write it in full, without `~name`.")
        return
    path = as_stored(place) if not os.path.lexists(place) else place
    base, names = base_of(path) if not os.path.lexists(path) and MAGIC.search(str(path)) else (path, [])
    refusal = found.roots.refusal(real_of(base))
    if refusal is not None:
        found.error(spec.path, *refusal)
    elif names:
        _search(spec, base, names, found)
    else:
        _one(spec, path, found)


def _search(spec: SourceSpec, base: Path, names: list[str], found: Found) -> None:
    """What a pattern matches; folders that it matches are read whole, as a shell's would be."""
    matched = False
    for match in Search(found.count, found.failed).matches(base, names):
        matched = True
        if not match.is_dir():
            _add(match, spec.kind, found, in_folder=True)
        elif "**" not in names:
            _add_folder(match, spec.kind, found)
    if not matched:
        found.error(spec.path, "The pattern matches nothing.", "Check it; `**` reaches into folders.")


def _one(spec: SourceSpec, path: Path, found: Found) -> None:
    """A path that is named as it is."""
    try:
        mode = path.stat().st_mode
    except PermissionError:
        found.error(spec.path, "It may not be read.", _GRANT)
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            found.error(spec.path, "A name in it is longer than the system takes.", "Shorten it.")
        elif path.is_symlink():
            found.error(spec.path, "It is a link to what does not exist.", "Mend the link, or name the file itself.")
        else:
            found.error(spec.path, "It does not exist.", _near(spec.path, path, found))
    else:
        if stat.S_ISDIR(mode):
            _add_folder(path, spec.kind, found)
        else:
            _add(path, spec.kind, found, in_folder=False)


def _near(written: str, path: Path, found: Found) -> str:
    try:
        names = sorted(entry.name for entry in path.parent.iterdir())[:5000]
    except OSError:
        names = []
    near = nearest(path.name, names)
    if not near:
        return "Check the path; relative paths start where Afina was started."
    found.nearest[written] = str(path.with_name(near[0]))
    return f"Did you mean `{printable(near[0])}`?"


def _add_folder(folder: Path, kind: Kind | None, found: Found) -> None:
    for file in _walk(folder, found):
        _add(file, kind, found, in_folder=True)


def _walk(root: Path, found: Found) -> Iterator[Path]:
    """The files of a folder and those below it, less hidden ones, read-me files and what is only about the others."""
    real = real_of(root)
    for folder, folders, files in os.walk(root, onerror=found.failed):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in [*folders, *sorted(files)]:
            found.count()
            path = Path(folder) / name
            if name.startswith("."):
                continue
            if path.is_symlink() and not real_of(path).is_relative_to(real):
                found.error(
                    path, "It is a link that leads out of the folder.", "Name what it leads to as a source of its own."
                )
            elif name in _ABOUT_EXAMPLES:
                found.warn(path, "It tells about examples and holds none. It was left out.", "Nothing is to be done.")
            elif name in files and not name.lower().startswith("readme"):
                yield path


def _add(path: Path, kind: Kind | None, found: Found, *, in_folder: bool) -> None:
    real = real_of(path)
    refusal = found.roots.refusal(real)
    if refusal is not None:
        message, fix = refusal
        found.error(path, f"It is a link. {message}" if path.is_symlink() else message, fix)
        return
    suffix = path.suffix.lower()
    if suffix not in FILE_TYPES:
        told = f"`{printable(suffix, 20)}` files are not read." if suffix else "It has no extension."
        fix = NOT_READ.get(suffix, f"Give it as one of {TOLD}.")
        if in_folder and suffix not in NOT_READ:
            found.warn(path, told + " It was left out.", fix)
        else:
            found.error(path, told, fix)
        return
    if kind is not None and kind not in FILE_TYPES[suffix].kinds:
        if not in_folder:
            allowed = ", ".join(suffixes_of(kind))
            found.error(path, f"A `{suffix}` file cannot be a {kind}.", f"A {kind} is one of {allowed}.")
            return
        kind = None
    try:
        status = real.stat()
    except OSError:
        found.error(path, "It cannot be read.", "Check that it exists and that your user may read it.")
        return
    fault = _fault(real, status)
    if fault:
        found.error(path, *fault)
    else:
        found.add(real, kind, status)


def _fault(path: Path, status: os.stat_result) -> tuple[str, str] | None:
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
