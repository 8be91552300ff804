"""Which version of a dataset goes on from which, so that no accepted question is lost."""

from __future__ import annotations

import contextlib

from tools.errors import DataError
from tools.prepare_dataset.reading_back import Dataset, open_dataset
from tools.workspace.layout import Workspace


def newest_annotated(ws: Workspace, dataset: Dataset) -> Dataset:
    """The version with the most pairs taken in on top of this one, the latest where there are two; itself where none.

    Two callers that both work from one version would else each make a version without the other's pairs,
    and a dataset prepared again from the same material would lose them.
    """
    following: dict[str, Dataset] = {}
    for folder in ws.dataset_versions(dataset.name):
        with contextlib.suppress(DataError):
            other = open_dataset(folder)
            following[str(other.card.get("annotates"))] = other
    while dataset.version in following:
        dataset = following[dataset.version]
    return dataset
