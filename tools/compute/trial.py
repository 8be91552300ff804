"""Does MLX run here, and how fast? Prints one line of JSON: the device and GFLOP/s in float32."""

from __future__ import annotations

import json
import sys
import time

import mlx.core as mx

from tools.compute.device import set_up

_SIZE = 768


def measure() -> dict[str, object]:
    """The best of a few products of two square matrices: 2 n³ operations each."""
    set_up()
    a = mx.random.normal((_SIZE, _SIZE))
    mx.eval(a @ a)
    best = float("inf")
    for _ in range(3):
        start = time.perf_counter()
        mx.eval(a @ a)
        best = min(best, time.perf_counter() - start)
    return {"device": str(mx.default_device()), "gflops": round(2 * _SIZE**3 / best / 1e9, 1)}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(measure()) + "\n")
