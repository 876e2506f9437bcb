"""The Iceberg tables of a source, and from where to where each is settled."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from clickstream.lake.place import Place
from clickstream.lake.windows import hour_of, hour_text
from clickstream.provisioning.iceberg_tables import IcebergTable
from clickstream.provisioning.path import path_of
from clickstream.provisioning.resource import Cloud
from clickstream.sources.model import Source

HOUR_COLUMN = "arrival_hour"


class LakeTable(NamedTuple):
    """One Iceberg table.

    Attributes:
        kind: what it is to its source.
        name: of the table, without database.
        settles_by: the column that it is partitioned by and that says when a partition is settled: the arrival hour
            where there is one, else the event date. None: it is not partitioned, each run writes it whole, and
            there is nothing to compact.
    """

    kind: str
    name: str
    settles_by: str | None

    def first(self, source: Source) -> str:
        """The first value that any of its partitions can have."""
        if self.settles_by is None:
            return ""
        if self.settles_by == HOUR_COLUMN:
            return hour_text(source.verify_from)
        return f"{source.verify_from - timedelta(days=source.events.max_late_days + 1):%Y-%m-%d}"

    def settled_until(self, source: Source, now: datetime) -> str:
        """The value before which no partition changes any more, unless a person has its days run again.

        Args:
            now: the time, with its zone.
        """
        if self.settles_by is None:
            return ""
        settled = hour_of(now - timedelta(days=source.checks.recheck_days))
        if self.settles_by == HOUR_COLUMN:
            return hour_text(settled)
        # A date's last events come this late, and those of the date after it can change its sessions.
        return f"{settled - timedelta(days=source.events.max_late_days + 1):%Y-%m-%d}"


def lake_tables(place: Place, source: Source) -> list[LakeTable]:
    """All Iceberg tables of a source's path: what provisioning makes is what is maintained."""
    cloud = Cloud(place.names, {"s3": place.s3, "glue": place.glue}.__getitem__)
    tables = (resource for resource in path_of(source, cloud) if isinstance(resource, IcebergTable))
    return [LakeTable(table.kind, table.name, _settles_by(table)) for table in tables]


def _settles_by(table: IcebergTable) -> str | None:
    columns = str(table.desired()["partitioning"]).split(", ")
    return HOUR_COLUMN if HOUR_COLUMN in columns else columns[0] or None
