"""Bad input through the real `afina call`, and over the real stdin and stdout of `afina mcp`."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.shared.exceptions import MCPError

from tests.bad_input.clear import check_clear, check_words
from tests.bad_input.fingerprint import difference, fingerprint
from tools.errors import AfinaError
from tools.workspace.layout import Workspace
from tools.workspace.processes import child_environment

AFINA = [sys.executable, "-P", "-m", "server.cli"]


def afina(ws: Workspace, *arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [*AFINA, *arguments, "--workspace", str(ws.root), "--default-model", "tiny"],
        input=stdin,
        capture_output=True,
        timeout=120,
        env=child_environment(),
        cwd="/",
        check=False,
    )


def refusal(done: subprocess.CompletedProcess[bytes]) -> AfinaError:
    """The error of a failed call: JSON and nothing else on stderr, nothing on stdout."""
    assert done.returncode == 1
    assert done.stdout == b""
    return AfinaError.from_dict(json.loads(done.stderr))


@pytest.mark.parametrize(
    ("tool", "text", "says"),
    [
        ("prepare_dataset", '{"sources": ["a.txt"], }', ["line 1, column 24", "not JSON"]),
        ("start_finetune", '{"dataset": "livros"', ["line 1, column 21"]),
        ("evaluate", '{"adapter": "um"}\n{}', ["line 2, column 1"]),
        ("training_status", "{'run': 'x'}", ["line 1, column 2", "single quotes"]),
        ("ask_model", '["olá"]', ["no object"]),
        ("list_workspace", '{"limit": NaN}', ["NaN is no JSON"]),
        ("control_finetune", "pause", ["line 1, column 1"]),
        ("annotate_dataset", "[" * 100_000, ["nested too deeply"]),
    ],
)
def test_malformed_json_is_told_with_its_place(
    shared: Workspace, unchanged: None, tool: str, text: str, says: list[str]
) -> None:
    check_clear(refusal(afina(shared, "call", tool, "-", stdin=text.encode())), says, "JSON")


def test_arguments_that_are_no_text_are_told(shared: Workspace, unchanged: None) -> None:
    check_clear(refusal(afina(shared, "call", "list_workspace", "-", stdin=b'{"kind": "\xff"}')), ["UTF-8"])


@pytest.mark.parametrize(
    ("tool", "arguments", "code", "says"),
    [
        ("prepare_dataset", {"sources": ["/nao/existe.txt"]}, "data_error", ["/nao/existe.txt: It lies outside"]),
        ("prepare_dataset", {"sources": ["a.txt"], "seed": "0"}, "invalid_argument", ["`seed`", "a whole number"]),
        ("start_finetune", {"dataset": "livro"}, "not_found", ["Did you mean `livros`?"]),
        ("start_finetune", {"dataset": "pouco", "settings": {"batch_size": 9}}, "invalid_argument", ["at most 3"]),
        ("training_status", {"rum": "x"}, "invalid_argument", ["Did you mean `run`?"]),
        ("evaluate", {"adapter": "sem-campos"}, "data_error", ["afina.json cannot be read"]),
        ("control_finetune", {"run": "feito-20261124-1", "action": "pause"}, "conflict", ["has ended"]),
        ("annotate_dataset", {"dataset": "binario"}, "data_error", ["card.json: The file is not JSON."]),
        ("ask_model", {}, "invalid_argument", ["`prompt` or `messages`"]),
        ("list_workspace", {"kind": "run"}, "invalid_argument", ["`runs`"]),
        ("export_adapter", {"adapter": "alheio"}, "conflict", ["another `tiny`"]),
        ("check_setup", {"x": 1}, "invalid_argument", ["no argument of check_setup"]),
        ("check_setups", {}, "not_found", ["Did you mean `check_setup`?"]),
    ],
)
def test_a_refused_call_is_an_error_in_json_on_stderr(
    shared: Workspace, unchanged: None, tool: str, arguments: dict[str, Any], code: str, says: list[str]
) -> None:
    error = refusal(afina(shared, "call", tool, json.dumps(arguments)))
    assert error.code == code
    check_clear(error, says)


def test_problems_of_the_material_keep_their_lines_on_the_way(
    shared: Workspace, material: Path, unchanged: None
) -> None:
    sources = [str(material / name) for name in ("partido.jsonl", "desigual.csv")]
    error = refusal(afina(shared, "call", "prepare_dataset", json.dumps({"sources": sources})))
    assert [(Path(p.path).name, p.line, p.column) for p in error.problems] == [
        ("desigual.csv", 3, 2),
        ("partido.jsonl", 2, 10),
    ]


@pytest.mark.parametrize("content", ["port = \n", "prot = 1\n", b"\xff\xfe", "port = 'muitas'\n"])
def test_settings_that_are_wrong_are_an_error_in_json_too(ws: Workspace, content: str | bytes) -> None:
    (ws.root / "afina.toml").write_bytes(content if isinstance(content, bytes) else content.encode())
    before = fingerprint(ws)
    done = subprocess.run(
        [*AFINA, "call", "list_workspace", "--workspace", str(ws.root)],
        capture_output=True, timeout=60, env=child_environment(), cwd="/", check=False,
    )  # fmt: skip
    check_clear(refusal(done), ["afina.toml"])
    assert difference(before, fingerprint(ws)) == []


@pytest.mark.parametrize("file", ["afina.db", "logs", "locks", "data"])
def test_a_workspace_with_something_in_the_way_is_told(ws: Workspace, file: str) -> None:
    ws.store.close()
    for path in (ws.root / "afina.db", ws.root / "afina.db-wal", ws.root / "afina.db-shm"):
        path.unlink(missing_ok=True)
    place = ws.root / file
    if place.is_dir():
        place.rmdir()
    place.write_bytes(b"what somebody else keeps here" * 100)
    error = refusal(afina(ws, "call", "list_workspace", "{}"))
    check_clear(error, [str(place)])
    assert place.read_bytes() == b"what somebody else keeps here" * 100


def test_a_database_that_is_damaged_is_told_and_left(ws: Workspace) -> None:
    ws.store.close()
    (ws.root / "afina.db").write_bytes(b"SQLite format 3\0" + bytes(range(256)) * 40)
    error = refusal(afina(ws, "call", "list_workspace", "{}"))
    check_clear(error, [str(ws.root / "afina.db"), "damaged", "Move that file away"])


async def test_over_stdio_an_assistant_is_told_the_same(shared: Workspace, material: Path, unchanged: None) -> None:
    command, *arguments = [*AFINA, "mcp", "--workspace", str(shared.root), "--default-model", "tiny"]
    parameters = StdioServerParameters(command=command, args=arguments, env=child_environment())
    async with Client(stdio_client(parameters)) as client:
        for tool, given, says in (
            ("prepare_dataset", {"sources": [str(material / "desigual.csv")]}, "desigual.csv:3:2: The row has 2 cells"),
            ("prepare_dataset", {"sources": 5}, "`sources` is the number 5."),
            ("start_finetune", {"dataset": "livros", "settings": {"iter": 3}}, "Did you mean `iters`?"),
            ("evaluate", {"adapter": "binario"}, "afina.json cannot be read"),
            ("training_status", {"run": "nada"}, "no run named `nada`"),
            ("control_finetune", {"run": "x"}, "`action` is missing."),
            ("annotate_dataset", {"dataset": "livro"}, "Did you mean `livros`?"),
            ("ask_model", {"prompt": ""}, "`prompt` is empty."),
            ("list_workspace", {"zzz": 1}, "The arguments are: `kind`, `limit`, `cursor`."),
            ("export_adapter", {"adapter": "um", "bits": 5}, "`4` or `8` or `16`"),
            ("check_setup", {"x": 1}, "no argument of check_setup"),
        ):
            refused = await client.call_tool(tool, given)
            assert refused.is_error
            text = refused.content[0].text
            assert says in text
            check_words(text)
        with pytest.raises(MCPError, match="Did you mean `evaluate`"):
            await client.call_tool("evaluat", {})
        good = await client.call_tool("list_workspace", {"kind": "adapters", "limit": 1})
        assert not good.is_error


def test_lines_that_are_no_protocol_do_not_end_the_conversation(shared: Workspace, unchanged: None) -> None:
    hello = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "initialize",
        "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "0"}},
    }
    refused = {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {"name": "evaluate", "arguments": {"x": 1}}}
    ready = {"jsonrpc": "2.0", "method": "notifications/initialized"}
    process = subprocess.Popen(
        [*AFINA, "mcp", "--workspace", str(shared.root)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        junk = b"nada\n{\n[1]\n\xff\xfe\n"
        process.stdin.write(json.dumps(hello).encode() + b"\n" + json.dumps(ready).encode() + b"\n" + junk)
        process.stdin.write(json.dumps(refused).encode() + b"\n")
        process.stdin.flush()
        answers: dict[Any, Any] = {}
        while 2 not in answers:
            message = json.loads(process.stdout.readline())
            answers[message.get("id")] = message
        process.stdin.close()
        assert process.wait(timeout=20) == 0
    finally:
        process.kill()
    result = answers[2]["result"]
    assert result["isError"]
    assert "`x` is no argument of evaluate." in result["content"][0]["text"]
