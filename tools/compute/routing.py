"""Many LoRA adapters on one resident base, mixed in one batch; they come and go while the base stays.

Which row has which slot travels with the rows' caches (`SlotCache`), so that whoever merges, divides
and drops rows (`tools.compute.caches`, mlx-lm) keeps them aligned without knowing.
What a layer does with its rows' slots is in `tools.compute.routed_linear`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import mlx.core as mx
import mlx.nn as nn
from mlx_lm.models.cache import make_prompt_cache

from tools.compute import device
from tools.compute.device_ops import suited_to_device
from tools.compute.lora import AdapterWeights
from tools.compute.routed_linear import Group, RoutedLinear, RowSlots, branch_type, width
from tools.errors import Conflict

BASE_SLOT = 0


class AdapterRouter:
    """The adapters on a base, by slot; wraps and unwraps the base's layers as they come and go."""

    def __init__(self, model: nn.Module) -> None:
        self.model = model
        self.rows = RowSlots()
        self._layers: dict[str, RoutedLinear] = {}
        self._groups: dict[int, Group] = {}

    @property
    def slots(self) -> list[int]:
        """The slots in use, the base's own aside."""
        return sorted(self._groups)

    def load(self, adapter: AdapterWeights) -> int:
        """Put an adapter beside the others; returns its slot.

        Raises Conflict, with nothing changed, when a layer or a shape is not the base's.
        """
        for path, (a, b) in adapter.layers.items():
            self._check(adapter, path, a, b)
        slot = next(n for n in range(1, len(self._groups) + 2) if n not in self._groups)
        group = self._groups[slot] = self._group_of(adapter)
        group.members.append(slot)
        for path, (a, b) in adapter.layers.items():
            layer = self._layers.get(path) or self._wrap(path)
            kind = branch_type(layer.linear)
            layer.branch(group).append(a.astype(kind), (b * adapter.scale).astype(kind))
        return slot

    def unload(self, slot: int) -> None:
        """Free a slot and its memory. No row in flight may bear it."""
        group = self._groups.pop(slot)
        place = group.members.index(slot)
        group.members.remove(slot)
        group.share = None
        for path, _ in group.form:
            layer = self._layers[path]
            if group.members:
                layer.branch(group).remove(place)
            elif layer.drop(group):
                _replace(self.model, path, layer.linear)
                del self._layers[path]
        if not group.members:
            self.rows.groups.remove(group)
        device.give_back()

    def caches(self, slot: int) -> list[Any]:
        """The caches of a new request: the base's own, then the one that carries the slot."""
        return [*make_prompt_cache(self.model), SlotCache([slot])]

    def __call__(self, tokens: mx.array, cache: list[Any]) -> mx.array:
        """tokens: [rows, length] → logits [rows, length, vocabulary]."""
        *own, carrier = cache
        self.rows.choose(carrier.slots)
        try:
            with suited_to_device(self.model):
                return self.model(tokens, cache=own)
        finally:
            self.rows.choose(())

    def _group_of(self, adapter: AdapterWeights) -> Group:
        form = tuple(sorted((path, a.shape[1]) for path, (a, _) in adapter.layers.items()))
        for group in self.rows.groups:
            if group.form == form:
                return group
        self.rows.groups.append(Group(form))
        return self.rows.groups[-1]

    def _wrap(self, path: str) -> RoutedLinear:
        layer = self._layers[path] = RoutedLinear(_module_at(self.model, path))
        _replace(self.model, path, layer)
        return layer

    def _check(self, adapter: AdapterWeights, path: str, a: mx.array, b: mx.array) -> None:
        name = f"{adapter.name}@{adapter.version}"
        fix = "Serve a LoRA adapter of linear layers that was trained on this base."
        layer = self._layers.get(path)
        linear = layer.linear if layer else _module_at(self.model, path)
        if not isinstance(linear, nn.Linear | nn.QuantizedLinear):
            raise Conflict(f"The adapter `{name}` adapts a layer that this base does not have as linear.", fix=fix)
        inputs, outputs = width(linear)
        if a.ndim != 2 or b.ndim != 2 or a.shape != (inputs, b.shape[0]) or b.shape[1] != outputs:
            raise Conflict(f"The adapter `{name}` has a layer whose shape is not the base's.", fix=fix)


class SlotCache:
    """Carries the slots of a batch's rows through the same moves as the key-value caches beside it."""

    def __init__(self, slots: list[int]) -> None:
        self.slots = slots

    @staticmethod
    def merge(caches: Sequence[SlotCache]) -> SlotCache:
        return SlotCache([slot for cache in caches for slot in cache.slots])

    def filter(self, keep: Sequence[int]) -> None:
        self.slots = [self.slots[row] for row in keep]

    def extend(self, other: SlotCache) -> None:
        self.slots = [*self.slots, *other.slots]

    def extract(self, row: int) -> SlotCache:
        return SlotCache([self.slots[row]])

    def prepare(self, **_: Any) -> None:
        """Padding does not move rows."""

    def finalize(self) -> None:
        """Nothing is held back."""

    @property
    def state(self) -> list[mx.array]:
        return []

    def trim(self, tokens: int) -> int:
        return tokens


def _module_at(model: nn.Module, path: str) -> Any:
    module: Any = model
    for part in path.split("."):
        try:
            module = module[int(part)] if isinstance(module, list) else module[part]
        except (KeyError, IndexError, ValueError, TypeError):
            return None
    return module


def _replace(model: nn.Module, path: str, module: nn.Module) -> None:
    parent_path, _, name = path.rpartition(".")
    parent = _module_at(model, parent_path) if parent_path else model
    if isinstance(parent, list):
        parent[int(name)] = module
    else:
        setattr(parent, name, module)
