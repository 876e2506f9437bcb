"""Append-only logs of records: one for each stream, one for each delivery that takes records itself.

Records have one order over all logs, their sequence. It follows real time, so it grows also when the clock is set
back. A reader remembers the last sequence that it is done with: its checkpoint.
"""

import asyncio
import json
from array import array
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from local import database
from local.clock import real_time


class Record(NamedTuple):
    """One record of a log."""

    sequence: int
    arrived: float
    data: bytes


ORPHAN = "orphan"
"""In place of a shard: a record whose stream is deleted, which a delivery has still to write."""

_newest = 0
_orphaned: set[str] = set()
_loop: asyncio.AbstractEventLoop
_readers: dict[str, dict[str, Callable[[], None]]] = {}
_told: set[str] = set()


def restore() -> None:
    """Go on above all sequences that earlier processes gave; called on the event loop that readers live on."""
    global _newest, _loop
    _loop = asyncio.get_running_loop()
    (_newest,) = (
        database.connection()
        .execute(
            "SELECT max((SELECT ifnull(max(sequence), 0) FROM records),"
            " (SELECT ifnull(max(checkpoint), 0) FROM deliveries))"
        )
        .fetchone()
    )
    rows = database.connection().execute("SELECT DISTINCT log FROM records WHERE shard = ?", (ORPHAN,))
    _orphaned.update(log for (log,) in rows)


def next_sequence() -> int:
    """A number above all that were given before: a reader that begins behind it gets what is new."""
    global _newest
    _newest = max(_newest + 1, int(real_time() * 1_000_000))
    return _newest


def sequence_text(sequence: int) -> str:
    """A sequence as callers see it: of one length, so that they sort as text too."""
    return f"{sequence:030d}"


def append(log: str, shard: str, sequence: int, arrived: float, partition_key: str, data: bytes) -> None:
    """Add one record, and tell the log's readers as soon as the running request is through.

    :param log: the ARN of the stream or delivery.
    :param arrived: epoch seconds on the local clock.
    """
    database.connection().execute(
        "INSERT INTO records VALUES (?, ?, ?, ?, ?, ?)", (sequence, log, shard, arrived, partition_key, data)
    )
    if log not in _told:
        _told.add(log)
        # ministack's schedulers put records from threads of their own.
        _loop.call_soon_threadsafe(_tell, log)


def _tell(log: str) -> None:
    _told.discard(log)
    for tell in list(_readers.get(log, {}).values()):
        tell()


def listen(log: str, reader: str, tell: Callable[[], None]) -> None:
    """Call ``tell`` after records were added to the log."""
    _readers.setdefault(log, {})[reader] = tell


def stop_listening(log: str, reader: str) -> None:
    """Undo ``listen``."""
    _readers.get(log, {}).pop(reader, None)


def sizes_after(log: str, sequence: int, limit: int) -> list[tuple[int, float, int]]:
    """Sequence, arrival and size in bytes of the records after that sequence, in order, at most ``limit``."""
    return (
        database.connection()
        .execute(
            "SELECT sequence, arrived, length(data) FROM records"
            " WHERE log = ? AND sequence > ? ORDER BY sequence LIMIT ?",
            (log, sequence, limit),
        )
        .fetchall()
    )


def read(log: str, sequences: list[int]) -> list[Record]:
    """The records of the log with these sequences, which are in order."""
    rows = database.connection().execute(
        "SELECT sequence, arrived, data FROM records"
        " WHERE log = ? AND sequence IN (SELECT value FROM json_each(?)) ORDER BY sequence",
        (log, json.dumps(sequences)),
    )
    return [Record(*row) for row in rows]


def drop(log: str, up_to: int | None = None) -> None:
    """Delete the records of the log, or those up to that sequence."""
    database.connection().execute(
        "DELETE FROM records WHERE log = ? AND sequence <= ?", (log, next_sequence() if up_to is None else up_to)
    )


