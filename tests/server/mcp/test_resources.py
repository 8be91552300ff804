"""Resources and prompts, through the SDK's client."""

from __future__ import annotations

import json

import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError
from mcp.types import INVALID_PARAMS, ResourceTemplateReference

from server.mcp.resources import CARD, RUN
from server.mcp.server import build_server
from server.mcp.tool import ToolContext
from tests.list_workspace.rows import add_dataset, add_run

both_eras = pytest.mark.parametrize("era", ["auto", "legacy"])


@both_eras
async def test_a_run_is_read_as_json(context: ToolContext, era: str) -> None:
    add_run(context.ws, "livros-20261124-1", "paused", 1.0)
    async with Client(build_server(context), mode=era) as client:
        read = await client.read_resource("afina://runs/livros-20261124-1")
    told = json.loads(read.contents[0].text)
    assert (told["run"], told["state"], told["step"]) == ("livros-20261124-1", "paused", 3)


@both_eras
async def test_a_card_is_read_as_markdown(context: ToolContext, era: str) -> None:
    folder = add_dataset(context.ws, "livros", "aaaa", 1.0)
    (folder / "card.md").write_text("# Livros\n")
    async with Client(build_server(context), mode=era) as client:
        for name in ("livros", "livros@aaaa"):
            read = await client.read_resource(f"afina://datasets/{name}/card")
            assert read.contents[0].text == "# Livros\n"
            assert read.contents[0].mime_type == "text/markdown"


@both_eras
@pytest.mark.parametrize("uri", ["afina://runs/nada", "afina://datasets/nada/card", "afina://other"])
async def test_what_is_not_there_is_an_invalid_parameter(context: ToolContext, era: str, uri: str) -> None:
    async with Client(build_server(context), mode=era) as client:
        with pytest.raises(MCPError) as refused:
            await client.read_resource(uri)
    assert refused.value.error.code == INVALID_PARAMS


async def test_names_are_completed(context: ToolContext) -> None:
    for name in ("livros", "liga", "vidas"):
        add_dataset(context.ws, name, "v", 1.0)
    add_run(context.ws, "livros-20261124-1", "paused", 1.0)
    async with Client(build_server(context)) as client:
        found = await client.complete(ResourceTemplateReference(uri=CARD), {"name": "dataset", "value": "li"})
        assert found.completion.values == ["liga", "livros"]
        found = await client.complete(ResourceTemplateReference(uri=RUN), {"name": "run", "value": ""})
        assert found.completion.values == ["livros-20261124-1"]


@both_eras
async def test_the_guided_way_is_there_in_both_languages(context: ToolContext, era: str) -> None:
    async with Client(build_server(context), mode=era) as client:
        prompts = (await client.list_prompts()).prompts
        assert [prompt.name for prompt in prompts] == ["afinar_modelo", "finetune_model"]
        told = await client.get_prompt("afinar_modelo", {"ficheiros": "~/livros {x}"})
        text = told.messages[0].content.text
        assert "Os meus textos: ~/livros {x}\n" in text
        assert "O que quero" not in text
        for tool in ("check_setup", "prepare_dataset", "start_finetune", "training_status", "evaluate", "ask_model"):
            assert f"`{tool}`" in text
            assert f"`{tool}`" in (await client.get_prompt("finetune_model")).messages[0].content.text
