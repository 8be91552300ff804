"""The `afina` command, run as a process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from server import __version__
from server.cli.call import read_json_object
from server.cli.doctor import _table
from server.cli.parser import parse
from server.mcp import registry
from server.mcp.rendering import structured
from server.settings import load_settings
from tools.check_setup.contract import CheckResult, Item
from tools.errors import InvalidArgument
from tools.workspace.layout import Workspace

AFINA = [sys.executable, "-P", "-m", "server.cli"]


def afina(
    *arguments: str, stdin: str | None = None, cwd: Path | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*AFINA, *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=120,
        cwd=cwd,
        env={**os.environ, **environment},
        check=False,
    )


def test_help_names_every_command_and_starts_without_heavy_imports() -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-P", "-m", "server.cli", "--help"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0
    for command in ("serve", "mcp", "call", "models", "keys", "doctor", "chat", "demo"):
        assert f"\n    {command}" in done.stdout
    imported = {line.rsplit("|", 1)[1].strip() for line in done.stderr.splitlines() if "|" in line}
    assert not imported & {"mlx", "transformers", "openai", "mcp", "starlette", "pydantic", "numpy", "rich"}


def test_the_version_is_the_packages() -> None:
    assert afina("--version").stdout == f"afina {__version__}\n"


def test_an_unknown_command_is_answered_with_the_nearest() -> None:
    done = afina("serv")
    assert done.returncode == 2
    assert "Did you mean `serve`?" in done.stderr


def test_a_wrong_setting_is_one_message_without_a_traceback(tmp_path: Path) -> None:
    done = afina("doctor", "--workspace", str(tmp_path), AFINA_PORT="many")
    assert done.returncode == 1
    assert "AFINA_PORT" in done.stderr
    (tmp_path / "afina.toml").write_text("prot = 1\n")
    done = afina("doctor", "--workspace", str(tmp_path))
    assert done.returncode == 1
    assert "Did you mean `port`?" in done.stderr
    assert "Traceback" not in done.stderr


def test_call_prints_the_same_result_as_the_registry(tiny_ws: Workspace) -> None:
    done = afina("call", "list_workspace", '{"kind": "models"}', "--workspace", str(tiny_ws.root))
    assert done.returncode == 0, done.stderr
    context = registry.context_of(tiny_ws, load_settings({"workspace": str(tiny_ws.root)}, {}))
    assert json.loads(done.stdout) == structured(registry.call(context, "list_workspace", {"kind": "models"}))


@pytest.mark.parametrize("flags", [("--workspace", "w"), ("--workspace=w", "--default-model", "tiny")])
@pytest.mark.parametrize("given", ['{"limit": 5}', "-", None])
def test_call_takes_its_words_in_every_order(flags: tuple[str, ...], given: str | None) -> None:
    words = [["call"], ["list_workspace"], *([[given]] if given else [])]
    for place in range(len(words) + 1):
        parsed = parse([word for part in (*words[:place], list(flags), *words[place:]) for word in part])
        assert (parsed.tool, parsed.arguments, parsed.workspace) == ("list_workspace", given, "w")


def test_call_refuses_words_that_are_too_many(capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["list_workspace", "{}", "--workspace", "w", "{}"], ["list_workspace", "--workspace", "w", "--x"]):
        with pytest.raises(SystemExit):
            parse(["call", *words])
        assert "unrecognized arguments" in capsys.readouterr().err


def test_call_reads_arguments_from_stdin(tiny_ws: Workspace) -> None:
    done = afina("--workspace", str(tiny_ws.root), "call", "list_workspace", "-", stdin='{"kind": "runs"}')
    assert json.loads(done.stdout)["runs"] == []


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["list_workspaces"], "not_found", "Did you mean `list_workspace`?"),
        (["list_workspace", '{"kinds": 1}'], "invalid_argument", "Did you mean `kind`?"),
        (["list_workspace", '{"kind": }'], "invalid_argument", "line 1, column 10"),
        (["list_workspace", "[1]"], "invalid_argument", "no object"),
        (["training_status", '{"run": "x"}'], "not_found", "no run named `x`"),
    ],
)
def test_a_failed_call_is_json_on_stderr_and_exit_1(ws: Workspace, arguments: list[str], code: str, told: str) -> None:
    done = afina("call", *arguments, "--workspace", str(ws.root))
    assert done.returncode == 1
    assert done.stdout == ""
    error = json.loads(done.stderr)
    assert error["code"] == code
    assert told in json.dumps(error, ensure_ascii=False)


@pytest.mark.parametrize("text", ['{"a": NaN}', "{", '"a"', "[" * 100_000])
def test_malformed_arguments_are_refused(text: str) -> None:
    with pytest.raises(InvalidArgument):
        read_json_object(text)


def test_call_without_a_tool_lists_them_and_schema_prints_one() -> None:
    listed = afina("call").stdout.splitlines()
    assert len(listed) == len(registry.TOOLS)
    assert listed[0].startswith("prepare_dataset")
    schema = json.loads(afina("call", "list_workspace", "--schema").stdout)
    assert schema["properties"]["limit"]["maximum"] == 200


def test_doctor_says_ready_and_what_to_look_at(ws: Workspace) -> None:
    done = afina("doctor", "--workspace", str(ws.root))
    assert done.returncode == 0, done.stdout
    assert "ok    python: Python 3" in done.stdout
    assert "afina models pull" in done.stdout
    assert done.stdout.splitlines()[-1].startswith("Ready")


def test_doctor_fails_when_an_item_fails(ws: Workspace) -> None:
    done = afina("doctor", "--json", "--workspace", str(ws.root), AFINA_DEVICE="cpu", PATH="/nonexistent")
    assert json.loads(done.stdout)["ready"] is True
    ws.logs.rmdir()
    ws.logs.write_text("in the way")
    done = afina("doctor", "--workspace", str(ws.root))
    assert done.returncode == 1
    assert done.stderr.startswith("afina: ")


def test_the_table_shows_brackets_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    item = Item(item="mlx", state="fail", found="none", fix="pip install 'afina[cpu]'")
    _table(CheckResult(ready=False, version="0", workspace="/w", items=[item], next="check_setup {}"))
    shown = capsys.readouterr().out
    assert "afina[cpu]" in shown
    assert "1 to mend" in shown


def test_models_are_listed_for_people_and_for_programs(tiny_ws: Workspace) -> None:
    lines = afina("models", "list", "--workspace", str(tiny_ws.root)).stdout.splitlines()
    assert lines[0].split("\t")[:2] == ["tiny", "installed"]
    listed = json.loads(afina("models", "list", "--json", "--workspace", str(tiny_ws.root)).stdout)
    assert [model["model"] for model in listed][:2] == ["tiny", "smollm2-135m"]


def test_a_foreign_tools_package_in_the_way_is_passed_over(ws: Workspace, tmp_path: Path) -> None:
    foreign = tmp_path / "project" / "tools"
    foreign.mkdir(parents=True)
    (foreign / "__init__.py").write_text("raise RuntimeError('the wrong tools')\n")
    done = afina("call", "check_setup", "--workspace", str(ws.root), cwd=foreign.parent, PYTHONPATH=str(foreign.parent))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["ready"] is True


def test_a_reader_that_goes_away_ends_the_command_quietly(ws: Workspace) -> None:
    process = subprocess.Popen(
        [*AFINA, "models", "list", "--workspace", str(ws.root)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    told = process.stderr.read()
    process.wait(timeout=60)
    assert "Traceback" not in told
    assert "BrokenPipe" not in told
