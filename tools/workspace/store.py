"""The database: SQLite in WAL mode, one file a workspace, shared by every process.

Migrations are an append-only list; a database's `user_version` counts how many it has had.
"""

from __future__ import annotations

import shutil
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tools.errors import Conflict, DiskFull, MachineError, NoPermission

Row = dict[str, Any]
_NO_ROOM = 256 * 1024


def _first_tables(db: sqlite3.Connection) -> None:
    for statement in (
        """CREATE TABLE runs (
            run TEXT PRIMARY KEY, name TEXT NOT NULL, state TEXT NOT NULL, dataset TEXT NOT NULL,
            model TEXT NOT NULL, plan TEXT NOT NULL, request_key TEXT UNIQUE, step INTEGER NOT NULL DEFAULT 0,
            steps INTEGER NOT NULL, asked TEXT, error TEXT, adapter TEXT, pid INTEGER,
            created REAL NOT NULL, updated REAL NOT NULL)""",
        """CREATE TABLE metrics (
            run TEXT NOT NULL, step INTEGER NOT NULL, kind TEXT NOT NULL, data TEXT NOT NULL, time REAL NOT NULL,
            PRIMARY KEY (run, kind, step)) WITHOUT ROWID""",
        """CREATE TABLE events (
            id INTEGER PRIMARY KEY, run TEXT NOT NULL, step INTEGER NOT NULL, kind TEXT NOT NULL,
            message TEXT NOT NULL, time REAL NOT NULL)""",
        "CREATE INDEX events_by_run ON events (run, id)",
        """CREATE TABLE jobs (
            job TEXT PRIMARY KEY, kind TEXT NOT NULL, state TEXT NOT NULL, request TEXT NOT NULL,
            progress TEXT, result TEXT, error TEXT, asked TEXT, pid INTEGER,
            created REAL NOT NULL, updated REAL NOT NULL)""",
        """CREATE TABLE ledger (
            holder TEXT PRIMARY KEY, kind TEXT NOT NULL, state TEXT NOT NULL, predicted INTEGER NOT NULL,
            measured INTEGER NOT NULL DEFAULT 0, lock TEXT NOT NULL, since REAL NOT NULL)""",
        """CREATE TABLE servers (
            id INTEGER PRIMARY KEY CHECK (id = 1), url TEXT NOT NULL, pid INTEGER NOT NULL, started REAL NOT NULL)""",
        "CREATE TABLE calibration (key TEXT PRIMARY KEY, value REAL NOT NULL, updated REAL NOT NULL)",
    ):
        db.execute(statement)


def _losses_by_step(db: sqlite3.Connection) -> None:
    """Losses beside their steps, so that the lowest and a few of many are found without reading all that was told."""
    db.execute("ALTER TABLE metrics ADD COLUMN loss REAL")
    db.execute("UPDATE metrics SET loss = json_extract(data, '$.loss') WHERE kind != 'sample' AND json_valid(data)")
    db.execute("CREATE INDEX losses_by_step ON metrics (run, kind, step, loss)")
    db.execute("CREATE INDEX events_by_kind ON events (run, kind, id)")


# Append only: a database in the wild has had a prefix of this list.
MIGRATIONS: list[Callable[[sqlite3.Connection], None]] = [_first_tables, _losses_by_step]


class Store:
    """Connections to one database; each thread has its own."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._local = threading.local()

    def _connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = sqlite3.connect(self.path, timeout=15, isolation_level=None)
            connection.row_factory = sqlite3.Row
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            self._local.connection = connection
        return connection

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """A write transaction: all of it or nothing. Not to be nested."""
        with _telling_database_errors(self.path):
            connection = self._connection()
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                # SQLite itself rolls back when the disk is full; a failed commit leaves the transaction open.
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    def rows(self, sql: str, parameters: tuple[Any, ...] = ()) -> list[Row]:
        with _telling_database_errors(self.path):
            return [dict(row) for row in self._connection().execute(sql, parameters)]

    def row(self, sql: str, parameters: tuple[Any, ...] = ()) -> Row | None:
        found = self.rows(sql, parameters)
        return found[0] if found else None

    def write(self, sql: str, parameters: tuple[Any, ...] = ()) -> int:
        """Run one statement in its own transaction; returns the number of rows it changed."""
        with self.transaction() as db:
            return db.execute(sql, parameters).rowcount

    def migrate(self) -> None:
        """Bring the database up to the last migration. Raises Conflict when it is from a newer Afina."""
        if self._version() == len(MIGRATIONS):
            return  # nothing is written: a full disk can still be read
        with self.transaction() as db:
            version = int(db.execute("PRAGMA user_version").fetchone()[0])
            if version > len(MIGRATIONS):
                raise Conflict(
                    "This workspace was written by a newer version of Afina.",
                    fix="Upgrade Afina, or choose another folder with --workspace.",
                )
            for migration in MIGRATIONS[version:]:
                migration(db)
            db.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")

    def _version(self) -> int:
        found = self.row("PRAGMA user_version")
        return int(found["user_version"]) if found else 0

    def close(self) -> None:
        """Close this thread's connection."""
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is not None:
            connection.close()
            self._local.connection = None


def _free(path: Path) -> int:
    try:
        return shutil.disk_usage(path.parent).free
    except OSError:
        return _NO_ROOM


@contextmanager
def _telling_database_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.OperationalError as error:
        text = str(error)
        # Where even the file that its readers share finds no room, SQLite speaks of the disk alone.
        if "full" in text or ("disk I/O" in text and _free(path) < _NO_ROOM):
            raise DiskFull(
                f"The disk is full: could not write {path}.", fix="Free some space and call again."
            ) from error
        if "readonly" in text or "unable to open" in text:
            raise NoPermission(
                f"No permission to write {path}.",
                fix="Grant your user access to the workspace, or choose another with --workspace.",
            ) from error
        if "locked" in text or "busy" in text:
            raise MachineError(
                f"The database {path} stayed busy for 15 s.",
                fix="Call again; if it stays so, look for a stopped Afina process.",
            ) from error
        if "disk I/O" in text:
            raise MachineError(
                f"The system would not let us read or write {path}.",
                fix="Check that the disk has room, that no quota is used up, and that the disk is sound.",
            ) from error
        raise
    except sqlite3.DatabaseError as error:
        if "not a database" in str(error) or "malformed" in str(error):
            raise MachineError(
                f"{path} is damaged.",
                fix="Move that file away and start again: datasets, models, runs and adapters are in folders.",
            ) from error
        raise
