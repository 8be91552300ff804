"""How a model wants to be asked: what an adapter was trained with, kept with it and used for it.

Written by the run into the adapter's `afina.json` (and by an export into the merged model's), read by
the endpoint: a chat request is put into the form of the rows that were learned.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from tools.errors import InvalidArgument

if TYPE_CHECKING:
    from tools.models.tokenizer import Tokenizer

ServedForm = Literal["text", "instruction", "completions", "chat"]


class _Frozen(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class InstructionForm(_Frozen):
    """The headings of the guide's instruction form, and how earlier turns are told in its context.

    asked, answered: templates with `{text}`.
    """

    instruction: str
    context: str
    response: str
    asked: str
    answered: str

    def prompt(self, ask: str, context: str = "") -> str:
        """The form up to where the answer begins. A context that is not there has no section."""
        about = f"{self.context}\n{context}\n\n" if context else ""
        return f"{self.instruction}\n{ask}\n\n{about}{self.response}\n"

    def told(self, message: Mapping[str, Any]) -> str:
        """An earlier turn as a line of the context."""
        names = {"user": self.asked, "assistant": self.answered}
        text = str(message.get("content") or "").strip()
        return names.get(str(message["role"]), "{text}").format(text=text)

    def conversation(self, messages: Sequence[Mapping[str, Any]]) -> str:
        """A chat in this form: the last message is the instruction, what came before it the context.

        Raises InvalidArgument when the user has not the last word.
        """
        if messages[-1]["role"] != "user":
            raise InvalidArgument(
                "This model was trained on instructions: a conversation must end with one.",
                field="messages",
                expected="a last message of the role `user`",
            )
        before = "\n".join(self.told(message) for message in messages[:-1])
        return self.prompt(str(messages[-1].get("content") or "").strip(), before)

    @property
    def stops(self) -> tuple[str, ...]:
        """What only a model that runs on past its answer writes."""
        return tuple(f"\n{heading}" for heading in (self.instruction, self.context, self.response))


class SamplingDefaults(_Frozen):
    """For the fields that a request does not give; None where the model has no opinion."""

    temperature: float | None = Field(None, ge=0, le=2)
    top_p: float | None = Field(None, gt=0, le=1)
    top_k: int | None = Field(None, ge=0)
    min_p: float | None = Field(None, ge=0, le=1)
    repetition_penalty: float | None = Field(None, gt=0, le=2)


class Serving(_Frozen):
    """form: of the rows that were learned; `text` is running text, which says nothing of chat.

    instruction: the words of the form `instruction`. system: what a chat without a system message has.
    stop: texts that end an answer.
    """

    form: ServedForm
    instruction: InstructionForm | None = None
    system: str | None = None
    stop: tuple[str, ...] = ()
    sampling: SamplingDefaults = SamplingDefaults()

    def told(self) -> dict[str, Any]:
        """For /v1/models: the defaults that a request may override, and what becomes of a chat."""
        chat = {
            "text": "in the base's chat template; the training rows were running text, in none",
            "instruction": "in the training rows' instruction form; earlier messages are its context",
            "completions": "in the base's chat template, as the training rows were",
            "chat": "in the base's chat template, as the training rows were",
        }
        return {
            "form": self.form,
            "chat": chat[self.form],
            "system": self.system,
            "stop": list(self.stop),
            "sampling": self.sampling.model_dump(exclude_none=True),
        }


def conversation_ids(
    tokenizer: Tokenizer, messages: Sequence[Mapping[str, Any]], form: InstructionForm | None
) -> list[int]:
    """Ids of a chat up to where the answer begins: in the instruction form, else through the template."""
    if form is not None:
        return tokenizer.encode(form.conversation(messages), special=True)
    return tokenizer.encode_chat(messages, add_generation_prompt=True)


def question_ids(tokenizer: Tokenizer, question: str, serving: Serving | None) -> list[int]:
    """Ids of a question as the endpoint asks it of a model that was trained so, up to where the answer begins.

    A base without a chat template has the question on a line of its own.
    """
    form = serving.instruction if serving else None
    if form is None and not tokenizer.has_chat_template:
        return tokenizer.encode(f"{question}\n", special=True)
    system = serving.system if serving else None
    before = [{"role": "system", "content": system}] if system is not None else []
    return conversation_ids(tokenizer, [*before, {"role": "user", "content": question}], form)
