"""What a training step holds in memory beside the weights, term by term.

Every term is what the code keeps (`tools/compute/training`), counted from the model's shape. "Elements"
are of the activations' type. On CPUs the sum is within a tenth of what was measured with mlx 0.32.4
(tests/start_finetune/test_memory.py). For CUDA it was compared with peaks on an H100. For Metal, where
nothing was measured, it is a prediction from MLX's source.

MLX makes arrays as it hands work to the device, well before the work is done, and gives them back
after it. How far ahead it is, decides how many temporaries there are at once: `usual` counts as many as
it makes by itself, `least` as many as a step needs where it is made to wait (`device.bound_memory`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tools.models.info import ModelInfo
from tools.models.precision import activation_bytes, choose_precision
from tools.start_finetune.sizes import loss_chunk, rounded
from tools.workspace import machine

# The linear modules of a layer in mlx-lm's decoders.
MODULES = (
    "self_attn.q_proj",
    "self_attn.k_proj",
    "self_attn.v_proj",
    "self_attn.o_proj",
    "mlp.gate_proj",
    "mlp.up_proj",
    "mlp.down_proj",
)
# Arrays as large as the adapter that an optimizer keeps.
_MOMENTS = {"adamw": 2, "adam": 2, "sgd": 1, "lion": 1, "adafactor": 0}
# Queries to a block of the CPU's attention (`device_ops`).
_BLOCK = 128
# Widths of heads for which Metal has fused attention.
_FUSED_ON_METAL = (64, 80, 128)
# MLX lets 10 pieces of work wait beside the one that runs. A piece ends after so many elements read and
# written, or so many operations: on an H100 (other cards end it earlier), and on a Mac.
_PIECES = 11
_PIECE = {"cuda": (2**30, 100), "metal": (40 * 2**20, 40)}
_OPERATIONS_OF_A_LAYER = 45


@dataclass(frozen=True)
class StepShape:
    """A batch as it is computed: lines of `width` tokens, and the tokens learned in it."""

    lines: int
    width: int
    learned: int

    @property
    def tokens(self) -> int:
        return self.lines * self.width


@dataclass(frozen=True)
class Footprint:
    """Bytes beside the weights at the peak: with MLX made to wait, and as it works by itself."""

    least: int
    usual: int


def trained_layers(info: ModelInfo, settings: Mapping[str, Any]) -> int:
    asked = int(settings["lora_layers"])
    return info.layers if asked <= 0 else min(asked, info.layers)


def adapter_parameters(info: ModelInfo, layers: int, rank: int, keys: list[str] | None) -> int:
    """Elements of an adapter of `rank` on the linear modules of `layers` layers."""
    hidden, inner = info.hidden_size, info.intermediate_size
    queries, values = info.heads * info.head_dim, info.kv_heads * info.head_dim
    widths = (hidden + queries, hidden + values, hidden + values, queries + hidden, *[hidden + inner] * 3)
    wanted = MODULES if keys is None else keys
    return layers * rank * sum(width for name, width in zip(MODULES, widths, strict=True) if name in wanted)


def adapter_copies(settings: Mapping[str, Any]) -> int:
    """Arrays as large as the adapter that are held between steps, in float32.

    The adapter, as it was at the beginning, the optimizer's moments, and gradients that add up over parts.
    """
    parts = settings.get("rows_at_once") or settings["batch_size"]
    summed = settings["gradient_accumulation_steps"] > 1 or parts < settings["batch_size"]
    return 2 + _MOMENTS[str(settings["optimizer"])] + int(summed)


def largest_step(info: ModelInfo, settings: Mapping[str, Any], longest: int | None = None) -> StepShape:
    """The largest batch that these settings compute at once, all of it learned. longest: of the rows, in tokens.

    Rows that share a line take no more memory than lines of their own (`packing.lay_out`).
    """
    length = min(settings["max_seq_length"], info.max_positions, longest or info.max_positions)
    lines = min(settings["batch_size"], settings.get("rows_at_once") or settings["batch_size"])
    width = rounded(max(2, length) - 1)
    return StepShape(lines, width, lines * width)


def footprint(info: ModelInfo, settings: Mapping[str, Any], step: StepShape, *, first: bool = False) -> Footprint:
    """Bytes beside the weights for a step of this shape.

    first: before the first update, when neither moments nor a second copy of the adapter are there.
    """
    counted = _Counted(info, settings, step)
    return Footprint(counted.peak(first, ahead=False), counted.peak(first, ahead=True))


class _Counted:
    """The terms for one model, plan and step. Methods give bytes."""

    def __init__(self, info: ModelInfo, settings: Mapping[str, Any], step: StepShape) -> None:
        self.info, self.settings, self.step, self.kind = info, settings, step, machine.device()
        precision = choose_precision(info, "train")
        self.size = activation_bytes(info, precision)
        self.as_stored = precision in ("float16", "as stored")
        self.layers = trained_layers(info, settings)
        self.queries, self.values = info.heads * info.head_dim, info.kv_heads * info.head_dim

    def peak(self, first: bool, *, ahead: bool) -> int:
        """The largest of three moments: the loss, the backward pass of the last layer, the update."""
        adapter = self.adapter()
        # Before the first update there is the adapter alone.
        copies = 1 if first else adapter_copies(self.settings)
        held = adapter * copies + self.mask() + self.entering()
        if self.settings["grad_checkpoint"]:
            # Recomputed layers keep what enters them; one at a time has the rest.
            entering = self.wide(self.info.hidden_size)
            at_last_layer = self.layer() - entering + self.backward(ahead=ahead)
            through = self.layers * entering + max(self.loss(ahead=ahead), at_last_layer)
        else:
            through = self.layers * self.layer() + max(self.loss(ahead=ahead), self.backward(ahead=ahead))
        # The step's gradient, and what the update replaces, a few modules at a time.
        update = adapter * (2 if ahead else 1)
        return int(held + max(through, update) + (self.under_way() if ahead else 0))

    def wide(self, elements: float) -> float:
        """So many elements a token."""
        return self.step.tokens * elements * self.size

    def adapter(self) -> int:
        return adapter_parameters(self.info, self.layers, self.settings["lora_rank"], self.settings["lora_keys"]) * 4

    def mask(self) -> int:
        """Where rows may share lines: which tokens see which, in bool; cuDNN has it for every head, to be added."""
        if self.step.lines == 1:
            return 0
        return self.step.tokens * self.step.width * (1 + (self.info.heads * self.size if self.kind == "cuda" else 0))

    def entering(self) -> float:
        """The embedded tokens; of frozen layers, this batch's results and the next one's, read ahead."""
        return self.wide(self.info.hidden_size * (1 if self.settings.get("frozen_prefix") is False else 2))

    def layer(self) -> float:
        """What one trained layer keeps for its backward pass."""
        hidden, inner = self.info.hidden_size, self.info.intermediate_size
        # What the two norms read; the attention's queries, keys, values; gate, up, and the sigmoid of the gate.
        elements: float = 2 * hidden + self.queries + 2 * self.values + 3 * inner
        return self.wide(elements + self.attention()) + self.inputs_of_modules()

    def inputs_of_modules(self) -> float:
        """What the adapted modules read: both norms' results, the attention's and the product of gate and up.

        With dropout each module has its own input, with zeros in it, and a mask of a byte an element.
        """
        hidden, inner = self.info.hidden_size, self.info.intermediate_size
        keys = MODULES if self.settings["lora_keys"] is None else self.settings["lora_keys"]
        groups = ((MODULES[:3], hidden), (MODULES[3:4], self.queries), (MODULES[4:6], hidden), (MODULES[6:], inner))
        adapted = [(sum(name in keys for name in names), width) for names, width in groups]
        if self.settings["lora_dropout"] == 0:
            return self.wide(sum(width for count, width in adapted if count))
        return self.step.tokens * sum(count * width for count, width in adapted) * (self.size + 1)

    def attention(self) -> float:
        """Elements a token of the scores that are kept."""
        if self.kind == "cpu":
            # Weights of blocks of queries, up to the diagonal; sines and cosines of queries and keys.
            return self.info.heads * _block_elements(self.step.width) / self.step.width + 2 * self.info.head_dim
        if self.fused():
            return 0
        # Weights, and scores with the mask.
        return 2 * self.info.heads * self.step.width

    def fused(self) -> bool:
        width = self.info.head_dim
        if self.kind == "metal":
            return width in _FUSED_ON_METAL
        return self.size == 2 and width <= 128 and width % 8 == 0

    def loss(self, *, ahead: bool) -> float:
        """Logits of a chunk of learned tokens, and arrays like it: exponentials, shares, shares less the targets'."""
        vocabulary, hidden = self.info.vocab_size, self.info.hidden_size
        chunk = min(self.step.learned, loss_chunk(vocabulary))
        # States chosen and their gradients; the last norm's temporaries.
        around = 2 * self.step.learned * hidden * self.size + 12 * chunk * hidden * self.size
        if self.kind == "cpu":
            # Ahead: all four, and of the next chunk none to two and a half, as the work happens to fall.
            following = min(self.step.learned - chunk, chunk)
            return around + vocabulary * 4 * (4 * chunk + 1.2 * following if ahead else 2 * chunk)
        # Elementwise work is one kernel: logits and their gradient, and float32 between.
        return around + vocabulary * chunk * (2 * self.size + (12 if ahead else 8))

    def backward(self, *, ahead: bool) -> float:
        """Temporaries of a layer's backward pass, the larger of the feed-forward part's and the attention's."""
        inner, tokens, width = self.info.intermediate_size, self.step.tokens, self.step.width
        if self.kind == "cpu":
            # Each block's gradients by queries, keys and values are as long as the line, and added up.
            blocks = -(-width // _BLOCK) * self.wide(self.queries + 2 * self.values)
            scores = self.step.lines * self.info.heads * min(_BLOCK, width) * width * self.size
            attention = blocks + 5 * scores if ahead else blocks / 2 + 2 * scores
            return max(attention, self.wide((9 if ahead else 4) * inner))
        feed_forward = self.wide((6 if ahead else 4) * inner)
        if self.kind == "cuda" and self.fused():
            return feed_forward
        # Metal has no fused backward pass: scores, weights and their gradients of one layer.
        return max(feed_forward, (6 if ahead else 4) * tokens * self.info.heads * width * self.size)

    def under_way(self) -> float:
        """On a GPU: what operations hold that were handed to it and are not done, in layers' worth of results."""
        if self.kind == "cpu":
            return 0
        elements, operations = _PIECE[self.kind]
        # The adapters' branches give half as much again as is kept.
        results = 1.5 * self.layer() / self.size
        # Packed weights count by the words that they are packed in.
        packed = (self.info.quantized_bits or 32) / 32 if self.as_stored else 1
        read = self.info.parameters * packed / self.info.layers
        layers = min(_PIECES * elements / (2 * results + read), _PIECES * operations / _OPERATIONS_OF_A_LAYER)
        return layers * results * self.size


def _block_elements(width: int) -> int:
    """Elements of the blocks of scores that the CPU's attention makes for one head of a line."""
    stops = (min(start + _BLOCK, width) for start in range(0, width, _BLOCK))
    return sum((stop - start) * stop for start, stop in zip(range(0, width, _BLOCK), stops, strict=True))
