"""Partition repair: the hours that hold objects, against the partitions that the catalog knows.

MSCK REPAIR scans the whole table and only ever adds; this looks at the given hours alone, and also removes
what points nowhere. https://docs.aws.amazon.com/glue/latest/webapi/API_BatchCreatePartition.html
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from clickstream.lake.listing import hour_prefix

CREATE_LIMIT = 100
DELETE_LIMIT = 25


class PartitionsNotRepaired(RuntimeError):
    """The catalog answered 200 with errors inside; the text names each partition and its error."""


@dataclass(frozen=True)
class Repair:
    """The partitions that a repair added and dropped, as arrival hours."""

    added: list[datetime]
    dropped: list[datetime]


def repair_partitions(
    glue: Any,
    *,
    database: str,
    table: str,
    location: str,
    filled: Collection[datetime],
    empty: Iterable[datetime] = (),
) -> Repair:
    """Register the hours that hold objects; drop the registered ones that never held any.

    Args:
        glue: boto3 client.
        location: the table's root, `s3://bucket/prefix/`.
        filled: hours in which objects lie.
        empty: hours that no object was ever seen in; only these may lose their partition.

    Raises:
        PartitionsNotRepaired: naming each partition that the catalog refused, with its error.
    """
    empty = set(empty)
    registered = _registered(glue, database, table, {*filled, *empty})
    added = sorted(set(filled) - registered)
    dropped = sorted(empty & registered)
    if added:
        storage = glue.get_table(DatabaseName=database, Name=table)["Table"]["StorageDescriptor"]
    errors = []
    for hours in _chunks(added, CREATE_LIMIT):
        inputs = [
            {
                "Values": _values(hour),
                "StorageDescriptor": storage | {"Location": hour_prefix(location, hour)},
            }
            for hour in hours
        ]
        answer = glue.batch_create_partition(DatabaseName=database, TableName=table, PartitionInputList=inputs)
        # Another run may have been quicker; the partition is there, which is all that is wanted.
        errors += [e for e in answer.get("Errors", ()) if e["ErrorDetail"]["ErrorCode"] != "AlreadyExistsException"]
    for hours in _chunks(dropped, DELETE_LIMIT):
        answer = glue.batch_delete_partition(
            DatabaseName=database,
            TableName=table,
            PartitionsToDelete=[{"Values": _values(hour)} for hour in hours],
        )
        errors += [e for e in answer.get("Errors", ()) if e["ErrorDetail"]["ErrorCode"] != "EntityNotFoundException"]
    if errors:
        raise PartitionsNotRepaired(
            f"{database}.{table}: "
            + "; ".join(f"{'/'.join(e['PartitionValues'])}: {e['ErrorDetail']['ErrorMessage']}" for e in errors)
        )
    return Repair(added, dropped)


def _chunks(hours: list[datetime], size: int) -> list[list[datetime]]:
    return [hours[start : start + size] for start in range(0, len(hours), size)]


def _values(hour: datetime) -> list[str]:
    return [f"{hour:%Y}", f"{hour:%m}", f"{hour:%d}", f"{hour:%H}"]


def _registered(glue: Any, database: str, table: str, hours: set[datetime]) -> set[datetime]:
    """Which of the hours have a partition. Asked by day, so that the expression stays below its 2,048 characters."""
    by_values = {tuple(_values(hour)): hour for hour in hours}
    found = set()
    for day in sorted({hour.date() for hour in hours}):
        pages = glue.get_paginator("get_partitions").paginate(
            DatabaseName=database,
            TableName=table,
            Expression=f"year = '{day:%Y}' AND month = '{day:%m}' AND day = '{day:%d}'",
            ExcludeColumnSchema=True,
        )
        for page in pages:
            for partition in page["Partitions"]:
                if hour := by_values.get(tuple(partition["Values"])):
                    found.add(hour)
    return found
