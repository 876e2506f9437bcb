"""Snapshots and branches of an Iceberg table, read from the metadata file that the catalog names.

Format: https://iceberg.apache.org/spec/#table-metadata-fields
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from clickstream.lake.objects import read_json

RUN_ID = "clickstream.run-id"
HOURS = "clickstream.hours"
DATES = "clickstream.dates"
SILVER_SNAPSHOT = "clickstream.silver-snapshot"
ATTEMPT = "clickstream.attempt"
"""Summary of a snapshot of ours: the run, the hours (Silver, rejects) or event dates (Gold) that it replaced, what Gold
was made of, and what pairs the snapshots of tables that are written together."""


@dataclass(frozen=True)
class Snapshot:
    """One snapshot of main.

    Attributes:
        id: as used by `FOR VERSION AS OF`.
        run_id: the run of ours that wrote it; None for anybody else's.
        hours: the arrival hours that the run replaced, as texts.
        attempt: equal in the snapshots that one attempt of the run made in tables that are written together.
        dates: the event dates that the run replaced, as texts.
    """

    id: int
    run_id: str | None
    hours: tuple[str, ...]
    attempt: str | None = None
    dates: tuple[str, ...] = ()

    @property
    def replaces(self) -> bool:
        """Whether it says what a run of ours replaced. One of maintenance does not, nor does anybody else's."""
        return bool(self.run_id and (self.hours or self.dates))


def history(glue: Any, s3: Any, database: str, table: str) -> list[Snapshot]:
    """The ancestry of a table's main branch, newest first; empty for a table nobody wrote to.

    Args:
        glue, s3: boto3 clients.

    Raises:
        botocore.exceptions.ClientError: no such table (EntityNotFoundException).
    """
    return lineage(table_metadata(glue, s3, database, table))


def lineage(metadata: Mapping[str, Any]) -> list[Snapshot]:
    """The ancestry of main, newest first, by a table's metadata."""
    by_id = {entry["snapshot-id"]: entry for entry in metadata.get("snapshots", ())}
    found = []
    main = metadata.get("refs", {}).get("main", {})
    current = main.get("snapshot-id", metadata.get("current-snapshot-id"))
    while current in by_id:
        entry = by_id[current]
        summary = entry["summary"]
        hours, dates = (tuple(filter(None, summary.get(key, "").split(","))) for key in (HOURS, DATES))
        found.append(Snapshot(current, summary.get(RUN_ID), hours, summary.get(ATTEMPT), dates))
        current = entry.get("parent-snapshot-id")
    return found


def strangers(lineages: Iterable[Iterable[Snapshot]], entered: Collection[int | None]) -> set[int]:
    """Snapshots newer than any that an entry names, of which no run of ours says what it replaced.

    Args:
        lineages: ancestries of main, newest first.
        entered: snapshots that entries of the ledger name.
    """
    return {
        snapshot.id
        for found in lineages
        for snapshot in itertools.takewhile(lambda snapshot: snapshot.id not in entered, found)
        if not snapshot.replaces
    }


def columns_at(metadata: Mapping[str, Any], snapshot: int) -> list[str]:
    """Names of the columns that a table had when a snapshot was made: columns may have been added since."""
    (made,) = (entry for entry in metadata["snapshots"] if entry["snapshot-id"] == snapshot)
    (schema,) = (schema for schema in metadata["schemas"] if schema["schema-id"] == made["schema-id"])
    return [field["name"] for field in schema["fields"]]


def branches(glue: Any, s3: Any, database: str, table: str) -> list[str]:
    """Names of a table's branches beside main.

    Args:
        glue, s3: boto3 clients.

    Raises:
        botocore.exceptions.ClientError: no such table (EntityNotFoundException).
    """
    refs = table_metadata(glue, s3, database, table).get("refs", {})
    return [name for name, ref in refs.items() if ref["type"] == "branch" and name != "main"]


def table_metadata(glue: Any, s3: Any, database: str, table: str) -> dict[str, Any]:
    """The document of a table's metadata file, the one that the catalog names now.

    Args:
        glue, s3: boto3 clients.

    Raises:
        botocore.exceptions.ClientError: no such table (EntityNotFoundException).
    """
    parameters = glue.get_table(DatabaseName=database, Name=table)["Table"]["Parameters"]
    metadata: dict[str, Any] = read_json(s3, parameters["metadata_location"])
    return metadata
