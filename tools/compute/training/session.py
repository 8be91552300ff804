"""One run from its row to its adapter: load, measure, train, evaluate, save, publish."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from typing import Any

import mlx.core as mx

from tools.compute import device
from tools.compute.lora import trainable
from tools.compute.training.checkpoint import (
    Best,
    Policy,
    checkpoint_folders,
    restore_newest,
    save_checkpoint,
    set_aside,
    sound_weights,
)
from tools.compute.training.checkpointing import recomputed
from tools.compute.training.guard import Rollbacks
from tools.compute.training.loop import BrokeDown
from tools.compute.training.publish import publish
from tools.compute.training.recorder import Recorder
from tools.compute.training.samples import answer
from tools.compute.training.setup import Setup
from tools.compute.training.trial import mean_step_seconds, try_step
from tools.compute.training.validation import mean_loss
from tools.errors import DoesNotFit, MachineError
from tools.prepare_dataset.reading_back import Dataset, open_dataset
from tools.start_finetune.contract import Plan
from tools.start_finetune.duration import speed_key
from tools.start_finetune.footprint import StepShape
from tools.start_finetune.memory import remember, remember_peak
from tools.start_finetune.serving import serving_of
from tools.start_finetune.timed import fit_time, is_timed
from tools.start_finetune.written_plan import write_plan
from tools.workspace import measured, runs
from tools.workspace.layout import Workspace
from tools.workspace.machine import GB

_SAMPLE_PROMPTS = 2
# Reports from each end of a run that tell how fast it went.
_REPORTS = 100


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
        self.record = Recorder(ws, run.run, holder)
        self.setup = Setup(self.plan, self.dataset, ws.model_folder(run.model), self.hidden)
        self.serving = serving_of(self.dataset)
        self.rollbacks = Rollbacks(runs.folder(ws, run.run) / "rollbacks.json")
        self.trainer = self.setup.make_trainer()
        for told, message in (
            (self.setup.train.split_rows, "rows were longer than max_seq_length and were cut in pieces."),
            (self.setup.train.cut_rows, "rows were longer than max_seq_length and lost their end."),
        ):
            if told:
                self._event("data", f"{told} {message}")

    def _value(self, name: str) -> Any:
        return self.plan.value(name)

    # The run ----------------------------------------------------------------------------------

    def train(self) -> str:
        """Train to the end. Raises Stopped after a checkpoint when asked to, MachineError when the run
        breaks down again and again, DataError, DoesNotFit."""
        mx.reset_peak_memory()
        device.bound_memory(int(self.plan.predicted_peak_gb * GB))
        with self._recomputing():
            self._restore()
            step = self.trainer.state.step
            runs.rewind(self.ws, self.run.run, step)
            self._stop_if_asked()
            if step == 0:
                self._begin()
            self.trainer.rate_factor = self.rollbacks.factor
            runs.set_state(self.ws, self.run.run, "running", self._beginning(step))
            while not (self.trainer.done or self._stopped_early()):
                self._stop_if_asked()
                self._step()
        self._calibrate()
        published = self._publish()
        shutil.rmtree(self.hidden, ignore_errors=True)
        return published

    def _begin(self) -> None:
        """Before the first step: a trial of a step, the base's loss, and how many steps fit the time given."""
        tried = try_step(self.trainer)
        self._event("trial", tried.told())
        self._check_memory(tried.shape, tried.peak)
        took = self._evaluate()
        self._fit_time(took)

    def _beginning(self, step: int) -> str:
        return f"Going on from step {step}." if step else f"Training {self._value('iters')} steps."

    @contextmanager
    def _recomputing(self) -> Iterator[None]:
        layers = self.setup.base.model.layers[-self.setup.shape.layers :]
        with recomputed(layers) if self._value("grad_checkpoint") else nullcontext():
            yield

    def _step(self) -> None:
        try:
            self.trainer.train_step()
        except BrokeDown as fault:
            self._roll_back(str(fault))
            return
        step, last = self.trainer.state.step, self.trainer.done
        if step % self._value("steps_per_report") == 0 or last:
            self.record.train(self.trainer)
        if step % self._value("steps_per_eval") == 0 or last:
            self._evaluate()
        at_best = self.best is not None and self.best.step == step
        if step % self._value("save_every") == 0 or last or at_best or self._stopped_early():
            self._save()

    def _restore(self) -> None:
        restored = restore_newest(self.checkpoints, self.trainer)
        self.best = restored.best
        for name in restored.damaged:
            set_aside(self.checkpoints, name)
            self._event("damaged", f"The checkpoint {name} is damaged and was set aside; an older one is taken.")

    def _stopped_early(self) -> bool:
        patience = self._value("patience")
        return patience is not None and self.best is not None and self.best.since >= patience

    def _roll_back(self, why: str) -> None:
        """Go on from the last checkpoint with a lower rate. Raises MachineError when that was done often enough."""
        at = self.trainer.state.step
        if self.rollbacks.exhausted:
            raise MachineError(
                f"Training broke down again and again: {why} at step {at}.",
                fix="Start again with a learning rate ten times lower; the checkpoints before it are kept.",
            )
        folders = checkpoint_folders(self.checkpoints)
        to = int(folders[-1].name.removeprefix("step-")) if folders else 0
        rollback = self.rollbacks.add(at, to, why)
        self.trainer.begin_again(self.setup.initial)
        self._restore()
        self.trainer.rate_factor = rollback.factor
        to = self.trainer.state.step
        runs.rewind(self.ws, self.run.run, to)
        if to == 0:
            self._evaluate()
        told = f"At step {at} {why}: back to step {to}, and on with {rollback.factor:g} of the planned rate."
        self._event("rollback", told)

    def _stop_if_asked(self) -> None:
        asked = runs.asked(self.ws, self.run.run)
        if asked == "pause":
            self._save()
        # Taken back while the checkpoint was written, it trains on.
        if asked and runs.answer(self.ws, self.run.run, asked):
            raise Stopped

    def _evaluate(self) -> float:
        """Validation loss and answers to the fixed prompts; returns the seconds it took."""
        began, step = time.monotonic(), self.trainer.state.step
        if self.setup.valid:
            loss = self.valid_loss = mean_loss(self.setup.decoder, self.setup.valid, self.setup.valid_prefix)
            if self.best is None or loss < self.best.loss:
                self.best = Best(step, loss)
            else:
                self.best = replace(self.best, since=self.best.since + 1)
            self.record.valid(step, loss, len(self.setup.valid))
        answers = [
            {"prompt": prompt, "answer": answer(self.setup.base.model, self.setup.base.tokenizer, self.serving, prompt)}
            for prompt in self._prompts()
        ]
        if self.setup.prefix is not None:
            self.setup.prefix.let_go()
        took = time.monotonic() - began
        self.record.samples(step, answers, took)
        mx.clear_cache()
        return took

    def _prompts(self) -> list[str]:
        asked = self._value("sample_prompts")
        if asked is not None:
            return list(asked)
        return [question.question for question in self.dataset.questions()[:_SAMPLE_PROMPTS]]

    def _save(self) -> None:
        began = time.monotonic()
        for prefix in (self.setup.prefix, self.setup.valid_prefix):
            if prefix is not None:
                prefix.store.sync()
        policy = Policy(self._value("keep_checkpoints"), self._value("keep_every"))
        save_checkpoint(self.checkpoints, self.trainer, self.setup.shape, self._described(), self.best, policy)
        self.record.saved(self.trainer.state.step, time.monotonic() - began)

    def _publish(self) -> str:
        """Publish the best checkpoint, or the last step where that is asked for or nothing was better."""
        described, step = self._described(), self.trainer.state.step
        arrays = trainable(self.trainer.model)
        if self.best is not None and self.best.step not in (0, step) and self._value("publish") == "best":
            best = sound_weights(self.checkpoints, self.best.step)
            if best is not None:
                arrays = best
                described |= {"step": self.best.step, "valid_loss": self.best.loss}
                told = f"Published as it was at step {self.best.step}, where the validation loss was lowest."
            else:
                told = f"The checkpoint step-{self.best.step}, the best, is damaged: the last step is published."
            self._event("publish", told)
        if self.best is not None and self.best.step == 0:
            self._event("publish", "The validation loss never fell below the base's; the last step is published.")
        return publish(self.ws, arrays, self.setup.shape, described)

    def _described(self) -> dict[str, Any]:
        info = self.setup.base.info
        return {
            "name": self.run.name,
            "run": self.run.run,
            "dataset": self.run.dataset,
            "base": {"name": info.name, "fingerprint": info.fingerprint, "source": info.source},
            "template_hash": self.setup.base.tokenizer.template_hash,
            "format": self.dataset.format,
            "serving": self.serving.model_dump(mode="json", exclude_none=True),
            "precision": self.setup.base.precision,
            "step": self.trainer.state.step,
            "rollbacks": [vars(rollback) for rollback in self.rollbacks.made],
            "settings": {name: setting.value for name, setting in self.plan.settings.items()},
            "valid_loss": self.valid_loss,
            "best": {"step": self.best.step, "valid_loss": self.best.loss} if self.best else None,
        }

    # Measuring --------------------------------------------------------------------------------

    def _fit_time(self, evaluation_seconds: float) -> None:
        """With `max_minutes`: choose the number of steps from measured ones, and write down the plan."""
        minutes = self._value("max_minutes")
        if minutes is None or is_timed(self.plan):
            return
        rows = self.dataset.card["splits"]["train"]["rows"]
        reason = fit_time(self.plan, mean_step_seconds(self.trainer), evaluation_seconds, rows)
        steps = self._value("iters")
        write_plan(self.ws, self.run.run, self.plan, steps)
        self.trainer = self.setup.make_trainer()
        self._event("plan", f"{steps} steps fit {minutes:g} minutes ({reason}).")

    def _check_memory(self, step: StepShape, peak: int) -> None:
        """Remember how far the prediction was off, and stop before the run would be killed for memory."""
        remember_peak(self.ws, self.setup.base.info, self.plan, step, peak)
        if peak > self.plan.budget_gb * GB and device.kind() != "cpu":
            raise DoesNotFit(
                f"A step took {peak / GB:.1f} GB; {self.plan.budget_gb:.1f} GB can be used.",
                field="settings",
                fix="Call start_finetune again: what was measured now counts in its plan.",
            )

    def _calibrate(self) -> None:
        """Remember the speed; passes that left out frozen layers apart from those that ran them."""
        ws, run = self.ws, self.run.run
        for later, reports in (
            (False, measured.first(ws, run, "train", _REPORTS)),
            (True, measured.last(ws, run, "train", _REPORTS)),
        ):
            found = [r for r in reports if (self.setup.prefix is not None and r["epoch"] > 0) is later]
            speeds = sorted(report["tokens_per_second"] for report in found)
            if len(speeds) >= 2:
                key = speed_key(self.setup.base.info, self.setup.shape.layers, later=later)
                remember(self.ws, key, speeds[len(speeds) // 2])

    def _event(self, kind: str, message: str) -> None:
        self.record.event(self.trainer.state.step, kind, message)
