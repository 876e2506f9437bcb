"""One SQLite file for what our own services must not lose: stream records, deliveries, metrics, the clock.

A change is in the file when its transaction ends, so a killed process loses none that was acknowledged. Transactions
are made on the event loop's thread only. ministack's own state is kept by ``local.persistence``.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from local.settings import state_dir

SCHEMA = """
CREATE TABLE IF NOT EXISTS records (
    sequence INTEGER PRIMARY KEY,
    log TEXT NOT NULL,
    shard TEXT NOT NULL,
    arrived REAL NOT NULL,
    partition_key TEXT NOT NULL,
    data BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS records_of_log ON records (log, sequence);
CREATE TABLE IF NOT EXISTS deliveries (
    name TEXT PRIMARY KEY,
    description TEXT NOT NULL,
    checkpoint INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS delivered (
    name TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    PRIMARY KEY (name, sequence)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS datapoints (
    namespace TEXT NOT NULL,
    name TEXT NOT NULL,
    dimensions TEXT NOT NULL,
    minute INTEGER NOT NULL,
    unit TEXT NOT NULL,
    samples REAL NOT NULL,
    total REAL NOT NULL,
    low REAL NOT NULL,
    high REAL NOT NULL,
    PRIMARY KEY (namespace, name, dimensions, minute)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS clock (one INTEGER PRIMARY KEY CHECK (one = 1), ahead REAL NOT NULL);
"""


@cache
def connection() -> sqlite3.Connection:
    """The open database, made with its tables when it is not there yet."""
    folder = state_dir() / "cloud"
    folder.mkdir(parents=True, exist_ok=True)
    # Autocommit: a statement outside `transaction` is one of its own.
    opened = sqlite3.connect(folder / "local.sqlite", isolation_level=None, check_same_thread=False)
    # With a write-ahead log a killed process loses nothing; only a power cut could lose the last moments.
    opened.execute("PRAGMA journal_mode = WAL")
    opened.execute("PRAGMA synchronous = NORMAL")
    opened.executescript(SCHEMA)
    return opened


@contextmanager
def transaction() -> Iterator[sqlite3.Connection]:
    """All changes of the block, or none. Must not be nested, nor hold an ``await``."""
    opened = connection()
    opened.execute("BEGIN")
    try:
        yield opened
    except BaseException:
        opened.execute("ROLLBACK")
        raise
    opened.execute("COMMIT")
