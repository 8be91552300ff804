"""A base in memory and what runs on it; requests as its generator takes them, and tokens as messages."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from server.engine.protocol import AdapterRef, Generate, Load, Logprob, Memory
from server.engine.worker.adapters import Adapters
from server.engine.worker.admission import Admission
from server.engine.worker.answers import AnswerReader
from server.engine.worker.conversations import Conversations
from server.engine.worker.prompts import Prepared
from tools.compute import device
from tools.compute.generation import GenerationRequest, Generator
from tools.compute.loading import LoadedBase, load_base
from tools.compute.logprobs import TokenLogprob
from tools.compute.routing import AdapterRouter
from tools.models.answer_costs import AnswerCosts
from tools.models.precision import choose_precision


@dataclass
class Serving:
    """Make one with `Serving.of`."""

    base: LoadedBase
    generator: Generator
    adapters: Adapters
    admission: Admission
    conversations: Conversations

    @classmethod
    def of(cls, message: Load) -> Serving:
        """Load the base. Raises what is wrong with it."""
        base = load_base(Path(message.folder), "serve")
        router = AdapterRouter(base.model)
        adapters = Adapters(base, router, message.max_adapters)
        adapters.warm(message.adapters)
        costs = AnswerCosts.of(base.info, choose_precision(base.info, "serve"))
        return cls(
            base=base,
            generator=Generator(
                router,
                base.tokenizer,
                max_rows=message.max_rows,
                prefill_chunk=costs.chunk,
                prefix_bytes=message.prefixes,
            ),
            adapters=adapters,
            admission=Admission(costs, message.room, message.most),
            conversations=Conversations(base),
        )

    def memory(self, rows: int) -> Memory:
        """What is held now; rows: answers that are being generated."""
        held, kept = device.memory(), self.generator.prefix_stats
        return Memory(
            active=held.active,
            cache=held.cache,
            peak=held.peak,
            rows=rows,
            adapters=self.adapters.names,
            adapter_loads=self.adapters.loads,
            adapter_evictions=self.adapters.evictions,
            prefix_hits=kept.hits,
            prefix_misses=kept.misses,
            prefix_hit_tokens=kept.hit_tokens,
            prefix_bytes=kept.bytes,
            prefix_evictions=kept.evictions,
        )


def row_of(request: Generate, prepared: Prepared, index: int, slot: int, reader: AnswerReader) -> GenerationRequest:
    """Answer `index` of a request, whose adapter is in `slot`, as the generator takes it."""
    place = index // request.n
    return GenerationRequest(
        prompt=prepared.prompts[place],
        max_tokens=prepared.limits[place],
        slot=slot,
        sampling=request.sampling,
        stream=index,
        stop=tuple(request.stop),
        top_logprobs=request.top_logprobs,
        processors=reader.processors,
        shown=prepared.plans[place].shown,
        scope=_scope(request.adapter),
        prompt_logprobs=request.top_logprobs if request.echo else None,
        offset=len(prepared.echoes[place].text) if request.echo else 0,
    )


def logprob_of(token: TokenLogprob) -> Logprob:
    return Logprob(
        token=token.token,
        bytes=list(token.bytes),
        logprob=token.logprob,
        top=[logprob_of(one) for one in token.top],
        start=token.start,
    )


def _scope(adapter: AdapterRef | None) -> str:
    """Names the weights by what they are: a slot, and a checkpoint's folder, come to hold others."""
    return f"{adapter.name}@{adapter.version}:{adapter.stamp}" if adapter else ""
