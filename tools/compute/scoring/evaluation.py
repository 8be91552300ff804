"""One base in memory, adapters beside it in slots, and all that is measured of them.

Each model is asked as the endpoint asks it (`tools.models.serving`), the base as its first adapter is,
so that both read the same prompts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tools.compute.generation import GenerationRequest, Generator
from tools.compute.loading import load_base
from tools.compute.lora import read_adapter
from tools.compute.routing import BASE_SLOT, AdapterRouter
from tools.compute.scoring import material
from tools.compute.scoring.choices import score_options
from tools.compute.scoring.likelihood import WINDOW, Scored, score
from tools.compute.scoring.material import Item, Opening, Passage
from tools.compute.scoring.writing import write
from tools.evaluate.copying import given_back, longest_runs
from tools.evaluate.forms import own_questions, questions_asked
from tools.evaluate.items import spread
from tools.evaluate.measured import Asked, Continued, Repeated, Texts
from tools.evaluate.probes import options
from tools.evaluate.request import LISTED_BY, Group
from tools.models.naming import find_model
from tools.models.sampling import GREEDY, Sampling
from tools.models.serving import Serving, question_ids
from tools.models.tokenizer import Tokenizer
from tools.prepare_dataset.contract import Split
from tools.prepare_dataset.reading_back import Dataset, Question
from tools.workspace.jobs import Progress
from tools.workspace.layout import Workspace

ANSWER_TOKENS = 48
OPENING_TOKENS, GOING_ON_TOKENS = 32, 64
_PASSAGES: tuple[tuple[Split, int], ...] = (("train", 12), ("test", 4))
_CHOICES = 60
_REPEATED = 8
# How the same question is asked again: once greedily, then at these temperatures and seeds.
_AGAIN = ((0.3, 1), (0.7, 2), (1.0, 3))


class Evaluation:
    """The models of a group. chooser: the tokenizer of the first base, by which rows are chosen for all.

    Raises what is wrong with the base, an adapter or the dataset.
    """

    def __init__(self, ws: Workspace, dataset: Dataset, group: Group, chooser: Tokenizer, progress: Progress) -> None:
        self.dataset, self.chooser, self.progress, self.most = dataset, chooser, progress, group.max_items
        base = load_base(ws.model_folder(group.base))
        self.tokenizer = base.tokenizer
        self.router = AdapterRouter(base.model)
        self.window = min(WINDOW, base.info.max_positions)
        self.slots = {group.base: BASE_SLOT} if group.with_base else {}
        self.zeros: list[str] = []
        asked: dict[str, Serving | None] = {}
        for name in group.adapters:
            named = find_model(ws, name, "adapter", LISTED_BY)
            assert named.adapter is not None
            # A zero adapter is measured as what it is: no change.
            adapter = read_adapter(named.adapter.folder, base.info, allow_zero=True)
            self.slots[name] = self.router.load(adapter)
            asked[name] = named.serving
            if adapter.is_zero:
                self.zeros.append(name)
        self.serving = {group.base: next(iter(asked.values()), base.info.serving), **asked}

    # Likelihood -------------------------------------------------------------------------------

    def unseen(self) -> Texts:
        return self._texts(self._rows("test"), "unseen rows")

    def trained(self) -> Texts:
        return self._texts(self._rows("train"), "trained rows")

    def general(self) -> dict[str, Texts]:
        return {
            language: self._texts(material.general_items(language, self.tokenizer), "general text")
            for language in material.GENERAL
        }

    def _rows(self, split: Split) -> list[Item]:
        return material.row_items(self.dataset, split, self.tokenizer, self.most, self.chooser)

    def _texts(self, items: Sequence[Item], what: str) -> Texts:
        nats: dict[str, list[Scored]] = {}
        for number, (model, slot) in enumerate(self.slots.items()):

            def told(done: int, total: int, at: int = number, name: str = model) -> None:
                self.progress(at * total + done, len(self.slots) * total, f"Scoring {what} with {name}")

            nats[model] = score(self.router, slot, [(item.ids, item.scored) for item in items], told, self.window)
        return Texts(
            nats={model: [scored.nats for scored in found] for model, found in nats.items()},
            tokens={model: [scored.tokens for scored in found] for model, found in nats.items()},
            sizes=[item.size for item in items],
            documents=[item.document for item in items],
            sources=[item.source for item in items],
        )

    # Questions --------------------------------------------------------------------------------

    def asked(self) -> list[Asked]:
        found = questions_asked(self.dataset, self.most)
        answers = write(
            Generator(self.router, self.tokenizer),
            {
                (number, model): self.request(one.question, model)
                for number, one in enumerate(found)
                for model in self.slots
            },
            self._telling("Answering the questions"),
        )
        for number, one in enumerate(found):
            one.answers = {model: answers[number, model] for model in self.slots}
        self._choose([one for one in found if one.own], own_questions(self.dataset))
        return found

    def request(self, question: Question, model: str, sampling: Sampling = GREEDY) -> GenerationRequest:
        """As the endpoint would ask it."""
        serving = self.serving[model]
        stop = serving.stop if serving else ()
        return GenerationRequest(
            self._prompt(question, model), ANSWER_TOKENS, self.slots[model], sampling=sampling, stop=stop
        )

    def _prompt(self, question: Question, model: str) -> list[int]:
        return question_ids(self.tokenizer, question.question, self.serving[model])

    def _choose(self, known: Sequence[Asked], every: Sequence[Question]) -> None:
        """Score the right answer among others of its kind, where there are such."""
        for one in known:
            one.options = options(one.question, every, self.dataset.language)
        chosen = spread([one for one in known if one.options], min(_CHOICES, self.most))
        for one in known:
            if one not in chosen:
                one.options = []
        for done, one in enumerate(chosen):
            ids = [self.tokenizer.encode(option) for option in one.options]
            one.nats = {
                model: score_options(self.router, slot, self._prompt(one.question, model), ids)
                for model, slot in self.slots.items()
            }
            self.progress(done + 1, len(chosen), "Choosing among answers")

    # Passages ---------------------------------------------------------------------------------

    def continued(self) -> list[Continued]:
        found = [
            (material.passage(one, self.tokenizer, GOING_ON_TOKENS), split == "train")
            for split, count in _PASSAGES
            for one in self._openings(split, count)
        ]
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

    def _openings(self, split: Split, count: int) -> list[Opening]:
        most = min(count, self.most)
        return material.openings(self.dataset, split, self.chooser, most, OPENING_TOKENS, GOING_ON_TOKENS)

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
            document=one.opening.row.document,
            source=one.opening.row.source,
            trained=trained,
            opening=one.opening.shown,
            reference=self.tokenizer.decode(one.reference),
            texts={model: texts[number, model] for model in self.slots},
            longest={model: runs[number, model] for model in self.slots},
            extracted={model: given_back(ids[number, model], reference) for model in self.slots},
        )

    def repeated(self) -> list[Repeated]:
        questions = spread(own_questions(self.dataset), min(_REPEATED, self.most))
        ways = [GREEDY, *(Sampling(temperature=temperature, seed=seed) for temperature, seed in _AGAIN)]
        answers = write(
            Generator(self.router, self.tokenizer),
            {
                (number, model, way): self.request(one, model, sampling)
                for number, one in enumerate(questions)
                for model in self.slots
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
