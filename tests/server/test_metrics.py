"""/metrics, read with Prometheus' own parser: what a request adds, and that no client's words become labels."""

from __future__ import annotations

import pytest
from prometheus_client.parser import text_string_to_metric_families

from server.app import make_app
from server.metrics import Metrics
from server.records import RequestRecord
from server.settings import Settings
from tests.support.running_server import RunningServer, eventually
from tools.errors import AfinaError
from tools.workspace import runs

Labels = frozenset[tuple[str, str]]


class Numbers:
    """A scrape: samples by name and labels."""

    def __init__(self, server: RunningServer) -> None:
        answer = server.client.get("/metrics")
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/plain; version=")
        self.families = {family.name: family for family in text_string_to_metric_families(answer.text)}
        self.samples: dict[str, dict[Labels, float]] = {}
        for family in self.families.values():
            for sample in family.samples:
                self.samples.setdefault(sample.name, {})[frozenset(sample.labels.items())] = sample.value

    def get(self, name: str, **labels: str) -> float:
        return self.samples.get(name, {}).get(frozenset(labels.items()), 0.0)


def codes(kind: type[AfinaError] = AfinaError) -> set[str]:
    """Those of all our errors."""
    return {kind.code}.union(*(codes(below) for below in kind.__subclasses__()))


def added(server: RunningServer, before: Numbers, name: str, value: float, **labels: str) -> None:
    """The numbers follow once the answer has gone out."""
    eventually(lambda: Numbers(server).get(name, **labels) - before.get(name, **labels) == value, 5, name)


def test_a_request_is_counted_under_its_model_and_adapter(server: RunningServer) -> None:
    before = Numbers(server)
    usage = server.chat(model="um", n=2).json()["usage"]
    of = {"model": "tiny", "adapter": "um"}
    added(server, before, "afina_requests_total", 1, endpoint="/v1/chat/completions", status="200", **of)
    after = Numbers(server)
    for name, tokens in (("prompt", usage["prompt_tokens"]), ("completion", usage["completion_tokens"])):
        assert after.get(f"afina_{name}_tokens_total", **of) - before.get(f"afina_{name}_tokens_total", **of) == tokens
    for name in ("time_to_first_token", "time_per_output_token", "queue_wait"):
        count = f"afina_{name}_seconds_count"
        assert after.get(count, **of) - before.get(count, **of) == 1
    reasons = {dict(labels)["reason"] for labels in after.samples["afina_answers_total"]}
    assert reasons & {"stop", "length"}
    assert reasons <= {"stop", "length", "tool_calls", "cancelled", *codes()}
    assert after.get("afina_request_duration_seconds_sum", endpoint="/v1/chat/completions", **of) > 0


def test_what_is_held_is_told(server: RunningServer) -> None:
    assert server.chat(model="dois").status_code == 200
    numbers = eventually(lambda: found if (found := Numbers(server)).get("afina_adapters_resident") else None)
    assert numbers is not None
    assert numbers.get("afina_model_loaded", model="tiny") == 1
    assert numbers.get("afina_model_loads_total") >= 1
    assert numbers.get("afina_model_load_seconds_total") > 0
    assert numbers.get("afina_memory_bytes", kind="active") > 0
    assert numbers.get("afina_adapter_loads_total") >= 1
    assert numbers.get("afina_generations_running") == 0
    for name in ("engine_restarts", "model_swaps", "adapter_evictions"):
        assert f"afina_{name}_total" in numbers.samples


def test_the_prefix_cache_is_told(server: RunningServer) -> None:
    before = Numbers(server)
    words = {"messages": [{"role": "user", "content": "era uma vez " * 30}], "max_tokens": 1}
    cached = [server.chat(**words).json()["usage"]["prompt_tokens_details"]["cached_tokens"] for _ in range(2)]
    assert cached[1] > 0
    hit = eventually(lambda: Numbers(server).get(_HIT) - before.get(_HIT), 5)
    assert hit == sum(cached)
    after = Numbers(server)
    assert after.get("afina_prefix_cache_bytes") > 0
    of = {"model": "tiny", "adapter": ""}
    added(server, before, "afina_cached_prompt_tokens_total", sum(cached), **of)
    for name in ("hits", "misses", "evictions"):
        assert f"afina_prefix_cache_{name}_total" in after.samples


_HIT = "afina_prefix_cache_hit_tokens_total"


def test_what_clients_send_becomes_no_label(server: RunningServer) -> None:
    before = Numbers(server)
    word = "inventado"
    server.chat(model=word)
    server.client.get(f"/v1/models/{word}")
    server.client.get(f"/{word}")
    server.client.get("/v1/models", headers={"x-request-id": word, "host": f"{word}.example"})
    server.client.request(word.upper(), "/v1/models")
    server.chat(user=word, metadata={word: word})
    added(server, before, "afina_requests_total", 1, endpoint="other", model="", adapter="", status="404")
    after = Numbers(server)
    assert word not in str(after.samples)
    endpoints = {dict(labels)["endpoint"] for labels in after.samples["afina_requests_total"]}
    assert "/v1/models/{id:path}" in endpoints
    app = make_app(Settings(workspace=server.ws.root), server.ws)
    assert endpoints <= {"other", *(getattr(route, "path", "") for route in app.routes)}


def test_the_active_run_and_its_step_are_told(server: RunningServer) -> None:
    assert Numbers(server).get("afina_training_active") == 0
    run = runs.Run(
        run="livros-20261124-9", name="livros", state="running", dataset="d@1", model="tiny", plan={}, step=3, steps=9,
        asked=None, error=None, adapter=None, created=1.0, updated=1.0,
    )  # fmt: skip
    runs.insert(server.ws, run, None)
    try:
        numbers = Numbers(server)
        assert [numbers.get(f"afina_training_{name}") for name in ("active", "step", "steps")] == [1, 3, 9]
    finally:
        server.ws.store.write("DELETE FROM runs WHERE run = ?", (run.run,))


@pytest.mark.parametrize("loaded_first", [True, False])
async def test_requests_that_end_before_the_library_is_there_are_counted(loaded_first: bool) -> None:
    metrics = Metrics()
    if loaded_first:
        await metrics.load()
    metrics.count(RequestRecord("r", "GET", "/health", route="/health", status=200))
    book = await metrics.load()
    assert await metrics.load() is book
    counted = [
        sample.value
        for metric in book._registry.collect()
        for sample in metric.samples
        if sample.name == "afina_requests_total"
    ]
    assert counted == [1.0]
