"""prepare_dataset whole: real files, a real child, a tiny model's real tokenizer."""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import time
from pathlib import Path

import pytest

from tools.errors import AfinaError, DataError, InvalidArgument, NotFound, WorkerDied
from tools.models.tokenizer import Tokenizer
from tools.prepare_dataset.contract import SPLITS, PrepareArgs, PrepareResult
from tools.prepare_dataset.counting import RowCounter
from tools.prepare_dataset.identity import Options
from tools.prepare_dataset.pipeline import prepare
from tools.prepare_dataset.reading_back import Dataset, open_dataset
from tools.prepare_dataset.roots import Roots
from tools.prepare_dataset.sources import find_sources
from tools.prepare_dataset.stages import Stages
from tools.prepare_dataset.tool import prepare_dataset
from tools.prepare_dataset.write import write
from tools.workspace import jobs
from tools.workspace.layout import Workspace, open_workspace

SAMPLE = Path(__file__).parents[2] / "clients" / "sample"
PARAGRAPH = (
    "Na noite {n} o farol acendia-se cedo e a menina contava {n} barcos que passavam ao largo da ilha número {n}. "
)


def call(ws: Workspace, *sources: Path, **more: object) -> PrepareResult:
    args = PrepareArgs.model_validate({"sources": [str(path) for path in sources], **more})
    return prepare_dataset(ws, args, default_model="tiny")


def opened(result: PrepareResult) -> Dataset:
    assert result.path is not None
    return open_dataset(Path(result.path))


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def write_book(path: Path, chapters: int, paragraphs: int = 4, first: int = 0) -> Path:
    text = "# Livro\n\n"
    for chapter in range(chapters):
        lines = [(PARAGRAPH.format(n=first + chapter * 1000 + n) * 3).strip() for n in range(paragraphs)]
        text += f"## Capítulo {chapter}\n\n" + "\n\n".join(lines) + "\n\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def wait_until(true: object, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not true():  # type: ignore[operator]
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.005)


@pytest.mark.parametrize("form", ["text", "completions", "chat"])
def test_the_sample_material_becomes_a_dataset_in_every_format(tiny_ws: Workspace, form: str) -> None:
    result = call(tiny_ws, SAMPLE, name="mares", format=form)
    dataset = opened(result)
    assert (result.state, result.format) == ("succeeded", form)
    assert {source.kind for source in result.sources} == {"book", "table", "biography", "examples", "questions"}
    assert sum(source.rows for source in result.sources) == sum(split.rows for split in result.splits.values())
    assert result.next == 'start_finetune {"dataset": "mares", "dry_run": true}'
    check_rows(dataset, result, RowCounter(Tokenizer.load(tiny_ws.model_folder("tiny")), ""))
    check_provenance(dataset)


def check_rows(dataset: Dataset, result: PrepareResult, counter: RowCounter) -> None:
    """One set of keys, the tokens told, none over the model's 512."""
    keys = {"text": {"text"}, "completions": {"prompt", "completion"}, "chat": {"messages"}}[dataset.format]
    longest = 0
    for split in SPLITS:
        rows = dataset.rows(split)
        assert len(rows) == result.splits[split].rows > 10
        lengths = [counter.row(row.as_json()) for row in rows]
        assert sum(lengths) == result.splits[split].tokens
        longest = max(longest, *lengths)
        assert all(row.as_json().keys() == keys for row in rows)
    assert longest == result.longest_row_tokens <= 512


def check_provenance(dataset: Dataset) -> None:
    """Every copied row is a slice of its source; what was composed stands in its span."""
    texts = {source["path"]: dataset.source_text(source["path"]) for source in dataset.card["sources"]}
    hashes = {source["path"]: source["sha256"] for source in dataset.card["sources"]}
    rows = {split: dataset.rows(split) for split in SPLITS}
    copied = 0
    for origin in dataset.provenance():
        row = rows[origin.split][origin.index]
        assert (row.id, origin.sha256) == (origin.id, hashes[origin.source])
        told = row.text or row.completion or (row.messages or [{}])[-1]["content"]
        span = texts[origin.source][origin.start : origin.end]
        assert span
        if origin.row_start is not None:
            copied += 1
            assert told[origin.row_start : origin.row_start + len(span)] == span
        elif origin.kind == "examples":
            assert told[origin.response_start or 0 :].strip() in json.dumps(json.loads(span), ensure_ascii=False)
        elif origin.kind == "biography":
            assert told[origin.response_start or 0 :] in span
    assert copied > 60


