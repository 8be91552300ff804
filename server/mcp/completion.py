"""Names of the workspace, offered while a person fills in a prompt or the address of a resource."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import anyio.to_thread
from mcp.types import Completion, CompletionArgument, CompletionContext, PromptReference, ResourceTemplateReference

from server.mcp import resource_contents
from tools.workspace import runs
from tools.workspace.layout import Workspace

Completer = Callable[
    [PromptReference | ResourceTemplateReference, CompletionArgument, CompletionContext | None],
    Awaitable[Completion | None],
]
_MOST = 100


def _models(ws: Workspace) -> list[str]:
    return ws.adapter_names() + ws.model_names()


# By the name of an argument, in either language.
_NAMES: dict[str, Callable[[Workspace], list[str]]] = {
    "run": runs.names,
    "treino": runs.names,
    "dataset": Workspace.dataset_names,
    "dados": Workspace.dataset_names,
    "evaluation": resource_contents.evaluation_names,
    "adapter": Workspace.adapter_names,
    "adaptador": Workspace.adapter_names,
    "model": _models,
    "modelo": _models,
}


def completer(ws: Workspace) -> Completer:
    """What completes the arguments that are names: those that begin as typed, then those that hold it."""

    async def complete(
        _: PromptReference | ResourceTemplateReference, argument: CompletionArgument, __: CompletionContext | None
    ) -> Completion | None:
        listing = _NAMES.get(argument.name)
        if listing is None:
            return None
        names = fitting(await anyio.to_thread.run_sync(listing, ws), argument.value)
        return Completion(values=names[:_MOST], total=len(names), has_more=len(names) > _MOST)

    return complete


def fitting(names: list[str], typed: str) -> list[str]:
    typed = typed.casefold()
    starting = [name for name in names if name.casefold().startswith(typed)]
    return starting + [name for name in names if typed in name.casefold() and name not in starting]
