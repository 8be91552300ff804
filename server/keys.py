"""The keys that open the server: named, made by us, kept as salted hashes in a file that its owner alone can read.

A key is 256 random bits, so that one round of SHA-256 suffices: there are no likely keys to try, which is
what slow hashes such as scrypt are against, and a slow one would cost that time with every request. The
salt keeps equal keys from looking equal. `AFINA_API_KEY` opens too; in logs its name is `environment`.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import logging
import secrets
import time
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from server.settings import Settings
from tools.errors import Conflict, DataError, InvalidArgument, NotFound, printable, telling_os_errors
from tools.workspace.files import write_bytes
from tools.workspace.layout import Workspace
from tools.workspace.locks import FileLock
from tools.workspace.names import check_name

log = logging.getLogger(__name__)

FILE_NAME = "keys.json"
# Names of keys that are not in the file.
ENVIRONMENT, LOCAL = "environment", "local"
_PREFIX = "afina-"


class StoredKey(BaseModel):
    """A key as it is kept. created: seconds of the epoch."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    salt: str
    hash: str
    created: float

    def is_of(self, token: str) -> bool:
        return hmac.compare_digest(self.hash, _hash(self.salt, token))


class _KeyFile(BaseModel):
    model_config = ConfigDict(extra="forbid")

    keys: list[StoredKey] = []


def add(ws: Workspace, name: str) -> str:
    """Make a key; the return value is the only time it is told. Raises Conflict where the name is taken."""
    check_name(name, "name")
    if name in (ENVIRONMENT, LOCAL):
        raise InvalidArgument(
            f"`{name}` is the name of a key of the server's own.", field="name", fix="Choose another."
        )
    token = _PREFIX + secrets.token_urlsafe(32)
    with FileLock.acquire(ws.lock_path("keys")):
        keys = listed(ws)
        if any(key.name == name for key in keys):
            raise Conflict(
                f"There is a key named `{name}` already.",
                field="name",
                fix=f"Choose another name, or remove that key first: afina keys remove {name}.",
            )
        salt = secrets.token_hex(16)
        _write(ws, [*keys, StoredKey(name=name, salt=salt, hash=_hash(salt, token), created=time.time())])
    return token


def remove(ws: Workspace, name: str) -> None:
    """Take a key away; a server that runs refuses it from its next request on. Raises NotFound."""
    with FileLock.acquire(ws.lock_path("keys")):
        keys = listed(ws)
        if all(key.name != name for key in keys):
            raise NotFound("key", name, [key.name for key in keys], field="name", fix="`afina keys list` shows them.")
        _write(ws, [key for key in keys if key.name != name])


def listed(ws: Workspace) -> list[StoredKey]:
    """The stored keys, oldest first. Raises DataError when the file is damaged."""
    return _read(ws.root / FILE_NAME)


class Keyring:
    """The keys that a server asks for; a change of the file counts at once.

    A server that has once asked for keys goes on asking until it ends: taking the last key away closes
    it, and never opens it. The same when the file cannot be read any longer.
    """

    def __init__(self, settings: Settings) -> None:
        self._path = settings.workspace.expanduser() / FILE_NAME
        self._environment = settings.api_keys
        self._stored: list[StoredKey] = []
        self._seen: tuple[int, ...] | None = None
        self._asked = bool(self._environment)
        self.local: str | None = None

    @property
    def asks(self) -> bool:
        """Whether a key is needed."""
        self._look()
        self._asked = self._asked or bool(self._stored)
        return self._asked

    def name_of(self, token: str) -> str | None:
        """The name of a key, None for what is none. Takes the same time whichever it is."""
        self._look()
        given = _hash("", token)
        own = [(ENVIRONMENT, key) for key in self._environment] + ([(LOCAL, self.local)] if self.local else [])
        found = [name for name, key in own if hmac.compare_digest(given, _hash("", key))]
        found += [key.name for key in self._stored if key.is_of(token)]
        return found[0] if found else None

    def _look(self) -> None:
        """Read the file again where it has changed."""
        try:
            status = self._path.stat()
            seen: tuple[int, ...] = (status.st_ino, status.st_mtime_ns, status.st_size)
        except FileNotFoundError:
            self._stored, self._seen = [], None
            return
        except OSError:
            seen = ()
        if seen == self._seen:
            return
        self._seen = seen
        try:
            self._stored = _read(self._path)
        except Exception as error:  # a damaged file opens nothing, and is no end of the server
            log.error("the keys cannot be read, so that none of them opens: %s", type(error).__name__)
            self._stored, self._asked = [], True


def local_key(ws: Workspace) -> str | None:
    """The key of the server that runs on this workspace, for programs of the same user."""
    try:
        return _local_path(ws).read_text(encoding="ascii").strip() or None
    except (OSError, UnicodeDecodeError):
        return None


def write_local_key(ws: Workspace) -> str:
    """Make that key anew, readable by the server's own user alone."""
    token = secrets.token_urlsafe(32)
    with telling_os_errors(_local_path(ws), "write the server's own key"):
        write_bytes(_local_path(ws), token.encode(), private=True)
    return token


def remove_local_key(ws: Workspace) -> None:
    with contextlib.suppress(OSError):
        _local_path(ws).unlink(missing_ok=True)


def _local_path(ws: Workspace) -> Path:
    return ws.locks / "server.key"


def _hash(salt: str, token: str) -> str:
    return hashlib.sha256(salt.encode() + token.encode("utf-8", "surrogateescape")).hexdigest()


def _read(path: Path) -> list[StoredKey]:
    try:
        with telling_os_errors(path, "read the keys"):
            return _KeyFile.model_validate_json(path.read_bytes()).keys
    except NotFound:
        return []
    except ValidationError as error:
        raise DataError(
            f"The keys in {printable(str(path))} are damaged.",
            fix="Remove that file and add the keys anew: afina keys add NAME.",
        ) from error


def _write(ws: Workspace, keys: list[StoredKey]) -> None:
    path = ws.root / FILE_NAME
    content = json.dumps(_KeyFile(keys=keys).model_dump(), indent=2) + "\n"
    with telling_os_errors(path, "write the keys"):
        write_bytes(path, content.encode(), private=True)
