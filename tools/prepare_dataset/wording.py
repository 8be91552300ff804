"""Every sentence that we put into a dataset, in the material's language. Answers come from the material alone."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from tools.models.serving import InstructionForm
from tools.prepare_dataset.facts.wording import FactWords, fact_words
from tools.prepare_dataset.language import Language
from tools.prepare_dataset.results.wording import ResultsWording
from tools.prepare_dataset.results.wording_en import ENGLISH
from tools.prepare_dataset.results.wording_pt import PORTUGUESE


@dataclass(frozen=True)
class Wording:
    """Templates for `str.format`. The `ask_…` ones train; the `test_…` ones ask the same in other words.

    summarize, from_information: with a context, the guide's two forms of instruction. facts: for
    biographies. results: for tables of results.
    """

    instruction: str
    context: str
    response: str
    asked: str
    answered: str
    continue_book: str
    continue_text: str
    continuation: str
    ask_row: str
    biography: str
    ask_biography: str
    summarize: str
    summarize_chapter: str
    from_information: str
    information: str
    facts: FactWords
    results: ResultsWording

    @cached_property
    def form(self) -> InstructionForm:
        """The guide's instruction form in these words, as the endpoint asks an adapter trained on it."""
        return InstructionForm(
            instruction=self.instruction,
            context=self.context,
            response=self.response,
            asked=self.asked,
            answered=self.answered,
        )


_PT = Wording(
    instruction="### Instrução:",
    context="### Contexto:",
    response="### Resposta:",
    asked="Pergunta: {text}",
    answered="Resposta: {text}",
    continue_book="Continua o texto de «{title}», {place}:",
    continue_text="Continua o texto:",
    continuation="{heading} (continuação)",
    ask_row="Mostra o registo {row} da tabela «{title}».",
    biography="## Biografia de {person}",
    ask_biography="Escreve a biografia de {person}.",
    summarize="Resume o seguinte texto:",
    summarize_chapter="Resume o capítulo «{place}» de «{title}».",
    from_information="Com base nas informações fornecidas, responde:",
    information="Informação: {text}\n\nPergunta: {question}",
    facts=fact_words("pt"),
    results=PORTUGUESE,
)
_EN = Wording(
    instruction="### Instruction:",
    context="### Context:",
    response="### Response:",
    asked="Question: {text}",
    answered="Answer: {text}",
    continue_book="Continue the text of “{title}”, {place}:",
    continue_text="Continue the text:",
    continuation="{heading} (continued)",
    ask_row="Show record {row} of the table “{title}”.",
    biography="## Biography of {person}",
    ask_biography="Write the biography of {person}.",
    summarize="Summarize the following text:",
    summarize_chapter="Summarize the chapter “{place}” of “{title}”.",
    from_information="Answer from the information that is given:",
    information="Information: {text}\n\nQuestion: {question}",
    facts=fact_words("en"),
    results=ENGLISH,
)


def wording(language: Language) -> Wording:
    return _EN if language == "en" else _PT


def instruction_prompt(words: Wording, ask: str, context: str = "") -> str:
    """The guide's instruction form, up to where the answer begins. A context that is not there has no section."""
    return words.form.prompt(ask, context)
