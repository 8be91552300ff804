"""The prompts, through the SDK's client."""

from __future__ import annotations

import re

import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError
from mcp.types import INVALID_PARAMS

from server.mcp import registry
from server.mcp.prompts import english, portuguese
from server.mcp.resources import _TEMPLATES
from server.mcp.server import build_server
from server.mcp.tool import ToolContext

both_eras = pytest.mark.parametrize("era", ["auto", "legacy"])
ALL = [wording for pair in zip(portuguese.WORDINGS, english.WORDINGS, strict=True) for wording in pair]


async def text_of(client: Client, name: str, arguments: dict[str, str] | None = None) -> str:
    return (await client.get_prompt(name, arguments)).messages[0].content.text


@both_eras
async def test_each_way_is_there_in_both_languages(context: ToolContext, era: str) -> None:
    async with Client(build_server(context), mode=era) as client:
        prompts = (await client.list_prompts()).prompts
        assert [prompt.name for prompt in prompts] == [
            "afinar_modelo",
            "finetune_model",
            "diagnosticar_treino",
            "diagnose_run",
            "escrever_perguntas",
            "write_questions",
            "julgar_respostas",
            "judge_answers",
        ]
        assert all(p.title and p.description and all(a.description for a in p.arguments or ()) for p in prompts)


@both_eras
async def test_what_a_person_gives_stands_in_the_text_as_typed(context: ToolContext, era: str) -> None:
    async with Client(build_server(context), mode=era) as client:
        text = await text_of(client, "afinar_modelo", {"ficheiros": "~/livros {x} {facts}", "objetivo": " "})
        assert "Os meus textos: ~/livros {x} {facts}\nGuia-me" in text
        assert "O que quero" not in text
        assert "The run: livros-20261124-1\n" in await text_of(client, "diagnose_run", {"run": "livros-20261124-1"})


async def test_an_unknown_argument_is_refused_with_those_that_there_are(context: ToolContext) -> None:
    async with Client(build_server(context)) as client:
        with pytest.raises(MCPError) as refused:
            await client.get_prompt("write_questions", {"datset": "livros"})
    assert refused.value.error.code == INVALID_PARAMS
    assert refused.value.error.message == "`datset` is no argument of write_questions; it takes `dataset`."


@pytest.mark.parametrize("wording", ALL, ids=lambda wording: wording.name)
def test_a_prompt_names_tools_arguments_and_resources_that_there_are(wording: object) -> None:
    text = wording.filled()
    assert "{facts}" not in text
    named = set(re.findall(r"`(\w+)`", text))
    fields = {field for tool in registry.TOOLS for field in tool.arguments.model_fields} | {"next", "rephrased"}
    assert named <= {tool.name for tool in registry.TOOLS} | fields, named
    known = {re.sub(r"\{(\w+)\}", lambda m: m[1].upper(), template.uri) for template in _TEMPLATES}
    assert set(re.findall(r"afina://[\w/]+", text)) <= known


def test_both_languages_name_the_same_tools_in_the_same_order() -> None:
    names = {tool.name for tool in registry.TOOLS}
    for one, other in zip(portuguese.WORDINGS, english.WORDINGS, strict=True):
        told = [[word for word in re.findall(r"`(\w+)`", w.text) if word in names] for w in (one, other)]
        assert told[0] == told[1]
        assert len(one.arguments) == len(other.arguments)
