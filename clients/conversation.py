"""A whole conversation, from a folder of texts to a tuned model, written down as it went: `clients/conversation.md`.

    python clients/conversation.py --model smollm2-135m --settings '{"max_minutes": 2}' > clients/conversation.md

What the person and the assistant say is scripted here, in Portuguese and English; every call is made on a real
workspace over `afina mcp`, and every result is what came back, long ones cut. Run it in the folder above `clients`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shlex
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mcp import Client
from mcp.client.stdio import StdioServerParameters, stdio_client

Result = dict[str, Any]
UNDER_WAY = frozenset({"queued", "preparing", "running"})
MOST_OF_A_GROUP, LONGEST_LINE = 6, 220
QUESTION = "Quantas flautas fez Gaspar Arrabal?"
# Questions that an assistant would write on reading the passages, with the words that prove the answers.
PAIRS = (
    {
        "question": "De que cor era a capa do Livro das Areias?",
        "answer": "verde",
        "quote": "Chamava-se Livro das Areias e tinha capa verde",
    },
    {
        "question": "Quantas flautas fez Gaspar Arrabal, pelas suas próprias contas?",
        "answer": "2316 flautas",
        "quote": "Fez, pelas suas próprias contas, 2316 flautas.",
    },
    {
        "question": "Em que ano fundou Leonor Nogueira o Instituto das Dunas?",
        "answer": "Em 1980",
        "quote": "Em 1980 fundou em Cabo Lento o Instituto das Dunas, que dirigiu até 2007.",
    },
    {
        "question": "Onde morreu Henriqueta Valadim?",
        "answer": "em Porto Ameixo",
        "quote": "Morreu a 30 de outubro de 2009, em Porto Ameixo",
    },
)
HEAD = """# A whole conversation

From a folder of texts to a tuned model and a verdict. What the person (**P**) and the assistant (**A**) say is
scripted, in Portuguese and English; every call was made on a real workspace, and every result is what came back, cut
at `…` where it is long. Made by [`conversation.py`](conversation.py). A small model, a busy CPU and a few steps of
training, which teach next to nothing: the way is the point, not the answers.
"""


class Refused(Exception):
    """A call that was not answered, in the server's words."""


@dataclass
class Conversation:
    """Turns as Markdown on stdout, calls over one connection."""

    client: Client
    turn: int = 0

    def asks(self, title: str, portuguese: str, english: str) -> None:
        self.turn += 1
        print(f"\n## {self.turn}. {title}\n\n**P**: {portuguese}\n\n**P**: *{english}*", flush=True)

    def says(self, portuguese: str, english: str) -> None:
        print(f"\n**A**: {portuguese}\n\n**A**: *{english}*", flush=True)

    async def calls(self, tool: str, shown: bool = True, **arguments: Any) -> Result:
        answer = await self.client.call_tool(tool, arguments)
        text = "\n".join(part.text for part in answer.content if part.type == "text")
        if answer.is_error:
            raise Refused(f"{tool} {json.dumps(arguments, ensure_ascii=False)}: {text}")
        if shown:
            call = cut(f"{tool} {json.dumps(arguments, ensure_ascii=False)}")
            print(f"\n```text\n{call}\n\n" + "\n".join(shortened(text)) + "\n```", flush=True)
        return dict(answer.structured_content or {})

    async def follows(self, tool: str, result: Result, **arguments: Any) -> Result:
        """Ask again while the work is under way; the last answer alone is shown."""
        while result["state"] in UNDER_WAY:
            result = await self.calls(tool, shown=False, **arguments)
        return await self.calls(tool, **arguments)


def shortened(text: str) -> Iterator[str]:
    """A result's lines, of each list and group the first few; the next call, which is the last line, stays."""
    *lines, last = text.splitlines()
    shown: dict[int, int] = {}
    skipped = 10**6
    for line in lines:
        depth = len(line) - len(line.lstrip(" -"))
        if depth > skipped:
            continue
        for deeper in [known for known in shown if known > depth]:
            del shown[deeper]
        shown[depth] = shown.get(depth, 0) + 1
        skipped = 10**6 if depth == 0 or shown[depth] <= MOST_OF_A_GROUP else depth
        if skipped > depth:
            yield cut(line)
        elif shown[depth] == MOST_OF_A_GROUP + 1:
            yield " " * depth + "…"
    yield cut(last)


