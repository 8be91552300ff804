"""What every client is told about the tools, kept in files: a change is seen, and accepted on purpose."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
from mcp.types import Tool as ListedTool

from server.mcp.registry import TOOLS
from server.mcp.server import build_server
from server.mcp.tool import ToolContext

FOLDER = Path(__file__).parent / "snapshots"
ORDER = [
    "prepare_dataset",
    "start_finetune",
    "training_status",
    "evaluate",
    "control_finetune",
    "annotate_dataset",
    "ask_model",
    "list_workspace",
    "export_adapter",
    "check_setup",
]
MOST_TOKENS = 6000


async def listed(context: ToolContext) -> list[dict[str, Any]]:
    tools: list[ListedTool] = await build_server(context).list_tools()
    return [tool.model_dump(mode="json", by_alias=True, exclude_none=True) for tool in tools]


def about_tokens(text: str) -> int:
    """How many tokens a large vocabulary makes of JSON: words, runs of up to three digits, runs of signs."""
    return len(re.findall(r"[A-Za-z]+|\d{1,3}|[^\sA-Za-z\d]+", text))


async def test_the_order_of_the_tools_is_fixed(context: ToolContext) -> None:
    assert [tool["name"] for tool in await listed(context)] == ORDER


@pytest.mark.parametrize("name", ORDER)
async def test_a_tool_is_as_its_snapshot(context: ToolContext, name: str) -> None:
    told = next(tool for tool in await listed(context) if tool["name"] == name)
    path = FOLDER / f"{name}.json"
    text = json.dumps(told, ensure_ascii=False, indent=2, sort_keys=True) + "\n"
    if os.environ.get("AFINA_ACCEPT_SNAPSHOTS"):
        path.write_text(text, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == text, (
        f"{name} is no longer what {path.name} says. If that is meant, accept it: "
        "AFINA_ACCEPT_SNAPSHOTS=1 python -m pytest tests/server/mcp/test_snapshots.py"
    )


def test_no_snapshot_is_left_of_a_tool_that_is_gone() -> None:
    assert sorted(path.stem for path in FOLDER.glob("*.json")) == sorted(ORDER)


async def test_the_whole_list_leaves_room_for_the_conversation(context: ToolContext) -> None:
    text = json.dumps(await listed(context), ensure_ascii=False, separators=(",", ":"))
    assert about_tokens(text) < MOST_TOKENS


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.name)
def test_a_description_is_a_line_then_when_then_an_example_then_others(tool: Any) -> None:
    lines = tool.description.split("\n")
    assert 4 <= len(lines) <= 5
    assert len(lines[0]) <= 120
    example = next(line for line in lines if line.startswith("Example: "))
    tool.arguments.model_validate_json(example.removeprefix("Example: "), strict=True)
    assert re.match(r"(Before|Then|See also): ", lines[-1])
    assert any(other in lines[-1] for other in ORDER if other != tool.name)
