"""The command line's words. Each command's module is imported when it runs."""

from __future__ import annotations

import argparse
import importlib
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

from server import __version__

Runner = Callable[[argparse.Namespace], int]


class Parser(argparse.ArgumentParser):
    """An ArgumentParser that offers the nearest word for one that it does not know.

    late: an optional positional that may also stand after flags, where argparse has settled for none.
    """

    late: str | None = None

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> tuple[Any, list[str]]:
        found, rest = super().parse_known_args(args, namespace)
        if self.late and len(rest) == 1 and getattr(found, self.late) is None and _is_value(rest[0]):
            setattr(found, self.late, rest.pop())
        return found, rest

    def error(self, message: str) -> NoReturn:
        from tools.errors import nearest

        wrong = re.search(r"invalid choice: '([^']*)' \(choose from (.*)\)", message)
        near = nearest(wrong.group(1), re.findall(r"[\w-]+", wrong.group(2))) if wrong else []
        hint = f" Did you mean `{near[0]}`?" if near else f" `{self.prog} --help` shows how."
        self.exit(2, f"{self.prog}: {message}.{hint}\n")


def _is_value(word: str) -> bool:
    return word == "-" or not word.startswith("-")


def _lazily(module: str) -> Runner:
    def run(arguments: argparse.Namespace) -> int:
        return int(importlib.import_module(f"server.cli.{module}").run(arguments))

    return run


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """The command and its arguments; `run` is what runs it. Exits on `--help`, `--version` and mistakes."""
    parser = Parser(
        prog="afina",
        description="Fine-tune a language model on your own texts, on your own machine, by talking to an assistant.",
    )
    parser.add_argument("--version", action="version", version=f"afina {__version__}")
    _common(parser)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", parser_class=Parser)
    # The flags are the settings', whose import the other commands' help does without.
    _serve(commands, with_flags="serve" in argv)
    _mcp(commands)
    _call(commands)
    _audit(commands)
    _models(commands)
    _keys(commands)
    _doctor(commands)
    _chat(commands)
    _demo(commands)
    arguments = parser.parse_args(argv)
    if not hasattr(arguments, "run"):
        parser.print_help(sys.stderr)
        parser.exit(2)
    return arguments


def _common(parser: argparse.ArgumentParser) -> None:
    """Flags that stand before or after the command."""
    parser.add_argument(
        "--workspace", metavar="DIR", default=argparse.SUPPRESS, help="folder of all that is made (default ~/afina)"
    )
    parser.add_argument(
        "--default-model", metavar="NAME", default=argparse.SUPPRESS, help="base for datasets and runs that name none"
    )


def _command(commands: Any, name: str, module: str, words: str, epilog: str | None = None) -> Parser:
    command: Parser = commands.add_parser(name, help=words, description=words, epilog=epilog)
    command.set_defaults(run=_lazily(module))
    _common(command)
    return command


def _serve(commands: Any, with_flags: bool) -> None:
    serve = _command(
        commands,
        "serve",
        "serve",
        "serve models and adapters over HTTP: /v1 for apps, /mcp for assistants",
        "Keys are made with `afina keys add` or set with AFINA_API_KEY: they stand in no list of processes.",
    )
    if with_flags:
        from server.cli.settings import add_flags

        add_flags(serve)


def _mcp(commands: Any) -> None:
    _command(commands, "mcp", "mcp", "serve the tools to an assistant over stdin and stdout")


def _call(commands: Any) -> None:
    call = _command(
        commands,
        "call",
        "call",
        "call one tool; its result is JSON on stdout, its error JSON on stderr",
        'Example: afina call prepare_dataset \'{"sources": ["livros/"], "dry_run": true}\'',
    )
    call.add_argument("tool", metavar="TOOL", nargs="?", help="name of the tool; left out, the tools are listed")
    call.add_argument("arguments", metavar="JSON", nargs="?", help="arguments as JSON; `-` reads stdin")
    call.late = "arguments"
    call.add_argument("--schema", action="store_true", help="print what the tool takes, as a JSON schema")


def _audit(commands: Any) -> None:
    audit = _command(commands, "audit", "audit", "who called which tool of this workspace, and how it ended")
    audit.add_argument("--limit", metavar="N", type=int, default=50, help="the last N calls (50)")
    audit.add_argument("--json", action="store_true", help="as JSON, an object a line")


def _models(commands: Any) -> None:
    models = commands.add_parser("models", help="list or bring base models", description="list or bring base models")
    actions = models.add_subparsers(dest="action", metavar="ACTION", required=True, parser_class=Parser)
    listing = _command(actions, "list", "models", "installed models, and those that can be brought")
    listing.add_argument("--json", action="store_true", help="as JSON")
    pull = _command(actions, "pull", "models", "bring a model; one that was interrupted goes on where it was")
    pull.add_argument("name", metavar="NAME", help="name in the list, repository of the hub, or folder, or .gguf file")
    pull.add_argument("--as", dest="as_name", metavar="NAME", help="what to install it under")
    pull.add_argument("--bits", type=int, choices=(4, 8, 16), help="of the weights, where they come in full precision")


def _keys(commands: Any) -> None:
    keys = commands.add_parser("keys", help="keys that open the server", description="keys that open the server")
    actions = keys.add_subparsers(dest="action", metavar="ACTION", required=True, parser_class=Parser)
    add = _command(actions, "add", "keys", "make a key; it is shown once")
    add.add_argument("name", metavar="NAME", help="what it is called in the log")
    listing = _command(actions, "list", "keys", "the names of the keys")
    listing.add_argument("--json", action="store_true", help="as JSON")
    remove = _command(actions, "remove", "keys", "take a key away, at once")
    remove.add_argument("name", metavar="NAME", help="name in the list")


def _doctor(commands: Any) -> None:
    doctor = _command(
        commands, "doctor", "doctor", "check this machine and say what to do; exit 1 when something fails"
    )
    doctor.add_argument("--json", action="store_true", help="as JSON")
    doctor.add_argument(
        "--measure", action="store_true", help="time this machine with the default model (a minute or so), and keep it"
    )


def _chat(commands: Any) -> None:
    chat = _command(commands, "chat", "chat", "talk to a model or adapter in the terminal")
    chat.add_argument("model", metavar="MODEL", nargs="?", help="base or adapter (default: the newest adapter)")
    chat.add_argument("--system", metavar="TEXT", help="what the model is told first")
    chat.add_argument("--max-tokens", type=int, default=512, help="longest answer (512)")
    chat.add_argument("--temperature", type=float, help="0 to 2 (what the model was trained with, else 0.7)")


def _demo(commands: Any) -> None:
    demo = _command(
        commands, "demo", "demo", "train on the sample material, compare, serve and ask: the whole way, in minutes"
    )
    demo.add_argument("--minutes", type=float, metavar="N", help="minutes of training (default 3)")
    demo.add_argument("--picture", type=Path, metavar="FILE", help="write what the terminal showed to an SVG file")
