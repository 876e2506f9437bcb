"""An Iceberg table and the branch that a run writes: readers of main see nothing until it is fast-forwarded."""

from __future__ import annotations

from collections.abc import Collection

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

CATALOG = "glue_catalog"
DATABASE = "clickstream"

RUN_ID = "clickstream.run-id"
HOURS = "clickstream.hours"
ATTEMPT = "clickstream.attempt"
"""Snapshot summary: the run, the hours that it wrote, and what pairs the two snapshots of one attempt."""

_BRANCH_PREFIX = "run_"


class BranchedTable:
    """One table of a source.

    Args:
        spark: the session; its catalog `glue_catalog` holds the table.
        name: of the table, without database.
        branch: of this run: lower-case letters, digits and underscores, for it becomes part of an identifier.
    """

    def __init__(self, spark: SparkSession, name: str, branch: str) -> None:
        self._spark = spark
        self._name = f"{DATABASE}.{name}"
        self._identifier = f"{CATALOG}.{self._name}"
        self.branch = _BRANCH_PREFIX + branch

    def __str__(self) -> str:
        return f"{self._name}.branch_{self.branch}"

    def published(self) -> DataFrame:
        """The rows that readers see."""
        return self._spark.table(self._identifier)

    def written(self) -> DataFrame:
        """The rows of the run's branch."""
        return self._spark.table(f"{self._identifier}.branch_{self.branch}")

    def open_branch(self) -> None:
        """Make the run's branch from main, after dropping those that earlier runs left: one writer is guaranteed."""
        for (name,) in self._spark.table(f"{self._identifier}.refs").select("name").collect():
            if name.startswith(_BRANCH_PREFIX):
                self._alter(f"DROP BRANCH {name}")
        self._alter(f"CREATE BRANCH {self.branch}")

    def overwrite(self, rows: DataFrame, hours: Collection[str], distribution: str, summary: dict[str, str]) -> None:
        """Replace all rows of the arrival hours on the branch, in one commit.

        Args:
            rows: the new rows, of these hours only: Iceberg appends others without a word.
            hours: arrival hours that are replaced; those without new rows end up empty.
            distribution: `none`, each task writes what it has; `hash`, rows are shuffled to a file a partition.
            summary: properties of the snapshot.
        """
        writer = rows.writeTo(f"{self._identifier}.branch_{self.branch}")
        writer = writer.option("distribution-mode", distribution).option("fanout-enabled", "true")
        for key, value in summary.items():
            writer = writer.option(f"snapshot-property.{key}", value)
        writer.overwrite(F.col("arrival_hour").isin(*hours))

    def publish(self) -> int:
        """Fast-forward main to the branch; the new snapshot's id."""
        statement = f"CALL {CATALOG}.system.fast_forward('{self._name}', 'main', '{self.branch}')"
        return int(self._spark.sql(statement).first()["updated_ref"])

    def drop_branch(self) -> None:
        """Drop the run's branch."""
        self._alter(f"DROP BRANCH {self.branch}")

    def last_run(self) -> dict[str, str]:
        """Summary of the newest snapshot of main that a run of this job made; empty when there is none."""
        rows = (
            self._spark.table(f"{self._identifier}.snapshots").select("snapshot_id", "parent_id", "summary").collect()
        )
        snapshots = {row.snapshot_id: row for row in rows}
        refs = self._spark.table(f"{self._identifier}.refs").where("name = 'main'").select("snapshot_id").collect()
        snapshot = snapshots.get(refs[0].snapshot_id) if refs else None
        while snapshot is not None and ATTEMPT not in snapshot.summary:
            snapshot = snapshots.get(snapshot.parent_id)
        return snapshot.summary if snapshot is not None else {}

    def _alter(self, change: str) -> None:
        self._spark.sql(f"ALTER TABLE {self._identifier} {change}")
