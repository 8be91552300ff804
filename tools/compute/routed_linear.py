"""A base's linear layer with the low-rank branches of adapters beside it, stacked by the adapters' form.

Adapters of one form (the same layers and ranks) are a group: a layer has the group's A and B in stacks,
and adds `gather_mm(gather_mm(x, A[member]), B[member])` to its output, with one member a row of the
batch. A group that no row is on costs nothing; rows that are all on one adapter go through plain
matmuls. A stack holds its adapters' bytes and no more.

Method: batched LoRA by gather, as in Punica (https://arxiv.org/abs/2310.18547).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import mlx.core as mx
import mlx.nn as nn

# An adapter's rank by the path of each layer it adapts: adapters of one form can be stacked.
Form = tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class _Share:
    """A group's part in the rows that go through the model now.

    only: the member that all rows are on. Else member: [rows] uint32, and held: [rows, 1, 1] bool,
    False for rows that are not the group's, None when all are.
    """

    only: int | None = None
    member: mx.array | None = None
    held: mx.array | None = None


@dataclass(eq=False)
class Group:
    """Adapters of one form. members: their slots, in the order of the stacks."""

    form: Form
    members: list[int] = field(default_factory=list)
    share: _Share | None = None

    def choose(self, slots: Sequence[int]) -> None:
        places = [self.members.index(slot) if slot in self.members else None for slot in slots]
        present = {place for place in places if place is not None}
        if not present:
            self.share = None
        elif len(present) == 1 and None not in places:
            self.share = _Share(only=present.pop())
        else:
            member = mx.array([place or 0 for place in places], dtype=mx.uint32)
            held = None if None not in places else mx.array([place is not None for place in places])[:, None, None]
            self.share = _Share(member=member, held=held)


class RowSlots:
    """The slots of the rows that go through the model now, told to every group."""

    def __init__(self) -> None:
        self.groups: list[Group] = []

    def choose(self, slots: Sequence[int]) -> None:
        """slots: one a row; none, or base slots alone, for the bare base."""
        for group in self.groups:
            group.choose(slots)


class Branch:
    """One layer's A [members, in, rank] and B [members, rank, out] of a group, the scale folded into B."""

    def __init__(self, group: Group) -> None:
        self.group = group
        self.stacks: tuple[mx.array, mx.array] | None = None

    def append(self, a: mx.array, b: mx.array) -> None:
        grown = (a[None], b[None])
        if self.stacks is not None:
            grown = (mx.concatenate([self.stacks[0], grown[0]]), mx.concatenate([self.stacks[1], grown[1]]))
        self._keep(*grown)

    def remove(self, place: int) -> None:
        assert self.stacks is not None
        a, b = (mx.concatenate([stack[:place], stack[place + 1 :]]) for stack in self.stacks)
        self._keep(a, b)

    def _keep(self, a: mx.array, b: mx.array) -> None:
        # Layer by layer: no more than one layer's stacks are there twice.
        mx.eval(a, b)
        self.stacks = (a, b)

    def add_to(self, y: mx.array, x: mx.array) -> mx.array:
        share = self.group.share
        if share is None or self.stacks is None:
            return y
        a, b = self.stacks
        x = x.astype(a.dtype)
        if share.only is not None:
            low, wide = x @ a[share.only], b[share.only]
            # One kernel less, of which a single row on a GPU feels each.
            return mx.addmm(y, low, wide) if wide.dtype == y.dtype else y + (low @ wide).astype(y.dtype)
        low = mx.gather_mm(x, a, rhs_indices=share.member)
        if share.held is not None:
            low = mx.where(share.held, low, 0)
        return y + mx.gather_mm(low, b, rhs_indices=share.member).astype(y.dtype)


class RoutedLinear(nn.Module):
    """A frozen linear plus, for each row, the low-rank branch of the row's adapter."""

    def __init__(self, linear: nn.Module) -> None:
        super().__init__()
        self.linear = linear
        self._branches: list[Branch] = []

    def __call__(self, x: mx.array) -> mx.array:
        """x: [rows, tokens, in] → [rows, tokens, out]."""
        y = self.linear(x)
        for branch in self._branches:
            y = branch.add_to(y, x)
        return y

    def branch(self, group: Group) -> Branch:
        """The group's branch here, made when there is none."""
        for branch in self._branches:
            if branch.group is group:
                return branch
        self._branches.append(Branch(group))
        return self._branches[-1]

    def drop(self, group: Group) -> bool:
        """Take a group's branch away; True when none is left."""
        self._branches = [branch for branch in self._branches if branch.group is not group]
        return not self._branches


def width(linear: nn.Module) -> tuple[int, int]:
    """Inputs and outputs of a linear layer, packed or not."""
    outputs, inputs = linear.weight.shape
    if isinstance(linear, nn.QuantizedLinear):
        inputs = inputs * 32 // linear.bits
    return inputs, outputs


def branch_type(linear: nn.Module) -> Any:
    """The type that a layer's branches are kept in: the activations'."""
    # `gather_mm` on the CPU takes float32 alone.
    if mx.default_device() == mx.cpu:
        return mx.float32
    own = linear.scales.dtype if isinstance(linear, nn.QuantizedLinear) else linear.weight.dtype
    return own if mx.issubdtype(own, mx.floating) else mx.float16
