"""Whether an adapter's files are whole and say something: what can be told without loading it, nor MLX."""

from __future__ import annotations

import math
import struct
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO, Literal

from tools.errors import Conflict, DataError
from tools.models.info import safetensors_header
from tools.workspace.files import read_json

WEIGHTS_FILE = "adapters.safetensors"
CONFIG_FILE = "adapter_config.json"

Verdict = Literal["sound", "damaged weights", "damaged config", "zero"]
_SIZES = {"F16": 2, "BF16": 2, "F32": 4, "F64": 8}
_CHUNK = 1024**2


def damaged(folder: Path, file: str, field: str | None = None) -> DataError:
    return DataError(
        f"The adapter `{folder.parent.name}@{folder.name}` is damaged: {file} is missing or cannot be read.",
        field=field,
        fix="Serve another version of it (list_workspace shows them), or train it again.",
    )


def all_zeros(name: str, field: str | None = None) -> Conflict:
    """name: `name@version`."""
    return Conflict(
        f"The adapter `{name}` is all zeros: it would answer as the bare base.",
        field=field,
        fix="Train it again, or ask the base by its own name.",
    )


def check_files(folder: Path, name: str, field: str | None = None) -> None:
    """Raises DataError for an adapter that is damaged, Conflict for one that changes nothing.

    Reads the header and the first numbers, and no more than once while the files stay as they are.
    """
    stamps = []
    for file in (WEIGHTS_FILE, CONFIG_FILE):
        try:
            found = (folder / file).stat()
        except OSError as error:
            raise damaged(folder, file, field) from error
        stamps += [found.st_mtime_ns, found.st_size]
    match _verdict(folder, tuple(stamps)):
        case "damaged weights":
            raise damaged(folder, WEIGHTS_FILE, field)
        case "damaged config":
            raise damaged(folder, CONFIG_FILE, field)
        case "zero":
            raise all_zeros(name, field)


@lru_cache(maxsize=1024)
def _verdict(folder: Path, stamps: tuple[int, ...]) -> Verdict:
    """stamps: change when the files do."""
    try:
        float(read_json(folder / CONFIG_FILE)["lora_parameters"]["scale"])
    except (OSError, ValueError, KeyError, TypeError):
        return "damaged config"
    try:
        return _verdict_of_weights(folder / WEIGHTS_FILE, size=stamps[1])
    except (OSError, ValueError, KeyError, TypeError, AttributeError, MemoryError, OverflowError, struct.error):
        return "damaged weights"


def _verdict_of_weights(path: Path, size: int) -> Verdict:
    tensors = safetensors_header(path)
    ends = [tensor["data_offsets"][1] for tensor in tensors.values()]
    begin = size - max(ends, default=0)  # where the header ends, if nothing is missing
    with path.open("rb") as file:
        whole = begin == 8 + int.from_bytes(file.read(8), "little")
        modules = {name.removesuffix(".lora_a") for name in tensors if name.endswith(".lora_a")}
        pairs = [(tensors[f"{module}.lora_a"], tensors[f"{module}.lora_b"]) for module in modules]
        fitting = all(a["shape"][1] == b["shape"][0] and math.prod(a["shape"] + b["shape"]) for a, b in pairs)
        if not (whole and pairs and fitting and 2 * len(pairs) == len(tensors)):
            return "damaged weights"
        spans = [(*b["data_offsets"], _SIZES[b["dtype"]]) for _, b in pairs]
        changes = any(_any_set(file, begin + start, end - start, width) for start, end, width in spans)
        return "sound" if changes else "zero"


def _any_set(file: BinaryIO, start: int, length: int, size: int) -> bool:
    """Whether a number of `size` bytes is not zero; those of a trained adapter are found at once."""
    file.seek(start)
    while length > 0:
        chunk = file.read(min(_CHUNK, length))
        if not chunk:
            raise ValueError("the file is shorter than it says")
        minus_zeros = chunk[size - 1 :: size].count(0x80)
        if chunk.count(0) + minus_zeros < len(chunk):
            return True
        length -= len(chunk)
    return False
