"""One run from its row to its adapter: load, measure, train, evaluate, save, publish."""

from __future__ import annotations

import hashlib
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import mlx.core as mx
import psutil

from tools.compute import device
from tools.compute.loading import LoadedBase, load_base, release_layers
from tools.compute.lora import LoraShape, apply_lora, trainable
from tools.compute.training.batches import Batches, fixed_batches
from tools.compute.training.branch import prepare_branches
from tools.compute.training.checkpoint import Best, restore_newest, save_checkpoint
from tools.compute.training.checkpointing import recomputed
from tools.compute.training.decoder import Decoder
from tools.compute.training.hidden_store import HiddenStore
from tools.compute.training.loop import LoopSettings, Trainer, Window
from tools.compute.training.packing import Batch
from tools.compute.training.prefix import FrozenPrefix
from tools.compute.training.publish import publish
from tools.compute.training.rows import Encoded, Sequence, encode_rows
from tools.compute.training.samples import answer
from tools.compute.training.validation import mean_loss
from tools.errors import DataError
from tools.prepare_dataset.reading_back import Dataset, open_dataset
from tools.start_finetune.contract import Plan, Setting
from tools.start_finetune.memory import speed_key, trained_layers
from tools.workspace import ledger, runs
from tools.workspace.files import read_json, write_json
from tools.workspace.layout import Workspace
from tools.workspace.machine import GB
from tools.workspace.reconcile import RUN_FILE

_SAMPLE_PROMPTS = 2
# Evaluations that a run with a time budget makes besides the first.
_TIMED_EVALUATIONS = 3
_LEAST_STEPS = 10
_PROBES = 2
_MEASURED = "measured"


class Stopped(Exception):
    """A person asked the run to pause or cancel, and its state says so now."""