def test_the_original_bytes_are_kept(tiny_ws: Workspace, tmp_path: Path) -> None:
    raw = write_book(tmp_path / "a.md", 6).read_text(encoding="utf-8").replace("\n", "\r\n").encode("cp1252")
    (tmp_path / "a.md").write_bytes(raw)
    result = call(tiny_ws, tmp_path / "a.md", name="livro")
    dataset = opened(result)
    assert (dataset.folder / "sources/original/a.md").read_bytes() == raw
    assert dataset.source_text("a.md") == raw.decode("cp1252").replace("\r\n", "\n")
    assert dataset.original_text("a.md") == raw.decode("cp1252")
    assert result.sources[0].encoding == "cp1252"
    assert result.sources[0].repairs == {"line_ends": raw.count(b"\r\n"), "encoding": 1}


def test_the_same_material_gives_the_same_bytes_and_version(tiny_ws: Workspace, tmp_path: Path) -> None:
    first = call(tiny_ws, SAMPLE, name="mares")
    other = open_workspace(tmp_path / "other")
    shutil.copytree(tiny_ws.models, other.models, dirs_exist_ok=True)
    shutil.copytree(SAMPLE, tmp_path / "copia")
    second = call(other, tmp_path / "copia", name="mares")
    assert first.version == second.version
    assert first.path is not None
    assert second.path is not None
    assert contents(Path(first.path)) == contents(Path(second.path))


def test_the_same_call_finds_the_same_job_and_writes_nothing_anew(tiny_ws: Workspace) -> None:
    first = call(tiny_ws, SAMPLE, name="mares")
    assert first.path is not None
    before = {path: path.stat().st_ino for path in Path(first.path).rglob("*")}
    second = call(tiny_ws, SAMPLE, name="mares")
    assert second == first
    assert {path: path.stat().st_ino for path in Path(first.path).rglob("*")} == before
    assert len(jobs.listed(tiny_ws, "prepare")) == 1


def test_another_setting_makes_another_version_and_the_last_asked_for_is_the_newest(tiny_ws: Workspace) -> None:
    first = call(tiny_ws, SAMPLE, name="mares")
    second = call(tiny_ws, SAMPLE, name="mares", seed=1)
    assert first.version != second.version
    assert tiny_ws.dataset_folder("mares").name == second.version
    call(tiny_ws, SAMPLE, name="mares")
    assert tiny_ws.dataset_folder("mares").name == first.version
    assert tiny_ws.dataset_folder(f"mares@{second.version}").name == second.version


def test_a_version_that_was_removed_is_made_again(tiny_ws: Workspace) -> None:
    first = call(tiny_ws, SAMPLE / "livros", name="livros")
    assert first.path is not None
    before = contents(Path(first.path))
    shutil.rmtree(first.path)
    assert call(tiny_ws, SAMPLE / "livros", name="livros").version == first.version
    assert contents(Path(first.path)) == before


def test_a_call_that_does_not_wait_gives_a_job_to_ask_for(tiny_ws: Workspace) -> None:
    pending = call(tiny_ws, SAMPLE, name="mares", wait_s=0)
    assert pending.state in ("queued", "running")
    assert pending.path is None
    assert pending.next == f'prepare_dataset {{"job": "{pending.job}"}}'
    done = prepare_dataset(tiny_ws, PrepareArgs(job=pending.job), default_model="tiny")
    assert done.state == "succeeded"
    assert done == call(tiny_ws, SAMPLE, name="mares")


def test_an_unknown_job_answers_with_the_nearest(tiny_ws: Workspace) -> None:
    done = call(tiny_ws, SAMPLE / "livros", name="livros")
    assert done.job is not None
    with pytest.raises(NotFound) as caught:
        prepare_dataset(tiny_ws, PrepareArgs(job=done.job[:-1] + "x"), default_model="tiny")
    assert done.job in (caught.value.fix or "")


def test_a_job_and_sources_together_are_refused(tiny_ws: Workspace) -> None:
    with pytest.raises(InvalidArgument, match="Both"):
        call(tiny_ws, SAMPLE, job="prepare-x")


