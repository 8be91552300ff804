"""How many steps fit a run's time, once a step and an evaluation have been timed."""

from __future__ import annotations

from tools.start_finetune.contract import Plan, Setting
from tools.start_finetune.preflight import passes

# Evaluations that such a run makes besides the first.
_EVALUATIONS = 3
_LEAST_STEPS = 10
_MEASURED = "measured"


def is_timed(plan: Plan) -> bool:
    """Whether the steps were chosen already: a plan once measured stands, so that a resumed run trains the same."""
    return plan.settings["iters"].source.startswith(_MEASURED)


def fit_time(plan: Plan, step_seconds: float, evaluation_seconds: float, rows: int) -> str:
    """Set the steps of a plan with `max_minutes`, and what follows from them; returns why, in a few words.

    rows: to learn from. Settings that were asked for by name stay.
    """
    minutes = plan.value("max_minutes")
    room = minutes * 60 - _EVALUATIONS * evaluation_seconds
    steps = max(_LEAST_STEPS, int(room / step_seconds))
    every = max(1, -(-steps // _EVALUATIONS))
    updates = -(-steps // plan.value("gradient_accumulation_steps"))
    reason = f"{_MEASURED}: {step_seconds:.2f} s a step, {minutes:g} minutes"
    for name, value in (
        ("iters", steps),
        ("steps_per_eval", every),
        ("save_every", every),
        ("steps_per_report", max(1, steps // 20)),
        ("warmup_steps", max(1, min(10, updates // 10))),
    ):
        if plan.settings[name].source != "asked":
            plan.settings[name] = Setting(value=value, source=reason)
    plan.epochs = round(passes({name: setting.value for name, setting in plan.settings.items()}, rows), 2)
    return reason
