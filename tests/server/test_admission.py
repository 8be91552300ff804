"""What may run together, by predicted bytes: against real requests and adapters of the tiny model."""

from __future__ import annotations

import mlx.core as mx
import pytest

from server.engine.protocol import AdapterRef, Conversation, Generate, PlainText, Prompt
from server.engine.worker.adapters import Adapters
from server.engine.worker.admission import Admission
from server.engine.worker.conversations import FREE
from server.engine.worker.prompts import Prepared
from tests.support.tiny_adapter import make_tiny_adapter
from tools.compute import device
from tools.compute.generation import GenerationRequest, Generator
from tools.compute.loading import LoadedBase, load_base
from tools.compute.routing import AdapterRouter
from tools.errors import DoesNotFit
from tools.models.answer_costs import AnswerCosts, Load
from tools.models.sampling import GREEDY
from tools.workspace.layout import Workspace

MB = 1024**2
# A token of an answer takes 1 KB, the reading of a prompt nothing.
COSTS = AnswerCosts(token=1024, width=0, score=0)


def asked(number: int, prompt: int, limit: int, n: int = 1, kind: Prompt | None = None) -> tuple[Generate, Prepared]:
    request = Generate(id=number, prompts=[kind or PlainText(text="-")], n=n, max_tokens=limit, sampling=GREEDY)
    return request, Prepared([[0] * prompt], [limit], [FREE], [])


def test_a_request_that_can_never_fit_is_told_by_how_much() -> None:
    admission = Admission(COSTS, room=MB, most=4 * MB)
    admission.check(*asked(1, 96, 4000), adapter_bytes=0)
    with pytest.raises(DoesNotFit, match=r"2 answers.*takes 8 MB.*there are 4 MB: 4\.0 MB too few") as told:
        admission.check(*asked(2, 96, 4000, n=2), adapter_bytes=0)
    assert told.value.field == "max_tokens"
    with pytest.raises(DoesNotFit) as told:
        admission.check(*asked(3, 5000, 1, kind=Conversation(messages=[])), adapter_bytes=0)
    assert told.value.field == "messages"
    with pytest.raises(DoesNotFit):
        admission.check(*asked(4, 96, 4000), adapter_bytes=MB)


def test_rows_cost_what_the_longest_of_them_does() -> None:
    admission = Admission(COSTS, room=4 * MB, most=64 * MB)
    assert admission.fits(*asked(1, 1, 9999), adapter_bytes=0)  # alone it may have more than the room
    admission.join(*asked(2, 24, 1000))
    assert admission.fits(*asked(3, 24, 1000, n=3), adapter_bytes=0)
    assert not admission.fits(*asked(3, 24, 1000, n=4), adapter_bytes=0)
    assert not admission.fits(*asked(3, 24, 1000, n=3), adapter_bytes=1)
    assert not admission.fits(*asked(3, 24, 3000), adapter_bytes=0)
    admission.leave(2)
    assert admission.fits(*asked(3, 24, 3000), adapter_bytes=0)


@pytest.fixture
def base(tiny_ws: Workspace) -> LoadedBase:
    device.set_up()
    return load_base(tiny_ws.models / "tiny", "serve")


def test_adapters_that_nobody_uses_leave_when_their_room_is_needed(tiny_ws: Workspace, base: LoadedBase) -> None:
    adapters = Adapters(base, AdapterRouter(base.model), 8)
    references = []
    for i in range(3):
        folder = make_tiny_adapter(tiny_ws, f"a{i}", seed=i)
        references.append(AdapterRef(name=f"a{i}", version=folder.name, folder=str(folder), stamp=0))
    before = adapters.bytes_of(references[0])
    adapters.warm(references)
    assert len(adapters.names) == 3
    assert adapters.bytes_of(references[0]) == before > 0
    adapters.take(references[0])
    assert adapters.bytes_with(references[1]) == 2 * before
    adapters.keep_within(2 * before)
    assert [name.partition("@")[0] for name in adapters.names] == ["a2", "a0"]
    adapters.keep_within(0)
    assert [name.partition("@")[0] for name in adapters.names] == ["a0"]


def test_an_adapter_that_cannot_be_loaded_beforehand_hinders_no_other(tiny_ws: Workspace, base: LoadedBase) -> None:
    folder = make_tiny_adapter(tiny_ws, "um")
    good = AdapterRef(name="um", version=folder.name, folder=str(folder), stamp=0)
    gone = AdapterRef(name="dois", version="x", folder=str(tiny_ws.root / "nada"), stamp=0)
    adapters = Adapters(base, AdapterRouter(base.model), 8)
    adapters.warm([gone, good])
    assert adapters.names == [f"um@{folder.name}"]
    assert adapters.bytes_of(gone) == 0


@pytest.mark.parametrize(("rows", "prompt"), [(1, 400), (4, 400), (8, 120)])
def test_the_prediction_covers_what_is_held(base: LoadedBase, rows: int, prompt: int) -> None:
    costs = AnswerCosts.of(base.info, "float32")
    generator = Generator(AdapterRouter(base.model), base.tokenizer, max_rows=8)
    for row in range(rows):
        generator.add(GenerationRequest(prompt=[4 + (i + row) % 200 for i in range(prompt)], max_tokens=40))
    mx.eval(base.model.parameters())
    start = device.memory().active
    mx.reset_peak_memory()
    while len(generator):
        generator.step()
    held = device.memory().peak - start
    predicted = costs.bytes(Load(rows, prompt + 40, prompt))
    assert held > predicted / 5
    assert held < predicted
