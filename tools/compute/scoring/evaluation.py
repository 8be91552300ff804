"""One base in memory, each adapter beside it in a slot, and all that is measured of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tools.compute.generation import GenerationRequest, Generator
from tools.compute.loading import load_base
from tools.compute.lora import read_adapter
from tools.compute.routing import BASE_SLOT, AdapterRouter
from tools.compute.scoring import material
from tools.compute.scoring.choices import score_options
from tools.compute.scoring.likelihood import Scored, score
from tools.compute.scoring.material import Item, Passage
from tools.compute.scoring.writing import write
from tools.evaluate.copying import given_back, longest_runs
from tools.evaluate.items import spread
from tools.evaluate.measured import Asked, Continued, Form, Repeated, Texts
from tools.evaluate.probes import options, unanswerable
from tools.models.sampling import GREEDY, Sampling
from tools.prepare_dataset.contract import Split
from tools.prepare_dataset.reading_back import Dataset, Question, open_dataset
from tools.workspace.jobs import Progress
from tools.workspace.layout import Workspace

ANSWER_TOKENS = 48
OPENING_TOKENS, GOING_ON_TOKENS = 32, 64
_PASSAGES: tuple[tuple[Split, int], ...] = (("train", 12), ("test", 4))
_UNANSWERABLE = 12
_CHOICES = 60
_REPEATED = 8
# How the same question is asked again: once greedily, then at these temperatures and seeds.
_AGAIN = ((0.3, 1), (0.7, 2), (1.0, 3))
_STOP = ("\n###",)


class Evaluation:
    """Raises what is wrong with the base, an adapter or the dataset."""

    def __init__(self, ws: Workspace, request: dict[str, Any], progress: Progress) -> None:
        self.progress, self.most = progress, int(request["max_items"])
        self.dataset: Dataset = open_dataset(ws.dataset_folder(request["dataset"]))
        base = load_base(ws.model_folder(request["model"]))
        self.tokenizer = base.tokenizer
        self.router = AdapterRouter(base.model)
        self.slots = {request["model"]: BASE_SLOT}
        self.zeros: list[str] = []
        for name in request["adapters"]:
            # A zero adapter is measured as what it is: no change.
            adapter = read_adapter(ws.adapter_folder(name), base.info, allow_zero=True)
            self.slots[name] = self.router.load(adapter)
            if adapter.is_zero:
                self.zeros.append(name)

    # Likelihood -------------------------------------------------------------------------------

    def unseen(self) -> Texts:
        return self._texts(material.row_items(self.dataset, "test", self.tokenizer, self.most), "unseen rows")

    def trained(self) -> Texts:
        return self._texts(material.row_items(self.dataset, "train", self.tokenizer, self.most), "trained rows")

    def general(self) -> dict[str, Texts]:
        return {
            language: self._texts(material.general_items(language, self.tokenizer), "general text")
            for language in material.GENERAL
        }

    def _texts(self, items: Sequence[Item], what: str) -> Texts:
        nats: dict[str, list[Scored]] = {}
        for number, (model, slot) in enumerate(self.slots.items()):

            def told(done: int, total: int, at: int = number, name: str = model) -> None:
                self.progress(at * total + done, len(self.slots) * total, f"Scoring {what} with {name}")

            nats[model] = score(self.router, slot, [(item.ids, item.scored) for item in items], told)
        return Texts(
            nats={model: [scored.nats for scored in found] for model, found in nats.items()},
            tokens=[scored.tokens for scored in next(iter(nats.values()))],
            sizes=[item.size for item in items],
            documents=[item.document for item in items],
            sources=[item.source for item in items],
        )

    # Questions --------------------------------------------------------------------------------

    def asked(self) -> list[Asked]:
        every = self.dataset.questions()
        known = spread(every, self.most)
        strangers = unanswerable(known, min(_UNANSWERABLE, self.most))
        found = [
            *(Asked(question=one, form=_form(one), answers={}) for one in known),
            *(Asked(question=one, form="unanswerable", answers={}) for one in strangers),
        ]
        prompts = [material.question_prompt(self.dataset, self.tokenizer, one.question) for one in found]
        answers = write(
            Generator(self.router, self.tokenizer),
            {
                (number, model): GenerationRequest(prompt, ANSWER_TOKENS, slot, stop=_STOP)
                for number, prompt in enumerate(prompts)
                for model, slot in self.slots.items()
            },
            self._telling("Answering the questions"),
        )
        for number, one in enumerate(found):
            one.answers = {model: answers[number, model] for model in self.slots}
        self._choose([one for one in found if one.form != "unanswerable"], every)
        return found

    def _choose(self, known: Sequence[Asked], every: Sequence[Question]) -> None:
        """Score the right answer among others of its kind, where there are such."""
        for one in known:
            one.options = options(one.question, every, self.dataset.language)
        chosen = spread([one for one in known if one.options], min(_CHOICES, self.most))
        for one in known:
            if one not in chosen:
                one.options = []
        for done, one in enumerate(chosen):
            prompt = material.question_prompt(self.dataset, self.tokenizer, one.question)
            ids = [self.tokenizer.encode(option) for option in one.options]
            one.nats = {model: score_options(self.router, slot, prompt, ids) for model, slot in self.slots.items()}
            self.progress(done + 1, len(chosen), "Choosing among answers")

    # Passages ---------------------------------------------------------------------------------

    def continued(self) -> list[Continued]:
        found = [(one, split == "train") for split, count in _PASSAGES for one in self._passages(split, count)]
        texts = write(
            Generator(self.router, self.tokenizer),
            {
                (number, model): GenerationRequest(one.prompt, GOING_ON_TOKENS, slot)
                for number, (one, _) in enumerate(found)
                for model, slot in self.slots.items()
            },
            self._telling("Going on with passages"),
        )
        ids = {key: self.tokenizer.encode(text) for key, text in texts.items()}
        runs = dict(zip(ids, longest_runs(list(ids.values()), self._taught()), strict=True))
        return [self._continued(number, one, trained, texts, ids, runs) for number, (one, trained) in enumerate(found)]

    def _passages(self, split: Split, count: int) -> list[Passage]:
        most = min(count, self.most)
        return material.passages(self.dataset, split, self.tokenizer, most, OPENING_TOKENS, GOING_ON_TOKENS)

    def _taught(self) -> Any:
        return material.told_texts(self.dataset, "train", self.tokenizer)

    def _continued(
        self,
        number: int,
        one: Passage,
        trained: bool,
        texts: dict[tuple[int, str], str],
        ids: dict[tuple[int, str], list[int]],
        runs: dict[tuple[int, str], int],
    ) -> Continued:
        reference = self.tokenizer.encode(self.tokenizer.decode(one.reference).strip())
        return Continued(
            document=one.row.document,
            source=one.row.source,
            trained=trained,
            opening=one.opening,
            reference=self.tokenizer.decode(one.reference),
            texts={model: texts[number, model] for model in self.slots},
            longest={model: runs[number, model] for model in self.slots},
            extracted={model: given_back(ids[number, model], reference) for model in self.slots},
        )

    def repeated(self) -> list[Repeated]:
        questions = spread(self.dataset.questions(), min(_REPEATED, self.most))
        ways = [GREEDY, *(Sampling(temperature=temperature, seed=seed) for temperature, seed in _AGAIN)]
        answers = write(
            Generator(self.router, self.tokenizer),
            {
                (number, model, way): GenerationRequest(prompt, ANSWER_TOKENS, slot, sampling=sampling, stop=_STOP)
                for number, one in enumerate(questions)
                for prompt in [material.question_prompt(self.dataset, self.tokenizer, one)]
                for model, slot in self.slots.items()
                for way, sampling in enumerate(ways)
            },
            self._telling("Asking again"),
        )
        return [
            Repeated(
                question=one.question,
                answers={model: [answers[number, model, way] for way in range(len(ways))] for model in self.slots},
            )
            for number, one in enumerate(questions)
        ]

    def _telling(self, message: str) -> Callable[[int, int], None]:
        return lambda done, total: self.progress(done, total, message)


def _form(question: Question) -> Form:
    return "held_out" if question.split in ("valid", "test") else "seen"