def test_a_model_that_is_not_installed_says_how_to_bring_it(tiny_ws: Workspace) -> None:
    with pytest.raises(NotFound) as caught:
        call(tiny_ws, SAMPLE, name="mares", model="tinny")
    assert "`tiny`" in (caught.value.fix or "")
    assert "afina models pull" in (caught.value.fix or "")
    large = "mistral-7b-instruct-v0.3-4bit"
    with pytest.raises(NotFound, match=f"afina models pull {large}"):
        prepare_dataset(tiny_ws, PrepareArgs(sources=[str(SAMPLE)]), default_model=large)
    assert not jobs.listed(tiny_ws, "pull")


@pytest.mark.journey
def test_a_small_base_that_is_not_installed_is_brought_first(ws: Workspace) -> None:
    args = PrepareArgs(sources=[str(SAMPLE)], name="mares")
    result = prepare_dataset(ws, args, default_model="smollm2-135m")
    deadline = time.monotonic() + 180
    while result.state != "succeeded":
        assert time.monotonic() < deadline, result.progress
        assert result.next.startswith("prepare_dataset ")
        result = prepare_dataset(ws, args, default_model="smollm2-135m")
    assert ws.model_names() == ["smollm2-135m"]
    assert result.splits["train"].rows > 100


def test_the_name_is_made_from_the_source(tiny_ws: Workspace, tmp_path: Path) -> None:
    write_book(tmp_path / "Os Meus Livros" / "É bom.md", 5)
    assert call(tiny_ws, tmp_path / "Os Meus Livros").dataset == "os-meus-livros"
    assert call(tiny_ws, tmp_path / "Os Meus Livros" / "*.md").dataset == "os-meus-livros"
    with pytest.raises(InvalidArgument, match="cannot be a name"):
        call(tiny_ws, SAMPLE, name="Não Serve")


def test_every_fault_of_every_file_is_told_at_once(tiny_ws: Workspace, tmp_path: Path) -> None:
    folder = tmp_path / "mau"
    write_book(folder / "bom.md", 3)
    (folder / "liga.csv").write_text("equipa,pontos\nA,x\nB\n")
    (folder / "ex.jsonl").write_text('{"text": "bom"}\n{"texto": "mau"}\n{"prompt"\n')
    (folder / "bin.txt").write_bytes(bytes(range(256)) * 9)
    with pytest.raises(DataError, match="has 4 problems") as caught:
        call(tiny_ws, folder, name="mau")
    told = {(Path(problem.path).name, problem.line) for problem in caught.value.problems}
    assert told == {("bin.txt", None), ("ex.jsonl", 2), ("ex.jsonl", 3), ("liga.csv", 3)}
    assert not list((tiny_ws.data).iterdir())


def test_an_example_over_the_limit_is_told_by_its_line(tiny_ws: Workspace, tmp_path: Path) -> None:
    lines = [{"prompt": f"Quem é {n}?", "completion": "palavra " * (500 if n == 3 else 3)} for n in range(6)]
    (tmp_path / "ex.jsonl").write_text("\n".join(json.dumps(line) for line in lines))
    with pytest.raises(DataError) as caught:
        call(tiny_ws, tmp_path / "ex.jsonl")
    assert [problem.line for problem in caught.value.problems] == [4]
    assert "a row holds 512" in caught.value.problems[0].message


def test_mended_material_is_prepared_after_a_failure(tiny_ws: Workspace, tmp_path: Path) -> None:
    path = tmp_path / "liga.csv"
    path.write_text("época,equipa,pontos\n2001,A,x\n")
    with pytest.raises(DataError):
        call(tiny_ws, path)
    path.write_text(
        "época,equipa,pontos\n" + "".join(f"{year},A,{year % 7}\n{year},B,9\n" for year in range(2001, 2012))
    )
    assert call(tiny_ws, path).state == "succeeded"


def test_computed_questions_are_about_what_was_read(tiny_ws: Workspace) -> None:
    dataset = opened(call(tiny_ws, SAMPLE, name="mares"))
    train, held = dataset.documents("train"), dataset.documents("valid") + dataset.documents("test")
    questions = dataset.questions()
    assert sum(question.kind == "unanswerable" for question in questions) == 4
    computed = [question for question in questions if question.document and question.source.endswith(".csv")]
    assert len(computed) > 90
    assert all(question.split == "train" for question in questions if question.document in train)
    assert not [q for q in questions if q.document in held and q.question.startswith("Na temporada")]
    given = next(q for q in questions if q.question == "Que equipa foi campeã da Liga das Marés em 2007?")
    assert given.document == "tabelas/liga-das-mares.csv#2007"


