"""The table: a tool, what is wrong with the call, and what the answer must say."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.errors import AfinaError, Conflict, DataError, InvalidArgument, NotFound
from tools.prepare_dataset.file_types import TOLD


@dataclass(frozen=True)
class Case:
    """`<m>` in the arguments and the words stands for the folder of the material."""

    tool: str
    wrong: str
    arguments: dict[str, Any]
    kind: type[AfinaError]
    says: tuple[str, ...]
    field: str | None = None

    def with_material(self, folder: Path) -> tuple[dict[str, Any], list[str]]:
        return _placed(self.arguments, str(folder)), [_placed(words, str(folder)) for words in self.says]

    def __str__(self) -> str:
        return f"{self.tool}: {self.wrong}"


def _placed(value: Any, folder: str) -> Any:
    if isinstance(value, str):
        return value.replace("<m>", folder)
    if isinstance(value, list):
        return [_placed(inner, folder) for inner in value]
    return {key: _placed(inner, folder) for key, inner in value.items()} if isinstance(value, dict) else value


def _sources() -> Iterator[Case]:
    """Files that are wrong: the answer names the file, and the line where there is one."""
    for name, *says in (
        ("nao-existe.txt", "<m>/nao-existe.txt: It does not exist.", "Check the path"),
        ("boom.txt", "It does not exist.", "Did you mean `bom.txt`?"),
        ("solto.txt", "It is a link to what does not exist."),
        ("*.doc", "The pattern matches nothing."),
        ("nada", f"There is no {TOLD} in it."),
        ("fora", "atalho.txt: It is a link that leads out of the folder."),
        ("vazio.txt", "<m>/vazio.txt: It is empty."),
        ("so-espacos.md", "<m>/so-espacos.md: It is empty."),
        ("sem-extensao", "It has no extension.", ".jsonl"),
        ("livro.mobi", "`.mobi` files are not read.", "Convert it to .epub."),
        ("atalho-fora.txt", "It lies outside the folders that Afina may read.", "AFINA_ALLOWED_ROOTS"),
        (".segredo/chave.txt", "It is private: `.segredo` is hidden.", "Copy it elsewhere."),
        ("cano.txt", "It is not a regular file."),
        ("binario.txt", "<m>/binario.txt: It is a binary file, not text."),
        ("binario.csv", "<m>/binario.csv: It is a binary file, not text."),
        ("binario.jsonl", "<m>/binario.jsonl: It is a binary file, not text."),
        ("estragado.txt", "<m>/estragado.txt:41: It is UTF-8 with damaged bytes.", "Save it again as UTF-8"),
        ("meio-utf16.txt", "It is UTF-16 with damaged bytes."),
        ("desigual.csv", "<m>/desigual.csv:3:2: The row has 2 cells, the headings are 3."),
        ("aspas.csv", "<m>/aspas.csv:2: A quotation mark is not closed"),
        ("so-cabecalho.csv", "There are headings but no rows."),
        ("partido.jsonl", "<m>/partido.jsonl:2:10: The text that begins here is not closed."),
        ("tipos.jsonl", "<m>/tipos.jsonl:1:35: `completion` is a number.", "Make it a text."),
        ("chaves.jsonl", "<m>/chaves.jsonl:1:2: The key `promt` is not known.", "Did you mean `prompt`?"),
        ("lista.jsonl", "<m>/lista.jsonl:1:2: It is a text, no object."),
        ("python.jsonl", "<m>/python.jsonl:1:2: Single quotes are no quotes of JSON."),
        ("tabela.jsonl", "<m>/tabela.jsonl:1:1: It is a table, not JSON.", "Name it `.csv`."),
        ("virgula.json", "<m>/virgula.json:2:23: A comma stands before the closing bracket.", "Remove the comma."),
        ("chamada.json", "<m>/chamada.json:5:1: A call before turn 3 has no answer."),
        ("papeis.jsonl", "Turn 1 has no known role.", "`assistant`"),
        ("curto.txt", "The material gives 1 row; the splits need 3.", "set test_fraction and valid_fraction to 0"),
    ):
        arguments = {"sources": [f"<m>/{name}"], "name": "mau"}
        yield Case("prepare_dataset", name, arguments, DataError, tuple(says), "sources")
    dry = {"name": "mau", "dry_run": True}
    for name, words in (("binario.txt", "It is a binary file"), ("curto.txt", "the splits need 3")):
        arguments = {"sources": [f"<m>/{name}"], **dry}
        yield Case("prepare_dataset", f"{name}, dry", arguments, DataError, (words,), "sources")


def _prepare() -> Iterator[Case]:
    def case(wrong: str, arguments: dict[str, Any], kind: type[AfinaError], field: str, *says: str) -> Case:
        return Case("prepare_dataset", wrong, arguments, kind, says, field)

    good = {"sources": ["<m>/bom.txt"]}
    everything = [f"<m>/{name}" for name in ("bom.txt", "binario.txt", "partido.jsonl", "desigual.csv")]
    yield case(
        "several files", {"sources": everything}, DataError, "sources",
        "3 problems", "binario.txt: It is a binary file", "partido.jsonl:2:10", "desigual.csv:3:2",
    )  # fmt: skip
    yield case("no sources", {}, InvalidArgument, "sources", "No sources are given.", "at least one file")
    yield case("empty path", {"sources": [""]}, InvalidArgument, "sources[0]", "`sources[0]` is empty.")
    yield case("long path", {"sources": ["x" * 5000]}, InvalidArgument, "sources[0]", "is too long", "4096")
    yield case("NUL in a path", {"sources": ["a\0b.txt"]}, DataError, "sources", "a?b.txt: It cannot be a path.")
    yield case("home of nobody", {"sources": ["~ninguem-aqui/a.txt"]}, DataError, "sources", "It cannot be a path.")
    yield case("a device", {"sources": ["/dev/zero"]}, DataError, "sources", "/dev/zero: It lies outside the folders")
    yield case("a pattern over the disk", {"sources": ["/**/*.txt"]}, DataError, "sources", "outside the folders")
    yield case(
        "kind of another file", {"sources": [{"path": "<m>/desigual.csv", "kind": "book"}]}, DataError, "sources",
        "A `.csv` file cannot be a book.",
    )  # fmt: skip
    yield case("name upwards", {**good, "name": "../fora"}, InvalidArgument, "name", "cannot be a name", "Try `fora`")
    yield case("empty name", {**good, "name": ""}, InvalidArgument, "name", "1 to 63 lower-case letters")
    yield case("unknown model", {**good, "model": "tinny"}, NotFound, "model", "Did you mean `tiny`?")
    yield case(
        "damaged model", {**good, "model": "estragada"}, DataError, "model",
        "`estragada` is damaged", "afina.json", "afina models pull estragada",
    )  # fmt: skip
    yield Case(
        "prepare_dataset", "damaged tokenizer", {**good, "model": "sem-fichas"}, DataError, ("sem-fichas", "tokenizer")
    )
    halves = {**good, "valid_fraction": 0.5, "test_fraction": 0.5}
    yield case("nothing to train on", halves, InvalidArgument, "valid_fraction", "leave nothing to train on")
    yield case("unknown job", {"job": "prepare-nada"}, NotFound, "job", "no prepare job named `prepare-nada`")
    yield case("cancel of nothing", {"action": "cancel"}, InvalidArgument, "job", "There is nothing to cancel.")
    yield case("job and sources", {"job": "x", **good}, InvalidArgument, "job", "Both `job` and `sources`")
    yield case("sources as text", {"sources": "a.txt"}, InvalidArgument, "sources", 'is the text "a.txt"', "a list")


def _start() -> Iterator[Case]:
    def case(wrong: str, arguments: dict[str, Any], kind: type[AfinaError], field: str | None, *says: str) -> Case:
        return Case("start_finetune", wrong, arguments, kind, says, field)

    def settings(**asked: Any) -> dict[str, Any]:
        return {"dataset": "livros", "settings": asked}

    yield case("no dataset", {}, InvalidArgument, "dataset", "No dataset was given.", "livros")
    yield case("unknown dataset", {"dataset": "livro"}, NotFound, "dataset", "Did you mean `livros`?")
    yield case("unknown version", {"dataset": "livros@0"}, NotFound, "dataset", "no dataset named `livros@0`")
    yield case("path as dataset", {"dataset": "../data/livros"}, NotFound, "dataset", "no dataset named")
    yield case("binary card", {"dataset": "binario"}, DataError, None, "card.json: The file is not JSON.")
    yield case("card without model", {"dataset": "sem-modelo"}, DataError, None, "card.json: The file lacks fields")
    yield case("unknown model", {"dataset": "livros", "model": "tinny"}, NotFound, "model", "Did you mean `tiny`?")
    yield case("damaged model", {"dataset": "livros", "model": "estragada"}, DataError, "model", "estragada", "damaged")
    yield case("name of a base", {"dataset": "livros", "name": "tiny"}, Conflict, "name", "name of a base model")
    yield case("bad name", {"dataset": "livros", "name": "A B"}, InvalidArgument, "name", "Try `a-b`.")
    yield case(
        "batch beyond the rows", {"dataset": "pouco", "settings": {"batch_size": 4}}, InvalidArgument,
        "settings.batch_size", "A batch of 4 rows is larger than the 3 training rows.", "at most 3", "add material",
    )  # fmt: skip
    yield case("unknown setting", settings(iter=3), InvalidArgument, "settings.iter", "Did you mean `iters`?")
    yield case("no steps", settings(iters=0), InvalidArgument, "settings.iters", "from 1 to 1000000")
    yield case("rate as text", settings(learning_rate="1e-5"), InvalidArgument, "settings.learning_rate", "a number")
    yield case("rank too large", settings(lora_rank=5000), InvalidArgument, "settings.lora_rank", "from 1 to 1024")
    yield case("no layers", settings(lora_layers=0), InvalidArgument, "settings.lora_layers", "-1")
    yield case(
        "unknown module", settings(lora_keys=["self_attn.q_prj"]), InvalidArgument, "settings.lora_keys", "q_proj"
    )
    yield case("no modules", settings(lora_keys=[]), InvalidArgument, "settings.lora_keys", "1 to 32 items")
    yield case("unknown preset", {"dataset": "livros", "preset": "fast"}, InvalidArgument, "preset", "`aggressive`")
    yield case("empty key", {"dataset": "livros", "request_key": ""}, InvalidArgument, "request_key", "is empty")
    yield case("resume of nothing", {"resume": "nada"}, NotFound, "resume", "no run named `nada`")
    yield case("resume of an end", {"resume": "feito-20261124-1"}, Conflict, "resume", "has succeeded")
    both = {"resume": "parado-20261124-1", "dataset": "livros"}
    yield case("resume with more", both, InvalidArgument, "dataset", "keeps its own settings")


def _runs() -> Iterator[Case]:
    def status(wrong: str, arguments: dict[str, Any], kind: type[AfinaError], field: str, *says: str) -> Case:
        return Case("training_status", wrong, arguments, kind, says, field)

    def control(wrong: str, arguments: dict[str, Any], kind: type[AfinaError], field: str | None, *says: str) -> Case:
        return Case("control_finetune", wrong, arguments, kind, says, field)

    yield status("unknown run", {"run": "feito-20261124-2"}, NotFound, "run", "Did you mean `feito-20261124-1`")
    yield status("empty run", {"run": ""}, NotFound, "run", "There is no run named")
    yield status("long wait", {"wait_s": 100}, InvalidArgument, "wait_s", "from 0 to 45")
    yield status("step below", {"since_step": -5}, InvalidArgument, "since_step", "at least -1")
    yield status("unknown detail", {"detail": "all"}, InvalidArgument, "detail", "`concise` or `detailed`")
    yield control("nothing", {}, InvalidArgument, None, "run: is missing", "action: is missing")
    yield control("unknown run", {"run": "nada", "action": "pause"}, NotFound, "run", "`parado-20261124-1`")
    yield control("unknown action", {"run": "x", "action": "stop"}, InvalidArgument, "action", "`pause` or `resume`")
    ended = {"run": "feito-20261124-1"}
    yield control("pause of an end", {**ended, "action": "pause"}, Conflict, "run", "has ended (succeeded)")
    yield control("cancel of an end", {**ended, "action": "cancel"}, Conflict, "run", "has ended (succeeded)")
    yield control("resume of an end", {**ended, "action": "resume"}, Conflict, "resume", "has succeeded")
    idle = {"run": "parado-20261124-1", "action": "pause"}
    yield control("pause of what is idle", idle, Conflict, "action", "nothing to pause", "It can be resumed.")


def _evaluate() -> Iterator[Case]:
    def case(wrong: str, arguments: dict[str, Any], kind: type[AfinaError], field: str | None, *says: str) -> Case:
        return Case("evaluate", wrong, arguments, kind, says, field)

    yield case("nothing", {}, InvalidArgument, "adapter", "Give one of `adapter`, `adapters` and `run`.", "`um`")
    yield case("both", {"adapter": "um", "adapters": ["um"]}, InvalidArgument, "adapter", "Give one of")
    yield case("unknown adapter", {"adapter": "umm"}, NotFound, "adapter", "Did you mean `um`?")
    yield case("unknown version", {"adapter": "um@0"}, NotFound, "adapter", "There is: `um@")
    yield case("unknown checkpoint", {"adapter": "um@step-3"}, NotFound, "adapter", "no model named `um@step-3`")
    yield case("a base alone", {"adapter": "tiny"}, InvalidArgument, "dataset", "has no dataset of its own", "`livros`")
    yield case("a run without one", {"adapter": "parado-20261124-1"}, NotFound, "adapter", "has made no adapter yet")
    yield case("unknown run", {"run": "parado"}, NotFound, "run", "There is: `feito-20261124-1`")
    yield case("a run without checkpoints", {"run": "parado-20261124-1"}, Conflict, "run", "keeps no checkpoint")
    yield case("binary marker", {"adapter": "binario"}, DataError, "adapter", "`binario@", "afina.json cannot be read")
    yield case("marker without base", {"adapter": "sem-campos"}, DataError, "adapter", "`sem-campos@", "damaged")
    yield case("binary weights", {"adapter": "sem-pesos"}, DataError, None, "`sem-pesos@", "adapters.safetensors")
    yield case("other base", {"adapter": "alheio"}, Conflict, "adapter", "is another", "afina models pull tiny")
    yield case("base that is gone", {"adapter": "orfao"}, Conflict, "adapter", "`perdida`", "which is not installed")
    yield case("unknown dataset", {"adapter": "um", "dataset": "livro"}, NotFound, "dataset", "Did you mean `livros`?")
    yield case("changed dataset", {"adapter": "um", "dataset": "mudado"}, DataError, None, "mudado/", "test.jsonl")
    yield case("unknown metric", {"adapter": "um", "metrics": ["bleu"]}, InvalidArgument, "metrics[0]", "`likelihood`")
    yield case("no items", {"adapter": "um", "max_items": 0}, InvalidArgument, "max_items", "from 1 to 10000")
    yield case("unknown evaluation", {"evaluation": "nada"}, NotFound, "evaluation", "no evaluation job named `nada`")
    yield case("cancel of nothing", {"action": "cancel"}, InvalidArgument, "evaluation", "nothing to cancel")


def _annotate() -> Iterator[Case]:
    def case(wrong: str, arguments: dict[str, Any], kind: type[AfinaError], field: str | None, *says: str) -> Case:
        return Case("annotate_dataset", wrong, arguments, kind, says, field)

    pair = {"passage": "p", "question": "Quem?", "answer": "O avô", "quote": "o avô"}
    yield case("no dataset", {}, InvalidArgument, "dataset", "`dataset` is missing.")
    yield case("unknown dataset", {"dataset": "livro"}, NotFound, "dataset", "Did you mean `livros`?")
    yield case("binary card", {"dataset": "binario"}, DataError, None, "card.json: The file is not JSON.")
    yield case("no passages", {"dataset": "livros", "limit": 0}, InvalidArgument, "limit", "from 1 to 50")
    yield case("no pairs", {"dataset": "livros", "pairs": []}, InvalidArgument, "pairs", "1 to 500 items")
    half = {"dataset": "livros", "pairs": [{"passage": "p"}]}
    yield case("half a pair", half, InvalidArgument, None, "pairs[0].answer: is missing", "pairs[0].quote")
    more = {"dataset": "livros", "pairs": [{**pair, "extra": 1}]}
    yield case("a pair with more", more, InvalidArgument, "pairs[0].extra", "The arguments are: `passage`")
    broken = {"dataset": "livros", "pairs": '[{"passage": '}
    yield case("pairs that are half JSON", broken, InvalidArgument, "pairs", "a list of 1 to 500 items")


def _ask() -> Iterator[Case]:
    def case(wrong: str, arguments: dict[str, Any], kind: type[AfinaError], field: str, *says: str) -> Case:
        return Case("ask_model", wrong, arguments, kind, says, field)

    def asked(model: str) -> dict[str, Any]:
        return {"prompt": "Quem?", "models": [model]}

    yield case("nothing", {}, InvalidArgument, "prompt", "`prompt` or `messages`, one of them")
    yield case("empty prompt", {"prompt": ""}, InvalidArgument, "prompt", "`prompt` is empty.")
    role = {"messages": [{"role": "chefe", "content": "olá"}]}
    yield case("unknown role", role, InvalidArgument, "messages[0].role", "`assistant`")
    yield case("no content", {"messages": [{"role": "user"}]}, InvalidArgument, "messages[0].content", "is missing")
    yield case("no models", {"prompt": "a", "models": []}, InvalidArgument, "models", "1 to 8 items")
    yield case("unknown model", asked("tinny"), NotFound, "models", "Did you mean `tiny`?")
    yield case("NUL as a model", asked("\0"), NotFound, "models", "There is no model named `?`.")
    yield case("binary marker", asked("binario"), InvalidArgument, "models", "`binario@", "afina.json cannot be read")
    yield case("binary weights", asked("sem-pesos"), InvalidArgument, "models", "`sem-pesos@", "adapters.safetensors")
    yield case("other base", asked("alheio"), InvalidArgument, "models", "`alheio` was trained on `tiny`")
    yield case("damaged base", asked("estragada"), InvalidArgument, "models", "`estragada` is damaged")
    yield case("a run without one", asked("parado-20261124-1"), NotFound, "models", "has made no adapter yet")
    yield case("too long", {**asked("tiny"), "prompt": "mãe " * 700}, InvalidArgument, "messages", "context of 512")
    yield case("too hot", {**asked("tiny"), "temperature": 3}, InvalidArgument, "temperature", "from 0 to 2")


def _list_export_check() -> Iterator[Case]:
    def listing(wrong: str, arguments: dict[str, Any], field: str, *says: str) -> Case:
        return Case("list_workspace", wrong, arguments, InvalidArgument, says, field)

    def export(wrong: str, arguments: dict[str, Any], kind: type[AfinaError], field: str | None, *says: str) -> Case:
        return Case("export_adapter", wrong, arguments, kind, says, field)

    yield listing("unknown kind", {"kind": "run"}, "kind", "`runs`")
    yield listing("no entries", {"limit": 0}, "limit", "from 1 to 200")
    yield listing("cursor without kind", {"cursor": "W10"}, "kind", "A cursor reads on in one kind.")
    yield listing("cursor that is none", {"kind": "runs", "cursor": "lixo"}, "cursor", "`next_cursor`")
    yield listing("cursor too long", {"kind": "runs", "cursor": "x" * 500}, "cursor", "0 to 400 characters")
    yield export("nothing", {}, InvalidArgument, "adapter", "No adapter was given.", "um")
    yield export("unknown adapter", {"adapter": "umm"}, NotFound, "adapter", "Did you mean `um`?")
    yield export("odd bits", {"adapter": "um", "bits": 5}, InvalidArgument, "bits", "`4` or `8` or `16`")
    yield export("unknown format", {"adapter": "um", "format": "gguf"}, InvalidArgument, "format", "`fused`")
    yield export("binary marker", {"adapter": "binario"}, DataError, "adapter", "afina.json cannot be read")
    yield export("binary weights", {"adapter": "sem-pesos"}, DataError, "adapter", "adapters.safetensors")
    yield export("other base", {"adapter": "alheio"}, Conflict, "adapter", "another `tiny`")
    yield export("base that is gone", {"adapter": "orfao"}, NotFound, "adapter", "`perdida`")
    yield export("unknown job", {"job": "nada"}, NotFound, "job", "no export job named `nada`")
    yield Case("check_setup", "anything", {"x": 1}, InvalidArgument, ("`x` is no argument of check_setup.",), "x")


CASES: tuple[Case, ...] = (
    *_sources(), *_prepare(), *_start(), *_runs(), *_evaluate(), *_annotate(), *_ask(), *_list_export_check(),
)  # fmt: skip
