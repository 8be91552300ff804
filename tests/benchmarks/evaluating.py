"""evaluate's scoring of a base and an adapter from one loaded model: tokens through the model, and peak memory.

The peers are what cannot be done without: each token of each text through the model once for the base and once
for the adapter, and the memory that the base alone takes to be scored.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import mlx.core as mx

from server.settings import sample_folder
from tests.benchmarks.decoding import random_adapters
from tests.benchmarks.generation import SHAPE
from tests.benchmarks.material import books
from tests.benchmarks.measurement import Bench, Measurement, run_child
from tests.support.counting import count_tokens
from tools.compute import device
from tools.compute.loading import load_base
from tools.compute.routing import BASE_SLOT, AdapterRouter
from tools.compute.scoring.choices import score_options
from tools.compute.scoring.likelihood import score
from tools.compute.scoring.material import row_items
from tools.evaluate.forms import own_questions
from tools.evaluate.items import spread
from tools.evaluate.probes import options
from tools.models.serving import question_ids
from tools.models.tokenizer import Tokenizer
from tools.prepare_dataset.contract import PrepareArgs
from tools.prepare_dataset.reading_back import Dataset, open_dataset
from tools.prepare_dataset.tool import prepare_dataset

# Scores what it was made of under the adapter of a slot.
Scoring = Callable[[int], object]


def measure(bench: Bench) -> Iterator[Measurement]:
    device.set_up()
    base = load_base(bench.folder, "serve")
    router = AdapterRouter(base.model)
    cases = _cases(bench, router, base.tokenizer)
    alone = {name: _peak(lambda scoring=scoring: scoring(BASE_SLOT)) for name, (scoring, _) in cases.items()}
    slot = router.load(random_adapters(base.model, SHAPE, 1)[0])
    for name, (scoring, needed) in cases.items():
        with count_tokens(base.model) as counted:
            both = _peak(lambda scoring=scoring: (scoring(BASE_SLOT), scoring(slot)))
        yield Measurement(
            "evaluating", f"tokens, {name}", "tokens", counted.tokens, 2 * needed, "each token once a model",
            lower_is_better=True, notes=f"{counted.tokens / (2 * needed):.3f} times what is needed",
        )  # fmt: skip
        yield Measurement(
            "evaluating", f"peak memory, {name}", "GB", both / 1e9, alone[name] / 1e9, "the base alone",
            lower_is_better=True, notes=f"{both / alone[name]:.3f} times one model's",
        )  # fmt: skip


def _cases(bench: Bench, router: AdapterRouter, tokenizer: Tokenizer) -> dict[str, tuple[Scoring, int]]:
    """What is scored, and the tokens that have to go through the model for it."""
    rows, tokens = (8, 1100) if bench.quick else (24, 1600)
    dataset = _sample(bench)
    answers = [(item.ids, item.scored) for item in row_items(dataset, "train", tokenizer, rows, tokenizer)]
    book = tokenizer.encode(books())[:tokens]
    texts = {f"{rows} rows": answers, f"a text of {tokens} tokens": [(book, [True] * len(book))]}
    found: dict[str, tuple[Scoring, int]] = {}
    for name, given in texts.items():
        # The last token of a text is read by nothing.
        needed = sum(len(ids) - 1 for ids, _ in given)
        found[name] = lambda slot, given=given: score(router, slot, given, lambda *_: None), needed
    found[f"choices of {rows // 4} questions"] = _choices(dataset, router, tokenizer, rows // 4)
    return found


def _choices(dataset: Dataset, router: AdapterRouter, tokenizer: Tokenizer, most: int) -> tuple[Scoring, int]:
    every = own_questions(dataset)
    asked = [
        (question_ids(tokenizer, one.question, None), [tokenizer.encode(option) for option in offered])
        for one in spread(every, most)
        if (offered := options(one, every, dataset.language))
    ]
    needed = sum(len(prompt) + sum(len(option) - 1 for option in offered) for prompt, offered in asked)
    return lambda slot: [score_options(router, slot, prompt, offered) for prompt, offered in asked], needed


def _sample(bench: Bench) -> Dataset:
    """The sample as conversations."""
    given = PrepareArgs(sources=[str(sample_folder())], name="amostra-chat", format="chat", max_tokens=512)
    result = prepare_dataset(bench.ws, given, default_model=bench.model)
    while result.state in ("queued", "running"):
        result = prepare_dataset(bench.ws, PrepareArgs(job=result.job), default_model=bench.model)
    return open_dataset(bench.ws.dataset_folder(f"{result.dataset}@{result.version}"))


def _peak(work: Callable[[], object]) -> int:
    mx.clear_cache()
    mx.reset_peak_memory()
    work()
    return int(mx.get_peak_memory())


if __name__ == "__main__":
    run_child(measure)
