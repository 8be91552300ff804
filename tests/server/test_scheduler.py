"""The engine's loop with real messages and the tiny model, in this process: its line is a list."""

from __future__ import annotations

from typing import Any

import pytest

from server.engine import room
from server.engine.protocol import (
    AdapterRef,
    Cancel,
    Done,
    Ended,
    Failed,
    Generate,
    Load,
    Loaded,
    LoadFailed,
    Memory,
    Message,
    PlainText,
    Started,
    Stop,
    Text,
    TokenIds,
    decode_from_engine,
    decode_to_engine,
    encode,
)
from server.engine.worker.scheduler import Scheduler
from tests.support.tiny_adapter import make_tiny_adapter
from tools.models.answer_costs import AnswerCosts
from tools.models.answer_costs import Load as LoadOfAnswers
from tools.models.info import load_info
from tools.models.sampling import Sampling
from tools.models.tokenizer import Tokenizer
from tools.workspace.layout import Workspace

MB = 1024**2


def load(ws: Workspace, room: int = 64 * MB, most: int = 64 * MB) -> Load:
    return Load(base="tiny", folder=str(ws.models / "tiny"), max_rows=8, room=room, most=most, max_adapters=4)


def generate(number: int, **how: Any) -> Generate:
    sampling = Sampling(logit_bias={2: -100.0})
    given = {"prompts": [PlainText(text="O farol")], "max_tokens": 20, "sampling": sampling, **how}
    return Generate(id=number, **given)


def told(*messages: Message, later: dict[int, Message] | None = None) -> list[Message]:
    """What the engine says to these messages; `later`: more, by the number of texts said before each."""
    inbox, said = list(messages), []
    waiting = dict(later or {})

    def send(message: Message) -> None:
        said.append(decode_from_engine(encode(message)))

    def receive(_timeout_s: float) -> Any:
        texts = sum(isinstance(one, Text) for one in said)
        for at in [at for at in waiting if texts >= at]:
            inbox.append(waiting.pop(at))
        if inbox:
            return decode_to_engine(encode(inbox.pop(0)))
        open_ids = {one.id for one in [*messages, *(later or {}).values()] if isinstance(one, Generate)}
        open_ids -= {one.id for one in said if isinstance(one, Done | Failed)}
        open_ids -= {one.id for one in [*(later or {}).values()] if isinstance(one, Cancel)}
        return None if open_ids or waiting else Stop()

    Scheduler(send, receive).run()
    return [one for one in said if not isinstance(one, Memory)]


def kinds(said: list[Message], number: int) -> list[str]:
    names = [type(one).__name__ for one in said if getattr(one, "id", None) == number]
    return [name for i, name in enumerate(names) if name != "Text" or names[i - 1] != "Text"]


def test_a_request_begins_speaks_and_ends(tiny_ws: Workspace) -> None:
    said = told(load(tiny_ws), generate(1))
    assert isinstance(said[0], Loaded)
    assert kinds(said, 1) == ["Started", "Text", "Ended", "Done"]
    assert said[-1] == Done(id=1, prompt_tokens=said[-1].prompt_tokens, completion_tokens=20)


def test_requests_share_the_batch(tiny_ws: Workspace) -> None:
    said = told(load(tiny_ws), generate(1), generate(2))
    assert [one.id for one in said if isinstance(one, Started)] == [1, 2]
    first_end = next(i for i, one in enumerate(said) if isinstance(one, Ended))
    assert {one.id for one in said[:first_end] if isinstance(one, Text)} == {1, 2}


def test_a_request_waits_until_the_caches_have_room_for_it(tiny_ws: Workspace) -> None:
    said = told(load(tiny_ws, room=300_000), generate(1), generate(2), generate(3, max_tokens=100))
    order = [(type(one).__name__, one.id) for one in said if isinstance(one, Started | Done)]
    assert order == [("Started", 1), ("Done", 1), ("Started", 2), ("Done", 2), ("Started", 3), ("Done", 3)]


def test_a_cancelled_request_says_nothing_more(tiny_ws: Workspace) -> None:
    said = told(load(tiny_ws), generate(1, max_tokens=400), generate(2), later={6: Cancel(id=1)})
    assert kinds(said, 1) == ["Started", "Text", "Cancelled"]
    assert kinds(said, 2)[-1] == "Done"


def test_a_request_that_cannot_begin_fails_alone(tiny_ws: Workspace) -> None:
    gone = AdapterRef(name="um", version="x", folder=str(tiny_ws.root / "nada"), stamp=0)
    said = told(load(tiny_ws), generate(1), generate(2, adapter=gone), generate(3, prompts=[PlainText(text="")]))
    assert kinds(said, 1)[-1] == "Done"
    assert kinds(said, 2) == kinds(said, 3) == ["Failed"]


def keeping(ws: Workspace) -> Load:
    return load(ws).model_copy(update={"prefixes": 8 * MB})


def text_of(said: list[Message], number: int, index: int = 0) -> str:
    return "".join(one.text for one in said if isinstance(one, Text) and (one.id, one.index) == (number, index))


def done(said: list[Message], number: int) -> Done:
    return next(one for one in said if isinstance(one, Done) and one.id == number)


LONG_PROMPT = "O farol da ilha de areia acendia-se todas as noites. A menina contava os barcos."


