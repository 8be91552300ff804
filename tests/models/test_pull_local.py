"""Pulls from folders and files of this machine, and what names alone can tell."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.support.tiny_adapter import make_tiny_adapter
from tests.support.tiny_model import make_tiny_model
from tools.errors import Conflict, DataError, InvalidArgument, NotFound
from tools.models.catalogue import CatalogueEntry
from tools.models.installed import Installed, ensure_installed_or_explain, list_models, resolve
from tools.models.pull import KIND, pull, start_pull
from tools.models.source import find_source, model_name
from tools.models.tokenizer import Tokenizer
from tools.workspace import jobs
from tools.workspace.layout import MODEL_MARKER, Workspace
from tools.workspace.locks import FileLock


def quiet(done: float, total: float, message: str) -> None:
    assert 0 <= done <= total


def changed(folder: Path, **more: object) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, **more}))


def test_a_full_precision_folder_is_converted_to_four_bits(ws: Workspace, full_folder: Path) -> None:
    info = pull(ws, str(full_folder), quiet)
    assert (info.name, info.quantized_bits, info.source) == ("tiny_full", 4, str(full_folder))
    # Norms stay as they are: a little over 4.5 bits, with a scale and a bias for each 64 weights.
    assert 4.5 <= info.bits < 5.5
    assert Tokenizer.load(ws.models / info.name).encode("olá") == Tokenizer.load(full_folder).encode("olá")
    assert pull(ws, str(full_folder), quiet) == info


def test_a_quantized_folder_is_copied(ws: Workspace, mlx_folder: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(mlx_folder, tmp_path / "Modelo Meu"))
    (folder / "run.py").write_text("raise SystemExit")
    info = pull(ws, str(folder), quiet)
    assert info.name == "modelo-meu"
    installed = ws.models / "modelo-meu"
    assert (installed / "model.safetensors").read_bytes() == (folder / "model.safetensors").read_bytes()
    assert not (installed / "run.py").exists()


def test_a_relative_path_is_taken_from_where_the_caller_is(
    ws: Workspace, mlx_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(mlx_folder.parent)
    job = jobs.wait(ws, start_pull(ws, "./tiny-4bit", as_name="outro").job, KIND, 60)
    job.raise_if_failed()
    assert job.request["name"] == str(mlx_folder)
    assert ws.model_names() == ["outro"]
    # The same again succeeds at once; after its removal it is installed anew.
    assert start_pull(ws, "./tiny-4bit", as_name="outro").job == "pull-outro-2"
    jobs.wait(ws, "pull-outro-2", KIND, 60).raise_if_failed()


def test_a_folder_put_among_the_models_is_taken_in_where_it_stands(ws: Workspace, mlx_folder: Path) -> None:
    folder = Path(shutil.copytree(mlx_folder, ws.models / "meu"))
    with pytest.raises(Conflict, match="not an installed model"):
        pull(ws, str(mlx_folder), quiet, as_name="meu")
    assert pull(ws, str(folder), quiet).name == "meu"
    assert (folder / MODEL_MARKER).is_file()


def test_weights_that_are_not_those_of_the_config_are_refused(ws: Workspace, mlx_folder: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(mlx_folder, tmp_path / "m"))
    changed(folder, num_hidden_layers=5)
    with pytest.raises(DataError, match=r"config\.json describes"):
        pull(ws, str(folder), quiet)
    assert list(ws.models.iterdir()) == []


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda f: (f / "model.safetensors").unlink(), "does not hold a model"),
        (lambda f: (f / "model.safetensors").rename(f / "pytorch_model.bin"), "pickles"),
        (lambda f: (f / "tokenizer.json").unlink(), "does not hold a model"),
        (lambda f: (f / "config.json").unlink(), "does not hold a model"),
        (lambda f: (f / "config.json").write_text("{"), "cannot be read"),
        (lambda f: changed(f, auto_map={"AutoConfig": "x.Y"}), "program code"),
        (lambda f: changed(f, model_file="x.py"), "program code"),
        (lambda f: changed(f, quantization=None, quantization_config={"quant_method": "gptq"}), "other programs"),
    ],
)
def test_what_is_no_model_is_told(ws: Workspace, mlx_folder: Path, tmp_path: Path, spoil: object, message: str) -> None:
    folder = Path(shutil.copytree(mlx_folder, tmp_path / "m"))
    spoil(folder)  # type: ignore[operator]
    with pytest.raises((InvalidArgument, DataError), match=message):
        pull(ws, str(folder), quiet)
    assert list(ws.models.iterdir()) == []


def test_bits_of_a_quantized_model_cannot_be_changed(ws: Workspace, mlx_folder: Path) -> None:
    with pytest.raises(InvalidArgument, match="already has 4 bits"):
        pull(ws, str(mlx_folder), quiet, bits=8)


def test_stopping_from_the_progress_leaves_nothing(ws: Workspace, full_folder: Path) -> None:
    def stop(done: float, total: float, message: str) -> None:
        if message == "Converting the model":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pull(ws, str(full_folder), stop)
    assert list(ws.models.iterdir()) == []
    assert pull(ws, str(full_folder), quiet).name == "tiny_full"


def test_what_a_killed_pull_left_is_removed_by_the_next(ws: Workspace, mlx_folder: Path) -> None:
    left = ws.models / ".tmp-pull-tiny-4bit"
    left.mkdir()
    (left / "model.safetensors").write_bytes(b"half")
    pull(ws, str(mlx_folder), quiet)
    assert [path.name for path in ws.models.iterdir()] == ["tiny-4bit"]


def test_another_source_under_an_installed_name_is_a_conflict(tiny_ws: Workspace, full_folder: Path) -> None:
    with pytest.raises(Conflict, match="from tests"):
        pull(tiny_ws, str(full_folder), quiet, as_name="tiny")


def test_an_adapters_name_is_refused(tiny_ws: Workspace, full_folder: Path) -> None:
    make_tiny_adapter(tiny_ws, "meu")
    with pytest.raises(Conflict, match="name of an adapter"):
        start_pull(tiny_ws, str(full_folder), as_name="meu")


@pytest.mark.parametrize(
    "asked", ["mistrl-7b-instruct-v0.3-4bit", "", "../x/../y z", "a b", "/does/not/exist", "x.gguf"]
)
def test_unknown_models_are_told_with_the_nearest(ws: Workspace, asked: str) -> None:
    with pytest.raises(NotFound) as caught:
        start_pull(ws, asked)
    if asked.startswith("mistrl"):
        assert caught.value.details["nearest"][0] == "mistral-7b-instruct-v0.3-4bit"


def test_a_file_that_is_no_model_is_told(ws: Workspace, tmp_path: Path) -> None:
    (tmp_path / "notas.txt").write_text("x")
    with pytest.raises(InvalidArgument, match="is not a model"):
        find_source(ws, str(tmp_path / "notas.txt"))


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Qwen2.5-7B-Instruct", "qwen2.5-7b-instruct"),
        ("Modelo Ção", "modelo-o"),
        ("..", "modelo"),
        ("a" * 90, "a" * 63),
    ],
)
def test_names_made_from_repositories_can_be_typed(text: str, name: str) -> None:
    assert model_name(text) == name


def test_sources_are_told_apart(ws: Workspace) -> None:
    assert find_source(ws, "smollm2-135m").kind == "default"
    mistral = find_source(ws, "mlx-community/Mistral-7B-Instruct-v0.3-4bit")
    assert (mistral.kind, mistral.name) == ("hub", "mistral-7b-instruct-v0.3-4bit")
    other = find_source(ws, "org/Other-Model", "meu")
    assert (other.kind, other.place, other.name, other.entry) == ("hub", "org/Other-Model", "meu", None)


def test_a_folder_of_the_hubs_cache_is_named_by_its_repository(ws: Workspace, tmp_path: Path) -> None:
    folder = tmp_path / "models--org--Um-Modelo" / "snapshots" / ("a" * 40)
    folder.mkdir(parents=True)
    assert find_source(ws, str(folder)).name == "um-modelo"


def test_a_pull_waits_for_another_of_the_same_model(ws: Workspace, mlx_folder: Path) -> None:
    told: list[str] = []
    other = FileLock.acquire(ws.lock_path("pull-tiny-4bit"))

    def progress(done: float, total: float, message: str) -> None:
        told.append(message)
        # The other ends, having installed the model.
        make_tiny_model(ws, "tiny-4bit")
        write_source(ws.models / "tiny-4bit" / MODEL_MARKER, str(mlx_folder))
        other.release()

    assert pull(ws, str(mlx_folder), progress).quantized_bits is None
    assert told == ["Waiting for another pull of the same model"]


def write_source(marker: Path, source: str) -> None:
    marker.write_text(json.dumps({**json.loads(marker.read_text()), "source": source}))


def test_a_model_resolves_to_what_is_here_or_could_be(tiny_ws: Workspace) -> None:
    here = resolve(tiny_ws, "tiny")
    assert isinstance(here, Installed)
    assert here.folder == tiny_ws.models / "tiny"
    assert isinstance(resolve(tiny_ws, "mlx-community/Mistral-7B-Instruct-v0.3-4bit"), CatalogueEntry)
    with pytest.raises(NotFound, match="tiny"):
        resolve(tiny_ws, "tinny")
    with pytest.raises(NotFound, match=r"afina models pull mistral-7b-instruct-v0\.3-4bit.*4\.1 GB"):
        ensure_installed_or_explain(tiny_ws, "Mistral-7B-Instruct-v0.3-4bit")


def test_the_listing_tells_what_is_here_and_what_is_cut(tiny_ws: Workspace) -> None:
    (tiny_ws.models / ".partial-qwen2.5-7b-instruct-4bit").mkdir()
    make_tiny_model(tiny_ws, "smollm2-135m")
    rows = {row.name: row for row in list_models(tiny_ws)}
    assert [row.state for row in rows.values()][:2] == ["installed", "installed"]
    assert rows["qwen2.5-7b-instruct-4bit"].state == "partial"
    assert rows["llama-3.1-8b-instruct-4bit"].state == "available"
    assert rows["smollm2-135m"].fit == "comfortable"
