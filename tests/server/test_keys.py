"""Keys: made, kept as hashes, known to a running server at once, gone at once."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from server import keys
from server.cli import main
from server.keys import Keyring
from server.security import check_exposure
from server.settings import Settings
from tests.support.running_server import RunningServer
from tools.errors import Conflict, DataError, InvalidArgument, NotFound
from tools.workspace.layout import Workspace, open_workspace


@pytest.fixture(scope="module")
def keyed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server that was started with a key of the environment, and asks for one."""
    ws = open_workspace(tmp_path_factory.mktemp("keyed") / "afina")
    with RunningServer(ws, api_key="do-ambiente") as running:
        yield running


def status(server: RunningServer, key: str | None) -> int:
    headers = {} if key is None else {"authorization": f"Bearer {key}"}
    return server.client.get("/v1/models", headers=headers).status_code


def test_a_key_is_shown_once_and_kept_as_a_hash_that_its_owner_alone_can_read(ws: Workspace) -> None:
    key = keys.add(ws, "celular")
    assert len(key) > 40
    path = ws.root / keys.FILE_NAME
    assert key not in path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [one.name for one in keys.listed(ws)] == ["celular"]


def test_two_keys_differ_in_salt_and_hash(ws: Workspace) -> None:
    assert keys.add(ws, "um") != keys.add(ws, "dois")
    one, two = keys.listed(ws)
    assert one.salt != two.salt
    assert one.hash != two.hash


def test_keys_added_at_the_same_time_are_all_kept(ws: Workspace) -> None:
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda number: keys.add(ws, f"chave-{number}"), range(8)))
    assert len(keys.listed(ws)) == 8


@pytest.mark.parametrize("name", ["", "Um", "../x", "a b", "x" * 64, "environment", "local"])
def test_a_name_that_would_not_do_is_refused(ws: Workspace, name: str) -> None:
    with pytest.raises(InvalidArgument):
        keys.add(ws, name)


def test_a_taken_name_and_an_unknown_one_are_told(ws: Workspace) -> None:
    keys.add(ws, "celular")
    with pytest.raises(Conflict, match="celular"):
        keys.add(ws, "celular")
    with pytest.raises(NotFound, match="celular"):
        keys.remove(ws, "celula")


def test_a_key_opens_a_running_server_at_once_and_closes_it_at_once(keyed: RunningServer) -> None:
    assert status(keyed, "do-ambiente") == 200
    assert status(keyed, None) == 401
    key = keys.add(keyed.ws, "celular")
    other = keys.add(keyed.ws, "portatil")
    assert (status(keyed, key), status(keyed, other), status(keyed, key[:-1])) == (200, 200, 401)
    keys.remove(keyed.ws, "celular")
    assert (status(keyed, key), status(keyed, other)) == (401, 200)
    keys.remove(keyed.ws, "portatil")
    assert (status(keyed, other), status(keyed, "do-ambiente")) == (401, 200)


def test_a_key_opens_each_guarded_route(keyed: RunningServer) -> None:
    key = keys.add(keyed.ws, "prometheus")
    for path in ("/v1/models", "/metrics", "/openapi.json"):
        assert keyed.client.get(path).status_code == 401
        assert keyed.client.get(path, headers={"authorization": f"Bearer {key}"}).status_code == 200
    assert keyed.client.post("/mcp", json={}).status_code == 401
    assert keyed.client.post("/mcp", json={}, headers={"authorization": f"Bearer {key}"}).status_code != 401
    keys.remove(keyed.ws, "prometheus")


def test_the_log_has_the_keys_name_and_never_the_key(keyed: RunningServer) -> None:
    key = keys.add(keyed.ws, "celular")
    for given in (key, "do-ambiente", "errada-de-todo"):
        status(keyed, given)
    keys.remove(keyed.ws, "celular")
    written = "".join(path.read_text() for path in keyed.ws.logs.iterdir())
    assert "client=celular" in written
    assert "client=environment" in written
    for given in (key, "do-ambiente", "errada-de-todo"):
        assert given not in written


def test_the_servers_own_key_is_its_users_alone(keyed: RunningServer) -> None:
    path = keyed.ws.locks / "server.key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert status(keyed, keys.local_key(keyed.ws)) == 200


def test_a_server_that_asked_for_keys_goes_on_asking_when_the_last_one_is_gone(ws: Workspace) -> None:
    ring = Keyring(Settings(workspace=ws.root))
    assert not ring.asks
    key = keys.add(ws, "celular")
    assert ring.asks
    assert ring.name_of(key) == "celular"
    keys.remove(ws, "celular")
    assert ring.asks
    assert ring.name_of(key) is None
    (ws.root / keys.FILE_NAME).unlink()
    assert ring.asks


def test_damaged_keys_open_nothing_and_are_told_at_the_start(ws: Workspace) -> None:
    key = keys.add(ws, "celular")
    ring = Keyring(Settings(workspace=ws.root, api_key="do-ambiente"))
    assert ring.name_of(key) == "celular"
    (ws.root / keys.FILE_NAME).write_text("{")
    assert ring.name_of(key) is None
    assert ring.name_of("do-ambiente") == "environment"
    with pytest.raises(DataError, match="damaged"):
        keys.listed(ws)


def test_a_stored_key_lets_other_machines_in(ws: Workspace) -> None:
    settings = Settings(workspace=ws.root, host="0.0.0.0")
    with pytest.raises(InvalidArgument, match="no key"):
        check_exposure(settings)
    keys.add(ws, "celular")
    check_exposure(settings)


def test_the_commands_make_list_and_remove_keys(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = ["--workspace", str(tmp_path)]
    assert main(["keys", "add", "celular", *place]) == 0
    told = capsys.readouterr()
    key = told.out.strip()
    assert "shown this once" in told.err
    assert Keyring(Settings(workspace=tmp_path)).name_of(key) == "celular"
    assert main(["keys", "list", "--json", *place]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert [one["name"] for one in listed] == ["celular"]
    assert set(listed[0]) == {"name", "created"}
    assert main(["keys", "remove", "celular", *place]) == 0
    assert main(["keys", "remove", "celular", *place]) == 1
    assert "no key named `celular`" in capsys.readouterr().err
