"""The server's log: a line for each request, as text or as JSON, on stderr and in a file of bounded size.

Keys are never written, prompts and answers only where `log_prompts` says so.
"""

from __future__ import annotations

import contextlib
import json
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any

from server.records import GenerationRecord, RequestRecord, current_id
from server.settings import Settings
from tools.errors import printable
from tools.workspace.layout import Workspace

log = logging.getLogger("afina.request")

FILE_NAME = "server.log"
# The file and its three predecessors take 40 MB at most.
FILE_BYTES = 10 * 1024**2
_OLD_FILES = 3
# Asked every few seconds by whoever watches the server: told where they fail alone.
_WATCHED = frozenset({"/health", "/ready", "/metrics"})


@contextmanager
def logging_to(settings: Settings, ws: Workspace) -> Iterator[None]:
    """Have all that is logged written where the settings say, until the end."""
    formatter: logging.Formatter = _Json() if settings.log_format == "json" else _Text()
    handlers: list[logging.Handler] = []
    if settings.log_to != "file":
        handlers.append(logging.StreamHandler())
    if settings.log_to != "stderr":
        handlers.append(_File(ws.logs / FILE_NAME))
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.INFO)
    for handler in handlers:
        handler.setFormatter(formatter)
        root.addHandler(handler)
    try:
        yield
    finally:
        root.setLevel(level)
        for handler in handlers:
            root.removeHandler(handler)
            handler.close()


def tell(record: RequestRecord) -> None:
    """One line about a request that is over."""
    failed = record.status is None or record.status >= 500
    if record.route in _WATCHED and not failed:
        return
    log.log(logging.ERROR if failed else logging.INFO, "request", extra={"fields": _fields(record)})


def _fields(record: RequestRecord) -> dict[str, Any]:
    """What the line says: times in milliseconds; what is not known is left out."""
    told: dict[str, Any] = {
        "id": record.id,
        "client": record.client,
        "method": record.method,
        "route": record.route or printable(record.path, 80),
        "status": record.status,
        "total_ms": _ms(record.duration_s),
    }
    generations = record.generations
    if generations:
        told |= {
            "model": ",".join(dict.fromkeys(one.model for one in generations)),
            "prompt_tokens": sum(one.prompt_tokens for one in generations),
            "cached_tokens": sum(one.cached_tokens for one in generations),
            "completion_tokens": sum(one.completion_tokens for one in generations),
            "queue_ms": _ms(max((one.wait_s for one in generations if one.wait_s is not None), default=None)),
            "first_token_ms": _ms(min((one.first_token_s for one in generations if one.first_token_s), default=None)),
            "finish": ",".join(dict.fromkeys(one.ending for one in generations)),
        }
        if record.keep_text:
            told["texts"] = [_texts(one) for one in generations]
    return {name: value for name, value in told.items() if value not in (None, "")}


def _texts(generation: GenerationRecord) -> dict[str, Any]:
    return {
        "prompts": [prompt.model_dump() for prompt in generation.prompts or ()],
        "answers": [generation.texts[index] for index in sorted(generation.texts)],
    }


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 1)


def set_aside_when_large(path: Path) -> None:
    """For a log that another process appends to: begin a new one where this one has had its size."""
    with contextlib.suppress(OSError):
        if path.stat().st_size > FILE_BYTES:
            path.replace(path.with_name(f"{path.name}.1"))


class _Text(logging.Formatter):
    """`2026-11-24 14:03:11,042 INFO afina.request request id=… status=200 …`."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:
        line = super().formatMessage(record)
        fields = getattr(record, "fields", None)
        if fields is not None:
            return line + "".join(f" {name}={_plain(value)}" for name, value in fields.items())
        return f"{line} id={current_id()}" if current_id() else line


class _Json(logging.Formatter):
    """An object a line. A traceback is in `trace`."""

    def format(self, record: logging.LogRecord) -> str:
        told: dict[str, Any] = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        told |= getattr(record, "fields", None) or ({"id": current_id()} if current_id() else {})
        if record.exc_info:
            told["trace"] = self.formatException(record.exc_info)
        # In ASCII: other line ends and control characters than the usual ones stay escaped too.
        return json.dumps(told)


def _plain(value: Any) -> str:
    """A value in a line of text: quoted where it would not stand as one word."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if text.isprintable() and not set(text) & set(' "=') else json.dumps(text)


class _File(RotatingFileHandler):
    """Rotates; where it cannot write (a full disk), the line is lost and the server goes on."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, maxBytes=FILE_BYTES, backupCount=_OLD_FILES, encoding="utf-8", delay=True)

    def handleError(self, record: logging.LogRecord) -> None:
        del record
