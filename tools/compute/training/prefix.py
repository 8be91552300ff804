"""The frozen prefix: layers below the first adapter always give the same, so they are run once a row.

What enters the first adapted layer is kept on disk as the first pass comes by, and read from there
afterwards: then the layers below are neither run nor held in memory. Prior art: Skip2-LoRA
(https://arxiv.org/abs/2410.21073), PAC (2408.10746), AutoFreeze (2102.01386).
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import mlx.core as mx

from tools.compute.training.decoder import Decoder
from tools.compute.training.hidden_store import HiddenStore
from tools.compute.training.packing import Batch
from tools.compute.training.step import attention_mask


class FrozenPrefix:
    """The layers below `start`, and what they gave for each row of one split.

    release: gives their weights back to the system; they are read again should they be needed.
    """

    def __init__(self, decoder: Decoder, start: int, store: HiddenStore, release: Callable[[], None]) -> None:
        self._decoder, self.start, self.store, self._release = decoder, start, store, release
        self._released = False
        # Handing a step to a GPU takes nearly as long as the step: reading ahead needs a thread of its own.
        self._reader = ThreadPoolExecutor(1, "prefix")
        self._ahead: tuple[Batch, Future[mx.array]] | None = None

    def entering(self, batch: Batch) -> mx.array:
        """What enters layer `start`, [lines, width, hidden]; computed and kept where a row is new.

        Kept rows are read back even in the pass that computes them, so that every pass, and a run
        that was taken up again, trains on the same numbers.
        """
        ahead, self._ahead = self._ahead, None
        if ahead is not None:
            read = ahead[1].result()
            if ahead[0] is batch:
                return self.store.states(read)
        if not self._has(batch):
            self._compute(batch)
        elif not self._released and self.store.complete:
            self.release()
        return self.store.states(self._lay_out(batch))

    def fetch(self, batch: Batch) -> None:
        """Begin to read what `entering` will be asked for next, as far as it is kept."""
        if self._released and self._has(batch):
            self._ahead = (batch, self._reader.submit(self._lay_out, batch))

    def _has(self, batch: Batch) -> bool:
        return all(self.store.has(place.row) for place in batch.places)

    def _lay_out(self, batch: Batch) -> mx.array:
        places = [(place.row, place.line, place.start, place.length) for place in batch.places]
        return self.store.lay_out(places, (batch.ids.shape[0], batch.ids.shape[1]))

    def let_go(self) -> None:
        """Release the layers below again, after the whole model was run for something else than training."""
        if self.store.complete:
            self.release()

    def release(self) -> None:
        """Hold the weights of the layers below no longer."""
        self._release()
        self._released = True

    def _compute(self, batch: Batch) -> None:
        mask = attention_mask(None if batch.segments is None else mx.array(batch.segments))
        hidden = self._decoder.run(self._decoder.embed(mx.array(batch.ids)), mask, 0, self.start)
        mx.eval(hidden)
        for place in batch.places:
            self.store.put(place.row, hidden[place.line, place.start : place.start + place.length])
        self._released = False