def orphan(log: str, after: int, up_to: int) -> None:
    """Delete the records of a stream that is gone, but those after the one sequence and up to the other."""
    with database.transaction() as changed:
        changed.execute(
            "DELETE FROM records WHERE log = ? AND NOT (sequence > ? AND sequence <= ?)", (log, after, up_to)
        )
        changed.execute("UPDATE records SET shard = ? WHERE log = ?", (ORPHAN, log))
    _orphaned.add(log)


def drop_orphans(log: str, up_to: int) -> None:
    """Delete orphans of the log up to that sequence."""
    if log not in _orphaned:
        return
    opened = database.connection()
    opened.execute("DELETE FROM records WHERE log = ? AND shard = ? AND sequence <= ?", (log, ORPHAN, up_to))
    left = opened.execute("SELECT 1 FROM records WHERE log = ? AND shard = ? LIMIT 1", (log, ORPHAN)).fetchone()
    if not left:
        _orphaned.discard(log)


class ShardRecords:
    """The records of one shard, kept on disk, in the dress of the list that ministack keeps in memory."""

    def __init__(self, log: str, shard: str) -> None:
        self._log = log
        self._shard = shard
        rows = (
            database.connection()
            .execute(
                "SELECT sequence, arrived FROM records WHERE log = ? AND shard = ? ORDER BY sequence", (log, shard)
            )
            .fetchall()
        )
        self._sequences = array("q", [row[0] for row in rows])
        self._arrivals = array("d", [row[1] for row in rows])

    def __len__(self) -> int:
        return len(self._sequences)

    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, int):
            return self[index : index + 1 or None][0]
        wanted = self._sequences[index]
        return list(self._rows(wanted[0], wanted[-1])) if wanted else []

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return self._rows(self._sequences[0], self._sequences[-1]) if self._sequences else iter(())

    def __deepcopy__(self, memo: Any) -> list[Any]:
        # ministack saves a deep copy of its streams; our records are on disk already.
        return []

    def append(self, record: dict[str, Any]) -> None:
        """Add a record that ministack made, such as one of an EventBridge rule."""
        self._add(
            int(record["SequenceNumber"]),
            record["ApproximateArrivalTimestamp"],
            record["PartitionKey"],
            b64decode(record["Data"]),
        )

    def add(self, arrived: float, partition_key: str, data: bytes) -> int:
        """Add a record.

        :returns: its sequence.
        """
        sequence = next_sequence()
        self._add(sequence, arrived, partition_key, data)
        return sequence

    def _add(self, sequence: int, arrived: float, partition_key: str, data: bytes) -> None:
        append(self._log, self._shard, sequence, arrived, partition_key, data)
        self._sequences.append(sequence)
        self._arrivals.append(arrived)

    def trim(self, arrived_before: float, up_to: int) -> int:
        """Drop records from the front that arrived before that time and whose sequence is not above ``up_to``.

        :returns: how many were dropped.
        """
        count = 0
        while (
            count < len(self._sequences) and self._arrivals[count] < arrived_before and self._sequences[count] <= up_to
        ):
            count += 1
        if count:
            database.connection().execute(
                "DELETE FROM records WHERE log = ? AND shard = ? AND sequence <= ?",
                (self._log, self._shard, self._sequences[count - 1]),
            )
            del self._sequences[:count]
            del self._arrivals[:count]
        return count

    def _rows(self, first: int, last: int) -> Iterator[dict[str, Any]]:
        rows = database.connection().execute(
            "SELECT sequence, arrived, partition_key, data FROM records"
            " WHERE log = ? AND shard = ? AND sequence BETWEEN ? AND ? ORDER BY sequence",
            (self._log, self._shard, first, last),
        )
        for sequence, arrived, partition_key, data in rows:
            yield {
                "SequenceNumber": sequence_text(sequence),
                "ApproximateArrivalTimestamp": arrived,
                "PartitionKey": partition_key,
                "Data": b64encode(data).decode(),
            }
