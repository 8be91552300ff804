"""The guided way, for a person to choose in their assistant: in Portuguese and in English."""

from __future__ import annotations

from typing import Annotated, Any

from mcp.server.mcpserver import MCPServer
from pydantic import Field

_PT = """Quero afinar um modelo de linguagem com os meus próprios textos, neste computador, com a Afina.
{sources}{goal}
Guia-me passo a passo, em português, e espera pela minha resposta onde eu tenha de escolher:
1. `check_setup`: diz-me se o computador está pronto e o que devo fazer se não estiver.
2. `prepare_dataset` com `dry_run`: mostra-me o que foi lido, os problemas e alguns exemplos. Depois prepara de facto.
3. `annotate_dataset`: escreve perguntas e respostas sobre as passagens, para o modelo aprender a responder.
4. `start_finetune` com `dry_run`: explica-me o plano (memória, duração, definições) em palavras simples. \
Quando eu concordar, começa com um `request_key`.
5. `training_status` com `wait_s`, até terminar: conta-me como está a correr e o que significa.
6. `evaluate`: diz-me com franqueza se o modelo aprendeu, com os números.
7. `ask_model`: faz a mesma pergunta ao modelo de base e ao afinado e mostra as respostas lado a lado.
Cada resultado traz em `next` a chamada seguinte."""

_EN = """I want to fine-tune a language model on my own texts, on this computer, with Afina.
{sources}{goal}
Guide me step by step, and wait for my answer wherever I have to choose:
1. `check_setup`: tell me whether the computer is ready and what to do if it is not.
2. `prepare_dataset` with `dry_run`: show me what was read, the problems and some samples. Then prepare it for real.
3. `annotate_dataset`: write questions and answers about the passages, so that the model learns to answer.
4. `start_finetune` with `dry_run`: explain the plan (memory, time, settings) in plain words. \
When I agree, start it with a `request_key`.
5. `training_status` with `wait_s`, until it ends: tell me how it goes and what that means.
6. `evaluate`: tell me frankly whether the model has learned, with the figures.
7. `ask_model`: ask the base and the tuned model the same question and show the answers side by side.
Every result has the next call in `next`."""


def add_prompts(server: MCPServer[Any]) -> None:
    """Register the two prompts."""

    @server.prompt(
        name="afinar_modelo", title="Afinar um modelo", description="Do primeiro ficheiro ao modelo afinado, com guia"
    )
    def afinar_modelo(
        ficheiros: Annotated[str, Field(description="Pasta ou ficheiros com os textos")] = "",
        objetivo: Annotated[str, Field(description="O que o modelo deve saber fazer")] = "",
    ) -> str:
        return _filled(_PT, f"Os meus textos: {ficheiros}", ficheiros, f"O que quero: {objetivo}", objetivo)

    @server.prompt(
        name="finetune_model", title="Fine-tune a model", description="From the first file to the tuned model, guided"
    )
    def finetune_model(
        files: Annotated[str, Field(description="Folder or files with the texts")] = "",
        goal: Annotated[str, Field(description="What the model should be able to do")] = "",
    ) -> str:
        return _filled(_EN, f"My texts: {files}", files, f"What I want: {goal}", goal)


def _filled(text: str, sources: str, has_sources: str, goal: str, has_goal: str) -> str:
    return text.format(sources=f"{sources}\n" if has_sources else "", goal=f"{goal}\n" if has_goal else "")
