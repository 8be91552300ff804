"""The process that evaluates: one base in memory, each adapter beside it in a slot.

A job child (`python -m tools.compute.scoring.worker WORKSPACE JOB`); its result is the report.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tools.compute import device
from tools.compute.generation import Delta, Failed, Finished, GenerationRequest, Generator
from tools.compute.loading import load_base
from tools.compute.lora import read_adapter
from tools.compute.routing import BASE_SLOT, AdapterRouter
from tools.compute.scoring.likelihood import Scored, score
from tools.compute.scoring.material import Item, pick_questions, question_prompt, test_items
from tools.errors import MachineError
from tools.evaluate.report import Answered, Likelihoods, write_report
from tools.models.info import load_info
from tools.models.precision import choose_precision, resident_bytes
from tools.prepare_dataset.reading_back import Dataset, Question, open_dataset
from tools.workspace import jobs, ledger
from tools.workspace.jobs import Progress
from tools.workspace.layout import Workspace
from tools.workspace.machine import GB

ANSWER_TOKENS = 48
# Logits of a batch in float32, key-value caches and adapters, beside the weights.
_WORKING_BYTES = int(1.2 * GB)
_POLL_S = 0.3


class Evaluation:
    """One base, its adapters by model id, and the material to measure them on."""

    def __init__(self, ws: Workspace, request: dict[str, Any], progress: Progress) -> None:
        self.request, self.progress = request, progress
        self.dataset: Dataset = open_dataset(ws.dataset_folder(request["dataset"]))
        base = load_base(ws.model_folder(request["model"]))
        self.tokenizer = base.tokenizer
        self.router = AdapterRouter(base.model)
        self.slots = {request["model"]: BASE_SLOT}
        self.zeros: set[str] = set()
        for name in request["adapters"]:
            # A zero adapter is measured as what it is: no change.
            adapter = read_adapter(ws.adapter_folder(name), base.info, allow_zero=True)
            self.slots[name] = self.router.load(adapter)
            if adapter.is_zero:
                self.zeros.add(name)

    def likelihoods(self, items: Sequence[Item]) -> Likelihoods:
        nats: dict[str, list[Scored]] = {}
        for number, (model, slot) in enumerate(self.slots.items()):

            def told(done: int, total: int, at: int = number, name: str = model) -> None:
                self.progress(at * total + done, len(self.slots) * total, f"Scoring the test rows with {name}")

            nats[model] = score(self.router, slot, [(item.ids, item.scored) for item in items], told)
        return Likelihoods(
            nats={model: [scored.nats for scored in found] for model, found in nats.items()},
            tokens=[scored.tokens for scored in next(iter(nats.values()))],
            sizes=[item.size for item in items],
            documents=[item.document for item in items],
        )

    def answers(self, questions: Sequence[Question]) -> dict[str, list[Answered]]:
        """The greedy answers of every model, base and adapters in one batch."""
        generator = Generator(self.router, self.tokenizer)
        text: dict[int, str] = {}
        keys: dict[int, tuple[str, Question]] = {}
        for question in questions:
            prompt = question_prompt(self.dataset, self.tokenizer, question)
            for model, slot in self.slots.items():
                request = GenerationRequest(prompt, max_tokens=ANSWER_TOKENS, slot=slot, stop=("\n###",))
                uid = generator.add(request)
                keys[uid], text[uid] = (model, question), ""
        done = 0
        while len(generator):
            for event in generator.step():
                if isinstance(event, Delta):
                    text[event.uid] += event.text
                elif isinstance(event, Failed):
                    raise MachineError("The model could not answer a question.") from event.error
                elif isinstance(event, Finished):
                    done += 1
                    self.progress(done, len(keys), "Answering the questions")
        answers: dict[str, list[Answered]] = {model: [] for model in self.slots}
        for uid, (model, question) in keys.items():
            answers[model].append(Answered(question, text[uid].strip()))
        return answers


def evaluate(ws: Workspace, request: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Measure and write the report; returns its JSON."""
    holder = f"evaluate-{request['evaluation']}"
    info = load_info(ws.model_folder(request["model"]))
    predicted = resident_bytes(info, choose_precision(info, "serve")) + _WORKING_BYTES
    lock: Path = jobs.lock_path(ws, request["evaluation"])
    while blocking := ledger.claim(ws, holder, "evaluation", predicted, lock):
        progress(0, 1, f"Waiting for memory held by {', '.join(entry.holder for entry in blocking)}")
        time.sleep(_POLL_S)
    try:
        progress(0, 1, "Loading the model")
        device.set_up()
        evaluation = Evaluation(ws, request, progress)
        likelihoods = answers = None
        if "likelihood" in request["metrics"]:
            likelihoods = evaluation.likelihoods(
                test_items(evaluation.dataset, evaluation.tokenizer, request["max_items"])
            )
        if "questions" in request["metrics"]:
            answers = evaluation.answers(pick_questions(evaluation.dataset, request["max_items"]))
        return write_report(ws, request, likelihoods, answers, evaluation.zeros)
    finally:
        ledger.release(ws, holder)


if __name__ == "__main__":
    jobs.run_job(evaluate)