def test_a_prompt_that_was_read_is_not_read_again(tiny_ws: Workspace) -> None:
    long = [PlainText(text=LONG_PROMPT)]
    said = told(keeping(tiny_ws), generate(1, prompts=long), later={5: generate(2, prompts=long, n=3)})
    assert done(said, 1).cached_tokens == 0
    assert done(said, 2).cached_tokens == done(said, 2).prompt_tokens - 1
    assert text_of(said, 1) == text_of(said, 2) == text_of(said, 2, 2)


def test_an_adapter_replaced_under_its_name_shares_nothing_with_the_one_before(tiny_ws: Workspace) -> None:
    long = [PlainText(text=LONG_PROMPT)]
    folders = [make_tiny_adapter(tiny_ws, "um", seed=seed) for seed in (1, 2)]
    old, new = (
        AdapterRef(name="um", version="step-5", folder=str(folder), stamp=stamp) for stamp, folder in enumerate(folders)
    )
    # The new one comes while the old one still answers.
    said = told(
        keeping(tiny_ws),
        generate(1, prompts=long, adapter=old, max_tokens=60),
        later={4: generate(2, prompts=long, adapter=new), 8: generate(3, prompts=long, adapter=old)},
    )
    alone = told(load(tiny_ws), generate(2, prompts=long, adapter=new))
    assert done(said, 2).cached_tokens == 0
    assert text_of(said, 2) == text_of(alone, 2)
    assert done(said, 3).cached_tokens == done(said, 3).prompt_tokens - 1
    assert text_of(said, 1).startswith(text_of(said, 3))
    assert text_of(said, 3) != text_of(said, 2)


def test_an_echo_comes_before_every_answer(tiny_ws: Workspace) -> None:
    prompts = [PlainText(text="O farol "), TokenIds(ids=[1, 45, 60])]
    plain = told(load(tiny_ws), generate(1, prompts=prompts, n=2))
    said = told(
        load(tiny_ws),
        generate(1, prompts=prompts, n=2, echo=True),
        generate(2, prompts=prompts, echo=True, max_tokens=0),
    )
    ids = "<|im_start|>" + Tokenizer.load(tiny_ws.models / "tiny").decode([45, 60])
    for index, text in enumerate(["O farol ", "O farol ", ids, ids]):
        assert text_of(said, 1, index) == text + text_of(plain, 1, index)
    assert (text_of(said, 2, 0), text_of(said, 2, 1)) == ("O farol ", ids)
    assert done(said, 2).completion_tokens == 0
    assert {one.reason for one in said if isinstance(one, Ended) and one.id == 2} == {"length"}


def test_an_echo_is_placed_and_scored_to_the_token(tiny_ws: Workspace) -> None:
    text = "mãe 🜂 farol"
    said = told(load(tiny_ws), generate(1, prompts=[PlainText(text=text)], echo=True, top_logprobs=1, max_tokens=3))
    told_tokens = [one for message in said if isinstance(message, Text) for one in message.logprobs]
    assert told_tokens[0].logprob is None
    assert all(one.logprob is not None for one in told_tokens[1:])
    whole = text_of(said, 1).encode()
    at = 0
    for one in told_tokens[: done(said, 1).prompt_tokens]:
        # A token within a character has the place of that character.
        assert one.start == len(whole[:at].decode("utf-8", "ignore"))
        at += len(one.bytes)
    assert told_tokens[-3].start >= len(text)


def test_an_adapter_is_freed_after_its_last_request(tiny_ws: Workspace) -> None:
    refs = []
    for i in range(6):
        folder = make_tiny_adapter(tiny_ws, f"a{i}", seed=i)
        refs.append(AdapterRef(name=f"a{i}", version=folder.name, folder=str(folder), stamp=0))
    said = told(load(tiny_ws), *[generate(i, adapter=ref) for i, ref in enumerate(refs * 2)])
    assert sum(isinstance(one, Done) for one in said) == 12


def test_a_base_that_cannot_be_loaded_is_told(tiny_ws: Workspace) -> None:
    (tiny_ws.models / "tiny" / "config.json").write_text("{")
    (answer,) = told(load(tiny_ws))
    assert isinstance(answer, LoadFailed)
    assert answer.error["message"]


def test_a_request_without_a_base_fails(tiny_ws: Workspace) -> None:
    del tiny_ws
    assert kinds(told(generate(1)), 1) == ["Failed"]


@pytest.mark.parametrize("rows", [1, 8])
def test_the_memory_plan_stays_within_the_budget(tiny_ws: Workspace, rows: int) -> None:
    info = load_info(tiny_ws.models / "tiny")
    # A Llama of 8 B at 4 bits on a Mac of 16 GB.
    large = info.model_copy(
        update={
            "parameters": 8_030_000_000, "weight_bytes": 4_520_000_000, "bits": 4.5, "layers": 32,
            "kv_heads": 8, "head_dim": 128, "max_positions": 131_072,
        }
    )  # fmt: skip
    budget = int(16 * 1024**3 * 0.67)
    plan = room.plan(large, rows, budget)
    assert plan.predicted <= budget
    assert plan.room >= AnswerCosts.of(large, "as stored").bytes(LoadOfAnswers(1, 4096, 4096))
    assert plan.room <= plan.most
    assert room.plan(info, rows, budget).predicted < 100 * 1024**2
