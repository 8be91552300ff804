"""Things to read beside the tools: a run as it stands, a dataset's card. And the names that fit them."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ResourceError, ResourceNotFoundError
from mcp.types import Completion, CompletionArgument, CompletionContext, PromptReference, ResourceTemplateReference

from server.mcp.rendering import structured
from server.mcp.tool import ToolContext
from tools.errors import AfinaError, NotFound, telling_os_errors
from tools.workspace import runs
from tools.workspace.layout import Workspace

RUN = "afina://runs/{run}"
CARD = "afina://datasets/{dataset}/card"
_MOST_COMPLETIONS = 100
_Completer = Callable[
    [PromptReference | ResourceTemplateReference, CompletionArgument, CompletionContext | None],
    Awaitable[Completion | None],
]


def add_resources(server: MCPServer[Any], context: ToolContext) -> None:
    """Register the resource templates of a workspace, and completion of the names in them."""
    ws = context.ws

    @server.resource(RUN, title="Run", description="Where a run stands, in full", mime_type="application/json")
    def run(run: str) -> str:
        from tools.training_status.contract import StatusArgs
        from tools.training_status.tool import training_status

        with _as_resource_errors():
            status = training_status(ws, StatusArgs(run=run, detail="detailed"))
            return json.dumps(structured(status), ensure_ascii=False, indent=2)

    @server.resource(CARD, title="Dataset card", description="What a dataset holds", mime_type="text/markdown")
    def card(dataset: str) -> str:
        with _as_resource_errors():
            path = ws.dataset_folder(dataset) / "card.md"
            with telling_os_errors(path, "read the card"):
                return path.read_text(encoding="utf-8")

    register: Callable[[_Completer], _Completer] = server.completion()  # type: ignore[no-untyped-call]
    register(_completer(context))


def _completer(context: ToolContext) -> _Completer:
    known = {"run": runs.names, "dataset": Workspace.dataset_names}

    async def complete(
        ref: PromptReference | ResourceTemplateReference, argument: CompletionArgument, _: CompletionContext | None
    ) -> Completion | None:
        if not isinstance(ref, ResourceTemplateReference) or argument.name not in known:
            return None
        names = [name for name in known[argument.name](context.ws) if name.startswith(argument.value)]
        return Completion(values=names[:_MOST_COMPLETIONS], total=len(names), has_more=len(names) > _MOST_COMPLETIONS)

    return complete


@contextmanager
def _as_resource_errors() -> Iterator[None]:
    try:
        yield
    except NotFound as error:
        raise ResourceNotFoundError(str(error)) from error
    except AfinaError as error:
        raise ResourceError(str(error)) from error
