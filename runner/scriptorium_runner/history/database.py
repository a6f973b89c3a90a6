"""The SQLite file of a folder's dev sessions, and what is told when it cannot be used."""

import contextlib
import sqlite3
from collections.abc import Iterator
from importlib import resources
from pathlib import Path


class HistoryError(Exception):
    """The history cannot be opened or written."""


def open_database(folder: Path) -> sqlite3.Connection:
    """Open the file, with every table that there is; one that an older version made gets those it lacks.

    Raises HistoryError. One thread at a time may use the connection, whichever that is.
    """
    schema = resources.files("scriptorium_runner.history").joinpath("schema.sql").read_text()
    with telling_errors(folder), contextlib.ExitStack() as opened:
        folder.mkdir(parents=True, exist_ok=True)
        database = sqlite3.connect(find_file(folder), isolation_level=None, check_same_thread=False)
        opened.callback(database.close)
        # Under load there are ten writes a second: in this mode none of them waits for the disk. A crash of
        # the machine may lose the last ones, and breaks nothing: https://sqlite.org/wal.html
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = NORMAL")
        database.executescript(schema)
        opened.pop_all()
        return database


def find_file(folder: Path) -> Path:
    """Give the file of a folder."""
    return folder / "history.sqlite"


@contextlib.contextmanager
def in_one_transaction(database: sqlite3.Connection) -> Iterator[None]:
    """One write to the disk, not one a statement; the connection ends it as the block ends."""
    database.execute("BEGIN IMMEDIATE")
    with database:
        yield


@contextlib.contextmanager
def telling_errors(folder: Path) -> Iterator[None]:
    """Tell what is wrong with the file, and the cure."""
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        problem = error.strerror if isinstance(error, OSError) else error
        cure = "mend or remove it, or name another folder with --state"
        raise HistoryError(f"cannot keep the history in {find_file(folder)}: {problem}; {cure}") from error
