"""What a running query carries with it: where it looks, what it has read, whether it should stop."""

from dataclasses import dataclass, field
from datetime import datetime
from threading import Event

import duckdb

from local.athena.errors import Cancelled


@dataclass
class Context:
    """One running query."""

    database: str
    """The Glue database of table names that come without one."""
    now: datetime
    """What ``current_timestamp`` is for the whole query, in UTC."""
    connection: duckdb.DuckDBPyConnection
    cutoff: int | None = None
    """The work group's BytesScannedCutoffPerQuery."""
    scanned: int = 0
    """Bytes read from S3 so far: DataScannedInBytes."""
    cancelled: Event = field(default_factory=Event)

    def check(self) -> None:
        """Stop here when the query was cancelled.

        :raises Cancelled: it was.
        """
        if self.cancelled.is_set():
            raise Cancelled

    def count_scanned(self, size: int) -> None:
        """Count bytes read from S3.

        :raises Cancelled: they exceed the work group's limit, or the query was cancelled.
        """
        self.check()
        self.scanned += size
        if self.cutoff is not None and self.scanned > self.cutoff:
            raise Cancelled(f"Query cancelled! : Bytes scanned limit was exceeded: {self.cutoff}")
