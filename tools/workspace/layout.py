"""The workspace: one folder that holds all that a person's work with Afina makes.

afina.db                         rows: runs, metrics, events, jobs, the memory ledger, the server
data/<dataset>/<version>/        datasets; `card.json`, written last, marks a whole one
models/<model>/                  bases; `afina.json`, written last, marks a whole one
outputs/runs/<run>/              `run.json`, checkpoints/, worker.log
outputs/adapters/<name>/<version>/   adapters in mlx-lm's format; `afina.json` marks a whole one
outputs/evaluations/<id>/        reports; `report.json` marks a whole one
keys.json                        names and hashes of the keys that open the server
logs/                            what the server and the job children print
locks/                           one lock file a living process
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tools.errors import NoPermission, NotFound, telling_os_errors
from tools.workspace.store import Store

DATASET_MARKER = "card.json"
MODEL_MARKER = "afina.json"
ADAPTER_MARKER = "afina.json"
REPORT_MARKER = "report.json"


@dataclass(frozen=True)
class Workspace:
    """Paths and rows of one workspace. Make one with `open_workspace`."""

    root: Path

    @property
    def data(self) -> Path:
        return self.root / "data"

    @property
    def models(self) -> Path:
        return self.root / "models"

    @property
    def runs(self) -> Path:
        return self.root / "outputs" / "runs"

    @property
    def adapters(self) -> Path:
        return self.root / "outputs" / "adapters"

    @property
    def evaluations(self) -> Path:
        return self.root / "outputs" / "evaluations"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def locks(self) -> Path:
        return self.root / "locks"

    @cached_property
    def store(self) -> Store:
        return Store(self.root / "afina.db")

    def lock_path(self, holder: str) -> Path:
        return self.locks / f"{holder}.lock"

    # Datasets ---------------------------------------------------------------------------------

    def dataset_names(self) -> list[str]:
        return _names(self.data, DATASET_MARKER)

    def dataset_folder(self, dataset: str, field: str = "dataset") -> Path:
        """The folder of `name` (its newest version) or `name@version`.

        Raises NotFound with the nearest names.
        """
        return _versioned(self.data, dataset, DATASET_MARKER, "dataset", field, "Make one with prepare_dataset.")

    def dataset_versions(self, name: str) -> list[Path]:
        """The folders of a dataset's versions, oldest first."""
        return _versions(self.data / name, DATASET_MARKER)

    # Models -----------------------------------------------------------------------------------

    def model_names(self) -> list[str]:
        return sorted(path.parent.name for path in self.models.glob(f"[!.]*/{MODEL_MARKER}"))

    def model_folder(self, model: str, field: str = "model") -> Path:
        """The folder of an installed base. Raises NotFound with the nearest names."""
        if model in self.model_names():
            return self.models / model
        raise NotFound(
            "installed model",
            model,
            self.model_names(),
            field=field,
            fix="`afina models list` shows what can be installed, `afina models pull NAME` installs it.",
        )

    # Adapters ---------------------------------------------------------------------------------

    def adapter_names(self) -> list[str]:
        return _names(self.adapters, ADAPTER_MARKER)

    def adapter_versions(self, name: str) -> list[Path]:
        """The folders of an adapter's versions, oldest first."""
        return _versions(self.adapters / name, ADAPTER_MARKER)

    def adapter_folder(self, adapter: str, field: str = "adapter") -> Path:
        """The folder of `name` (its newest version) or `name@version`."""
        return _versioned(self.adapters, adapter, ADAPTER_MARKER, "adapter", field, "Train one with start_finetune.")


def _names(root: Path, marker: str) -> list[str]:
    # A writer that was killed may have left a whole folder under its temporary name: hidden ones do not count.
    return sorted({path.parent.parent.name for path in root.glob(f"[!.]*/[!.]*/{marker}")})


def _versions(folder: Path, marker: str) -> list[Path]:
    found = [path.parent for path in folder.glob(f"[!.]*/{marker}")]
    return sorted(found, key=lambda path: ((path / marker).stat().st_mtime_ns, path.name))


def _versioned(root: Path, reference: str, marker: str, kind: str, field: str, fix: str) -> Path:
    name, _, version = reference.partition("@")
    # Names come from requests: only those that a listing shows are ever joined to a path.
    names = _names(root, marker)
    if name not in names:
        raise NotFound(kind, reference, names, field=field, fix=fix)
    versions = _versions(root / name, marker)
    if not version:
        return versions[-1]
    for path in versions:
        if path.name == version:
            return path
    raise NotFound(kind, reference, [f"{name}@{path.name}" for path in versions], field=field)


def open_workspace(root: Path | str) -> Workspace:
    """The workspace at `root`, its folders made and its database brought up to date."""
    workspace = Workspace(Path(root).expanduser().resolve())
    with telling_os_errors(workspace.root, "make the workspace"):
        for folder in (
            workspace.data,
            workspace.models,
            workspace.runs,
            workspace.adapters,
            workspace.evaluations,
            workspace.logs,
            workspace.locks,
        ):
            folder.mkdir(parents=True, exist_ok=True)
    try:
        workspace.store.migrate()
    except OSError as error:
        raise NoPermission(f"Cannot write to the workspace at {workspace.root}.") from error
    return workspace
