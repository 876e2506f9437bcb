"""Whether a table holds the same rows in other files, and no other file was touched."""

from __future__ import annotations

from typing import NamedTuple

from pyspark.sql import functions as F

from maintenance_job.table import MaintainedTable


class AuditFailed(RuntimeError):
    """The rows are not those from before; main is as it was found."""


class Content(NamedTuple):
    """Rows, and the sum of a hash over all columns of each."""

    rows: int
    hashes: int


def content(table: MaintainedTable, snapshot: int) -> Content:
    """What a snapshot holds in the partitions that are compacted."""
    rows = table.settled(snapshot)
    # Spark's hash passes over NULL, so that a value would be as good in one column as in the next.
    values = [part for name in rows.columns for part in (F.col(name), F.col(name).isNull())]
    hashes = F.sum(F.xxhash64(*values).cast("decimal(38,0)"))
    found = rows.agg(F.count("*"), hashes).first()
    return Content(found[0], int(found[1] or 0))


def audit(table: MaintainedTable, before: int, after: int) -> Content:
    """Compare two snapshots; what both hold in the partitions that are compacted.

    Raises:
        AuditFailed: a file of another partition was touched, or the rows are not the same.
    """
    then, now = table.files(before), table.files(after)
    touched = then.join(now, "file_path", "left_anti").union(now.join(then, "file_path", "left_anti"))
    if strange := [row.file_path for row in touched.where("not is_settled").limit(5).collect()]:
        raise AuditFailed(f"{table.identifier}: files of partitions that were not to be compacted: {strange}")
    held, holds = content(table, before), content(table, after)
    if held != holds:
        raise AuditFailed(f"{table.identifier}: {held} at snapshot {before}, {holds} at {after}")
    return holds
