"""Models made into mlx-lm folders, in a process of its own: `python -m tools.compute.convert`.

convert.py gguf SOURCE FOLDER --bits N     a GGUF file
convert.py folder SOURCE FOLDER --bits N   full-precision safetensors of any model that mlx-lm runs
convert.py check FOLDER                    whether mlx-lm runs the model; its weights are not read

Speaks to its parent as `tools.models.child` says.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from tools.errors import DataError, InvalidArgument, printable, telling_os_errors
from tools.models.child import Tell, answer
from tools.workspace.files import read_json, telling_foreign_writes
from tools.workspace.processes import check_installation


def convert_folder(source: Path, folder: Path, bits: int) -> None:
    """Quantize the model in `source` to `bits` (groups of 64, or 32 where the width asks for it) into `folder`.

    `bits` 16 keeps its precision. `folder` must not exist.
    """
    from mlx_lm.convert import convert

    check_folder(source)
    config = read_json(source / "config.json")
    width = int(config.get("hidden_size") or config.get("text_config", {}).get("hidden_size") or 64)
    try:
        convert(
            str(source),
            str(folder),
            quantize=bits < 16,
            q_bits=bits if bits < 16 else None,
            q_group_size=64 if width % 64 == 0 else 32,
        )
    except (ValueError, KeyError, TypeError) as error:
        raise _unusable(source) from error
    for path in (folder / "README.md", *folder.glob("*.py")):
        path.unlink(missing_ok=True)


def check_folder(folder: Path) -> None:
    """Refuse a model that mlx-lm does not run, or whose weights (when present) are not those of its config."""
    from mlx_lm.utils import _get_classes, load_config, load_model

    config = load_config(folder)
    kind = printable(str(config.get("model_type", "none")), 40)
    try:
        _, arguments = _get_classes(config)
        arguments.from_dict(config)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InvalidArgument(
            f"mlx-lm does not run models of type `{kind}`.",
            field="name",
            expected="a causal language model, such as a Llama, Mistral, Qwen or Gemma",
            fix="Choose another model; `afina models list` shows those known to work.",
        ) from error
    if any(folder.glob("model*.safetensors")):
        try:
            load_model(folder, lazy=True)
        except (ValueError, KeyError, TypeError, RuntimeError) as error:
            raise _unusable(folder) from error


def _unusable(folder: Path) -> DataError:
    return DataError(
        f"The weights in {printable(str(folder), 300)} are not those that its config.json describes.",
        fix="The files are damaged, incomplete or quantized in a form that MLX does not read: bring them again, "
        "or choose the full-precision or the mlx-community version of the model.",
    )


def main() -> None:
    check_installation()
    parser = argparse.ArgumentParser(prog="tools.compute.convert")
    parser.add_argument("kind", choices=["gguf", "folder", "check"])
    parser.add_argument("source", type=Path)
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--bits", type=int, default=4)
    given = parser.parse_args()

    def work(_: Tell) -> dict[str, Any]:
        if given.kind == "check":
            check_folder(given.source)
            return {}
        with telling_os_errors(given.folder, "convert the model"), telling_foreign_writes(given.folder.parent):
            if given.kind == "folder":
                convert_folder(given.source, given.folder, given.bits)
            else:
                from tools.compute.gguf import convert_gguf

                convert_gguf(given.source, given.folder, given.bits)
        return {}

    answer(work)


if __name__ == "__main__":
    main()
