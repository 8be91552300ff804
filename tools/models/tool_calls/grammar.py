"""Grammars of answers, in llguidance's dialect of Lark. Texts only: what reads them is `tools.compute.constraints`.

https://github.com/guidance-ai/llguidance/blob/main/docs/syntax.md
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from tools.models.tool_calls.functions import Function, ToolUse
from tools.models.tool_calls.syntax import ToolSyntax

# Between JSON's tokens: one blank, or a new line and its indentation. Small models print blanks without
# end where they may.
BLANKS = r"(\n[ ]{0,16}|[ ])?"
# A mark of the syntax as the grammar names it: the id of its own token, or its text.
Marks = Callable[[str], str]


def json_rule(schema: Mapping[str, Any], *, lenient: bool = False) -> str:
    """JSON that follows a schema. lenient: keywords that grammars cannot hold are left aside."""
    options: dict[str, Any] = {"whitespace_pattern": BLANKS}
    if lenient:
        options |= {"lenient": True, "coerce_one_of": True}
    return "%json " + json.dumps({**schema, "x-guidance": options}, ensure_ascii=False)


def answer(schema: Mapping[str, Any], *, after_thoughts: bool = False) -> str:
    """An answer that is JSON of a schema."""
    return _start("json_answer", after_thoughts) + f"json_answer: {json_rule(schema)}\n"


def calls(
    syntax: ToolSyntax,
    tools: ToolUse,
    marks: Marks,
    *,
    schema: Mapping[str, Any] | None = None,
    after_thoughts: bool = False,
) -> str:
    """An answer that calls. schema: of the JSON that it may say in place of calling, when it need not call.

    Without a schema, and where it need not call, it may say anything, with well-formed calls in it.
    """
    rules = _functions(syntax, tools)
    if tools.choice == "required":
        start = "calls"
    elif schema is not None:
        start = "calls | json_answer"
        rules += f"json_answer: {json_rule(schema)}\n"
    else:
        return _start("free_answer", after_thoughts) + _free(syntax, tools, marks) + rules
    return _start(start, after_thoughts) + _calls(syntax, tools, marks) + rules


def _start(rule: str, after_thoughts: bool) -> str:
    # Thinking models write empty lines after their thoughts.
    lead = "LINES " if after_thoughts else ""
    return f"start: {lead}({rule})\n" + ("LINES: /\\n{0,3}/\n" if after_thoughts else "")


def _functions(syntax: ToolSyntax, tools: ToolUse) -> str:
    """The rule `call`: the object of one call, of any of the functions."""
    names = [f"call_{at}" for at in range(len(tools.callable))]
    rules = [f"call: {' | '.join(names)}\n"]
    for name, function in zip(names, tools.callable, strict=True):
        head = _text(f'{{"name": "{function.name}", "{syntax.arguments}": ')
        rules.append(f'{name}: {head} {name}_arguments "}}"\n{name}_arguments: {_arguments(function)}\n')
    return "".join(rules)


def _arguments(function: Function) -> str:
    return json_rule(function.schema_of_arguments(), lenient=not function.strict)


def _calls(syntax: ToolSyntax, tools: ToolUse, marks: Marks) -> str:
    more = tools.most_calls - 1
    match syntax.kind:
        case "bare":
            return "calls: call\n"
        case "listed":
            again = f' (", " call){{0,{more}}}' if more else ""
            return f'calls: {marks(syntax.opens)} " "? "[" call{again} "]"\n'
        case "tagged":
            again = f' ("\\n" tagged_call){{0,{more}}}' if more else ""
            closes = marks(syntax.closes)
            return f'calls: tagged_call{again}\ntagged_call: {marks(syntax.opens)} "\\n" call "\\n" {closes}\n'


def _free(syntax: ToolSyntax, tools: ToolUse, marks: Marks) -> str:
    """Anything, but what begins as a call goes on as one."""
    if syntax.kind == "bare":
        return "free_answer: call | PROSE\nPROSE: /([^\\{\\s](.|\\n)*)?/\n"
    opens = marks(syntax.opens)
    again = f"{{0,{tools.most_calls}}}"
    if syntax.kind == "listed":
        body = f'" "? "[" call (", " call){{0,{max(0, tools.most_calls - 1)}}} "]"'
    else:
        body = f'"\\n" call "\\n" {marks(syntax.closes)}'
    if opens.startswith('"'):
        head = f"said_and_opened[lazy]: PROSE_AND_MARK\nPROSE_AND_MARK: /(.|\\n)*/ {opens}\n"
        said = "said_and_opened"
    else:
        head, said = "", f"PROSE {opens}"
    return f"free_answer: said_call{again} PROSE\nsaid_call: {said} {body}\nPROSE: /(.|\\n)*/\n{head}"


def _text(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