class Session:
    """A run in its worker. `train` returns `<name>@<version>` of the published adapter."""

    def __init__(self, ws: Workspace, run: runs.Run, holder: str) -> None:
        self.ws, self.run, self.holder = ws, run, holder
        self.plan = Plan(**run.plan)
        self.dataset: Dataset = open_dataset(ws.dataset_folder(run.dataset))
        self.checkpoints = runs.folder(ws, run.run) / "checkpoints"
        self.hidden = runs.folder(ws, run.run) / "hidden"
        self.best: Best | None = None
        self.valid_loss: float | None = None
        self.base: LoadedBase = load_base(ws.model_folder(run.model), "train")
        self.shape = self._shape()
        apply_lora(self.base.model, self.shape, self._value("seed"))
        self.dropout = prepare_branches(self.base.model, self.shape.dropout, self._value("seed"))
        self.decoder = Decoder(self.base.model)
        self._load_rows()
        self._open_prefixes()
        self.trainer = self._make_trainer()

    def _value(self, name: str) -> Any:
        return self.plan.value(name)

    def _shape(self) -> LoraShape:
        rank = self._value("lora_rank")
        keys = self._value("lora_keys")
        flat = {name: setting.value for name, setting in self.plan.settings.items()}
        return LoraShape(
            layers=trained_layers(self.base.info, flat),
            rank=rank,
            scale=self._value("lora_alpha") / rank,
            dropout=self._value("lora_dropout"),
            keys=tuple(keys) if keys else None,
        )

    def _load_rows(self) -> None:
        train, valid = self._encode("train"), self._encode("valid")
        if not train.sequences:
            raise DataError(
                f"The dataset `{self.run.dataset}` has no training row with anything to learn.",
                fix="Raise max_seq_length, turn mask_prompt off, or add material.",
            )
        self.batch_size = min(self._value("batch_size"), len(train.sequences))
        pad = self.base.tokenizer.pad_id or 0
        share = self.decoder.divisible
        self.batches = Batches(train.sequences, self.batch_size, self._value("seed"), pad, share=share)
        self.valid_rows = valid.sequences
        self.valid: list[Batch] = fixed_batches(
            valid.sequences, self.batch_size, self._value("val_batches"), pad, share=share
        )
        for told, message in (
            (train.split_rows, "rows were longer than max_seq_length and were cut in pieces."),
            (train.cut_rows, "rows were longer than max_seq_length and lost their end."),
        ):
            if told:
                self._event("data", f"{told} {message}")

    def _open_prefixes(self) -> None:
        """Keep what the frozen layers give where the plan says so and the model can be taken apart."""
        self.prefix = self.valid_prefix = None
        start = len(self.decoder.layers) - self.shape.layers
        if not self._value("frozen_prefix") or start <= 0:
            return
        folder = self.ws.model_folder(self.run.model)

        def release() -> None:
            release_layers(self.base, folder, start)

        def opened(split: str, sequences: list[Sequence]) -> FrozenPrefix:
            digest = hashlib.sha256(b"".join(sequence.ids.tobytes() for sequence in sequences)).hexdigest()
            identity = {"base": self.base.info.fingerprint, "layer": start, "rows": digest}
            inputs = [len(sequence) - 1 for sequence in sequences]
            probe = self.decoder.embed(mx.zeros((1, 1), mx.int32))
            store = HiddenStore(self.hidden / split, identity, inputs, probe.shape[-1], probe.dtype)
            return FrozenPrefix(self.decoder, start, store, release)

        self.prefix = opened("train", self.batches.sequences)
        if self.valid:
            self.valid_prefix = opened("valid", self.valid_rows)

    def _encode(self, split: Any) -> Encoded:
        return encode_rows(
            self.dataset.rows(split),
            self.base.tokenizer,
            self._value("max_seq_length"),
            mask_prompt=self._value("mask_prompt"),
        )

    def _make_trainer(self) -> Trainer:
        settings = LoopSettings(
            iters=self._value("iters"),
            accumulation=self._value("gradient_accumulation_steps"),
            learning_rate=self._value("learning_rate"),
            warmup=self._value("warmup_steps"),
            schedule=self._value("schedule"),
            optimizer=self._value("optimizer"),
            weight_decay=self._value("weight_decay"),
            max_grad_norm=self._value("max_grad_norm"),
        )
        compiled = device.kind() != "cpu"
        return Trainer(self.decoder, self.batches, settings, self.dropout, prefix=self.prefix, compiled=compiled)

    # The run ----------------------------------------------------------------------------------

    def train(self) -> str:
        """Train to the end. Raises Stopped after a checkpoint when asked to, NotFinite, DataError."""
        mx.reset_peak_memory()
        device.bound_memory(int(self.plan.predicted_peak_gb * GB))
        with self._recomputing():
            self.best = restore_newest(self.checkpoints, self.trainer)
            step = self.trainer.state.step
            runs.rewind(self.ws, self.run.run, step)
            self._stop_if_asked()
            if step == 0:
                took = self._evaluate()
                self._fit_time(took)
            runs.set_state(self.ws, self.run.run, "running", self._beginning(step))
            while not self.trainer.done:
                self._stop_if_asked()
                self.trainer.train_step()
                self._after_step()
        self._calibrate()
        published = self._publish()
        shutil.rmtree(self.hidden, ignore_errors=True)
        return published

    def _beginning(self, step: int) -> str:
        return f"Going on from step {step}." if step else f"Training {self._value('iters')} steps."

    @contextmanager
    def _recomputing(self) -> Iterator[None]:
        layers = self.base.model.layers[-self.shape.layers :]
        with recomputed(layers) if self._value("grad_checkpoint") else nullcontext():
            yield

    def _after_step(self) -> None:
        step, last = self.trainer.state.step, self.trainer.done
        if step % self._value("steps_per_report") == 0 or last:
            self._report()
        if step % self._value("steps_per_eval") == 0 or last:
            self._evaluate()
        if step % self._value("save_every") == 0 or last:
            self._save()

    def _stop_if_asked(self) -> None:
        asked = runs.asked(self.ws, self.run.run)
        if asked == "pause":
            self._save()
        # Taken back while the checkpoint was written, it trains on.
        if asked and runs.answer(self.ws, self.run.run, asked):
            raise Stopped

    def _report(self) -> None:
        state = self.trainer.state
        window, state.window = state.window, Window()
        memory = device.memory()
        ledger.measure(self.ws, self.holder, memory.active + memory.cache)
        self._record(
            "train",
            {
                "loss": round(window.mean_loss, 5),
                "tokens": window.tokens,
                "tokens_per_second": round(window.tokens / max(window.seconds, 1e-9), 1),
                "learning_rate": state.learning_rate,
                "grad_norm": round(state.grad_norm, 4),
                "epoch": self.trainer.batches.cursor.epoch,
                "memory": {
                    "active": memory.active,
                    "peak": memory.peak,
                    "cache": memory.cache,
                    "rss": memory.rss,
                    "system_available": int(psutil.virtual_memory().available),
                    "swap": int(psutil.swap_memory().used),
                },
            },
        )

    def _evaluate(self) -> float:
        """Validation loss and answers to the fixed prompts; returns the seconds it took."""
        began, step = time.monotonic(), self.trainer.state.step
        if self.valid:
            loss = self.valid_loss = mean_loss(self.decoder, self.valid, self.valid_prefix)
            if self.best is None or loss < self.best.loss:
                self.best = Best(step, loss)
            self._record("valid", {"loss": round(loss, 5), "batches": len(self.valid)})
        answers = [
            {"prompt": prompt, "answer": answer(self.base.model, self.base.tokenizer, prompt)}
            for prompt in self._prompts()
        ]
        self._record("sample", {"answers": answers})
        mx.clear_cache()
        return time.monotonic() - began

    def _prompts(self) -> list[str]:
        asked = self._value("sample_prompts")
        if asked is not None:
            return list(asked)
        return [question.question for question in self.dataset.questions()[:_SAMPLE_PROMPTS]]

    def _save(self) -> None:
        for prefix in (self.prefix, self.valid_prefix):
            if prefix is not None:
                prefix.store.sync()
        keep = self._value("keep_checkpoints")
        save_checkpoint(self.checkpoints, self.trainer, self.shape, self._described(), self.best, keep)
        self._event("checkpoint", f"Checkpoint step-{self.trainer.state.step} saved.")

    def _publish(self) -> str:
        return publish(self.ws, trainable(self.base.model), self.shape, self._described())

    def _described(self) -> dict[str, Any]:
        info = self.base.info
        return {
            "name": self.run.name,
            "run": self.run.run,
            "dataset": self.run.dataset,
            "base": {"name": info.name, "fingerprint": info.fingerprint, "source": info.source},
            "template_hash": self.base.tokenizer.template_hash,
            "format": self.dataset.format,
            "precision": self.base.precision,
            "step": self.trainer.state.step,
            "settings": {name: setting.value for name, setting in self.plan.settings.items()},
            "valid_loss": self.valid_loss,
            "best": {"step": self.best.step, "valid_loss": self.best.loss} if self.best else None,
        }

    # Measuring --------------------------------------------------------------------------------

    def _fit_time(self, evaluation_seconds: float) -> None:
        """With `max_minutes`: choose the number of steps from measured ones, and write down the plan.

        A plan once measured stands: a run that is started again trains the same steps.
        """
        minutes = self._value("max_minutes")
        if minutes is None or self.plan.settings["iters"].source.startswith(_MEASURED):
            return
        seconds = self._probe()
        room = minutes * 60 - _TIMED_EVALUATIONS * evaluation_seconds
        steps = max(_LEAST_STEPS, int(room / seconds))
        every = max(1, -(-steps // _TIMED_EVALUATIONS))
        updates = -(-steps // self._value("gradient_accumulation_steps"))
        reason = f"{_MEASURED}: {seconds:.2f} s a step, {minutes:g} minutes"
        for name, value in (
            ("iters", steps),
            ("steps_per_eval", every),
            ("save_every", every),
            ("steps_per_report", max(1, steps // 20)),
            ("warmup_steps", max(1, min(10, updates // 10))),
        ):
            if self.plan.settings[name].source != "asked":
                self.plan.settings[name] = Setting(value=value, source=reason)
        plan = self.plan.model_dump(mode="json")
        path = runs.folder(self.ws, self.run.run) / RUN_FILE
        write_json(path, {**read_json(path), "plan": plan, "steps": steps})
        runs.set_plan(self.ws, self.run.run, plan, steps)
        self.trainer = self._make_trainer()
        self._event("plan", f"{steps} steps fit {minutes:g} minutes ({reason}).")

    def _probe(self) -> float:
        """Seconds of a mean step: those of the epoch's median batch a token, times the mean batch's tokens."""
        sizes = self.batches.sizes(epoch=0)
        batch = self.batches.of_size(sorted(sizes)[len(sizes) // 2])
        mx.eval(self.trainer.compute(batch))
        began = time.perf_counter()
        for _ in range(_PROBES):
            mx.eval(self.trainer.compute(batch))
        seconds = (time.perf_counter() - began) / _PROBES
        return seconds / batch.ids.size * sum(sizes) / len(sizes)

    def _calibrate(self) -> None:
        reports = runs.metrics(self.ws, self.run.run, "train")
        if len(reports) < 2:
            return
        speeds = sorted(report["tokens_per_second"] for report in reports)
        self.ws.store.write(
            "INSERT OR REPLACE INTO calibration (key, value, updated) VALUES (?, ?, ?)",
            (speed_key(self.base.info, self.shape.layers), speeds[len(speeds) // 2], time.time()),
        )

    # Telling ----------------------------------------------------------------------------------

    def _record(self, kind: str, data: dict[str, Any]) -> None:
        runs.add_metrics(self.ws, self.run.run, self.trainer.state.step, kind, data)

    def _event(self, kind: str, message: str) -> None:
        step = self.trainer.state.step if hasattr(self, "trainer") else 0
        runs.add_event(self.ws, self.run.run, step, kind, message)
