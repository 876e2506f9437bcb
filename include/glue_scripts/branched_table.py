"""An Iceberg table and the branch that a run writes: readers of main see nothing until it is fast-forwarded."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from typing import Any, NamedTuple

import boto3
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from clickstream.lake.snapshots import Snapshot, branches, history

CATALOG = "glue_catalog"
DATABASE = "clickstream"

_BRANCH_PREFIX = "run_"


class DataFile(NamedTuple):
    """One data file of an Iceberg table, not committed yet.

    Attributes:
        address: `s3://` address.
        size: bytes.
        partition: its values, as `name=value/name=value`.
    """

    address: str
    size: int
    partition: str


class Layout(NamedTuple):
    """What the data files of a table look like, and where they lie.

    Attributes:
        schema: the table's columns as Iceberg writes them in JSON.
        partitioning: names of the columns that it is partitioned by, each by its value.
        folder: `s3://` address of its data files, with a slash.
    """

    schema: str
    partitioning: tuple[str, ...]
    folder: str


class BranchedTable:
    """One table of a source.

    Args:
        spark: the session; its catalog `glue_catalog` holds the table.
        name: of the table, without database.
        branch: of this run: lower-case letters, digits and underscores, for it becomes part of an identifier.
    """

    def __init__(self, spark: SparkSession, name: str, branch: str) -> None:
        self._spark = spark
        self._table = name
        self.name = f"{DATABASE}.{name}"
        self._identifier = f"{CATALOG}.{self.name}"
        self.branch = _BRANCH_PREFIX + branch

    def __str__(self) -> str:
        return f"{self.name}.branch_{self.branch}"

    def published(self) -> DataFrame:
        """The rows that readers see."""
        return self._spark.table(self._identifier)

    def written(self) -> DataFrame:
        """The rows of the run's branch."""
        return self._spark.table(f"{self._identifier}.branch_{self.branch}")

    def last_run(self) -> Snapshot | None:
        """The newest snapshot of main that a run of this job made."""
        lineage = history(boto3.client("glue"), boto3.client("s3"), DATABASE, self._table)
        return next((snapshot for snapshot in lineage if snapshot.attempt), None)

    def partitions(self) -> DataFrame:
        """A row a partition of main, with its record_count; read off metadata."""
        return self._spark.table(f"{self._identifier}.partitions")

    def open_branch(self) -> None:
        """Make the run's branch from main, after dropping those that earlier runs left: one writer is guaranteed."""
        for name in branches(boto3.client("glue"), boto3.client("s3"), DATABASE, self._table):
            if name.startswith(_BRANCH_PREFIX):
                self._alter(f"DROP BRANCH {name}")
        self._alter(f"CREATE BRANCH {self.branch}")

    def overwrite(
        self, rows: DataFrame, column: str, values: Collection[str] | Collection[date], summary: dict[str, str]
    ) -> None:
        """Replace all rows of some partitions on the branch, in one commit.

        Args:
            rows: the new rows, of these partitions only: Iceberg appends others without a word.
            column: a column that the table is partitioned by.
            values: its values that are replaced; those without new rows end up empty.
            summary: properties of the snapshot.
        """
        self._overwrite(rows, F.col(column).isin(*values), summary)

    def replace(self, rows: DataFrame, summary: dict[str, str]) -> None:
        """Replace all rows of the table on the branch, in one commit."""
        self._overwrite(rows, F.lit(True), summary)

    def layout(self) -> Layout:
        """What a new data file has to look like."""
        table = self._iceberg()
        return Layout(
            schema=self._java.SchemaParser.toJson(table.schema()),
            partitioning=tuple(field.name() for field in table.spec().fields()),
            folder=table.locationProvider().newDataLocation(""),
        )

    def overwrite_files(self, files: Collection[DataFile], hours: Collection[str], summary: dict[str, str]) -> None:
        """The same with rows that lie in data files already."""
        table, java = self._iceberg(), self._java
        arrival_hour = getattr(java.expressions.Expressions, "in")("arrival_hour", list(hours))
        change = table.newOverwrite().toBranch(self.branch).overwriteByRowFilter(arrival_hour)
        metrics = java.MetricsConfig.forTable(table)
        for file in files:
            described = (
                java.DataFiles.builder(table.spec())
                .withPath(file.address)
                .withFormat("parquet")
                .withFileSizeInBytes(file.size)
                .withPartitionPath(file.partition)
                .withMetrics(java.parquet.ParquetUtil.fileMetrics(table.io().newInputFile(file.address), metrics))
                .build()
            )
            change.addFile(described)
        for key, value in summary.items():
            change.set(key, value)
        change.commit()

    def publish(self) -> int:
        """Fast-forward main to the branch; the new snapshot's id."""
        statement = f"CALL {CATALOG}.system.fast_forward('{self.name}', 'main', '{self.branch}')"
        return int(self._spark.sql(statement).first()["updated_ref"])

    def drop_branch(self) -> None:
        """Drop the run's branch."""
        self._alter(f"DROP BRANCH {self.branch}")

    def _overwrite(self, rows: DataFrame, replaced: Column, summary: dict[str, str]) -> None:
        writer = rows.writeTo(f"{self._identifier}.branch_{self.branch}").option("distribution-mode", "hash")
        for key, value in summary.items():
            writer = writer.option(f"snapshot-property.{key}", value)
        writer.overwrite(replaced)

    def _iceberg(self) -> Any:
        """The table in Java, the one that the session's catalog keeps: what is committed to it, queries see."""
        return self._java.spark.Spark3Util.loadIcebergTable(self._spark._jsparkSession, self._identifier)

    @property
    def _java(self) -> Any:
        return self._spark.sparkContext._jvm.org.apache.iceberg

    def _alter(self, change: str) -> None:
        self._spark.sql(f"ALTER TABLE {self._identifier} {change}")
