"""What may be read: the workspace, the home, the sample material and the folders that were named; nothing hidden."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from server.settings import load_settings
from tools.errors import DataError, InvalidArgument
from tools.prepare_dataset.contract import PrepareArgs
from tools.prepare_dataset.roots import Roots
from tools.prepare_dataset.sources import find_sources
from tools.prepare_dataset.tool import prepare_dataset
from tools.workspace.layout import Workspace

SAMPLE = Path(__file__).parents[2] / "clients" / "sample"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    place = tmp_path / "casa"
    place.mkdir()
    monkeypatch.setenv("HOME", str(place))
    return place


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    return written(tmp_path / "fora" / "segredo.txt")


def written(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("texto", encoding="utf-8")
    return path


def refusal(roots: Roots, path: Path | str) -> str:
    with pytest.raises(DataError) as caught:
        find_sources([str(path)], roots)
    assert len(caught.value.problems) == 1
    return str(caught.value.problems[0])


def test_home_workspace_sample_and_named_folders_may_be_read(ws: Workspace, home: Path, outside: Path) -> None:
    roots = Roots(ws, [outside.parent])
    places = [written(home / "livros" / "a.txt"), written(ws.root / "notas" / "b.txt"), outside, SAMPLE / "livros"]
    for place in places:
        assert find_sources([str(place)], roots)[0]
    assert find_sources(["~/livros/a.txt"], roots)[0]


def test_all_else_is_refused_with_what_to_do(ws: Workspace, home: Path, outside: Path) -> None:
    roots = Roots(ws, [])
    for place in (outside, outside.parent, outside.parent / "*.txt", outside.parent / "falta.txt", "/etc/passwd", "/"):
        told = refusal(roots, place)
        assert f"{place}: It lies outside the folders that Afina may read." in told
        assert "AFINA_ALLOWED_ROOTS" in told
        assert "allowed_roots" in told


def test_what_lies_outside_is_not_told_to_exist_or_not(ws: Workspace, home: Path, outside: Path) -> None:
    there, missing = outside, outside.with_name("sagredo.txt")
    roots = Roots(ws, [])
    assert refusal(roots, there).replace(str(there), "") == refusal(roots, missing).replace(str(missing), "")


def test_links_and_dots_lead_nowhere_else(ws: Workspace, home: Path, outside: Path) -> None:
    (home / "atalho.txt").symlink_to(outside)
    (home / "pasta").symlink_to(outside.parent, target_is_directory=True)
    roots = Roots(ws, [])
    assert "outside" in refusal(roots, home / "atalho.txt")
    assert "It is a link. It lies outside" in refusal(roots, home / "*.txt")
    assert "outside" in refusal(roots, home / "pasta")
    assert "outside" in refusal(roots, home / "pasta" / "segredo.txt")
    assert "outside" in refusal(roots, home / ".." / "fora" / "segredo.txt")
    assert find_sources([str(home / "atalho.txt")], Roots(ws, [outside.parent]))[0]


@pytest.mark.parametrize("name", [".ssh/chave.txt", ".notas.txt", "projeto/.git/descricao.txt"])
def test_what_is_hidden_at_home_is_private_unless_its_folder_is_named(ws: Workspace, home: Path, name: str) -> None:
    place = written(home / name)
    told = refusal(Roots(ws, []), place)
    assert "It is private" in told
    assert "AFINA_ALLOWED_ROOTS" in told
    if place.parent != home:
        assert find_sources([str(place)], Roots(ws, [place.parent]))[0]


def test_a_home_that_is_the_whole_disk_opens_nothing(
    ws: Workspace, outside: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/")
    assert "outside" in refusal(Roots(ws, []), outside)


def test_the_tool_refuses_before_it_does_anything(tiny_ws: Workspace, home: Path, outside: Path) -> None:
    args = PrepareArgs(sources=[str(outside)], name="fora")
    with pytest.raises(DataError, match="outside the folders"):
        prepare_dataset(tiny_ws, args, default_model="tiny", allowed_roots=[])


def test_the_settings_name_folders_as_path_does_or_in_a_list(tmp_path: Path) -> None:
    wanted = (Path("/textos"), Path.home() / "livros")
    flags = {"workspace": str(tmp_path)}
    assert load_settings(flags, {"AFINA_ALLOWED_ROOTS": "/textos:~/livros"}).roots == wanted
    (tmp_path / "afina.toml").write_text('allowed_roots = ["/textos", "~/livros"]\n')
    assert load_settings(flags, {}).roots == wanted
    with pytest.raises(InvalidArgument, match="written in full"):
        load_settings(flags, {"AFINA_ALLOWED_ROOTS": "livros"})


def test_whoever_types_a_command_may_name_what_lies_about_them(tiny_ws: Workspace, home: Path, outside: Path) -> None:
    call = [sys.executable, "-P", "-m", "server.cli", "--workspace", str(tiny_ws.root), "call", "prepare_dataset"]
    environment = {**os.environ, "AFINA_ALLOWED_ROOTS": ""}
    here = outside.parent
    for folder, source, told in (
        (here, "falta.txt", "It does not exist."),
        (here, "../outro.txt", "It lies outside"),
        (Path("/"), str(outside), "It lies outside"),
    ):
        sources = json.dumps({"sources": [source]})
        done = subprocess.run(
            [*call, sources], cwd=folder, env=environment, capture_output=True, text=True, check=False
        )
        assert told in done.stderr
