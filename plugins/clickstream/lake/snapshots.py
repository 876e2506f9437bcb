"""Snapshots of an Iceberg table, read from the metadata file that the catalog names.

Format: https://iceberg.apache.org/spec/#table-metadata-fields
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from clickstream.lake.objects import split_uri

RUN_ID = "clickstream.run-id"
HOURS = "clickstream.hours"


@dataclass(frozen=True)
class Snapshot:
    """One snapshot of main.

    Attributes:
        id: as used by `FOR VERSION AS OF`.
        run_id: the run of ours that wrote it; None for anybody else's.
        hours: the arrival hours that the run replaced, as texts.
    """

    id: int
    run_id: str | None
    hours: tuple[str, ...]


def history(glue: Any, s3: Any, database: str, table: str) -> list[Snapshot]:
    """The ancestry of a table's main branch, newest first; empty for a table nobody wrote to.

    Args:
        glue, s3: boto3 clients.

    Raises:
        botocore.exceptions.ClientError: no such table (EntityNotFoundException).
    """
    parameters = glue.get_table(DatabaseName=database, Name=table)["Table"]["Parameters"]
    bucket, key = split_uri(parameters["metadata_location"])
    metadata = orjson.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
    by_id = {entry["snapshot-id"]: entry for entry in metadata.get("snapshots", ())}
    lineage = []
    main = metadata.get("refs", {}).get("main", {})
    current = main.get("snapshot-id", metadata.get("current-snapshot-id"))
    while current in by_id:
        entry = by_id[current]
        summary = entry["summary"]
        hours = tuple(filter(None, summary.get(HOURS, "").split(",")))
        lineage.append(Snapshot(current, summary.get(RUN_ID), hours))
        current = entry.get("parent-snapshot-id")
    return lineage
