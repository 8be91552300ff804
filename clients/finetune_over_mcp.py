"""The whole way over MCP, as an assistant goes it: prepare, train, wait, evaluate.

    python clients/finetune_over_mcp.py ~/livros --name livros
    python clients/finetune_over_mcp.py ~/livros --url http://127.0.0.1:8321/mcp --settings '{"iters": 200}'

Without `--url` it starts `afina mcp` and speaks with it over pipes. Every result tells the next call as
`TOOL {JSON}`; while a thing is under way that is the call to ask again, and this program makes it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shlex
import sys
import uuid
from collections.abc import Callable
from typing import Any

import httpx2
from mcp import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client

Result = dict[str, Any]
UNDER_WAY = frozenset({"queued", "preparing", "running"})


class CallFailed(Exception):
    """The server's own words on what is wrong and what to do."""


class Afina:
    """Calls over one connection."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def call(self, tool: str, **arguments: Any) -> Result:
        """The structured result. Raises CallFailed with the text that an assistant would read."""
        answer = await self._client.call_tool(tool, arguments)
        if answer.is_error:
            raise CallFailed("\n".join(part.text for part in answer.content if part.type == "text"))
        return dict(answer.structured_content or {})

    async def follow(self, result: Result, show: Callable[[Result], None]) -> Result:
        """Make the next call for as long as the work is under way; returns the result of its end."""
        while result["state"] in UNDER_WAY:
            show(result)
            tool, _, arguments = result["next"].partition(" ")
            result = await self.call(tool, **json.loads(arguments))
        show(result)
        return result


async def finetune(afina: Afina, arguments: argparse.Namespace) -> int:
    """Prepare the sources, train on them, evaluate what came of it; returns the exit code."""
    prepared = await afina.call("prepare_dataset", **given(arguments, "sources", "name", "model"))
    prepared = await afina.follow(prepared, lambda r: print(f"prepare: {r.get('progress', r['state'])}"))
    for split, size in prepared["splits"].items():
        print(f"  {split}: {size['rows']} rows, {size['tokens']} tokens")

    started = await afina.call(
        "start_finetune",
        dataset=f"{prepared['dataset']}@{prepared['version']}",
        request_key=str(uuid.uuid4()),
        settings=json.loads(arguments.settings),
        **given(arguments, "model", "preset"),
    )
    plan = started["plan"]
    print(f"train: {started['run']}, {plan['predicted_peak_gb']:.1f} of {plan['budget_gb']:.1f} GB predicted")
    status = await afina.call("training_status", run=started["run"], wait_s=5)
    while status["state"] in UNDER_WAY:
        show_status(status)
        # A verdict may advise to stop; the person decides that, this program only waits.
        status = await afina.call("training_status", run=started["run"], wait_s=30)
    show_status(status)
    if status["state"] != "succeeded":
        print(f"The run has not succeeded. Next: {status['next']}", file=sys.stderr)
        return 1

    evaluation = await afina.call("evaluate", adapter=status["adapter"], **given(arguments, "max_items"))
    evaluation = await afina.follow(evaluation, lambda r: print(f"evaluate: {r.get('progress', r['state'])}"))
    for verdict in evaluation.get("verdict", []):
        print(f"{verdict['model']}: {verdict['kind']}. {verdict['text']}")
    print(f"Report: {evaluation.get('report_path')}\nNext: {evaluation['next']}")
    return 0


def show_status(status: Result) -> None:
    losses = [f"{kind} {status[kind]:.3f}" for kind in ("train_loss", "valid_loss") if kind in status]
    print(f"  {status['state']}: step {status['step']} of {status['steps']}, {', '.join(losses) or 'no loss yet'}")
    print(f"  {status['verdict']['text']}")


def given(arguments: argparse.Namespace, *names: str) -> Result:
    """The arguments of those names that were given."""
    return {name: getattr(arguments, name) for name in names if getattr(arguments, name) is not None}


def connect(arguments: argparse.Namespace) -> Client:
    """Over HTTP with the key in AFINA_API_KEY, or over the pipes of a server of our own."""
    if arguments.url:
        key = os.environ.get("AFINA_API_KEY")
        http = httpx2.AsyncClient(headers={"Authorization": f"Bearer {key}"} if key else {}, timeout=120)
        return Client(streamable_http_client(arguments.url, http_client=http))
    command, *rest = shlex.split(arguments.command)
    return Client(stdio_client(StdioServerParameters(command=command, args=rest, env=dict(os.environ))))


async def run(arguments: argparse.Namespace) -> int:
    async with connect(arguments) as client:
        return await finetune(Afina(client), arguments)


def main() -> int:
    parser = argparse.ArgumentParser(description="Fine-tune over MCP: prepare, train, wait, evaluate.")
    parser.add_argument("sources", nargs="+", help="files, folders or globs")
    parser.add_argument("--name", help="of the dataset and the adapter")
    parser.add_argument("--model", help="base to train on")
    parser.add_argument("--preset", choices=("auto", "optimized", "safe", "aggressive"))
    parser.add_argument("--settings", default="{}", help='as JSON, e.g. {"iters": 200}')
    parser.add_argument("--max-items", type=int, help="most test rows, and most questions, of the evaluation")
    parser.add_argument("--url", help="of a running server, e.g. http://127.0.0.1:8321/mcp")
    parser.add_argument("--command", default="afina mcp", help="that starts a server on pipes")
    arguments = parser.parse_args()
    try:
        return asyncio.run(run(arguments))
    except BaseExceptionGroup as group:
        error = first_of(group)
        print(error if isinstance(error, CallFailed) else f"The connection failed: {error!r}", file=sys.stderr)
        return 1


def first_of(error: BaseException) -> BaseException:
    """The error itself: those inside a connection come wrapped by its task groups."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


if __name__ == "__main__":
    sys.exit(main())
