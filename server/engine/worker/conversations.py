"""A conversation as the model reads it, and how the answer to it is written: thoughts, calls, JSON."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from llguidance import LLMatcher

from server.engine.protocol import Conversation
from tools.compute.constraints import GrammarCompiler, GrammarProcessor, Thoughts
from tools.compute.loading import LoadedBase
from tools.errors import InvalidArgument
from tools.models.chat_template import ChatTemplate
from tools.models.reasoning import CLOSES, Thinking, thinking_of
from tools.models.serving import InstructionForm, conversation_ids
from tools.models.tool_calls import grammar
from tools.models.tool_calls.conversation import for_template, without_system
from tools.models.tool_calls.functions import ToolUse
from tools.models.tool_calls.syntax import PLAIN, ToolSyntax, syntax_of

_SWITCH, _EFFORT = "enable_thinking", "reasoning_effort"
# A private-use character that stands where a message's content ends.
_END = "\U000f0002"


@dataclass(frozen=True)
class AnswerPlan:
    """How the answers to one conversation are written.

    thinking: how they begin. tools: what they may call, in `syntax`. start: of the grammar that they are
    held to, None for none; thoughts: what the grammar does not hold. shown: control tokens that are part
    of the text.
    """

    thinking: Thinking
    syntax: ToolSyntax
    tools: ToolUse | None
    start: LLMatcher | None
    thoughts: Thoughts | None
    shown: frozenset[int]

    @property
    def is_free(self) -> bool:
        """Whether all text is what is said."""
        return self.thinking == "no" and self.tools is None

    def processors(self, prompt_tokens: int) -> tuple[GrammarProcessor, ...]:
        """For one answer."""
        return (GrammarProcessor(self.start, prompt_tokens, self.thoughts),) if self.start else ()


# Answers to what is no conversation.
FREE = AnswerPlan("no", PLAIN, None, None, None, frozenset())


class Conversations:
    """The conversations with one base."""

    def __init__(self, base: LoadedBase) -> None:
        self._tokenizer = base.tokenizer
        self._grammars = GrammarCompiler(base.tokenizer, base.info.vocab_size)

    def read(self, conversation: Conversation) -> tuple[list[int], AnswerPlan]:
        """The prompt's ids, and how to answer.

        Raises InvalidArgument for what the template does not take, and for schemas that answers cannot be
        held to.
        """
        if conversation.form is not None:
            return self._in_form(conversation, conversation.form)
        template, tools = self._tokenizer.chat_template, conversation.tools
        prompt = self._rendered(conversation, _variables(conversation, template))
        thinking = thinking_of(template, prompt)
        thoughts = self._grammars.thoughts(thinking)
        start = self._start(conversation, thoughts is not None)
        plan = AnswerPlan(thinking, self._syntax, tools, start, thoughts, self._shown if tools else frozenset())
        return self._tokenizer.encode(prompt), plan

    def _in_form(self, conversation: Conversation, form: InstructionForm) -> tuple[list[int], AnswerPlan]:
        """As the rows that the adapter learned: they know no functions, and no thoughts."""
        given = {
            "tools": conversation.tools is not None,
            "chat_template_kwargs": conversation.thinking is not None,
            "reasoning_effort": conversation.effort not in (None, "none"),
            "messages": any(turn["role"] == "tool" or turn.get("tool_calls") for turn in conversation.messages),
        }
        for field in [field for field, is_given in given.items() if is_given]:
            raise InvalidArgument(
                f"`{field}`: this adapter was trained on instructions and their answers, which have no place for it.",
                field=field,
                fix="Leave it out, or ask the base.",
            )
        plan = replace(FREE, start=self._start(conversation, after_thoughts=False))
        if conversation.goes_on:
            *before, last = conversation.messages
            begun = form.conversation(before) + str(last["content"])
            return self._tokenizer.encode(begun, special=True), plan
        return conversation_ids(self._tokenizer, conversation.messages, form), plan

    def _rendered(self, conversation: Conversation, variables: dict[str, Any]) -> str:
        if conversation.goes_on:
            return self._begun(conversation, variables)
        template, syntax, tools = self._tokenizer.chat_template, self._syntax, conversation.tools
        messages = for_template(conversation.messages, syntax, tools)
        listed = [function.listed() for function in tools.functions] if tools and syntax.in_template else None
        try:
            return template.render(messages, tools=listed, add_generation_prompt=True, **variables)
        except InvalidArgument:
            if tools is None or syntax.in_template:
                raise
        return template.render(without_system(messages), add_generation_prompt=True, **variables)

    def _begun(self, conversation: Conversation, variables: dict[str, Any]) -> str:
        """The conversation up to the end of what its last message says, whatever the template writes after it."""
        *before, last = for_template(conversation.messages, self._syntax, None)
        marked = {**last, "content": last["content"] + _END}
        template = self._tokenizer.chat_template
        text = template.render([*before, marked], add_generation_prompt=False, **variables)
        begun, found, _ = text.rpartition(_END)
        if not found:
            raise InvalidArgument(
                "This model's chat template does not write down what the assistant said last.",
                field="continue_final_message",
                fix="Leave `continue_final_message` out.",
            )
        return begun

    def _start(self, conversation: Conversation, after_thoughts: bool) -> LLMatcher | None:
        tools, schema = conversation.tools, conversation.json_schema
        if tools is None:
            if schema is None:
                return None
            return self._grammars.compile(grammar.answer(schema, after_thoughts=after_thoughts), "response_format")
        if schema is None and self._is_free(tools):
            return None
        text = grammar.calls(self._syntax, tools, self._grammars.marks, schema=schema, after_thoughts=after_thoughts)
        try:
            return self._grammars.compile(text, "tools")
        except InvalidArgument:
            self._check_alone(tools, schema)
            raise

    def _check_alone(self, tools: ToolUse, schema: dict[str, Any] | None) -> None:
        """Raises InvalidArgument that names the first schema which is wrong by itself."""
        if schema is not None:
            self._grammars.compile(grammar.answer(schema), "response_format")
        for place, function in enumerate(tools.functions):
            if function in tools.callable:
                field = f"tools[{place}].function.parameters"
                rule = grammar.json_rule(function.schema_of_arguments(), lenient=not function.strict)
                self._grammars.compile(f"start: {rule}\n", field)

    @staticmethod
    def _is_free(tools: ToolUse) -> bool:
        """Whether calls are written as the model likes."""
        return tools.choice == "auto" and not any(function.strict for function in tools.functions)

    @cached_property
    def _syntax(self) -> ToolSyntax:
        return syntax_of(self._tokenizer.chat_template)

    @cached_property
    def _shown(self) -> frozenset[int]:
        """Control tokens that are marks of calls."""
        marks = [self._tokenizer.token_to_id(mark) for mark in (self._syntax.opens, self._syntax.closes) if mark]
        return self._tokenizer.special_ids & {mark for mark in marks if mark is not None}


def _variables(conversation: Conversation, template: ChatTemplate) -> dict[str, Any]:
    """What the template is told besides the messages. Raises InvalidArgument for what it does not know."""
    found: dict[str, Any] = {}
    if conversation.thinking is not None:
        if not template.mentions(_SWITCH):
            raise InvalidArgument(
                "`chat_template_kwargs`: this model's chat template has no switch for thinking.",
                field="chat_template_kwargs",
                fix="Leave `enable_thinking` out.",
            )
        found[_SWITCH] = conversation.thinking
    if conversation.effort == "none" and template.mentions(_SWITCH):
        found[_SWITCH] = False
    elif conversation.effort is not None and template.mentions(_EFFORT):
        found[_EFFORT] = conversation.effort
    elif conversation.effort not in (None, "none") or (conversation.effort and template.mentions(CLOSES)):
        raise InvalidArgument(
            "`reasoning_effort`: this model's chat template lets nobody choose how much is thought.",
            field="reasoning_effort",
            fix="Leave `reasoning_effort` out.",
        )
    return found
