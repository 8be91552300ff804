"""`afina demo`: the whole way on the sample material, with the tools that an assistant would call.

Model, dataset, training within a time budget, evaluation of base against tuned, endpoint, and both
models asked through the OpenAI client. Everything stays in the workspace.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from openai import OpenAI
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from server.mcp.registry import call, open_context
from server.mcp.tool import ToolContext
from server.settings import Settings, sample_folder
from tools.errors import MachineError
from tools.models.pull import KIND as PULL
from tools.models.pull import start_pull
from tools.workspace import jobs, runs
from tools.workspace.files import write_text

DATASET = "mares"
TRAIN_MINUTES = 3.0
# Short rows: a small model on a CPU learns most a second from them.
MAX_TOKENS = 256
TEST_ITEMS = 12
METRICS = ["likelihood", "questions"]
# In so little time a rate above the usual one learns more; four rows are packed in one step, and make an update.
TRAINING: dict[str, Any] = {
    "batch_size": 4,
    "gradient_accumulation_steps": 1,
    "learning_rate": 1e-3,
    "val_batches": 4,
    "sample_prompts": [],
}
PROMPTS = (
    "Quem foi campeão da Liga das Marés na época de 2015?",
    "Quem foi Baltasar Nogueira?",
    "Continua o texto: «O farol do Areal da Moura",
)
ANSWER_TOKENS = 60
# Told after training; lora_layers=-1 means all.
_TOLD = ("batch_size", "learning_rate", "schedule", "lora_layers", "lora_rank", "lora_alpha", "max_seq_length")
_TICK_S = 0.5
# Where the output is no terminal, progress is a line so often.
_PLAIN_S = 3.0


def run(settings: Settings, minutes: float | None = None, picture: Path | None = None) -> int:
    """The demo in the terminal; returns the exit code. Raises AfinaError with what to do.

    minutes: of training. picture: an SVG file to write what the terminal showed to.
    """
    demo = Demo(settings, minutes or TRAIN_MINUTES)
    code = demo.run()
    if picture is not None:
        write_text(picture, demo.console.export_svg(title="afina demo"))
    return code


class Demo:
    """One run of the demo."""

    def __init__(self, settings: Settings, minutes: float) -> None:
        self.settings, self.minutes = settings, minutes
        self.console = Console(record=True)
        self.context: ToolContext = open_context(settings)
        self.began = time.monotonic()

    def run(self) -> int:
        self.console.print(f"[bold]Afina[/bold] on the sample material, in {self.context.ws.root}\n")
        self._bring_model()
        dataset = self._prepare()
        adapter = self._train(dataset)
        self._evaluate(adapter)
        self._ask(adapter)
        self._tell_next(adapter)
        return 0

    def _call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        return call(self.context, tool, arguments).model_dump(mode="json", exclude_none=True)

    # Steps ------------------------------------------------------------------------------------

    def _bring_model(self) -> None:
        model = self.settings.default_model
        with self._bar(f"1/5 Model {model}") as (bar, task):
            if model not in self.context.ws.model_names():
                job = start_pull(self.context.ws, model)
                while job.state not in jobs.ENDED:
                    job = jobs.wait(self.context.ws, job.job, PULL, _TICK_S)
                    done, total = job.progress.get("done", 0), job.progress.get("total", 0) or None
                    bar.update(task, completed=done, total=total, description=f"1/5 {job.progress.get('message', '')}")
                job.raise_if_failed()
            bar.update(task, completed=1, total=1, description=f"1/5 Model {model} is installed")

    def _prepare(self) -> str:
        with self._bar("2/5 Preparing the sample material") as (bar, task):
            result = self._call(
                "prepare_dataset", sources=[str(sample_folder())], name=DATASET, format="chat", max_tokens=MAX_TOKENS
            )
            while "splits" not in result:
                result = self._call("prepare_dataset", job=result["job"], wait_s=5)
            rows = {split: told["rows"] for split, told in result["splits"].items()}
            told = f"{rows['train']} rows to learn, {rows['valid']} to watch, {rows['test']} to test"
            bar.update(task, completed=1, total=1, description=f"2/5 Dataset {result['dataset']}: {told}")
        return f"{result['dataset']}@{result['version']}"

    def _train(self, dataset: str) -> str:
        with self._bar("3/5 Loading and measuring") as (bar, task):
            started = self._call("start_finetune", dataset=dataset, settings={"max_minutes": self.minutes, **TRAINING})
            run = started["run"]
            while True:
                status = self._call("training_status", run=run)
                bar.update(task, description=_training_line(status), completed=status["step"], total=status["steps"])
                if status["state"] not in runs.ACTIVE:
                    break
                time.sleep(_TICK_S)
        if status["state"] != "succeeded":
            raise MachineError(f"The run {run} is {status['state']}: {status['verdict']['text']}", fix=status["next"])
        self.console.print(f"    training loss {status['curve']}")
        settings = ", ".join(f"{name}={started['plan']['settings'][name]['value']}" for name in _TOLD)
        self.console.print(
            f"    {status['steps']} steps of {self.minutes:g} minutes in all; {settings}", highlight=False
        )
        return str(status["adapter"])

    def _evaluate(self, adapter: str) -> None:
        with self._bar("4/5 Comparing base and tuned") as (bar, task):
            # The other metrics take as long again.
            result = self._call("evaluate", adapter=adapter, metrics=METRICS, max_items=TEST_ITEMS, wait_s=0)
            while result["state"] not in jobs.ENDED:
                bar.update(task, description=f"4/5 {result.get('progress', '')}")
                result = self._call("evaluate", evaluation=result["evaluation"], wait_s=1)
            bar.update(task, completed=1, total=1, description="4/5 Base and tuned compared on text neither has seen")
        base, tuned = result["bits_per_byte"]["base"], result["bits_per_byte"]["tuned"][adapter]
        self.console.print(
            f"    held-out bits per byte: base {base:.3f}, tuned {tuned:.3f} "
            f"([bold green]{100 * (tuned / base - 1):+.1f}%[/bold green]), {result['rows']} rows"
        )
        self.console.print(f"    {result['verdict'][0]['kind']}; report: {result['report_path']}", highlight=False)

    def _ask(self, adapter: str) -> None:
        with self._bar("5/5 Serving both models") as (bar, task):
            endpoint = self.context.ask()
            client = OpenAI(base_url=f"{endpoint.url}/v1", api_key=endpoint.key or "none", timeout=120, max_retries=0)
            table = Table(
                "", self.settings.default_model, adapter, show_lines=True, title="The same prompts, both models"
            )
            for number, prompt in enumerate(PROMPTS):
                bar.update(task, completed=number, total=len(PROMPTS), description=f"5/5 Asking at {endpoint.url}/v1")
                answers = [self._answer(client, model, prompt) for model in (self.settings.default_model, adapter)]
                # Text, not markup: a model may write anything.
                table.add_row(*[Text(text) for text in (prompt, *answers)])
            bar.update(task, completed=len(PROMPTS), description=f"5/5 Served at {endpoint.url}/v1")
        self.console.print(table)

    def _answer(self, client: OpenAI, model: str, prompt: str) -> str:
        completion = client.chat.completions.create(
            model=model,
            messages=[{"role": "user", "content": prompt}],
            max_tokens=ANSWER_TOKENS,
            temperature=0,
        )
        return (completion.choices[0].message.content or "").strip()

    def _tell_next(self, adapter: str) -> None:
        took = time.monotonic() - self.began
        self.console.print(f"\nDone in {took // 60:.0f} min {took % 60:.0f} s. To serve it again and talk to it:\n")
        place = f" --workspace {self.context.ws.root}"
        self.console.print(f"    afina serve --model {adapter.partition('@')[0]}{place}", highlight=False)
        self.console.print(f"    afina chat {adapter.partition('@')[0]}{place}\n", highlight=False)

    # Telling ----------------------------------------------------------------------------------

    def _bar(self, description: str) -> _Bar:
        return _Bar(self.console, description)


class _Bar:
    """A moving bar in a terminal, a line every few seconds elsewhere, and a line that stays at the end."""

    def __init__(self, console: Console, description: str) -> None:
        self._console, self._description = console, description
        # What moves goes past the console that records.
        self._live = Console()
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TimeElapsedColumn(),
            console=self._live,
            transient=True,
        )
        self._told = 0.0

    def __enter__(self) -> tuple[_Bar, TaskID]:
        task = self._progress.add_task(self._description, total=None)
        if self._live.is_terminal:
            self._progress.start()
        self._tell()
        return self, task

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self._live.is_terminal:
            self._progress.stop()
        if kind is None:
            self._console.print(f"[green]✓[/green] {self._description}", highlight=False)

    def update(self, task: TaskID, *, description: str, **changes: Any) -> None:
        self._description = description
        self._progress.update(task, description=description, **changes)
        self._tell()

    def _tell(self) -> None:
        if not self._live.is_terminal and time.monotonic() - self._told > _PLAIN_S:
            self._told = time.monotonic()
            self._live.print(self._description, highlight=False)


def _training_line(status: dict[str, Any]) -> str:
    if status["state"] in ("queued", "preparing"):
        return f"3/5 {status['verdict']['text']}"
    parts = [f"3/5 Training: step {status['step']} of {status['steps']}"]
    for name, label in (("train_loss", "loss"), ("valid_loss", "held-out loss")):
        if name in status:
            parts.append(f"{label} {status[name]:.3f}")
    if "tokens_per_second" in status:
        parts.append(f"{status['tokens_per_second']:.0f} tok/s")
    return ", ".join(parts)
