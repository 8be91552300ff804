"""Things to read beside the tools: runs, datasets, reports, the checklist. What is there is listed as it comes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import anyio.to_thread
from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ResourceError, ResourceNotFoundError
from mcp.types import Resource

from server.mcp import resource_contents as contents
from server.mcp.completion import Completer, completer
from server.mcp.tool import ToolContext
from tools.errors import AfinaError, NotFound
from tools.workspace import runs
from tools.workspace.layout import DATASET_MARKER, REPORT_MARKER, Workspace

RUN = "afina://runs/{run}"
METRICS = "afina://runs/{run}/metrics"
CURVE = "afina://runs/{run}/curve.png"
LOG = "afina://runs/{run}/log"
SETTINGS = "afina://runs/{run}/settings"
CARD = "afina://datasets/{dataset}/card"
SAMPLES = "afina://datasets/{dataset}/samples"
REPORT = "afina://evaluations/{evaluation}"
WORKSPACE = "afina://workspace"
CHECKLIST = "afina://checklist"
_OF_A_RUN = (RUN, METRICS, CURVE, LOG, SETTINGS)
# Of each kind, the newest; others are read by their address all the same.
_MOST_LISTED = 30
_JSON, _MARKDOWN = "application/json", "text/markdown"


@dataclass(frozen=True)
class _Template:
    """An address, what it gives, and how that is read from the workspace and the name in the address."""

    uri: str
    title: str
    description: str
    mime_type: str
    read: Callable[[Workspace, str], str | bytes]


_TEMPLATES = (
    _Template(RUN, "Run", "Where a run stands, in full", _JSON, contents.run),
    _Template(METRICS, "Metrics of a run", "Losses, speed and memory over the steps", _JSON, contents.metrics),
    _Template(CURVE, "Loss curve", "Training and validation loss over the steps", "image/png", contents.curve),
    _Template(LOG, "Log of a run", "The end of what its process wrote", "text/plain", contents.log),
    _Template(SETTINGS, "Settings of a run", "Hyperparameters, data, base, machine", _JSON, contents.settings),
    _Template(CARD, "Dataset card", "What a dataset holds", _MARKDOWN, contents.card),
    _Template(SAMPLES, "Samples of a dataset", "The first rows of each split", _JSON, contents.samples),
    _Template(REPORT, "Evaluation", "The report: base against tuned", _MARKDOWN, contents.report),
)


class ServerOfResources(MCPServer[Any]):
    """An MCPServer that lists what the workspace holds at the time, beside what is always there."""

    listing: Callable[[], list[Resource]] | None = None

    async def list_resources(self) -> list[Resource]:
        always = await super().list_resources()
        return always + (await anyio.to_thread.run_sync(self.listing) if self.listing else [])


def add_resources(server: ServerOfResources, context: ToolContext) -> None:
    """Register the resources of a workspace, and completion of the names in them and in prompts."""
    ws = context.ws
    for template in _TEMPLATES:
        _add(server, ws, template)

    @server.resource(WORKSPACE, name="workspace", title="Workspace", description="The newest of all", mime_type=_JSON)
    def workspace() -> str:
        with _as_resource_errors():
            return contents.workspace(ws)

    @server.resource(
        CHECKLIST, name="checklist", title="Checklist", description="Is this machine ready", mime_type=_MARKDOWN
    )
    def checklist() -> str:
        with _as_resource_errors():
            return contents.checklist(context)

    server.listing = lambda: _listed(ws)
    register: Callable[[Completer], Completer] = server.completion()  # type: ignore[no-untyped-call]
    register(completer(ws))


def _add(server: MCPServer[Any], ws: Workspace, template: _Template) -> None:
    def read(name: str) -> str | bytes:
        with _as_resource_errors():
            return template.read(ws, name)

    # The SDK takes a template's parameters from the names of the function's.
    parameter = template.uri.partition("{")[2].partition("}")[0]
    functions: dict[str, Callable[..., str | bytes]] = {
        "run": lambda run: read(run),
        "dataset": lambda dataset: read(dataset),
        "evaluation": lambda evaluation: read(evaluation),
    }
    server.resource(
        template.uri,
        name=template.title.lower().replace(" ", "_"),
        title=template.title,
        description=template.description,
        mime_type=template.mime_type,
    )(functions[parameter])


def stamps(ws: Workspace) -> dict[str, float]:
    """Every resource that moves or comes and goes, with when it last changed; those of a run move with it."""
    found = dict(_dated(ws))
    for row in ws.store.rows("SELECT run, state, updated FROM runs"):
        # Death is told by nobody: it differs from the last sign of life.
        dead = row["state"] in runs.ACTIVE and not runs.is_alive(ws, row["run"])
        found.update((uri.format(run=row["run"]), -1.0 if dead else row["updated"]) for uri in _OF_A_RUN)
    return found


def _dated(ws: Workspace) -> Iterator[tuple[str, float]]:
    """Cards and reports with the time of their markers, which are written last."""
    for dataset in ws.dataset_names():
        stamp = (ws.dataset_versions(dataset)[-1] / DATASET_MARKER).stat().st_mtime
        yield CARD.format(dataset=dataset), stamp
        yield SAMPLES.format(dataset=dataset), stamp
    for evaluation in contents.evaluation_names(ws):
        yield REPORT.format(evaluation=evaluation), (ws.evaluations / evaluation / REPORT_MARKER).stat().st_mtime


def _listed(ws: Workspace) -> list[Resource]:
    """The newest runs, datasets and reports, one line each; templates give the rest of what belongs to them."""
    dated = sorted(_dated(ws), key=lambda item: -item[1])
    cards = [uri for uri, _ in dated if uri.endswith("/card")]
    reports = [uri for uri, _ in dated if uri.startswith("afina://evaluations/")]
    listed = [(RUN.format(run=run), f"Run {run}", _JSON) for run in reversed(runs.names(ws)[-_MOST_LISTED:])]
    listed += [(uri, f"Dataset {uri.split('/')[-2]}", _MARKDOWN) for uri in cards[:_MOST_LISTED]]
    listed += [(uri, f"Evaluation {uri.split('/')[-1]}", _MARKDOWN) for uri in reports[:_MOST_LISTED]]
    return [Resource(uri=uri, name=name, description=name, mime_type=mime) for uri, name, mime in listed]


@contextmanager
def _as_resource_errors() -> Iterator[None]:
    try:
        yield
    except NotFound as error:
        raise ResourceNotFoundError(str(error)) from error
    except AfinaError as error:
        raise ResourceError(str(error)) from error
