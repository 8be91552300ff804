"""What cannot be undone is asked of a person: by the client's own dialogue where it has one, else by `confirm`."""

from __future__ import annotations

from typing import Any

from mcp.server.elicitation import render_elicitation_schema
from mcp.server.mcpserver import Context
from mcp.types import ElicitRequest, ElicitRequestFormParams, ElicitResult, InputRequiredResult
from mcp_types.version import is_version_at_least
from pydantic import BaseModel, Field

# The first revision in which a question is an answer to the call, which is then made again.
_ASKS_BY_ANSWER = "2026-07-28"
_KEY = "confirm"


class Confirmation(BaseModel):
    """What the dialogue asks for."""

    confirm: bool = Field(description="Yes, go on")


def can_ask(context: Context[Any, Any] | None) -> bool:
    """Whether the client shows forms to its user."""
    capabilities = context.client_capabilities if context is not None else None
    elicitation = capabilities.elicitation if capabilities is not None else None
    return elicitation is not None and (elicitation.form is not None or elicitation.url is None)


async def ask(context: Context[Any, Any], question: str) -> bool | InputRequiredResult:
    """Whether the person agrees; in the stateless protocol at first the question, as the call's answer."""
    if not is_version_at_least(context.protocol_version or "", _ASKS_BY_ANSWER):
        try:
            told = await context.elicit(question, Confirmation)
        except ValueError:  # an answer without what was asked for
            return False
        return told.action == "accept" and told.data.confirm
    answer = (context.input_responses or {}).get(_KEY)
    if answer is None:
        form = ElicitRequestFormParams(message=question, requested_schema=render_elicitation_schema(Confirmation))
        return InputRequiredResult(input_requests={_KEY: ElicitRequest(params=form)})
    return isinstance(answer, ElicitResult) and answer.action == "accept" and (answer.content or {}).get(_KEY) is True
