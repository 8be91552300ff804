"""LoRA training by PyTorch and PEFT on the same shape, where both are installed and an NVIDIA GPU is at hand.

Not among Afina's dependencies: the benchmark of an accelerator runs it where the machine has it.
"""

from __future__ import annotations

import importlib.util
import time
from typing import Any

from tests.benchmarks.random_model import Size

RANK, RATE = 8, 1e-5
_MODULES = "q_proj|k_proj|v_proj|o_proj|gate_proj|up_proj|down_proj"


def train(size: Size, layers: int, batch: int, length: int, steps: int, warm_up: int) -> dict[str, Any]:
    """Tokens a second and the device's peak in GB; LoRA on the last `layers`, bf16 weights, float32 adapters, AdamW."""
    if importlib.util.find_spec("peft") is None:
        return {"missing": "PEFT is not installed"}
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import MistralConfig, MistralForCausalLM

    config = MistralConfig(
        vocab_size=size.vocab,
        hidden_size=size.hidden,
        intermediate_size=size.inner,
        num_hidden_layers=size.layers,
        num_attention_heads=size.heads,
        num_key_value_heads=size.kv_heads,
        sliding_window=None,
        attn_implementation="sdpa",
    )
    with torch.device("cuda"):
        torch.set_default_dtype(torch.bfloat16)
        model = MistralForCausalLM(config)
        torch.set_default_dtype(torch.float32)
    adapted = "|".join(str(number) for number in range(size.layers - layers, size.layers))
    targets = rf".*layers\.({adapted})\..*\.({_MODULES})"
    model = get_peft_model(model, LoraConfig(r=RANK, lora_alpha=160, target_modules=targets))
    model.train()
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=RATE)
    ids = torch.randint(3, size.vocab, (steps + warm_up, batch, length), device="cuda")
    torch.cuda.reset_peak_memory_stats()
    seconds = []
    for number in range(steps + warm_up):
        torch.cuda.synchronize()
        began = time.perf_counter()
        loss = model(input_ids=ids[number], labels=ids[number]).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        torch.cuda.synchronize()
        seconds.append(time.perf_counter() - began)
    taken = sorted(seconds[warm_up:])
    return {
        "tokens_per_second": round(batch * length / (sum(taken) / len(taken)), 1),
        "median_step_s": round(taken[len(taken) // 2], 5),
        "peak_gb": round(torch.cuda.max_memory_allocated() / 1e9, 3),
        "torch": torch.__version__,
    }
