"""`afina chat [MODEL]`: a conversation in the terminal, over the workspace's endpoint."""

from __future__ import annotations

import argparse
import sys
from urllib.parse import quote

from server.cli.output import tell
from server.cli.settings import COMMON, settings_of
from server.mcp.endpoint import Endpoint, find_or_start
from tools.errors import AfinaError, InvalidArgument
from tools.workspace.layout import open_workspace

_LONGEST_SILENCE_S = 600.0
# For models that do not say what suits them.
_TEMPERATURE = 0.7
_LEAVING = frozenset({"/sair", "/exit", "/quit"})


def run(arguments: argparse.Namespace) -> int:
    _check(arguments)
    settings = settings_of(arguments, only=COMMON)
    ws = open_workspace(settings.workspace)
    model = arguments.model or settings.model
    if model is None:
        from server.mcp.ask_model import default_models

        model = default_models(ws, settings)[-1]
    endpoint = find_or_start(ws, settings)
    chat = Chat(endpoint, model, arguments.system, arguments.max_tokens, _temperature(endpoint, model, arguments))
    return _talk(chat) if sys.stdin.isatty() else _answer_lines(chat)


def _check(arguments: argparse.Namespace) -> None:
    if arguments.max_tokens < 1:
        raise InvalidArgument("--max-tokens is out of range.", field="max_tokens", expected="a whole number above 0")
    if arguments.temperature is not None and not 0 <= arguments.temperature <= 2:
        raise InvalidArgument("--temperature is out of range.", field="temperature", expected="a number from 0 to 2")


def _temperature(endpoint: Endpoint, model: str, arguments: argparse.Namespace) -> float | None:
    """None leaves it to the model, where it was trained with one. Raises NotFound for an unknown model."""
    if arguments.temperature is not None:
        return float(arguments.temperature)
    trained = endpoint.get(f"/v1/models/{quote(model)}").get("afina") or {}
    return None if "temperature" in trained.get("sampling", {}) else _TEMPERATURE


class Chat:
    """The conversation so far. An answer that was stopped stays in it as far as it came."""

    def __init__(
        self, endpoint: Endpoint, model: str, system: str | None, max_tokens: int, temperature: float | None
    ) -> None:
        self.model = model
        self._endpoint = endpoint
        # A null asks for nothing.
        self._settings = {"model": model, "max_tokens": max_tokens, "temperature": temperature}
        self._messages = [{"role": "system", "content": system}] if system else []

    def say(self, text: str) -> None:
        """Send a message and write the answer to stdout as it comes. Ctrl-C stops the answer.

        Raises AfinaError when the endpoint refuses; the message is then forgotten.
        """
        self._messages.append({"role": "user", "content": text})
        answer = ""
        stream = self._endpoint.stream_chat({**self._settings, "messages": self._messages}, _LONGEST_SILENCE_S)
        try:
            for chunk in stream:
                for choice in chunk.get("choices", []):
                    piece = choice.get("delta", {}).get("content") or ""
                    answer += piece
                    sys.stdout.write(piece)
                    sys.stdout.flush()
        except AfinaError:
            self._messages.pop()
            raise
        except KeyboardInterrupt:
            stream.close()
            sys.stdout.write(" …")
        sys.stdout.write("\n")
        sys.stdout.flush()
        self._messages.append({"role": "assistant", "content": answer})


def _talk(chat: Chat) -> int:
    """Until the end of input or a word to leave; Ctrl-C at the prompt leaves too."""
    import readline  # gives the prompt its history and arrow keys

    del readline
    tell(f"{chat.model}: /exit or Ctrl-D leaves, Ctrl-C stops an answer.")
    while True:
        try:
            text = input("> ").strip()
        except EOFError:
            sys.stdout.write("\n")
            return 0
        if text in _LEAVING:
            return 0
        if text:
            try:
                chat.say(text)
            except AfinaError as error:
                tell(str(error))


def _answer_lines(chat: Chat) -> int:
    """Each line of a piped input is a message of one conversation."""
    for line in sys.stdin:
        if line.strip():
            chat.say(line.strip())
    return 0
