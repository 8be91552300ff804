"""Many LoRA adapters on one resident base, mixed in one batch.

Each adapted linear adds `gather_mm(gather_mm(x, A[slot]), B[slot])` to its output, with one slot a
row of the batch; slot 0 is the bare base. Adapters come and go while the base stays. Which row has
which slot travels with the rows' caches (`SlotCache`), so that mlx-lm's `BatchGenerator`, which
sorts, merges and drops rows as it likes, keeps them aligned without knowing.

Method: batched LoRA by gather, as in Punica (https://arxiv.org/abs/2310.18547).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import mlx.core as mx
import mlx.nn as nn
from mlx_lm.models.cache import make_prompt_cache

from tools.compute.lora import AdapterWeights
from tools.errors import Conflict

BASE_SLOT = 0


class RowSlots:
    """The slots of the rows that go through the model now: [rows], or None when all are on the base."""

    def __init__(self) -> None:
        self.index: mx.array | None = None

    def choose(self, slots: Sequence[int]) -> None:
        self.index = mx.array(list(slots), dtype=mx.uint32) if any(slots) else None


class RoutedLinear(nn.Module):
    """A frozen linear plus, for each row, the low-rank branch of the row's slot.

    a: [slots, in, rank] and b: [slots, rank, out], the adapter's scale folded into b. Slots that do not
    adapt this layer are zeros; ranks are padded with zeros to the largest.
    """

    def __init__(self, linear: nn.Module, rows: RowSlots) -> None:
        super().__init__()
        self.linear = linear
        self._rows = rows
        self._ranks: dict[int, int] = {}
        self._dtype = _branch_type(linear)
        inputs, outputs = _width(linear)
        self.a = mx.zeros((1, inputs, 1), self._dtype)
        self.b = mx.zeros((1, 1, outputs), self._dtype)

    def __call__(self, x: mx.array) -> mx.array:
        """x: [rows, tokens, in] → [rows, tokens, out]."""
        y = self.linear(x)
        slots = self._rows.index
        if slots is None:
            return y
        low = mx.gather_mm(x.astype(self._dtype), self.a, rhs_indices=slots)
        return y + mx.gather_mm(low, self.b, rhs_indices=slots).astype(y.dtype)

    def put(self, slot: int, a: mx.array, b: mx.array, scale: float) -> None:
        """Give `slot` its A [in, rank] and B [rank, out]."""
        self._ranks[slot] = a.shape[1]
        self._resize()
        rank = self.a.shape[2]
        padding = rank - a.shape[1]
        self.a[slot] = mx.pad(a.astype(self._dtype), [(0, 0), (0, padding)])
        self.b[slot] = mx.pad((b * scale).astype(self._dtype), [(0, padding), (0, 0)])

    def clear(self, slot: int) -> bool:
        """Take the slot's branch away; True when no slot adapts this layer any more."""
        if self._ranks.pop(slot, None) is not None:
            if slot < self.a.shape[0]:
                self.a[slot] = 0
                self.b[slot] = 0
            self._resize()
        return not self._ranks

    def cover(self, slots: int) -> None:
        """Have at least `slots` slots: rows may bear any slot of the model, also one not adapted here."""
        self._resize(slots)

    def _resize(self, slots: int = 0) -> None:
        slots = max(slots, self.a.shape[0], max(self._ranks, default=0) + 1)
        rank = max(self._ranks.values(), default=1)
        self.a = _resized(self.a, slots, 2, rank)
        self.b = _resized(self.b, slots, 1, rank)


class AdapterRouter:
    """The adapters on a base, by slot; wraps and unwraps the base's layers as they come and go."""

    def __init__(self, model: nn.Module) -> None:
        self.model = model
        self.rows = RowSlots()
        self._layers: dict[str, RoutedLinear] = {}
        self._slots: dict[int, list[str]] = {}

    @property
    def slots(self) -> list[int]:
        """The slots in use, the base's own aside."""
        return sorted(self._slots)

    def load(self, adapter: AdapterWeights) -> int:
        """Put an adapter beside the others; returns its slot.

        Raises Conflict, with nothing changed, when a layer or a shape is not the base's.
        """
        for path, (a, b) in adapter.layers.items():
            self._check(adapter, path, a, b)
        slot = next(n for n in range(1, len(self._slots) + 2) if n not in self._slots)
        self._slots[slot] = list(adapter.layers)
        for path, (a, b) in adapter.layers.items():
            if path not in self._layers:
                self._layers[path] = RoutedLinear(_module_at(self.model, path), self.rows)
                _replace(self.model, path, self._layers[path])
            self._layers[path].put(slot, a, b, adapter.scale)
        for layer in self._layers.values():
            layer.cover(max(self._slots) + 1)
        mx.eval([[layer.a, layer.b] for layer in self._layers.values()])
        return slot

    def unload(self, slot: int) -> None:
        """Free a slot. No row in flight may bear it."""
        for path in self._slots.pop(slot):
            layer = self._layers[path]
            if layer.clear(slot):
                _replace(self.model, path, layer.linear)
                del self._layers[path]
        mx.eval([[layer.a, layer.b] for layer in self._layers.values()])

    def caches(self, slot: int) -> list[Any]:
        """The caches of a new request: the base's own, then the one that carries the slot."""
        return [*make_prompt_cache(self.model), SlotCache([slot])]

    def __call__(self, tokens: mx.array, cache: list[Any]) -> mx.array:
        """tokens: [rows, length] → logits [rows, length, vocabulary]."""
        *own, carrier = cache
        self.rows.choose(carrier.slots)
        try:
            return self.model(tokens, cache=own)
        finally:
            self.rows.choose(())

    def _check(self, adapter: AdapterWeights, path: str, a: mx.array, b: mx.array) -> None:
        name = f"{adapter.name}@{adapter.version}"
        fix = "Serve a LoRA adapter of linear layers that was trained on this base."
        layer = self._layers.get(path)
        linear = layer.linear if layer else _module_at(self.model, path)
        if not isinstance(linear, nn.Linear | nn.QuantizedLinear):
            raise Conflict(f"The adapter `{name}` adapts a layer that this base does not have as linear.", fix=fix)
        inputs, outputs = _width(linear)
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

    @property
    def nbytes(self) -> int:
        return 0

    def size(self) -> int:
        return 0

    def empty(self) -> bool:
        return not self.slots

    def is_trimmable(self) -> bool:
        return True

    def trim(self, tokens: int) -> int:
        return tokens


def _width(linear: nn.Module) -> tuple[int, int]:
    outputs, inputs = linear.weight.shape
    if isinstance(linear, nn.QuantizedLinear):
        inputs = inputs * 32 // linear.bits
    return inputs, outputs


def _branch_type(linear: nn.Module) -> Any:
    # `gather_mm` on the CPU takes float32 alone.
    if mx.default_device() == mx.cpu:
        return mx.float32
    own = linear.scales.dtype if isinstance(linear, nn.QuantizedLinear) else linear.weight.dtype
    return own if mx.issubdtype(own, mx.floating) else mx.float16


def _resized(stack: mx.array, slots: int, axis: int, rank: int) -> mx.array:
    """The stack with room for `slots` slots and rank `rank` along `axis`."""
    old = stack.shape[axis]
    if rank < old:
        stack = stack[:, :, :rank] if axis == 2 else stack[:, :rank, :]
    widths = [(0, slots - stack.shape[0]), (0, 0), (0, 0)]
    widths[axis] = (0, max(0, rank - old))
    return mx.contiguous(stack) if not any(after for _, after in widths) else mx.pad(stack, widths)


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
