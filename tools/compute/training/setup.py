"""What a run trains with, made from its plan: the adapted base, the rows in batches, the loop."""

from __future__ import annotations

import hashlib
import math
from pathlib import Path

import mlx.core as mx

from tools.compute import device
from tools.compute.loading import LoadedBase, load_base, release_layers
from tools.compute.lora import LoraShape, apply_lora, trainable
from tools.compute.training.batches import Batches, fixed_batches
from tools.compute.training.branch import prepare_branches
from tools.compute.training.decoder import Decoder
from tools.compute.training.hidden_store import HiddenStore
from tools.compute.training.loop import LoopSettings, Trainer
from tools.compute.training.packing import Batch
from tools.compute.training.prefix import FrozenPrefix
from tools.compute.training.rows import Encoded, Sequence, encode_rows
from tools.errors import DataError
from tools.prepare_dataset.contract import Split
from tools.prepare_dataset.reading_back import Dataset
from tools.start_finetune.contract import Plan
from tools.start_finetune.footprint import trained_layers


class Setup:
    """Everything that a run needs before its first step. hidden: a folder for what frozen layers give.

    Raises DataError when no row has anything to learn.
    """

    def __init__(self, plan: Plan, dataset: Dataset, model_folder: Path, hidden: Path) -> None:
        self.plan, self.dataset, self._folder, self._hidden = plan, dataset, model_folder, hidden
        self.base: LoadedBase = load_base(model_folder, "train")
        self.shape = self._shape()
        apply_lora(self.base.model, self.shape, plan.value("seed"))
        self.dropout = prepare_branches(self.base.model, self.shape.dropout, plan.value("seed"))
        self.decoder = Decoder(self.base.model)
        self.train, self.valid_rows = self._encode("train"), self._encode("valid").sequences
        if not self.train.sequences:
            raise DataError(
                f"The dataset `{dataset.name}` has no training row with anything to learn.",
                fix="Raise max_seq_length, turn mask_prompt off, or add material.",
            )
        batch_size = min(plan.value("batch_size"), len(self.train.sequences))
        pad, share = self.base.tokenizer.pad_id or 0, self.decoder.divisible
        self.batches = Batches(
            self.train.sequences,
            batch_size,
            plan.value("seed"),
            pad,
            share=share,
            at_once=plan.value("rows_at_once"),
        )
        self.valid: list[Batch] = fixed_batches(
            self.valid_rows, plan.value("rows_at_once") or batch_size, plan.value("val_batches"), pad, share=share
        )
        self.prefix = self._prefix("train", self.train.sequences)
        self.valid_prefix = self._prefix("valid", self.valid_rows)
        # To begin anew with, should training break down before the first checkpoint.
        self.initial = {name: mx.array(value) for name, value in trainable(self.base.model).items()}

    def _shape(self) -> LoraShape:
        rank = self.plan.value("lora_rank")
        keys = self.plan.value("lora_keys")
        # rsLoRA: https://arxiv.org/abs/2312.03732
        standard = self.plan.value("lora_scaling") == "standard"
        flat = {name: setting.value for name, setting in self.plan.settings.items()}
        return LoraShape(
            layers=trained_layers(self.base.info, flat),
            rank=rank,
            scale=self.plan.value("lora_alpha") / (rank if standard else math.sqrt(rank)),
            dropout=self.plan.value("lora_dropout"),
            keys=tuple(keys) if keys else None,
        )

    def _prefix(self, split: str, rows: list[Sequence]) -> FrozenPrefix | None:
        """What frozen layers give for a split, where the plan keeps it and the model can be taken apart."""
        start = len(self.decoder.layers) - self.shape.layers
        if not self.plan.value("frozen_prefix") or start <= 0 or not rows:
            return None
        digest = hashlib.sha256(b"".join(row.ids.tobytes() for row in rows)).hexdigest()
        identity = {"base": self.base.info.fingerprint, "layer": start, "rows": digest}
        states = self.decoder.embed(mx.zeros((1, 1), mx.int32))
        inputs = [len(row) - 1 for row in rows]
        store = HiddenStore(self._hidden / split, identity, inputs, states.shape[-1], states.dtype)

        def release() -> None:
            # Training alone says when the layers are done with: evaluation comes in between its first pass.
            if split == "train":
                release_layers(self.base, self._folder, start)

        return FrozenPrefix(self.decoder, start, store, release)

    def _encode(self, split: Split) -> Encoded:
        return encode_rows(
            self.dataset.rows(split),
            self.base.tokenizer,
            self.plan.value("max_seq_length"),
            mask_prompt=self.plan.value("mask_prompt"),
        )

    def make_trainer(self) -> Trainer:
        """A loop at its beginning, by the plan as it now stands."""
        settings = LoopSettings(
            iters=self.plan.value("iters"),
            accumulation=self.plan.value("gradient_accumulation_steps"),
            learning_rate=self.plan.value("learning_rate"),
            warmup=self.plan.value("warmup_steps"),
            schedule=self.plan.value("schedule"),
            optimizer=self.plan.value("optimizer"),
            weight_decay=self.plan.value("weight_decay"),
            max_grad_norm=self.plan.value("max_grad_norm"),
        )
        compiled = device.kind() != "cpu"
        return Trainer(self.decoder, self.batches, settings, self.dropout, prefix=self.prefix, compiled=compiled)
