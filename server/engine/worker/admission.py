"""Which requests may run together: their predicted bytes against those that the base leaves."""

from __future__ import annotations

from server.engine.protocol import Conversation, Generate
from server.engine.worker.prompts import Prepared
from tools.errors import DoesNotFit
from tools.models.answer_costs import AnswerCosts, Load

_MB = 1024**2


class Admission:
    """The loads of the requests that have joined. room, most: bytes, see `protocol.Load`."""

    def __init__(self, costs: AnswerCosts, room: int, most: int) -> None:
        self._costs = costs
        self._room = room
        self._most = most
        self._loads: dict[int, Load] = {}

    def check(self, request: Generate, prepared: Prepared, adapter_bytes: int) -> None:
        """Raises DoesNotFit for a request that would not fit if it were alone, telling by how much."""
        load = load_of(request, prepared)
        needed = self._costs.bytes(load) + adapter_bytes
        if needed <= self._most:
            return
        shortest = Load(load.rows, load.prompt + 1, load.prompt)
        prompt = "messages" if isinstance(request.prompts[0], Conversation) else "prompt"
        answers = f"{load.rows} answers" if load.rows > 1 else "answer"
        raise DoesNotFit(
            f"The {answers} may grow to {load.longest} tokens with the prompt, which takes {needed / _MB:.0f} MB; "
            f"beside the model there are {self._most / _MB:.0f} MB: {(needed - self._most) / _MB:.1f} MB too few.",
            field="max_tokens" if self._costs.bytes(shortest) + adapter_bytes <= self._most else prompt,
            fix="Ask for fewer tokens with `max_tokens`, for fewer answers, or shorten the prompt.",
        )

    def fits(self, request: Generate, prepared: Prepared, adapter_bytes: int) -> bool:
        """Whether it may join now. adapter_bytes: of the adapters in use once it has joined."""
        if not self._loads:
            return True
        loads = [*self._loads.values(), load_of(request, prepared)]
        return self._costs.bytes(_together(loads)) + adapter_bytes <= self._room

    def join(self, request: Generate, prepared: Prepared) -> int:
        """Count it in; returns the bytes that adapters may take beside the answers now."""
        self._loads[request.id] = load_of(request, prepared)
        return self._room - self._costs.bytes(_together(list(self._loads.values())))

    def leave(self, number: int) -> None:
        self._loads.pop(number, None)


def load_of(request: Generate, prepared: Prepared) -> Load:
    return Load(
        rows=len(prepared.prompts) * request.n,
        longest=max(len(ids) + limit for ids, limit in zip(prepared.prompts, prepared.limits, strict=True)),
        prompt=max(len(ids) for ids in prepared.prompts),
    )


def _together(loads: list[Load]) -> Load:
    return Load(
        rows=sum(load.rows for load in loads),
        longest=max(load.longest for load in loads),
        prompt=max(load.prompt for load in loads),
    )
