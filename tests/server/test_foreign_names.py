"""No path, hub id or address from a request is ever opened: proved by what the interpreter itself reports.

An audit hook sees every file that is opened, every folder that is listed and every connection that is made
in this process, whichever thread does it.
"""

from __future__ import annotations

import os
import shutil
import sys
import sysconfig
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx2
import pytest

import server
from server.app import make_app
from server.settings import Settings
from tests.support.tiny_adapter import make_tiny_adapter
from tests.support.tiny_model import make_tiny_model
from tools.workspace.layout import Workspace

_seen: list[tuple[str, str]] | None = None


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if _seen is None:
        return
    if event in ("open", "os.listdir", "os.scandir", "os.mkdir", "os.rename", "shutil.copytree"):
        if isinstance(arguments[0], str | bytes | os.PathLike):
            _seen.append((event, os.fsdecode(arguments[0])))
    elif event in ("socket.connect", "socket.getaddrinfo", "socket.sendto", "subprocess.Popen"):
        _seen.append((event, str(arguments)))


sys.addaudithook(_hook)


@contextmanager
def watching() -> Iterator[list[tuple[str, str]]]:
    """What is opened, listed and connected to meanwhile."""
    global _seen
    _seen = found = []
    try:
        yield found
    finally:
        _seen = None


@pytest.fixture
def decoy(ws: Workspace) -> Path:
    """A whole model and a whole adapter outside of the workspace, which no request may reach."""
    make_tiny_model(ws)
    make_tiny_adapter(ws, "um")
    outside = ws.root.parent / "outside"
    shutil.copytree(ws.models / "tiny", outside / "decoy")
    shutil.copytree(ws.adapters / "um", outside / "adapters" / "decoy")
    return outside


@pytest.fixture
async def client(ws: Workspace, decoy: Path) -> AsyncIterator[httpx2.AsyncClient]:
    app = make_app(Settings(workspace=ws.root), ws)
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://localhost", timeout=60) as made:
        yield made


def foreign(ws: Workspace, decoy: Path) -> list[str]:
    """Names that would be a path, a repository or an address if anyone took them for one."""
    return [
        "../../etc/passwd",
        "/etc",
        "/etc/passwd",
        "..",
        ".",
        "../outside/decoy",
        "../../outside/decoy",
        str(decoy / "decoy"),
        str(ws.models / "tiny"),
        "./tiny",
        "tiny/",
        "tiny/.",
        "um/../um",
        "um@../../../outside/adapters/decoy",
        f"um@{decoy / 'adapters' / 'decoy'}",
        "um@..",
        "um@step-1/../..",
        "~/afina",
        "$HOME",
        "*",
        "[tu]*",
        "HuggingFaceTB/SmolLM2-135M",
        "http://127.0.0.1:9/model",
        "https://evil.example/model.safetensors",
        "file:///etc/passwd",
        "hf://org/name",
        "\\\\evil.example\\share",
        "tiny\x00",
        "tiny\x00/../../etc",
        "tiny\n",
        "tíny",
        "ｔｉｎｙ",
        "..\u2215..\u2215etc",
        "tiny\u202e",
        "a" * 300,
    ]


def assert_nothing_foreign(found: list[tuple[str, str]], ws: Workspace) -> None:
    """Whatever was opened is the workspace's, or code of ours that is imported when it is first needed."""
    code = [sysconfig.get_path("stdlib"), sysconfig.get_path("purelib"), str(Path(server.__file__).parents[1])]
    ours = [str(ws.root), *code, *(os.path.realpath(place) for place in code)]
    outside = str(ws.root.parent / "outside")
    for event, place in found:
        assert event in ("open", "os.listdir", "os.scandir"), (event, place)
        path = os.path.realpath(place)
        assert any(path == one or path.startswith(one + os.sep) for one in ours), (event, place)
        assert not path.startswith(outside), (event, place)
        assert ".." not in Path(place).parts, (event, place)


@pytest.mark.parametrize("route", ["/v1/chat/completions", "/v1/completions", "/v1/models/"])
async def test_a_models_name_is_never_a_path_or_an_address(
    client: httpx2.AsyncClient, ws: Workspace, decoy: Path, route: str
) -> None:
    bodies: dict[str, dict[str, Any]] = {
        "/v1/chat/completions": {"messages": [{"role": "user", "content": "x"}]},
        "/v1/completions": {"prompt": "x"},
    }
    names = foreign(ws, decoy)
    if route not in bodies:
        # A client leaves a lone dot out of an address, and a route a last line end: other names are left.
        names = [name for name in names if name not in (".", "tiny\n")]
    for name in names:
        with watching() as found:
            if route in bodies:
                answer = await client.post(route, json={"model": name, **bodies[route]})
            else:
                answer = await client.get(route + quote(name, safe=""))
        assert answer.status_code in (400, 404), (name, answer.text)
        assert "error" in answer.json()
        assert_nothing_foreign(found, ws)


async def test_the_watch_sees_what_is_opened(client: httpx2.AsyncClient, ws: Workspace) -> None:
    """The proof above is able to fail: a name that is installed is looked up in the workspace."""
    with watching() as found:
        assert (await client.get("/v1/models/tiny")).status_code == 200
    assert any(place.startswith(str(ws.models)) for _, place in found)
    with watching() as found:
        Path("/etc/hostname").exists()
        Path("/etc/passwd").open().close()
    with pytest.raises(AssertionError):
        assert_nothing_foreign(found, ws)


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1:9/a.png",
        "https://evil.example/a.png",
        "file:///etc/passwd",
        "/etc/passwd",
        "data:image/png;base64,AA",
    ],
)
async def test_an_image_is_refused_and_not_fetched(client: httpx2.AsyncClient, ws: Workspace, address: str) -> None:
    part = {"type": "image_url", "image_url": {"url": address}}
    messages = [{"role": "user", "content": [{"type": "text", "text": "o que é?"}, part]}]
    with watching() as found:
        answer = await client.post("/v1/chat/completions", json={"model": "tiny", "messages": messages})
    assert answer.status_code == 400
    assert answer.json()["error"]["param"].startswith("messages[0].content")
    assert_nothing_foreign(found, ws)


async def test_adapters_in_folders_with_odd_names_are_served_by_nobody_and_break_no_listing(
    client: httpx2.AsyncClient, ws: Workspace
) -> None:
    for name in (".hidden", ".tmp-123", "a\nb", "-x", "ação", "x" * 200):
        shutil.copytree(ws.adapters / "um", ws.adapters / name)
    (ws.adapters / "loop").symlink_to(ws.adapters)
    answer = await client.get("/v1/models")
    assert answer.status_code == 200
    listed = {one["id"] for one in answer.json()["data"]}
    assert {"tiny", "um"} <= listed
    assert not [name for name in listed if name.startswith(".")]
    for name in (".hidden", ".tmp-123"):
        assert (await client.get(f"/v1/models/{quote(name)}")).status_code == 404
