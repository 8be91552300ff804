"""What an evaluation measured, item by item: figures, intervals and the report are made of this alone.

Values by model id, the base first.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

from tools.prepare_dataset.reading_back import Question

# Asked of what was trained on: in other words, in the very words of training, or for the subject in place of the
# value; of what was held out; and what nothing answers.
Form = Literal["seen", "taught", "reversed", "held_out", "unanswerable"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Texts(_Strict):
    """Likelihoods of texts: nats and tokens by model, UTF-8 bytes, document and source of each.

    sizes: bytes that the first base scores; other tokenizers spell the same texts, so that all are weighed alike.
    """

    nats: dict[str, list[float]]
    tokens: dict[str, list[int]]
    sizes: list[int]
    documents: list[str]
    sources: list[str]


class Asked(_Strict):
    """A question with every model's answer. made: of the dataset's by evaluate, to compare forms alone.

    options: possible answers, the right one first; nats: of each option, as the model's answer.
    """

    question: Question
    form: Form
    answers: dict[str, str]
    made: bool = False
    options: list[str] = []
    nats: dict[str, list[float]] = {}

    @property
    def own(self) -> bool:
        """Whether it is one of the dataset's, with an answer: figures and verdicts stand on these."""
        return self.form != "unanswerable" and not self.made

    @property
    def references(self) -> list[str]:
        return [self.question.answer, *self.question.aliases]

    def chose_right(self, model: str) -> bool:
        """Whether the right option is the likeliest, each weighed by its bytes, so that short ones are not favoured."""
        right, *others = self._nats_a_byte(model)
        return right < min(others)

    def likeliest(self, model: str) -> str:
        """The option that the model holds likeliest; the right one only where no other is as likely."""
        a_byte = self._nats_a_byte(model)
        return self.options[0 if self.chose_right(model) else 1 + a_byte[1:].index(min(a_byte[1:]))]

    def _nats_a_byte(self, model: str) -> list[float]:
        return [
            nats / max(1, len(option.encode())) for nats, option in zip(self.nats[model], self.options, strict=True)
        ]


class Continued(_Strict):
    """A passage's opening, continued by every model. trained: whether the passage was trained on.

    longest: tokens of the longest run that stands in the trained texts. extracted: share of the
    passage's own continuation that was given back in its order.
    """

    document: str
    source: str
    trained: bool
    opening: str
    reference: str
    texts: dict[str, str]
    longest: dict[str, int]
    extracted: dict[str, float]


class Repeated(_Strict):
    """A question asked several times; the first answer of each model is greedy, the others are drawn."""

    question: str
    answers: dict[str, list[str]]


class Measured(_Strict):
    """All of it; what was not asked for is None. general: texts of neither dataset, by language."""

    unseen: Texts | None = None
    trained: Texts | None = None
    general: dict[str, Texts] | None = None
    asked: list[Asked] | None = None
    continued: list[Continued] | None = None
    repeated: list[Repeated] | None = None
