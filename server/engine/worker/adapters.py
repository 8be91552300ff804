"""The adapters that are in memory beside the base: loaded when asked for, the longest unused leave first."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path

from server.engine.protocol import AdapterRef
from tools.compute.loading import LoadedBase
from tools.compute.lora import AdapterWeights, read_adapter
from tools.compute.routing import BASE_SLOT, AdapterRouter
from tools.errors import Conflict


@dataclass
class _Held:
    slot: int
    users: int = 0


class Adapters:
    """Slots by adapter. A version in use stays as it is while newer ones come."""

    def __init__(self, base: LoadedBase, router: AdapterRouter, limit: int) -> None:
        self._base = base
        self._router = router
        self._limit = limit
        self._held: OrderedDict[AdapterRef, _Held] = OrderedDict()
        self.loads = 0
        self.evictions = 0

    @property
    def names(self) -> list[str]:
        return [f"{adapter.name}@{adapter.version}" for adapter in self._held]

    def take(self, adapter: AdapterRef | None) -> int:
        """The slot of an adapter, for one request. Raises what is wrong with the adapter."""
        if adapter is None:
            return BASE_SLOT
        held = self._held.get(adapter)
        if held is None:
            weights = read_adapter(Path(adapter.folder), self._base.info)
            self._check_template(adapter, weights)
            self._make_room()
            held = self._held[adapter] = _Held(self._router.load(weights))
            self.loads += 1
        held.users += 1
        self._held.move_to_end(adapter)
        return held.slot

    def give_back(self, adapter: AdapterRef | None) -> None:
        if adapter is not None:
            self._held[adapter].users -= 1

    def _make_room(self) -> None:
        idle = [adapter for adapter, held in self._held.items() if not held.users]
        while len(self._held) >= self._limit and idle:
            self._router.unload(self._held.pop(idle.pop(0)).slot)
            self.evictions += 1

    def _check_template(self, adapter: AdapterRef, weights: AdapterWeights) -> None:
        trained = weights.described.get("template_hash")
        if trained is not None and trained != self._base.tokenizer.template_hash:
            raise Conflict(
                f"The adapter `{adapter.name}@{adapter.version}` was trained with another chat template "
                f"than the one that `{self._base.info.name}` has now.",
                fix="Install the base again as it was, or train the adapter anew.",
            )
