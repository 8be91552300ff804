"""Files from the hub, in a process of its own: `python -m tools.models.hub_download`.

hub_download.py describe REPOSITORY FOLDER               small files; tells the commit and the weights
hub_download.py weights REPOSITORY FOLDER --revision R   the weights, going on where an earlier call stopped

Only `model*.safetensors` weights and the files of configuration and tokenizer at the repository's root
are ever brought: no pickles, no code. Endpoint, token and proxies are huggingface_hub's (`HF_ENDPOINT`,
`HF_TOKEN`, …). huggingface_hub starts a cut file anew in each process, so the parts are kept here.
"""

from __future__ import annotations

import argparse
import hashlib
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from huggingface_hub import HfApi, constants, get_hf_file_metadata, hf_hub_url, try_to_load_from_cache
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.file_download import http_get
from huggingface_hub.hf_api import RepoSibling
from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined]

from tools.errors import (
    DataError,
    InvalidArgument,
    MachineError,
    NoPermission,
    NotFound,
    Offline,
    printable,
    telling_os_errors,
)
from tools.models.child import Tell, answer
from tools.models.hub_files import SMALL, is_weights
from tools.workspace.files import sha256_file
from tools.workspace.processes import check_installation

PART = ".part"
REVISION = ".revision"
_MOST_SMALL_BYTES = 200 * 1024**2
# How much a stop may lose, and how often a slow download is seen to move.
constants.DOWNLOAD_CHUNK_SIZE = 1024**2


def describe(repository: str, folder: Path, revision: str | None) -> dict[str, Any]:
    """Bring the small files; returns the commit, and name and size in bytes of each file of weights."""
    with telling_hub_errors(repository):
        info = HfApi().model_info(repository, revision=revision, files_metadata=True)
        files = info.siblings or []
        weights = [file for file in files if is_weights(file.rfilename)]
        names = {file.rfilename for file in files}
        if not weights or "config.json" not in names:
            raise _no_weights(repository, names)
        _keep_only(folder, f"{repository}@{info.sha}")
        for file in files:
            if file.rfilename in SMALL:
                if (file.size or 0) > _MOST_SMALL_BYTES:
                    raise DataError(f"{file.rfilename} of {repository} is far too large to be what its name says.")
                _bring(repository, str(info.sha), file, folder)
    return {"revision": info.sha, "weights": {file.rfilename: file.size or 0 for file in weights}}


def bring_weights(repository: str, folder: Path, revision: str) -> dict[str, Any]:
    """Bring the weights of a commit into `folder`."""
    with telling_hub_errors(repository):
        info = HfApi().model_info(repository, revision=revision, files_metadata=True)
        for file in info.siblings or []:
            if is_weights(file.rfilename):
                _bring(repository, revision, file, folder)
    return {}


def _keep_only(folder: Path, commit: str) -> None:
    """Empty the folder unless what it holds is of this very commit."""
    mark = folder / REVISION
    if mark.is_file() and mark.read_text(encoding="utf-8") == commit:
        return
    for path in folder.iterdir():
        path.unlink()
    mark.write_text(commit, encoding="utf-8")


def _bring(repository: str, revision: str, file: RepoSibling, folder: Path) -> None:
    final = folder / file.rfilename
    if final.is_file() and final.stat().st_size == file.size:
        return
    part = folder / (file.rfilename + PART)
    cached = try_to_load_from_cache(repository, file.rfilename, revision=revision)
    if isinstance(cached, str):
        shutil.copyfile(cached, part)
    else:
        _download(hf_hub_url(repository, file.rfilename, revision=revision), part, file.size)
    if not _is_whole(part, file):
        part.unlink()
        raise MachineError(
            f"{file.rfilename} of {repository} arrived damaged: its checksum is not the one the hub tells.",
            fix="Call again: that file is downloaded anew.",
        )
    part.replace(final)


def _download(url: str, part: Path, size: int | None) -> None:
    metadata = get_hf_file_metadata(url)
    have = part.stat().st_size if part.is_file() else 0
    if size is not None and have > size:
        part.unlink()
        have = 0
    own_host = urlsplit(metadata.location).netloc in (urlsplit(url).netloc, urlsplit(constants.ENDPOINT).netloc)
    # A token is for the hub alone, not for the store that it sends us on to.
    headers = build_hf_headers(token=None if own_host else False)
    with part.open("r+b" if have else "wb") as file:
        file.seek(have)
        http_get(metadata.location, file, resume_size=have, headers=headers, expected_size=size or metadata.size)


def _is_whole(path: Path, file: RepoSibling) -> bool:
    """Whether the file has the hash that the hub tells: SHA-256 of large files, git's of the others."""
    if file.lfs is not None:
        return sha256_file(path) == file.lfs.sha256
    if file.blob_id:
        content = path.read_bytes()
        return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest() == file.blob_id
    return file.size is None or path.stat().st_size == file.size


def _no_weights(repository: str, names: set[str]) -> InvalidArgument:
    pickled = any(name.endswith((".bin", ".pt", ".pth", ".ckpt", ".pkl")) for name in names)
    gguf = any(name.endswith(".gguf") for name in names)
    if pickled and "config.json" in names:
        why = "has its weights only as pickles, which can run code when they are read"
    elif gguf:
        why = "holds GGUF files: download one of them and install it by its path"
    else:
        why = "does not hold config.json and model*.safetensors at its root"
    return InvalidArgument(
        f"{repository} {why}.",
        field="name",
        expected="a repository of a language model in safetensors, such as those of mlx-community",
        fix="Choose another version of the model.",
    )


@contextmanager
def telling_hub_errors(repository: str) -> Iterator[None]:
    """Turn what huggingface_hub raises into an error that says what to do."""
    shown = printable(repository)
    try:
        yield
    except OfflineModeIsEnabled as error:
        raise Offline(
            "Downloads are turned off by HF_HUB_OFFLINE.", fix="Unset that variable and call again."
        ) from error
    except GatedRepoError as error:
        raise NoPermission(
            f"{shown} asks its users to accept a licence first.",
            fix="Accept it on the model's page, then set HF_TOKEN to your access token and call again.",
        ) from error
    except RepositoryNotFoundError as error:
        raise NotFound(
            "hub repository",
            repository,
            field="name",
            fix="Check the name (org/name); a private one needs HF_TOKEN. `afina models list` shows others.",
        ) from error
    except RevisionNotFoundError as error:
        raise NotFound("revision of the repository", repository, field="name") from error
    except HfHubHTTPError as error:
        code = getattr(getattr(error, "response", None), "status_code", "?")
        raise Offline(
            f"The hub refused to give {shown} (HTTP {code}).", fix="Call again later; what was downloaded is kept."
        ) from error
    except Exception as error:
        # huggingface_hub lets its HTTP library's exceptions through; which library depends on its version.
        network = type(error).__module__.partition(".")[0].startswith("http") or isinstance(error, ConnectionError)
        if not network and "Consistency check failed" not in str(error):
            raise
        raise Offline(
            f"The connection to the hub was lost or could not be made while bringing {shown}.",
            fix="Check the network and call again; the download goes on where it stopped.",
        ) from error


def main() -> None:
    check_installation()
    parser = argparse.ArgumentParser(prog="tools.models.hub_download")
    parser.add_argument("what", choices=["describe", "weights"])
    parser.add_argument("repository")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--revision")
    given = parser.parse_args()

    def work(_: Tell) -> dict[str, Any]:
        do = describe if given.what == "describe" else bring_weights
        with telling_os_errors(given.folder, "bring the model"):
            return do(given.repository, given.folder, given.revision)

    answer(work)


if __name__ == "__main__":
    main()
