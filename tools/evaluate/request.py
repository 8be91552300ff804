"""What an evaluation compares, settled before its process starts: exact ids, by base, and the dataset."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tools.errors import Conflict, InvalidArgument
from tools.evaluate.contract import ALL_METRICS, EvaluateArgs, Metric
from tools.models.adapter_files import WEIGHTS_FILE
from tools.models.naming import Named, checkpoint_names, find_model
from tools.next_call import next_call
from tools.workspace import runs
from tools.workspace.files import sha256_file
from tools.workspace.layout import Workspace

LISTED_BY = "list_workspace shows adapters, runs and models."
# Raised when evaluations measure otherwise: an earlier one is then not taken for the same.
_FORMAT = 3
# Adapters beside a base at once: their weights are in memory together.
_MOST_BESIDE = 8
# Of a run's checkpoints, where nothing else is asked for: which is best, and where memorization starts.
_OF_CHECKPOINTS: tuple[Metric, ...] = ("likelihood",)


@dataclass(frozen=True)
class Group:
    """Models that are measured together: a base, loaded once, and adapters on it.

    with_base: whether the base itself is measured here, and not in an earlier group.
    """

    base: str
    with_base: bool
    adapters: tuple[str, ...]
    max_items: int


def build_request(ws: Workspace, args: EvaluateArgs) -> dict[str, Any]:
    """The request of the evaluation's process; `evaluation` names it by what it compares.

    Raises InvalidArgument, NotFound, Conflict and DataError for what cannot be compared.
    """
    field, names = _asked(ws, args)
    found = {model.id: model for model in (find_model(ws, name, field, LISTED_BY) for name in names)}
    folder = ws.dataset_folder(_dataset(ws, args, list(found.values())))
    default = _OF_CHECKPOINTS if args.run else ALL_METRICS
    request: dict[str, Any] = {
        "adapters": list(found),
        "bases": _bases(found),
        "dataset": f"{folder.parent.name}@{folder.name}",
        "metrics": sorted(set(args.metrics or default)),
        "max_items": args.max_items,
        **({"run": args.run} if args.run else {}),
    }
    told = {**request, "weights": _weights(found), "format": _FORMAT}
    digest = hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:8]
    return {**request, "evaluation": f"{next(iter(found)).partition('@')[0]}-{digest}"}


def call_of(request: Mapping[str, Any]) -> str:
    """The call that asked for an evaluation."""
    adapters, run = request["adapters"], request.get("run")
    compared = {"run": run} if run else {"adapter": adapters[0]} if len(adapters) == 1 else {"adapters": adapters}
    default = sorted(_OF_CHECKPOINTS if run else ALL_METRICS)
    most = request["max_items"]
    return next_call(
        "evaluate",
        **compared,
        dataset=request["dataset"],
        metrics=request["metrics"] if request["metrics"] != default else None,
        max_items=most if most != EvaluateArgs.model_fields["max_items"].default else None,
    )


def still_kept(ws: Workspace, request: dict[str, Any]) -> dict[str, Any]:
    """The request without the checkpoints that its run has removed since. Raises Conflict when none is left."""
    if "run" not in request:
        return request
    kept = set(_checkpoints(ws, request["run"])) & set(request["adapters"])
    if not kept:
        raise Conflict(
            f"The run `{request['run']}` goes on, and none of the checkpoints asked for is still kept.",
            field="run",
            fix="Ask again, or start runs with `keep_every`, which keeps more of them.",
        )
    bases = [{**base, "adapters": [name for name in base["adapters"] if name in kept]} for base in request["bases"]]
    return {**request, "bases": bases, "adapters": [name for name in request["adapters"] if name in kept]}


def groups_of(request: Mapping[str, Any]) -> list[Group]:
    """What is loaded one after the other, the first base first."""
    groups = []
    for base in request["bases"]:
        adapters = base["adapters"]
        for start in range(0, max(1, len(adapters)), _MOST_BESIDE):
            beside = tuple(adapters[start : start + _MOST_BESIDE])
            groups.append(Group(base["name"], start == 0, beside, int(request["max_items"])))
    return groups


def _asked(ws: Workspace, args: EvaluateArgs) -> tuple[str, list[str]]:
    """The argument that names what is compared, and the names."""
    given = {"adapter": args.adapter, "adapters": args.adapters, "run": args.run}
    fields = [field for field, value in given.items() if value is not None]
    if len(fields) != 1:
        known = ", ".join(f"`{name}`" for name in ws.adapter_names())
        raise InvalidArgument(
            "Give one of `adapter`, `adapters` and `run`.",
            field="adapter",
            expected="the name of an adapter",
            fix=f"There is: {known}." if known else "There is no adapter yet: train one with start_finetune.",
        )
    if args.run is not None:
        return "run", _checkpoints(ws, args.run)
    return fields[0], list(dict.fromkeys(args.adapters or [str(args.adapter)]))


def _checkpoints(ws: Workspace, name: str) -> list[str]:
    run = runs.get(ws, name)
    names = checkpoint_names(ws, run.run)
    if not names:
        raise Conflict(
            f"The run `{run.run}` keeps no checkpoint: it is {run.state}.",
            field="run",
            fix="Evaluate its adapter, or wait until it has saved a checkpoint; training_status tells.",
            next=next_call("training_status", run=run.run),
        )
    return names


def _dataset(ws: Workspace, args: EvaluateArgs, models: Sequence[Named]) -> str:
    if args.dataset is not None:
        return args.dataset
    own = list(dict.fromkeys(model.adapter.card.dataset for model in models if model.adapter is not None))
    if len(own) == 1 and own[0]:
        return own[0]
    known = ", ".join(f"`{name}`" for name in ws.dataset_names())
    raise InvalidArgument(
        f"These adapters were trained on different datasets: {', '.join(own)}."
        if len(own) > 1
        else "What is to be evaluated has no dataset of its own.",
        field="dataset",
        expected="the dataset whose test rows and questions all of them get",
        fix=f"There is: {known}." if known else "Make one with prepare_dataset.",
    )


def _bases(found: Mapping[str, Named]) -> list[dict[str, Any]]:
    """The bases in the order in which they are first named, each with its adapters."""
    bases: dict[str, dict[str, Any]] = {}
    for name, model in found.items():
        own = {"name": model.folder.name, "fingerprint": model.base.fingerprint, "adapters": []}
        base = bases.setdefault(model.folder.name, own)
        if model.adapter is not None:
            base["adapters"].append(name)
    return list(bases.values())


def _weights(found: Mapping[str, Named]) -> dict[str, str]:
    """Hashes of checkpoints, whose names do not tell their content as adapters' versions do."""
    return {
        name: sha256_file(model.adapter.folder / WEIGHTS_FILE)
        for name, model in found.items()
        if model.adapter is not None and model.adapter.step is not None
    }
