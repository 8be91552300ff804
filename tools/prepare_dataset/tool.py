"""prepare_dataset: check the request here, do the work in a child, answer when it ends or when the wait is over."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

from tools.errors import InvalidArgument, Problem, telling_os_errors
from tools.models.pull import ensure_installed_or_explain
from tools.next_call import next_call
from tools.prepare_dataset.base import Awaited, base_folder
from tools.prepare_dataset.contract import PrepareArgs, PrepareResult, SourceSpec
from tools.prepare_dataset.dry_run import dry_run
from tools.prepare_dataset.estimate import training_estimate
from tools.prepare_dataset.identity import check_overlap, identify, version_of
from tools.prepare_dataset.material import SourceFile
from tools.prepare_dataset.memory_bound import default_bound
from tools.prepare_dataset.request import FileToRead, Request, options_of
from tools.prepare_dataset.roots import Roots
from tools.prepare_dataset.sources import find_sources, place_of
from tools.prepare_dataset.split import check_fractions
from tools.prepare_dataset.versions import make_newest, sweep
from tools.workspace import jobs
from tools.workspace.files import sha256_file
from tools.workspace.layout import DATASET_MARKER, Workspace
from tools.workspace.names import check_name, slug

KIND = "prepare"
_MODULE = "tools.prepare_dataset.worker"
# A job that is to stop does so at its next step; one that comes to none for so long is ended.
_GRACE_S = 1.0


def prepare_dataset(
    ws: Workspace, args: PrepareArgs, *, default_model: str, allowed_roots: Sequence[Path] | None = None
) -> PrepareResult:
    """Prepare the sources, or ask again for a job, or stop it.

    allowed_roots: folders that may be read besides the workspace and the person's home; those of
    AFINA_ALLOWED_ROOTS when None. The same call finds the same job, and the same material the same
    version. Raises InvalidArgument, NotFound (no such model or job), DataError with every fault of the
    material, DiskFull, NoPermission.
    """
    if args.job is not None or args.action is not None:
        return _about_job(ws, args)
    check_fractions(args.valid_fraction, args.test_fraction)
    check_overlap(args.overlap_tokens, args.max_tokens)
    name = check_name(args.name, "name") if args.name is not None else _name_from(args.sources)
    found = find_sources(args.sources, Roots(ws, allowed_roots))
    if args.dry_run:
        ensure_installed_or_explain(ws, args.model or default_model)
    base = base_folder(ws, args.model, default_model, args.wait_s)
    if isinstance(base, Awaited):
        again = next_call("prepare_dataset", **args.model_dump(exclude_defaults=True))
        return PrepareResult(dataset=name, state="running", progress=base.progress, next=again)
    request = _request(name, args, base, found)
    if args.dry_run:
        result = dry_run(request)
        return result.model_copy(update={"training": training_estimate(ws, base, result)})
    job = _job_name(request)
    _forget_removed(ws, job)
    jobs.launch(ws, job, KIND, _MODULE, request.model_dump())
    result = _answer(jobs.wait(ws, job, KIND, args.wait_s))
    if result.path is not None:
        make_newest(Path(result.path))
    return result


def _about_job(ws: Workspace, args: PrepareArgs) -> PrepareResult:
    """Ask again for a job, or stop it."""
    if args.job is None:
        raise InvalidArgument(
            "There is nothing to cancel.", field="job", expected="the job that an earlier call returned"
        )
    if args.sources:
        raise InvalidArgument(
            "Both `job` and `sources` are given.",
            field="job",
            expected="`job` alone to ask again, or `sources` to prepare",
        )
    if args.action is None:
        return _answer(jobs.wait(ws, args.job, KIND, args.wait_s))
    job = jobs.stop(ws, args.job, KIND, _GRACE_S)
    if job.state == "cancelled":
        sweep(ws, str(job.request["name"]))
    return _answer(job)


def _request(name: str, args: PrepareArgs, base: Path, found: tuple[list[SourceFile], list[Problem]]) -> Request:
    files, warnings = found
    return Request(
        name=name,
        files=[FileToRead(path=str(file.path), name=file.name, kind=file.kind) for file in files],
        warnings=warnings,
        model_folder=str(base),
        memory_bytes=default_bound(),
        args=args.model_copy(update={"name": name, "wait_s": 40.0}),
    )


def _name_from(sources: Sequence[str | SourceSpec]) -> str:
    if not sources:
        return "dados"
    first = sources[0]
    path = place_of(first if isinstance(first, str) else first.path)
    while path is not None and any(c in path.name for c in "*?[") and path.parent != path:
        path = path.parent
    return slug(path.resolve().stem, "dados") if path is not None else "dados"


def _job_name(request: Request) -> str:
    """The job of this material and these settings. Hashing is all the reading that this process does."""
    hashes = []
    for file in request.files:
        with telling_os_errors(file.path, "read the source"):
            hashes.append((file.name, sha256_file(Path(file.path)), file.kind))
    version = version_of(hashes, options_of(request.args), identify(Path(request.model_folder)))
    # Files of the same content may lie elsewhere, where problems are then to be told.
    paths = hashlib.sha256("\0".join(file.path for file in request.files).encode()).hexdigest()[:4]
    return f"{KIND}-{request.name}-{version}{paths}"


def _forget_removed(ws: Workspace, job: str) -> None:
    """Let a job that succeeded run again when the folder that it made is gone."""
    row = ws.store.row("SELECT result FROM jobs WHERE job = ? AND state = 'succeeded'", (job,))
    if row is not None:
        path = json.loads(row["result"] or "{}").get("path")
        if not path or not (Path(path) / DATASET_MARKER).is_file():
            ws.store.write("DELETE FROM jobs WHERE job = ? AND state = 'succeeded'", (job,))


def _answer(job: jobs.Job) -> PrepareResult:
    asked = PrepareArgs(**job.request["args"]).model_dump(exclude={"wait_s"}, exclude_defaults=True)
    anew = next_call("prepare_dataset", **asked)
    job.raise_if_failed(anew)
    if job.state == "succeeded":
        return PrepareResult(**{**(job.result or {}), "job": job.job})
    name = str(job.request["name"])
    if job.state == "cancelled":
        return PrepareResult(dataset=name, state="cancelled", job=job.job, next=anew)
    done, total = job.progress.get("done", 0), job.progress.get("total") or 1
    told = f"{job.progress.get('message', 'Starting')} ({done / total:.0%})"
    state = "queued" if job.state == "queued" else "running"
    follow = next_call("prepare_dataset", job=job.job)
    return PrepareResult(dataset=name, state=state, job=job.job, progress=told, next=follow)