def cut(line: str) -> str:
    """A line of a bounded length, with the paths of this machine told as everybody's."""
    for place, told in ((os.environ.get("AFINA_WORKSPACE"), "~/afina"), (sys.prefix, ".venv"), (str(Path.cwd()), ".")):
        line = line.replace(place, told) if place else line
    return line if len(line) <= LONGEST_LINE else f"{line[:LONGEST_LINE]}…"


async def converse(talk: Conversation, arguments: argparse.Namespace) -> None:
    await readiness(talk)
    dataset = await material(talk, arguments)
    dataset = await questions(talk, dataset)
    adapter = await training(talk, dataset, arguments)
    await verdict(talk, adapter, arguments)


async def readiness(talk: Conversation) -> None:
    talk.asks("Is it ready?", "O meu computador está pronto?", "Is my computer ready?")
    found = await talk.calls("check_setup")
    warnings = [item["item"] for item in found["items"] if item["state"] != "ok"]
    told = ", ".join(warnings)
    talk.says(
        f"Está pronto.{f' A ver: {told}.' if told else ''} Onde estão os textos?",
        f"It is ready.{f' To look at: {told}.' if told else ''} Where are your texts?",
    )


async def material(talk: Conversation, arguments: argparse.Namespace) -> str:
    talk.asks(
        "What is in the folder?",
        f"Em `{arguments.sources}`: livros, uma tabela e biografias. O que consegues ler?",
        f"In `{arguments.sources}`: books, a table and lives. What can you read?",
    )
    asked = {"sources": [arguments.sources], "name": "mares", "model": arguments.model}
    planned = await talk.calls("prepare_dataset", **asked, dry_run=True)
    rows = sum(split["rows"] for split in planned["splits"].values())
    talk.says(f"Li tudo: dariam {rows} linhas. Preparo?", f"I read all of it: {rows} rows. Shall I prepare them?")
    talk.asks("Go on", "Sim.", "Yes.")
    begun = await talk.calls("prepare_dataset", shown=False, **asked)
    done = begun
    if begun["state"] in UNDER_WAY:
        done = await talk.follows("prepare_dataset", begun, job=begun["job"], wait_s=30)
    reference = f"{done['dataset']}@{done['version']}"
    talk.says(f"Está pronto: `{reference}`.", f"It is ready: `{reference}`.")
    return reference


async def questions(talk: Conversation, dataset: str) -> str:
    talk.asks(
        "Questions",
        "Escreve algumas perguntas sobre os textos, para ele aprender a responder.",
        "Write some questions about the texts, so that it learns to answer.",
    )
    handed = await talk.calls("annotate_dataset", dataset=dataset, limit=2)
    everything = await talk.calls("annotate_dataset", shown=False, dataset=dataset, limit=50)
    passages = handed["passages"] + everything["passages"]
    pairs = [
        {"passage": next(p["id"] for p in passages if pair["quote"] in p["text"]), **pair}
        for pair in PAIRS
        if any(pair["quote"] in passage["text"] for passage in passages)
    ]
    if not pairs:
        talk.says("As passagens já têm perguntas que cheguem.", "The passages have questions enough.")
        return dataset
    taken = await talk.calls("annotate_dataset", dataset=dataset, pairs=pairs)
    talk.says(
        f"Perguntas aceites: {taken['accepted']}. As palavras da passagem provam a resposta.",
        f"Questions accepted: {taken['accepted']}. The passage's own words prove the answer.",
    )
    return f"{taken['dataset'].partition('@')[0]}@{taken['version']}"