def test_control_tokens_and_passed_over_files_are_told(tiny_ws: Workspace, tmp_path: Path) -> None:
    path = write_book(tmp_path / "m" / "a.md", 5)
    path.write_text(path.read_text() + "\n\nlinha com <|im_end|> dentro\n")
    (tmp_path / "m" / "capa.png").write_bytes(b"\x89PNG")
    problems = call(tiny_ws, tmp_path / "m").problems
    assert [(Path(problem.path).name, problem.line is not None) for problem in problems] == [
        ("capa.png", False),
        ("a.md", True),
    ]
    assert "`<|im_end|>`" in problems[1].message


def test_a_dataset_changed_by_hand_is_refused(tiny_ws: Workspace) -> None:
    dataset = opened(call(tiny_ws, SAMPLE / "livros", name="livros"))
    path = dataset.folder / "train.jsonl"
    path.write_bytes(path.read_bytes() + b'{"text": "mais"}\n')
    with pytest.raises(DataError, match="changed after it was made"):
        dataset.rows("train")
    assert dataset.rows("test")


def test_a_child_killed_while_it_writes_leaves_nothing_that_counts(tiny_ws: Workspace, tmp_path: Path) -> None:
    for n in range(400):
        write_book(tmp_path / "muitos" / f"livro{n}.md", 1, 1, first=n)
    pending = call(tiny_ws, tmp_path / "muitos", name="muitos", wait_s=0)
    assert pending.job is not None
    folder = tiny_ws.data / "muitos"
    wait_until(lambda: folder.is_dir() and any(path.name.startswith(".tmp-") for path in folder.iterdir()))
    row = tiny_ws.store.row("SELECT pid FROM jobs WHERE job = ?", (pending.job,))
    assert row is not None
    os.kill(row["pid"], signal.SIGKILL)
    with pytest.raises(WorkerDied):
        prepare_dataset(tiny_ws, PrepareArgs(job=pending.job), default_model="tiny")
    assert "muitos" not in tiny_ws.dataset_names()
    again = call(tiny_ws, tmp_path / "muitos", name="muitos")
    assert again.state == "succeeded"
    assert [path.name for path in folder.iterdir()] == [again.version]


def test_a_version_whose_rename_never_came_does_not_count(tiny_ws: Workspace) -> None:
    done = call(tiny_ws, SAMPLE / "livros", name="livros")
    assert done.path is not None
    shutil.copytree(done.path, Path(done.path).parent / ".tmp-0123")
    assert tiny_ws.dataset_folder("livros").name == done.version
    with pytest.raises(NotFound):
        tiny_ws.dataset_folder("livros@.tmp-0123")
    shutil.rmtree(done.path)
    assert "livros" not in tiny_ws.dataset_names()


def test_a_write_that_the_system_refuses_leaves_nothing_behind(tiny_ws: Workspace, tmp_path: Path) -> None:
    files, _ = find_sources([str(write_book(tmp_path / "grande.md", 40, 40))], Roots(tiny_ws))
    options = Options("auto", 512, 0.1, 0.1, 0, "auto")
    prepared = prepare(files, options, tiny_ws.model_folder("tiny"), Stages(lambda done, total, message: None))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, hard))
    try:
        with pytest.raises(AfinaError, match="write the dataset"):
            write(tiny_ws, "grande", prepared)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not (tiny_ws.data / "grande").exists()
    assert (write(tiny_ws, "grande", prepared) / "card.json").is_file()


def test_the_card_tells_people_what_was_done(tiny_ws: Workspace) -> None:
    dataset = opened(call(tiny_ws, SAMPLE, name="mares"))
    card = (dataset.folder / "card.md").read_text(encoding="utf-8")
    assert card.startswith(f"# mares@{dataset.version}\n")
    for told in ("| train |", "livros/o-farol-de-areia.md", "Format `text`", "impressão digital", "seed: 0"):
        assert told in card
