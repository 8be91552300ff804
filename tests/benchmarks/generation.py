"""Writing answers: Afina's generator against mlx-lm on the same loaded base; and four adapters in one batch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from mlx_lm.tokenizer_utils import load as load_tokenizer

from tests.benchmarks import decoding
from tests.benchmarks.decoding import Decoded
from tests.benchmarks.material import books
from tests.benchmarks.measurement import Bench, Measurement, run_child
from tools.compute import device
from tools.compute.loading import load_base
from tools.compute.lora import LoraShape
from tools.compute.routing import AdapterRouter

SHAPE = LoraShape(layers=16, rank=8, scale=2.0)
ADAPTERS = 4
ROWS = 8


def measure(bench: Bench) -> Iterator[Measurement]:
    device.set_up()
    base = load_base(bench.folder, "serve")
    model, peer = base.model, load_tokenizer(bench.folder)
    decoding.never_ending(base.tokenizer, peer)
    router = AdapterRouter(model)
    tokens, rounds = (16, 1) if bench.quick else (64, 3)
    asked = decoding.prompts(base.tokenizer, books(), ROWS)
    for rows in (1, ROWS):
        yield _compared(
            f"{rows} row{'s' if rows > 1 else ''}",
            f"mlx_lm.{'batch' if rows > 1 else 'stream'}_generate",
            lambda rows=rows: decoding.afina(router, base.tokenizer, asked[:rows], tokens),
            lambda rows=rows: decoding.mlx_lm(model, peer, asked[:rows], tokens),
            rounds,
            {"tokens_each": tokens, "precision": base.precision},
        )
    adapters = decoding.random_adapters(model, SHAPE, ADAPTERS)

    def mixed() -> Decoded:
        slots = [router.load(adapter) for adapter in adapters]
        try:
            return decoding.afina(router, base.tokenizer, asked, tokens, slots)
        finally:
            for slot in slots:
                router.unload(slot)

    yield _compared(
        f"{ROWS} rows of {ADAPTERS} adapters",
        "mlx_lm.batch_generate, adapter by adapter",
        mixed,
        lambda: decoding.mlx_lm_one_by_one(model, peer, asked, tokens, [(one, SHAPE) for one in adapters]),
        rounds,
        {"tokens_each": tokens, "precision": base.precision, "rank": SHAPE.rank, "layers": SHAPE.layers},
    )


def _compared(
    case: str,
    peer_name: str,
    ours: Callable[[], Decoded],
    theirs: Callable[[], Decoded],
    rounds: int,
    more: dict[str, Any],
) -> Measurement:
    """Both in turns; the median round of each."""
    found: list[tuple[Decoded, Decoded]] = []
    for number in range(rounds):
        if number % 2 == 0:
            their = theirs()
            found.append((ours(), their))
        else:
            found.append((ours(), theirs()))
    a, b = Decoded.median([one for one, _ in found]), Decoded.median([one for _, one in found])
    return Measurement(
        "generation",
        case,
        "tok/s",
        round(a.decode, 2),
        round(b.decode, 2),
        peer_name,
        notes=f"with reading the prompts {a.whole:.1f} against {b.whole:.1f}",
        more={
            "afina_whole": round(a.whole, 2),
            "peer_whole": round(b.whole, 2),
            "afina_all": [round(one.decode, 2) for one, _ in found],
            "peer_all": [round(one.decode, 2) for _, one in found],
            "prompt_tokens": decoding.PROMPT_TOKENS,
            **more,
        },
    )


if __name__ == "__main__":
    run_child(measure)
