"""Filling a folder with a model in mlx-lm's form, from each kind of source."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from tools.errors import Conflict, DataError, InvalidArgument, Problem, printable, telling_os_errors
from tools.models import child, hub_files, smollm2
from tools.models.info import fingerprint_of
from tools.models.meter import Meter, need_room
from tools.models.source import Source
from tools.workspace.files import read_json
from tools.workspace.machine import mlx_environment
from tools.workspace.processes import child_command

FULL_BITS = 16
DEFAULT_BITS = 4
_FINGERPRINT = "Taking the model's fingerprint"
_HUB_ENVIRONMENT = {
    "HF_HUB_DISABLE_XET": "1",  # its transfers cannot go on where an earlier process stopped
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
}


class Bringer:
    """Brings one model.

    partial: folder for what is kept when a download stops. log: of the children. bits: of the weights,
    where the source has full precision; None for 4.
    """

    def __init__(self, meter: Meter, partial: Path, log: Path, bits: int | None) -> None:
        self._meter, self._partial, self._log, self._bits = meter, partial, log, bits

    def bring(self, source: Source, folder: Path) -> str:
        """Fill `folder`; returns the fingerprint of the source weights."""
        if source.kind == "default":
            self._refuse_bits(DEFAULT_BITS)
            return smollm2.bring(folder, self._meter, self._log)
        if source.kind == "gguf":
            return self._from_gguf(Path(source.place), folder)
        if source.kind == "hub":
            return self._from_hub(source.place, folder)
        return self._from_folder(Path(source.place), folder)

    def look(self, folder: Path) -> str:
        """Check a folder that is a model as it is; returns the fingerprint of its weights."""
        config = check_config(folder / "config.json")
        if self._to_convert(config):
            raise Conflict(
                "A full-precision model cannot be converted where it stands.",
                field="name",
                fix="Move it out of the workspace's models and install it by its path, or give bits=16 to keep it so.",
            )
        self._check(folder)
        return self._fingerprint(folder)

    def _from_gguf(self, file: Path, folder: Path) -> str:
        size = file.stat().st_size
        need_room(folder, size * 2, "Converting the model")
        self._convert("gguf", file, folder, size)
        self._meter.tell(0, 1, _FINGERPRINT)
        return fingerprint_of([file])

    def _from_folder(self, source: Path, folder: Path) -> str:
        converting = self._to_convert(check_config(source / "config.json"))
        size = sum(path.stat().st_size for path in source.glob(hub_files.WEIGHTS))
        need_room(folder, size, "The model")
        fingerprint = self._fingerprint(source)
        if converting:
            self._quantize(source, folder, size)
            return fingerprint
        self._check(source)
        tick = self._meter.growing(folder, size, "Copying the model")
        for path in hub_files.of_model(source):
            with telling_os_errors(path, "copy the model"):
                _copy_file(path, folder / path.name, tick)
        return fingerprint

    def _from_hub(self, repository: str, folder: Path) -> str:
        self._partial.mkdir(parents=True, exist_ok=True)
        self._meter.tell(0, 1, "Asking the hub")
        described = self._hub("describe", repository, [], self._meter.tick)
        converting = self._to_convert(check_config(self._partial / "config.json"))
        total = sum(described["weights"].values())
        here = sum(path.stat().st_size for path in self._partial.glob("model*.safetensors*"))
        need_room(self._partial, total * (2 if converting else 1) - here, "The model")
        self._check(self._partial)
        tick = self._meter.growing(self._partial, total, "Downloading the model")
        self._hub("weights", repository, ["--revision", described["revision"]], tick)
        fingerprint = self._fingerprint(self._partial)
        if converting:
            self._quantize(self._partial, folder, total)
            return fingerprint
        self._check(self._partial)
        for path in hub_files.of_model(self._partial):
            path.rename(folder / path.name)
        return fingerprint

    def _hub(self, what: str, repository: str, more: list[str], tick: Any) -> dict[str, Any]:
        command = child_command("tools.models.hub_download", [what, repository, str(self._partial), *more])
        return child.ask(command, log=self._log, tick=tick, environment=_HUB_ENVIRONMENT)

    def _check(self, folder: Path) -> None:
        """Whether mlx-lm runs it. Asked before gigabytes are brought, and of the weights once they are here."""
        command = child_command("tools.compute.convert", ["check", str(folder)])
        child.ask(command, log=self._log, tick=self._meter.tick, environment=mlx_environment())

    def _convert(self, kind: str, source: Path, target: Path, size: int) -> None:
        bits = self._bits or DEFAULT_BITS
        command = child_command("tools.compute.convert", [kind, str(source), str(target), "--bits", str(bits)])
        tick = self._meter.growing(target, size * min(bits, FULL_BITS) // FULL_BITS, "Converting the model")
        child.ask(command, log=self._log, tick=tick, environment=mlx_environment())

    def _quantize(self, source: Path, folder: Path, size: int) -> None:
        converted = folder / "converted"
        self._convert("folder", source, converted, size)
        for path in list(converted.iterdir()):
            path.rename(folder / path.name)
        converted.rmdir()

    def _fingerprint(self, folder: Path) -> str:
        weights = list(folder.glob(hub_files.WEIGHTS))
        if not weights or not (folder / "tokenizer.json").is_file():
            raise _no_model(folder)
        self._meter.tell(0, 1, _FINGERPRINT)
        return fingerprint_of(weights)

    def _to_convert(self, config: dict[str, Any]) -> bool:
        quantization = config.get("quantization")
        if isinstance(quantization, dict):
            self._refuse_bits(int(quantization.get("bits") or 0))
            return False
        if config.get("quantization_config"):
            raise InvalidArgument(
                "This model is quantized in a form made for other programs.",
                field="name",
                expected="a full-precision model, or one quantized by MLX",
                fix="Choose its full-precision or its mlx-community version.",
            )
        return self._bits != FULL_BITS

    def _refuse_bits(self, own: int) -> None:
        if self._bits not in (None, own):
            raise InvalidArgument(
                f"This model already has {own} bits; they cannot be made {self._bits}.",
                field="bits",
                fix="Leave `bits` out, or name the model's full-precision version.",
            )


def check_config(path: Path) -> dict[str, Any]:
    """The model's configuration. Refuses one that asks for code of its own to be run."""
    try:
        config: Any = read_json(path)
    except FileNotFoundError as error:
        raise _no_model(path.parent) from error
    except ValueError:
        config = None
    if not isinstance(config, dict):
        problem = Problem(path=printable(str(path), 300), message="It is not a JSON object.", fix="Bring it again.")
        raise DataError("The model's config.json cannot be read.", problems=[problem])
    if config.get("auto_map") or config.get("model_file"):
        raise InvalidArgument(
            "This model brings program code of its own, which Afina does not run.",
            field="name",
            expected="a model of an architecture that mlx-lm knows",
            fix="Choose another model; `afina models list` shows those known to work.",
        )
    return config


def _no_model(folder: Path) -> InvalidArgument:
    pickled = any(path.suffix in (".bin", ".pt", ".pth") for path in folder.iterdir()) if folder.is_dir() else False
    return InvalidArgument(
        f"{printable(str(folder), 300)} does not hold a model"
        + (" in safetensors: its weights are pickles, which can run code when they are read." if pickled else "."),
        field="name",
        expected="a folder with config.json, tokenizer.json and model*.safetensors",
    )


def _copy_file(source: Path, target: Path, tick: Any) -> None:
    """Copy in steps, or clone where the file system can."""
    if sys.platform == "darwin":
        cloned = subprocess.run(["cp", "-c", str(source), str(target)], capture_output=True, check=False)
        if cloned.returncode == 0:
            return
    with source.open("rb") as read, target.open("wb") as write:
        while chunk := read.read(16 * 1024**2):
            write.write(chunk)
            tick()
    shutil.copymode(source, target)
