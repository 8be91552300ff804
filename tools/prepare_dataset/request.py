"""What the caller hands to the child that does the work."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict

from tools.errors import Problem
from tools.prepare_dataset.contract import Kind, PrepareArgs
from tools.prepare_dataset.identity import Options
from tools.prepare_dataset.material import SourceFile


class FileToRead(BaseModel):
    model_config = ConfigDict(extra="forbid")

    path: str
    name: str
    kind: Kind | None = None


class Request(BaseModel):
    """All that the child needs.

    model_folder: of the installed model that rows are cut for. memory_bytes: that it may take.
    """

    model_config = ConfigDict(extra="forbid")

    name: str
    files: list[FileToRead]
    warnings: list[Problem]
    model_folder: str
    memory_bytes: int
    args: PrepareArgs

    def source_files(self) -> list[SourceFile]:
        return [SourceFile(Path(file.path), file.name, file.kind) for file in self.files]


def options_of(args: PrepareArgs) -> Options:
    return Options(
        format=args.format,
        max_tokens=args.max_tokens,
        valid_fraction=args.valid_fraction,
        test_fraction=args.test_fraction,
        seed=args.seed,
        language=args.language,
        overlap_tokens=args.overlap_tokens,
    )