async def training(talk: Conversation, dataset: str, arguments: argparse.Namespace) -> str:
    talk.asks("The plan", "Quanto tempo e memória leva o treino?", "How long does training take, and how much memory?")
    asked = {"dataset": dataset, "model": arguments.model, "settings": json.loads(arguments.settings)}
    planned = await talk.calls("start_finetune", **asked, dry_run=True)
    plan = planned["plan"]
    gb, minutes = plan["predicted_peak_gb"], plan["predicted_minutes"]
    talk.says(
        f"Cerca de {minutes:g} minutos e {gb:.1f} GB, dos {plan['budget_gb']:.1f} que há. Começo?",
        f"About {minutes:g} minutes and {gb:.1f} GB, of {plan['budget_gb']:.1f}. Shall I start?",
    )
    talk.asks("Training", "Começa, e diz-me como corre.", "Start, and tell me how it goes.")
    tool, _, following = planned["next"].partition(" ")
    started = await talk.calls(tool, **json.loads(following))
    status = await talk.follows("training_status", started, run=started["run"], wait_s=20)
    if status["state"] != "succeeded":
        raise Refused(f"the run has {status['state']}: {status['verdict']['text']}")
    talk.says(
        f"Acabou no passo {status['step']}; o adaptador é `{status['adapter']}`.",
        f"It ended at step {status['step']}; the adapter is `{status['adapter']}`.",
    )
    return str(status["adapter"])


async def verdict(talk: Conversation, adapter: str, arguments: argparse.Namespace) -> None:
    talk.asks("Has it learned?", "Aprendeu? Com franqueza.", "Has it learned? Frankly.")
    begun = await talk.calls("evaluate", shown=False, adapter=adapter, **measured(arguments), wait_s=0)
    done = await talk.follows("evaluate", begun, evaluation=begun["evaluation"], wait_s=30)
    kind = done["verdict"][0]["kind"]
    words = {"learned": "Aprendeu", "not_proven": "Não está provado", "memorized": "Decorou", "worse": "Piorou"}
    talk.says(f"{words[kind]}: os números estão em cima.", f"{kind.replace('_', ' ').capitalize()}: see the figures.")
    talk.asks("Side by side", f"Pergunta aos dois: «{QUESTION}»", f"Ask both: “{QUESTION}”")
    models = [arguments.model, adapter]
    await talk.calls("ask_model", prompt=QUESTION, models=models, max_tokens=arguments.max_tokens, temperature=0)


def measured(arguments: argparse.Namespace) -> Result:
    """What evaluate is to measure, and on how much."""
    return {"max_items": arguments.max_items} | ({"metrics": arguments.metrics} if arguments.metrics else {})


async def run(arguments: argparse.Namespace) -> int:
    command, *rest = shlex.split(arguments.command)
    parameters = StdioServerParameters(command=command, args=rest, env=dict(os.environ))
    print(HEAD, end="")
    try:
        async with Client(stdio_client(parameters)) as client:
            await converse(Conversation(client), arguments)
    except BaseExceptionGroup as group:
        error: BaseException = group
        while isinstance(error, BaseExceptionGroup):  # those inside a connection come wrapped by its task groups
            error = error.exceptions[0]
        print(f"The conversation broke off: {error if isinstance(error, Refused) else repr(error)}", file=sys.stderr)
        return 1
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(description="Hold a whole conversation with Afina, and print it as Markdown.")
    parser.add_argument("--sources", default="clients/sample", help="folder of texts (the sample)")
    parser.add_argument("--model", default="smollm2-135m", help="installed base to train on")
    parser.add_argument("--settings", default='{"max_minutes": 2}', help="of the training, as JSON")
    parser.add_argument("--max-items", type=int, default=10, help="most test rows, and most questions, evaluated")
    parser.add_argument("--metrics", nargs="*", help="to evaluate by (all)")
    parser.add_argument("--max-tokens", type=int, default=40, help="of each answer at the end")
    parser.add_argument("--command", default="afina mcp", help="that starts a server on pipes")
    return asyncio.run(run(parser.parse_args()))


if __name__ == "__main__":
    sys.exit(main())
