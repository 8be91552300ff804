"""The adapters that are in memory beside the base: loaded when asked for, the longest unused leave first."""

from __future__ import annotations

import logging
import math
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from server.engine.protocol import AdapterRef
from tools.compute import device
from tools.compute.loading import LoadedBase
from tools.compute.lora import WEIGHTS_FILE, AdapterWeights, read_adapter
from tools.compute.routing import BASE_SLOT, AdapterRouter
from tools.errors import Conflict
from tools.models.info import safetensors_header
from tools.workspace.layout import ADAPTER_MARKER

log = logging.getLogger(__name__)


@dataclass
class _Held:
    slot: int
    nbytes: int
    users: int = 0


class Adapters:
    """Slots by adapter. A version in use stays as it is while newer ones come."""

    def __init__(self, base: LoadedBase, router: AdapterRouter, limit: int) -> None:
        self._base = base
        self._router = router
        self._limit = limit
        # The router keeps branches in float32 on the CPU, in half the bytes elsewhere.
        self._element = 4 if device.kind() == "cpu" else 2
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
            held = self._held[adapter] = _Held(self._router.load(weights), self.bytes_of(adapter))
            self.loads += 1
            # The router has arrays of its own by now: neither the file's nor those it outgrew stay resident.
            del weights
            device.give_back()
        held.users += 1
        self._held.move_to_end(adapter)
        return held.slot

    def give_back(self, adapter: AdapterRef | None) -> None:
        if adapter is not None:
            self._held[adapter].users -= 1

    def warm(self, adapters: Iterable[AdapterRef]) -> None:
        """Have adapters in memory before they are asked for; one that cannot be is told when it is."""
        for adapter in adapters:
            try:
                self.take(adapter)
            except Exception as error:
                log.warning(
                    "an adapter was not loaded beforehand: %s@%s", adapter.name, adapter.version, exc_info=error
                )
                continue
            self.give_back(adapter)

    def bytes_of(self, adapter: AdapterRef | None) -> int:
        """Bytes of an adapter in memory, from its file; 0 for one that cannot be read, which `take` tells."""
        if adapter is None:
            return 0
        if adapter in self._held:
            return self._held[adapter].nbytes
        try:
            tensors = safetensors_header(Path(adapter.folder) / WEIGHTS_FILE).values()
            return sum(math.prod(tensor["shape"]) for tensor in tensors) * self._element
        except (OSError, ValueError, KeyError, TypeError):
            return 0

    def bytes_with(self, adapter: AdapterRef | None) -> int:
        """Bytes of the adapters in use, and of this one beside them."""
        used = sum(held.nbytes for other, held in self._held.items() if held.users and other != adapter)
        return used + self.bytes_of(adapter)

    def keep_within(self, limit: int) -> None:
        """Let go of adapters that nobody uses, the longest unused first, until all take `limit` bytes at most."""
        for adapter in [adapter for adapter, held in self._held.items() if not held.users]:
            if sum(held.nbytes for held in self._held.values()) <= limit:
                return
            self._let_go(adapter)

    def sweep(self) -> None:
        """Let go of adapters that nobody uses and whose folder is gone or holds another content by now."""
        for adapter in [adapter for adapter, held in self._held.items() if not held.users]:
            if not _is_there(adapter):
                self._let_go(adapter)

    def _make_room(self) -> None:
        idle = [adapter for adapter, held in self._held.items() if not held.users]
        while len(self._held) >= self._limit and idle:
            self._let_go(idle.pop(0))

    def _let_go(self, adapter: AdapterRef) -> None:
        self._router.unload(self._held.pop(adapter).slot)
        self.evictions += 1

    def _check_template(self, adapter: AdapterRef, weights: AdapterWeights) -> None:
        if weights.described.get("format") == "text":
            return  # its rows went through no template
        trained = weights.described.get("template_hash")
        if trained is not None and trained != self._base.tokenizer.template_hash:
            raise Conflict(
                f"The adapter `{adapter.name}@{adapter.version}` was trained with another chat template "
                f"than the one that `{self._base.info.name}` has now.",
                fix="Install the base again as it was, or train the adapter anew.",
            )


def _is_there(adapter: AdapterRef) -> bool:
    try:
        return (Path(adapter.folder) / ADAPTER_MARKER).stat().st_mtime_ns == adapter.stamp
    except OSError:
        return False
