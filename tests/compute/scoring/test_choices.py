"""Options scored behind a question that is read once."""

from __future__ import annotations

import pytest

from tests.support.tiny_adapter import make_tiny_adapter
from tools.compute.loading import load_base
from tools.compute.lora import read_adapter
from tools.compute.routing import AdapterRouter
from tools.compute.scoring.choices import score_options
from tools.compute.scoring.likelihood import score
from tools.workspace.layout import Workspace

PROMPT = [5, 9, 17, 33, 41, 8]
OPTIONS = [[12], [12, 40, 7], [99, 3], [64, 64, 64, 64, 64]]


def test_an_option_has_the_likelihood_that_it_has_after_the_whole_prompt(tiny_ws: Workspace) -> None:
    folder = make_tiny_adapter(tiny_ws, "um")
    base = load_base(tiny_ws.model_folder("tiny"))
    router = AdapterRouter(base.model)
    slot = router.load(read_adapter(folder, base.info))
    for one in (0, slot):
        items = [([*PROMPT, *option], [False] * len(PROMPT) + [True] * len(option)) for option in OPTIONS]
        alone = [scored.nats for scored in score(router, one, items, lambda *_: None)]
        assert score_options(router, one, PROMPT, OPTIONS) == pytest.approx(alone, rel=1e-4)
    assert router.rows.groups[0].share is None  # nothing is left chosen
