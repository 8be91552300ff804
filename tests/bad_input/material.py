"""Files that are wrong in every way, and a workspace that holds something of each kind, whole and damaged."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

from tests.support.tiny_adapter import make_tiny_adapter
from tests.support.tiny_model import make_tiny_model
from tools.prepare_dataset.contract import PrepareArgs
from tools.prepare_dataset.tool import prepare_dataset
from tools.start_finetune.contract import StartArgs
from tools.start_finetune.tool import start_finetune
from tools.workspace import runs
from tools.workspace.layout import Workspace, open_workspace

SAMPLE = Path(__file__).parents[2] / "clients" / "sample"
BINARY = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(range(256)) * 4


def write_material(folder: Path) -> Path:
    """One file for each way in which a source can be wrong, and two that are right."""
    folder.mkdir()
    texts = {
        "bom.txt": "O farol acendia-se todas as noites.\n\n" * 3,
        "so-espacos.md": " \n\t\n\n",
        "curto.txt": "Uma frase.",
        "sem-extensao": "texto",
        "livro.mobi": "BOOKMOBI",
        ".segredo/chave.txt": "uma chave",
        "desigual.csv": "época,equipa,pontos\n2001,A,10\n2002,B\n",
        "aspas.csv": 'época,equipa\n2001,"A\n2002,B\n',
        "so-cabecalho.csv": "época,equipa,pontos\n",
        "partido.jsonl": '{"text": "uma linha inteira"}\n{"text": "a linha que\n',
        "tipos.jsonl": '{"prompt": "Quem?", "completion": 5}\n',
        "chaves.jsonl": '{"promt": "Quem?", "completion": "O avô."}\n',
        "lista.jsonl": '["a"]\n',
        "python.jsonl": "{'text': 'uma linha'}\n",
        "tabela.jsonl": "prompt,completion\nQuem?,O avô.\n",
        "virgula.json": '[{"text": "uma linha"},\n{"text": "outra mais"},\n]\n',
        "chamada.json": """{"messages": [
{"role": "user", "content": "Está aceso?"},
{"role": "assistant", "content": null, "tool_calls": [
  {"id": "1", "type": "function", "function": {"name": "estado", "arguments": "{}"}}]},
{"role": "assistant", "content": "Está."}
]}
""",
        "papeis.jsonl": '{"messages": [{"role": "chefe", "content": "olá"}]}\n',
    }
    (folder / ".segredo").mkdir()
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    (folder / "vazio.txt").write_bytes(b"")
    (folder / "binario.txt").write_bytes(BINARY)
    (folder / "binario.csv").write_bytes(BINARY)
    (folder / "binario.jsonl").write_bytes(BINARY)
    (folder / "estragado.txt").write_bytes(("Não há coração que não são.\n" * 40).encode() + b"linha \xff\xfe fim\n")
    (folder / "meio-utf16.txt").write_bytes("olá mundo".encode("utf-16") + b"\xd8")
    os.mkfifo(folder / "cano.txt")
    (folder / "nada").mkdir()
    (folder / "fora").mkdir()
    (folder / "fora" / "atalho.txt").symlink_to("/etc/hostname")
    (folder / "atalho-fora.txt").symlink_to("/etc/hostname")
    (folder / "solto.txt").symlink_to(folder / "nao-existe.txt")
    return folder


def make_workspace(root: Path) -> Workspace:
    """The model `tiny`; datasets, adapters and runs that are whole, and others that somebody has damaged."""
    ws = open_workspace(root)
    make_tiny_model(ws)
    make_tiny_model(ws, "outra", seed=5)
    _prepare(ws, "livros", SAMPLE / "livros")
    few = root.parent / "pouco.jsonl"
    few.write_text("".join(f'{{"text": "A frase número {n} fala do farol e do mar."}}\n' for n in range(3)))
    _prepare(ws, "pouco", few, valid_fraction=0, test_fraction=0)
    _damage_models(ws)
    _damage_datasets(ws)
    _make_adapters(ws)
    _make_runs(ws)
    return ws


def _prepare(ws: Workspace, name: str, source: Path, **more: object) -> None:
    args = PrepareArgs.model_validate({"sources": [str(source)], "name": name, **more})
    assert prepare_dataset(ws, args, default_model="tiny").state == "succeeded"


def _damage_models(ws: Workspace) -> None:
    """`estragada`: its marker is binary. `sem-fichas`: its tokenizer is. `sem-matriz`: its weights are."""
    files = {"estragada": "afina.json", "sem-fichas": "tokenizer.json", "sem-matriz": "model.safetensors"}
    for seed, (name, file) in enumerate(files.items(), 11):
        (make_tiny_model(ws, name, seed=seed) / file).write_bytes(BINARY)


def _damage_datasets(ws: Workspace) -> None:
    """`binario`: its card is binary. `sem-modelo`: its card lacks a field. `mudado`: rows were added by hand."""
    whole = ws.dataset_folder("livros")
    card = json.loads((whole / "card.json").read_text())
    for name in ("binario", "sem-modelo", "mudado"):
        shutil.copytree(whole, ws.data / name / whole.name)
        own = {key: value for key, value in card.items() if (name, key) != ("sem-modelo", "model")}
        (ws.data / name / whole.name / "card.json").write_text(json.dumps({**own, "name": name}))
    (ws.data / "binario" / whole.name / "card.json").write_bytes(BINARY)
    for split in ("train", "test"):
        with (ws.data / "mudado" / whole.name / f"{split}.jsonl").open("a") as file:
            file.write('{"text": "mais"}\n')


def _make_adapters(ws: Workspace) -> None:
    """`um` is whole; `alheio` is of another base, `orfao` of one that is not there; the others are damaged."""
    dataset = f"livros@{ws.dataset_folder('livros').name}"
    make_tiny_adapter(ws, "alheio", fingerprint="0123456789abcdef")
    make_tiny_adapter(ws, "de-outra", base="outra")
    make_tiny_adapter(ws, "binario", seed=3)
    make_tiny_adapter(ws, "sem-campos", seed=4)
    make_tiny_adapter(ws, "sem-pesos", seed=5)
    make_tiny_adapter(ws, "orfao", seed=6)
    make_tiny_adapter(ws, "um")
    for name in ws.adapter_names():
        marker = ws.adapter_folder(name) / "afina.json"
        described = {**json.loads(marker.read_text()), "dataset": dataset}
        if name == "orfao":
            described["base"] = {"name": "perdida", "fingerprint": "0" * 16}
        marker.write_text(json.dumps(described))
    (ws.adapter_folder("binario") / "afina.json").write_bytes(BINARY)
    (ws.adapter_folder("sem-campos") / "afina.json").write_text('{"name": "sem-campos"}')
    (ws.adapter_folder("sem-pesos") / "adapters.safetensors").write_bytes(BINARY)


def _make_runs(ws: Workspace) -> None:
    plan = start_finetune(ws, StartArgs(dataset="livros", dry_run=True), default_model="tiny").plan
    dataset = f"livros@{ws.dataset_folder('livros').name}"
    for name, state in (("feito-20261124-1", "succeeded"), ("parado-20261124-1", "interrupted")):
        row = runs.Run(
            run=name, name=name.partition("-")[0], state=state, dataset=dataset, model="tiny",
            plan=plan.model_dump(mode="json"), step=3, steps=9, asked=None, error=None, adapter=None,
            created=1.0, updated=1.0,
        )  # fmt: skip
        assert runs.insert(ws, row, None)
