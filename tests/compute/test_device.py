"""Memory that arrays no longer need goes back to the system when that is asked for."""

from __future__ import annotations

import mlx.core as mx

from tools.compute import device

MB = 1_000_000


def test_what_arrays_no_longer_need_is_given_back_to_the_system() -> None:
    device.set_up()
    device.give_back()
    before = device.memory().rss
    kept = []
    for _ in range(100):
        # Between those that go lie small ones that stay, as in a process that has worked for a while.
        large, small = mx.ones((500, 500)) * 2, mx.ones((64,)) * 2
        mx.eval(large, small)
        kept.append((large, small))
    assert device.memory().rss - before > 80 * MB
    kept = [(small, small) for _, small in kept]
    del large
    device.give_back()
    assert device.memory().rss - before < 20 * MB
