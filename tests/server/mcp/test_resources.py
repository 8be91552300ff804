"""Resources, their changes, and completion of names, through the SDK's client."""

from __future__ import annotations

import json
from pathlib import Path

import anyio
import pytest
from mcp import Client
from mcp.client.subscriptions import ResourcesListChanged, ResourceUpdated
from mcp.shared.exceptions import MCPError
from mcp.types import INVALID_PARAMS, PromptReference, ResourceTemplateReference, ResourceUpdatedNotification

from server.mcp import resources
from server.mcp.resources import CARD, RUN
from server.mcp.server import build_server
from server.mcp.tool import ToolContext
from tests.list_workspace.rows import add_dataset, add_run
from tools.workspace import runs
from tools.workspace.files import write_json, write_jsonl
from tools.workspace.layout import Workspace
from tools.workspace.locks import FileLock

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
@pytest.mark.parametrize(
    "uri",
    [
        "afina://runs/nada",
        "afina://runs/nada/log",
        "afina://datasets/nada/card",
        "afina://datasets/..%2F..%2Foutputs/card",
        "afina://evaluations/..%2Fruns",
        "afina://other",
    ],
)
async def test_what_is_not_there_is_an_invalid_parameter(context: ToolContext, era: str, uri: str) -> None:
    async with Client(build_server(context), mode=era) as client:
        with pytest.raises(MCPError) as refused:
            await client.read_resource(uri)
    assert refused.value.error.code == INVALID_PARAMS


RUN_NAME = "livros-20261124-1"


def measured_run(ws: Workspace) -> Path:
    """A run with losses, a log and its description."""
    add_run(ws, RUN_NAME, "paused", 1.0)
    for step in range(1, 1201):
        runs.add_metrics(ws, RUN_NAME, step, "train", {"loss": 3 - step / 1000, "tokens_per_second": 10.0})
    runs.add_metrics(ws, RUN_NAME, 600, "valid", {"loss": 2.5})
    folder = runs.folder(ws, RUN_NAME)
    folder.mkdir(parents=True)
    write_json(folder / "run.json", {"name": "livros", "plan": {"settings": {"iters": {"value": 1200}}}})
    return folder


@both_eras
async def test_metrics_are_bounded_and_say_how_many_there_are(context: ToolContext, era: str) -> None:
    measured_run(context.ws)
    async with Client(build_server(context), mode=era) as client:
        told = json.loads((await client.read_resource(f"afina://runs/{RUN_NAME}/metrics")).contents[0].text)
    assert told["measured"] == {"train": 1200, "valid": 1}
    assert len(told["train"]) == 500
    assert (told["train"][0]["step"], told["train"][-1]["step"]) == (1, 1200)
    assert told["valid"][0]["loss"] == 2.5


async def test_the_curve_is_a_picture(context: ToolContext) -> None:
    measured_run(context.ws)
    async with Client(build_server(context)) as client:
        read = (await client.read_resource(f"afina://runs/{RUN_NAME}/curve.png")).contents[0]
    assert read.mime_type == "image/png"
    assert read.blob.startswith("iVBORw0KGgo")


async def test_a_log_is_its_end_in_whole_lines_without_control_signs(context: ToolContext) -> None:
    log = measured_run(context.ws) / "worker.log"
    log.write_text("início\n" + "linha\x1b[31m\n" * 5000 + "fim\n")
    async with Client(build_server(context)) as client:
        text = (await client.read_resource(f"afina://runs/{RUN_NAME}/log")).contents[0].text
    assert text.endswith("fim\n")
    assert text.startswith("linha")
    assert len(text) <= 16_000
    assert "\x1b" not in text


async def test_settings_are_the_runs_description(context: ToolContext) -> None:
    measured_run(context.ws)
    async with Client(build_server(context)) as client:
        told = json.loads((await client.read_resource(f"afina://runs/{RUN_NAME}/settings")).contents[0].text)
    assert told["plan"]["settings"]["iters"]["value"] == 1200


async def test_samples_are_the_first_rows_of_each_split_cut(context: ToolContext) -> None:
    folder = add_dataset(context.ws, "livros", "aaaa", 1.0)
    write_jsonl(folder / "train.jsonl", [{"text": "á" * 5000}, *({"text": f"linha {i}"} for i in range(9))])
    write_jsonl(folder / "questions.jsonl", [{"question": "Quem?", "answer": "Ela."}])
    async with Client(build_server(context)) as client:
        told = json.loads((await client.read_resource("afina://datasets/livros/samples")).contents[0].text)
    assert told["dataset"] == "livros@aaaa"
    assert [row["text"] for row in told["train"]] == ["á" * 600 + "…", "linha 0", "linha 1"]
    assert told["questions"] == [{"question": "Quem?", "answer": "Ela."}]
    assert "valid" not in told


