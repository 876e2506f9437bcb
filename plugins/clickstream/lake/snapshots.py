"""Snapshots and branches of an Iceberg table, read from the metadata file that the catalog names.

Format: https://iceberg.apache.org/spec/#table-metadata-fields
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from clickstream.lake.objects import split_uri

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


def history(glue: Any, s3: Any, database: str, table: str) -> list[Snapshot]:
    """The ancestry of a table's main branch, newest first; empty for a table nobody wrote to.

    Args:
        glue, s3: boto3 clients.

    Raises:
        botocore.exceptions.ClientError: no such table (EntityNotFoundException).
    """
    metadata = _metadata(glue, s3, database, table)
    by_id = {entry["snapshot-id"]: entry for entry in metadata.get("snapshots", ())}
    lineage = []
    main = metadata.get("refs", {}).get("main", {})
    current = main.get("snapshot-id", metadata.get("current-snapshot-id"))
    while current in by_id:
        entry = by_id[current]
        summary = entry["summary"]
        hours, dates = (tuple(filter(None, summary.get(key, "").split(","))) for key in (HOURS, DATES))
        lineage.append(Snapshot(current, summary.get(RUN_ID), hours, summary.get(ATTEMPT), dates))
        current = entry.get("parent-snapshot-id")
    return lineage


def branches(glue: Any, s3: Any, database: str, table: str) -> list[str]:
    """Names of a table's branches beside main.

    Args:
        glue, s3: boto3 clients.

    Raises:
        botocore.exceptions.ClientError: no such table (EntityNotFoundException).
    """
    refs = _metadata(glue, s3, database, table).get("refs", {})
    return [name for name, ref in refs.items() if ref["type"] == "branch" and name != "main"]


def _metadata(glue: Any, s3: Any, database: str, table: str) -> dict[str, Any]:
    parameters = glue.get_table(DatabaseName=database, Name=table)["Table"]["Parameters"]
    bucket, key = split_uri(parameters["metadata_location"])
    metadata: dict[str, Any] = orjson.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
    return metadata
