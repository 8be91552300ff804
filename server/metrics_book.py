"""The counters, histograms and gauges, by prometheus_client, in a registry of the server's own.

Labels are names of installed models and adapters, our routes and our own words: nothing that a client
sends becomes a label, so that their number stays bounded.
"""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector, disable_created_metrics
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from server import __version__
from server.engine.protocol import Memory
from server.metrics import Facts
from server.records import GenerationRecord, RequestRecord

_OTHER = "other"
_MODEL = ("model", "adapter")
_WAITS = (0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_FIRST_TOKENS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)
_TOKENS = (0.001, 0.0025, 0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1)
_DURATIONS = (0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600)
# What the engine counts in its prefix cache since it holds its base: its field, then ours.
_PREFIX_COUNTS = {
    "prefix_hits": ("prefix_cache_hits", "Prompts that began like one that was kept"),
    "prefix_misses": ("prefix_cache_misses", "Prompts that began like none that was kept"),
    "prefix_hit_tokens": ("prefix_cache_hit_tokens", "Prompt tokens that need not be read again"),
    "prefix_evictions": ("prefix_cache_evictions", "Beginnings of prompts that were let go"),
}


class Book:
    """One server's metrics. `count` for what is over, `written` for all of it as text."""

    def __init__(self) -> None:
        # A series beside each other one, for the moment of its first value: nothing here needs it.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self._registry = CollectorRegistry(auto_describe=True)
        self._requests = self._counter("requests", "HTTP requests that are over", "endpoint", *_MODEL, "status")
        self._durations = self._histogram(
            "request_duration_seconds", "A request, to the end of its answer", _DURATIONS, "endpoint", *_MODEL
        )
        self._waits = self._histogram("queue_wait_seconds", "From being asked to joining the batch", _WAITS, *_MODEL)
        self._first_tokens = self._histogram(
            "time_to_first_token_seconds", "From being asked to the first text", _FIRST_TOKENS, *_MODEL
        )
        self._token_times = self._histogram(
            "time_per_output_token_seconds", "Mean time between two tokens of an answer", _TOKENS, *_MODEL
        )
        self._prompt_tokens = self._counter("prompt_tokens", "Tokens of prompts", *_MODEL)
        self._cached_tokens = self._counter("cached_prompt_tokens", "Prompts' tokens that were read before", *_MODEL)
        self._completion_tokens = self._counter("completion_tokens", "Tokens of answers", *_MODEL)
        self._answers = self._counter("answers", "Answers by how they ended", *_MODEL, "reason")
        self._snapshot = _Snapshot()
        self._registry.register(self._snapshot)
        ProcessCollector(registry=self._registry)

    def _counter(self, name: str, words: str, *labels: str) -> Counter:
        return Counter(f"afina_{name}", words, labels, registry=self._registry)

    def _histogram(self, name: str, words: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
        return Histogram(f"afina_{name}", words, labels, buckets=buckets, registry=self._registry)

    def count(self, record: RequestRecord) -> None:
        endpoint = record.route or _OTHER
        first = record.generations[0] if record.generations else None
        model = (first.base, first.adapter) if first else ("", "")
        self._requests.labels(endpoint, *model, str(record.status or 0)).inc()
        self._durations.labels(endpoint, *model).observe(record.duration_s)
        for generation in record.generations:
            self._count(generation)

    def _count(self, generation: GenerationRecord) -> None:
        model = (generation.base, generation.adapter)
        for histogram, seconds in (
            (self._waits, generation.wait_s),
            (self._first_tokens, generation.first_token_s),
            (self._token_times, generation.token_s),
        ):
            if seconds is not None:
                histogram.labels(*model).observe(seconds)
        self._prompt_tokens.labels(*model).inc(generation.prompt_tokens)
        self._cached_tokens.labels(*model).inc(generation.cached_tokens)
        self._completion_tokens.labels(*model).inc(generation.completion_tokens)
        for reason in generation.reasons if generation.done else [generation.ending]:
            self._answers.labels(*model, reason).inc()

    def written(self, facts: Facts) -> tuple[bytes, str]:
        """Everything as text, and that text's media type."""
        self._snapshot.facts = facts
        return generate_latest(self._registry), CONTENT_TYPE_LATEST


class _Snapshot(Collector):
    """What is read off the server when it is asked, rather than counted as it happens."""

    facts: Facts | None = None

    def collect(self) -> Iterable[Metric]:
        facts = self.facts
        if facts is None:
            return
        yield InfoMetricFamily("afina_server", "The server", {"version": __version__})
        step, steps = facts.training or (0, 0)
        for name, words, value in (
            ("requests_in_progress", "HTTP requests that are being answered", facts.active_requests),
            ("generations_running", "Requests that the engine is answering", facts.running),
            ("generations_waiting", "Requests in line for the engine", facts.waiting),
            ("training_active", "Whether a training run is under way", facts.training is not None),
            ("training_step", "The step that it is at", step),
            ("training_steps", "The steps that it has in all", steps),
        ):
            yield GaugeMetricFamily(f"afina_{name}", words, float(value))
        loaded = GaugeMetricFamily("afina_model_loaded", "The base in memory", labels=["model"])
        if facts.loaded is not None:
            loaded.add_metric([facts.loaded], 1.0)
        yield loaded
        for name, words, count in (
            ("engine_restarts", "Deaths of the engine's process", facts.restarts),
            ("model_loads", "Bases loaded", facts.loads),
            ("model_swaps", "Bases loaded in place of another", facts.swaps),
            ("model_load_seconds", "Time that loading bases took", facts.load_s),
        ):
            yield CounterMetricFamily(f"afina_{name}", words, float(count))
        if facts.memory is not None:
            yield from _of_memory(facts.memory)


def _of_memory(memory: Memory) -> Iterable[Metric]:
    held = GaugeMetricFamily("afina_memory_bytes", "Memory of the engine on the device", labels=["kind"])
    for kind in ("active", "cache", "peak"):
        held.add_metric([kind], float(getattr(memory, kind)))
    yield held
    yield GaugeMetricFamily("afina_adapters_resident", "Adapters in memory", float(len(memory.adapters)))
    yield CounterMetricFamily("afina_adapter_loads", "Adapters loaded beside this base", float(memory.adapter_loads))
    yield CounterMetricFamily("afina_adapter_evictions", "Adapters let go", float(memory.adapter_evictions))
    for name, (ours, words) in _PREFIX_COUNTS.items():
        yield CounterMetricFamily(f"afina_{ours}", words, float(getattr(memory, name)))
    yield GaugeMetricFamily("afina_prefix_cache_bytes", "Beginnings of prompts kept", float(memory.prefix_bytes))
