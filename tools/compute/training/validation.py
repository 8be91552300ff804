"""The loss on held-out rows, without dropout or gradients."""

from __future__ import annotations

from tools.compute.arrays import scalar
from tools.compute.device_ops import suited_to_device
from tools.compute.training.decoder import Decoder
from tools.compute.training.loss import summed_loss
from tools.compute.training.packing import Batch
from tools.compute.training.prefix import FrozenPrefix
from tools.compute.training.step import batch_loss, on_device


def mean_loss(decoder: Decoder, batches: list[Batch], prefix: FrozenPrefix | None = None) -> float:
    """Mean negative log likelihood in nats a token. prefix: what is kept of these batches' rows, where it is."""
    decoder.model.eval()
    total, learned = 0.0, 0
    with suited_to_device(decoder.model):
        for batch in batches:
            given = on_device(batch, prefix.entering(batch) if prefix else None)
            total += scalar(batch_loss(decoder, given, summed_loss, prefix.start if prefix else 0))
            learned += batch.learned_tokens
    return total / max(1, learned)