async def test_a_report_is_read_as_markdown(context: ToolContext) -> None:
    folder = context.ws.evaluations / "e-1"
    folder.mkdir()
    (folder / "report.md").write_text("# Relatório\n")
    write_json(folder / "report.json", {})
    async with Client(build_server(context)) as client:
        assert (await client.read_resource("afina://evaluations/e-1")).contents[0].text == "# Relatório\n"


async def test_the_checklist_and_the_workspace_can_be_read(context: ToolContext) -> None:
    async with Client(build_server(context)) as client:
        checklist = (await client.read_resource("afina://checklist")).contents[0].text
        assert "- [x] **python**: Python 3" in checklist
        assert "Next: `prepare_dataset {" in checklist
        told = json.loads((await client.read_resource("afina://workspace")).contents[0].text)
        assert told["workspace"] == str(context.ws.root)


@both_eras
async def test_the_list_tells_what_is_there_at_the_time(context: ToolContext, era: str) -> None:
    async with Client(build_server(context), mode=era) as client:
        before = [resource.uri for resource in (await client.list_resources(cache_mode="reload")).resources]
        assert before == ["afina://workspace", "afina://checklist"]
        add_run(context.ws, RUN_NAME, "paused", 1.0)
        add_dataset(context.ws, "livros", "aaaa", 1.0)
        found = (await client.list_resources(cache_mode="reload")).resources
        assert [r.uri for r in found[2:]] == [f"afina://runs/{RUN_NAME}", "afina://datasets/livros/card"]
        assert all(r.name and r.description for r in found)
        templates = (await client.list_resource_templates()).resource_templates
        assert len(templates) == 8


async def test_a_listener_hears_when_a_run_moves_comes_or_dies(context: ToolContext) -> None:
    ws, uri = context.ws, f"afina://runs/{RUN_NAME}"
    add_run(ws, RUN_NAME, "running", 1.0)
    alive = FileLock.try_acquire(runs.lock_path(ws, RUN_NAME))
    assert alive is not None
    server = build_server(context)
    server._subscriptions._every_s = 0.02
    with anyio.fail_after(20):
        async with Client(server) as client:
            async with client.listen(resources_list_changed=True, resource_subscriptions=[uri]) as heard:
                await moved(server)
                runs.set_step(ws, RUN_NAME, 4)
                assert await anext(heard) == ResourceUpdated(uri)
                add_run(ws, "outro-20261124-1", "paused", 1.0)
                assert await anext(heard) == ResourcesListChanged()
                alive.release()
                assert await anext(heard) == ResourceUpdated(uri)
            watch = server._subscriptions._watch
        assert watch is None or watch.done()


async def moved(server: resources.ServerOfResources) -> None:
    """Until the watch has looked once: what changed before it is no news."""
    looks: list[object] = []
    bus, stamps = server._subscriptions, server._subscriptions._stamps
    bus._stamps = lambda: looks.append(0) or stamps()
    while len(looks) < 2:
        await anyio.sleep(0.01)


async def test_a_subscriber_of_the_older_protocol_hears_until_it_unsubscribes(context: ToolContext) -> None:
    ws, uri = context.ws, f"afina://runs/{RUN_NAME}"
    add_run(ws, RUN_NAME, "paused", 1.0)
    server = build_server(context)
    server._subscriptions._every_s = 0.02
    told: list[str] = []
    heard = anyio.Event()

    async def hear(message: object) -> None:
        if isinstance(message, ResourceUpdatedNotification):
            told.append(str(message.params.uri))
            heard.set()

    with anyio.fail_after(20):
        async with Client(server, mode="legacy", message_handler=hear) as client:
            assert client.server_capabilities.resources.subscribe
            await client.subscribe_resource(uri)
            await moved(server)
            runs.set_step(ws, RUN_NAME, 4)
            await heard.wait()
            assert set(told) == {uri}
            assert server._subscriptions._watch is not None
            await client.unsubscribe_resource(uri)
            assert server._subscriptions._watch is None


async def test_names_are_completed_in_addresses_and_prompts(context: ToolContext) -> None:
    for name in ("livros", "liga", "vidas", "Poliglota"):
        add_dataset(context.ws, name, "v", 1.0)
    add_run(context.ws, RUN_NAME, "paused", 1.0)
    async with Client(build_server(context)) as client:

        async def offered(ref: object, name: str, typed: str) -> list[str]:
            return (await client.complete(ref, {"name": name, "value": typed})).completion.values

        assert await offered(ResourceTemplateReference(uri=CARD), "dataset", "li") == ["liga", "livros", "Poliglota"]
        assert await offered(ResourceTemplateReference(uri=RUN), "run", "") == [RUN_NAME]
        assert await offered(PromptReference(name="diagnosticar_treino"), "treino", "LIVROS") == [RUN_NAME]
        assert await offered(PromptReference(name="write_questions"), "dataset", "vid") == ["vidas"]
        assert await offered(PromptReference(name="judge_answers"), "questions", "Quem") == []
