"""An Iceberg table and what maintenance does to it, each by an action of Iceberg's own.

These are what the procedures of the same names call (https://iceberg.apache.org/docs/1.10.0/spark-procedures/). The
procedures cannot name a run in the snapshots that they make.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple

import boto3
from branched_table import CATALOG, DATABASE
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from clickstream.lake.snapshots import RUN_ID, Snapshot, lineage, table_metadata
from maintenance_job.plan import TablePlan

FEWEST_FILES = 2
"""Files of a partition that are worth being made one. So a partition that was compacted is left alone from then on."""
SMALL_MANIFESTS = 10
"""Manifests that would fit into a single one and are worth it: each is a request for whoever plans a query."""


class Held(NamedTuple):
    """What the data files of a snapshot come to."""

    files: int
    bytes: int


class MaintainedTable:
    """One table.

    Args:
        spark: the session; its catalog `glue_catalog` holds the table.
        plan: what is done to it.
        run_id: whose run it is.
    """

    def __init__(self, spark: SparkSession, plan: TablePlan, run_id: str) -> None:
        self._spark = spark
        self._run_id = run_id
        self.plan = plan
        self.identifier = f"{CATALOG}.{DATABASE}.{plan.name}"

    def metadata(self) -> dict[str, Any]:
        """The document of its metadata file."""
        return table_metadata(boto3.client("glue"), boto3.client("s3"), DATABASE, self.plan.name)

    def history(self) -> list[Snapshot]:
        """The ancestry of main, newest first."""
        return lineage(self.metadata())

    def settled(self, snapshot: int) -> DataFrame:
        """Its rows in the partitions that are compacted, at a snapshot."""
        rows = self._at("", snapshot)
        return rows.where(self._is_settled(rows, self.plan.settles_by))

    def files(self, snapshot: int) -> DataFrame:
        """A row a data or delete file of a snapshot: its path, size and whether its partition is one to compact."""
        files = self._at(".files", snapshot)
        column = self.plan.settles_by and f"partition.{self.plan.settles_by}"
        is_settled = self._is_settled(files, column).alias("is_settled")
        return files.select("file_path", "content", "file_size_in_bytes", is_settled)

    def _is_settled(self, rows: DataFrame, column: str | None) -> Column:
        if column is None:
            return F.lit(False)
        kind = rows.select(column).schema[0].dataType
        first, end = (F.lit(bound).cast(kind) for bound in (self.plan.since, self.plan.until))
        return (F.col(column) >= first) & (F.col(column) < end)

    def held(self, snapshot: int) -> Held:
        """Its data files at a snapshot; read off metadata."""
        summed = self.files(snapshot).where("content = 0").agg(F.count("*"), F.sum("file_size_in_bytes")).first()
        return Held(summed[0], summed[1] or 0)

    def compact(self) -> None:
        """Make the small files of each settled partition one, all partitions in one commit; its rows stay in order."""
        table, java = self._iceberg(), self._java
        expressions = java.expressions.Expressions
        (
            self._actions()
            .rewriteDataFiles(table)
            .binPack()
            .filter(expressions.greaterThanOrEqual(self.plan.settles_by, self.plan.since))
            .filter(expressions.lessThan(self.plan.settles_by, self.plan.until))
            .option("min-input-files", str(FEWEST_FILES))
            .option("partial-progress.enabled", "false")
            .snapshotProperty(RUN_ID, self._run_id)
            .execute()
        )
        self.refresh()

    def rewrite_manifests(self) -> None:
        """Make many small manifests few, sorted by partition."""
        table = self._iceberg()
        manifests = list(table.currentSnapshot().dataManifests(table.io()))
        target = int(table.properties().getOrDefault("commit.manifest.target-size-bytes", str(8 * 1024**2)))
        if len(manifests) >= SMALL_MANIFESTS * max(1, sum(each.length() for each in manifests) / target):
            self._actions().rewriteManifests(table).snapshotProperty(RUN_ID, self._run_id).execute()
            self.refresh()

    def manifests(self) -> int:
        """How many manifests the newest snapshot has."""
        table = self._iceberg()
        return len(list(table.currentSnapshot().allManifests(table.io())))

    def roll_back(self, snapshot: int) -> None:
        """Make main what it was."""
        self._iceberg().manageSnapshots().rollbackTo(snapshot).commit()
        self.refresh()

    def expire(self, snapshots: Iterable[int]) -> int:
        """Expire exactly these snapshots, and delete the files that no other names; how many data files that were."""
        # Not by their age: without this, Iceberg would add to them what is older than five days.
        action = self._actions().expireSnapshots(self._iceberg()).expireOlderThan(0)
        for snapshot in snapshots:
            action.expireSnapshotId(snapshot)
        result = action.execute()
        self.refresh()
        return int(result.deletedDataFilesCount())

    def remove_orphans(self, before: datetime) -> list[str]:
        """Delete what no snapshot names and was written before a time; their paths."""
        table = self._iceberg()
        # With its slash: a listing by prefix would else find the tables whose names only begin like this one's.
        folder = table.location().rstrip("/") + "/"
        result = (
            self._actions()
            .deleteOrphanFiles(table)
            .location(folder)
            .usePrefixListing(True)
            .olderThan(int(before.timestamp() * 1000))
            .execute()
        )
        return sorted(result.orphanFileLocations())

    def refresh(self) -> None:
        """Let the session see what was committed."""
        self._iceberg().refresh()
        self._spark.catalog.refreshTable(self.identifier)

    def _at(self, what: str, snapshot: int) -> DataFrame:
        # Iceberg's own option: `versionAsOf` is for load(), with table() Spark 3.5 passes over it without a word.
        return self._spark.read.option("snapshot-id", snapshot).table(f"{self.identifier}{what}")

    def _iceberg(self) -> Any:
        return self._java.spark.Spark3Util.loadIcebergTable(self._spark._jsparkSession, self.identifier)

    def _actions(self) -> Any:
        return self._java.spark.actions.SparkActions.get(self._spark._jsparkSession)

    @property
    def _java(self) -> Any:
        return self._spark.sparkContext._jvm.org.apache.iceberg
