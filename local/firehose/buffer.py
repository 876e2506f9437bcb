"""What waits to be written: the records that go into the same object."""

from collections import deque
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from local.firehose.failures import Failure

MIB = 1024 * 1024


class Row(NamedTuple):
    """A record that waits; its data stay in the log."""

    sequence: int
    arrived: float
    size: int
    failure: Failure | None = None
    """Why it goes to the error prefix, when that is known already."""


class Settings(NamedTuple):
    """What an object is written by: those of the moment when its buffer was opened."""

    destination: dict[str, Any]
    version: str
    columns: list[dict[str, str]] | None
    """Of the table's version that the delivery names."""


@dataclass
class Buffer:
    """The records of one partition under the same settings, or those that fail for the same reason."""

    timer: str
    """The name of the timer that goes off when it is due."""
    settings: Settings
    keys: dict[str, str]
    """The values of the partition keys; empty without dynamic partitioning, and for failures."""
    error_type: str
    """Empty for records that can be delivered where they belong."""
    rows: deque[Row] = field(default_factory=deque)
    size: int = 0
    sealed: list[Row] = field(default_factory=list)
    """The front that is being written: an object keeps its records, what comes meanwhile belongs to later ones."""
    rejected: set[int] = field(default_factory=set)
    """Sequences of those of the sealed records that could not be converted and are below the error prefix already."""
    rejecting: bool = False
    """Whether what could not be written last are such records."""
    attempts: int = 0
    waited: float = 0.0

    def add(self, row: Row) -> None:
        """Take one more record."""
        self.rows.append(row)
        self.size += row.size

    def seal(self) -> list[Row]:
        """The oldest records, up to the one that fills the buffer's size."""
        if not self.sealed:
            size = 0
            for row in self.rows:
                self.sealed.append(row)
                size += row.size
                if size >= self._limit:
                    break
        return self.sealed

    def unseal(self) -> None:
        """Begin anew with what is there."""
        self.sealed = []
        self.rejected, self.rejecting = set(), False
        self.attempts, self.waited = 0, 0.0

    def drop_sealed(self) -> list[Row]:
        """Take out what is done."""
        done = self.sealed
        for _ in done:
            self.size -= self.rows.popleft().size
        self.unseal()
        return done

    @property
    def oldest(self) -> float:
        """When its first record arrived."""
        return self.rows[0].arrived

    @property
    def interval(self) -> int:
        """Seconds that a record may wait."""
        return int(self.settings.destination["BufferingHints"]["IntervalInSeconds"])

    @property
    def is_full(self) -> bool:
        """Whether its size is reached."""
        return self.size >= self._limit

    @property
    def _limit(self) -> int:
        return int(self.settings.destination["BufferingHints"]["SizeInMBs"]) * MIB
