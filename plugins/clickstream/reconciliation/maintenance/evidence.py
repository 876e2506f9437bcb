"""What the ledger of maintenance says: which snapshots changed no row, and how each table stands."""

from __future__ import annotations

from collections.abc import Iterable

from clickstream.lake.place import Place
from clickstream.reconciliation.entry import MaintenanceEntry
from clickstream.reconciliation.ledger import MaintenanceLedger
from clickstream.sources.model import Source


def maintenance_ledger(place: Place, source: Source) -> MaintenanceLedger:
    """The ledger of a source's maintenance."""
    return MaintenanceLedger(place.s3, place.evidence, source.name)


def proven_snapshots(place: Place, source: Source) -> set[int]:
    """The snapshots of maintenance of which a check has shown that they changed no row.

    What a snapshot says of itself is no reason to believe it: anybody can write that.

    Raises:
        LedgerBroken: the evidence does not hold.
    """
    entries = maintenance_ledger(place, source).read()
    return {snapshot for entry in entries if entry.state == "verified" for snapshot in entry.snapshots}


def current_tables(entries: Iterable[MaintenanceEntry]) -> dict[str, MaintenanceEntry]:
    """The newest entry of each kind of table."""
    return {entry.table: entry for entry in entries}
