"""Texts out of Debian's packages, for long proofs on real material; none of it goes into this tree.

Packages are taken with `apt-get download`, so that their hashes are checked, into a cache folder of
the user's. `focalinux-text` holds three Portuguese books in Latin-1, `fortunes-br` short texts in UTF-8.
"""

from __future__ import annotations

import gzip
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

_BOOKS = ("iniciante", "intermediario", "avancado")
_SAMPLE = Path(__file__).parents[2] / "clients" / "sample"
_PLACE = "usr/share/doc/focalinux/text"


def has_debian() -> bool:
    """Whether packages can be had at all: macOS and other Linux systems have no `apt-get`."""
    return shutil.which("apt-get") is not None and shutil.which("dpkg-deb") is not None


def unpacked(package: str) -> Path:
    """The folder that holds the files of a package, `usr/…` in it. Raises RuntimeError where it cannot be had."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "afina-tests" / "debian"
    final = cache / package
    if final.is_dir():
        return final
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as folder:
        _run(["apt-get", "download", "-qq", package], Path(folder))
        (archive,) = Path(folder).glob("*.deb")
        _run(["dpkg-deb", "-x", str(archive), "content"], Path(folder))
        try:
            (Path(folder) / "content").rename(final)
        except OSError:
            if not final.is_dir():  # another test has it by now
                raise
    return final


def focalinux() -> dict[str, bytes]:
    """The three books in Latin-1, hard-wrapped, by name: 0.3 MB, 0.9 MB and 1.1 MB."""
    root = unpacked("focalinux-text") / _PLACE
    return {name: gzip.decompress((root / name / "index.txt.gz").read_bytes()) for name in _BOOKS}


def books() -> dict[str, str]:
    """Portuguese books as text: the sample's, and the three above on systems that can have them."""
    texts = {path.stem: path.read_text(encoding="utf-8") for path in sorted(_SAMPLE.glob("livros/*"))}
    debian = focalinux() if has_debian() else {}
    return {**texts, **{name: raw.decode("latin-1") for name, raw in debian.items()}}


def fortunes() -> str:
    """Short Portuguese texts, parted by lines of `%`: 0.26 MB."""
    return (unpacked("fortunes-br") / "usr/share/games/fortunes/brasil").read_text(encoding="utf-8")


def _run(command: list[str], folder: Path) -> None:
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise RuntimeError(f"`{' '.join(command)}` did not run to its end") from error
    if done.returncode:
        raise RuntimeError(f"`{' '.join(command)}` failed (try `apt-get update`): {done.stderr.strip()}")
