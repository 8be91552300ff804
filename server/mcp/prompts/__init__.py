"""The ways that a person may choose in their assistant, each in Portuguese and in English."""

from __future__ import annotations

from typing import Any

from mcp.server.mcpserver import MCPServer

from server.mcp.prompts import english, portuguese


def add_prompts(server: MCPServer[Any]) -> None:
    """Register each way, first in Portuguese, then in English."""
    for pair in zip(portuguese.WORDINGS, english.WORDINGS, strict=True):
        for wording in pair:
            server.add_prompt(wording.prompt())
