"""lm-evaluation-harness reads likelihoods off the endpoint, and they are those that `evaluate` computes."""

from __future__ import annotations

import json
import math
import os
import subprocess
from pathlib import Path

import pytest

from tests.clients.environments import python_environment
from tests.support.running_server import RunningServer
from tools.compute import device
from tools.compute.loading import load_base
from tools.compute.routing import BASE_SLOT, AdapterRouter
from tools.compute.scoring.likelihood import score
from tools.models.pull import pull
from tools.workspace.layout import Workspace

pytestmark = pytest.mark.verify

BASE = "smollm2-135m"
# The last one is answered by the end of the text.
TEXTS = (
    "O farol da ilha de areia acendia-se todas as noites, e a menina contava os barcos com o avô.",
    "Nasceu em Lisboa em 1950. Escreveu três livros sobre o mar e nunca aprendeu a nadar.",
    "What is the capital of Portugal?",
)
TASK = """task: textos
dataset_path: json
dataset_kwargs:
  data_files: {{test: "{path}"}}
test_split: test
output_type: loglikelihood_rolling
doc_to_text: ""
doc_to_target: "{{{{text}}}}"
metric_list:
  - metric: bits_per_byte
  - metric: byte_perplexity
"""


def test_bits_per_byte_are_those_of_evaluate(ws: Workspace, tmp_path: Path) -> None:
    pull(ws, BASE, lambda *_: None)
    with RunningServer(ws, model=BASE) as server:
        theirs = by_harness(server.url, ws.models / BASE, tmp_path)
    assert theirs == pytest.approx(by_evaluate(ws.models / BASE), rel=1e-5)


def by_harness(url: str, folder: Path, home: Path) -> float:
    """Bits per byte as the harness tells them, asking the endpoint for each token's log-probability."""
    texts = home / "texts.jsonl"
    texts.write_text("".join(json.dumps({"text": text}) + "\n" for text in TEXTS), encoding="utf-8")
    (home / "textos.yaml").write_text(TASK.format(path=texts), encoding="utf-8")
    given = {
        "model": BASE,
        "base_url": f"{url}/v1/completions",
        "tokenizer_backend": "huggingface",
        "tokenizer": folder,
        "num_concurrent": 2,
        "max_retries": 1,
    }
    # The API models do without PyTorch.
    environment = python_environment("lm-eval[api]", "0.4.13", "transformers==5.23.0")
    done = subprocess.run(
        [
            *(environment.bin / "lm_eval", "run", "--model", "local-completions"),
            *("--model_args", ",".join(f"{name}={value}" for name, value in given.items())),
            *("--tasks", "textos", "--include_path", home, "--output_path", home / "out"),
        ],
        cwd=home,
        env={"PATH": os.environ["PATH"], "HOME": str(home), "HF_HUB_OFFLINE": "1", "NO_PROXY": "127.0.0.1"},
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (told,) = (home / "out").rglob("results_*.json")
    return json.loads(told.read_text())["results"]["textos"]["bits_per_byte,none"]


def by_evaluate(folder: Path) -> float:
    """The same by the function that evaluations score with, in this process."""
    device.set_up()
    base = load_base(folder)
    start = base.tokenizer.bos_id
    assert start is not None
    items = [[start, *base.tokenizer.encode(text)] for text in TEXTS]
    counted = [(ids, [False] + [True] * (len(ids) - 1)) for ids in items]
    scored = score(AdapterRouter(base.model), BASE_SLOT, counted, lambda *_: None)
    return sum(one.nats for one in scored) / math.log(2) / sum(len(text.encode()) for text in TEXTS)
