"""A source's Silver of many small commits, and maintenance of it."""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from pyspark.sql import SparkSession

from clickstream.lake.names import Names
from clickstream.lake.place import Place
from clickstream.lake.snapshots import Snapshot, history
from clickstream.lake.windows import HOUR, hour_text
from clickstream.provisioning.resource import Cloud as Account
from clickstream.sources.model import Source

START = datetime(2026, 1, 6, tzinfo=UTC)
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
FILES = 2
"""Files that a commit leaves in each of its partitions."""
ROWS = 8
_COLUMNS = "event_id string, event_date date, arrival_hour string, raw_hash string, country string"


def hour(number: int) -> str:
    return hour_text(START + number * HOUR)


@dataclass
class MaintainedLake:
    """Tables of one source; only Silver is written to."""

    session: SparkSession
    account: Account
    source: Source

    def commit(self, number: int, run: str = "r", replaced: str = "") -> int:
        """What a run writes to an hour: rows of two event dates; the snapshot.

        Args:
            replaced: the hours that the snapshot says it replaced; without, the hour.
        """
        rows = [
            (f"{number}-{n}", (START + number * HOUR - timedelta(days=n % 2)).date(), hour(number), f"{n:032x}", None)
            for n in range(ROWS)
        ]
        made = self.session.createDataFrame(rows, _COLUMNS)
        missing = [c for c in self.session.table(self.name()).columns if c not in made.columns]
        writer = made.selectExpr("*", *(f"null as {name}" for name in missing)).repartition(FILES).writeTo(self.name())
        properties = {"run-id": run, "hours": replaced or hour(number), "attempt": f"{run}-{number}"}
        for key, value in properties.items():
            writer = writer.option(f"snapshot-property.clickstream.{key}", value)
        writer.option("distribution-mode", "none").append()
        return self.main()[0].id

    def disturb(self, number: int, run: str) -> int:
        """Somebody takes a row out of an hour, and signs as maintenance; the snapshot."""
        left = self.session.table(self.name()).where(f"arrival_hour = '{hour(number)}' and event_id <> '{number}-0'")
        writer = self.session.createDataFrame(left.collect(), left.schema).writeTo(self.name())
        writer.option("snapshot-property.clickstream.run-id", run).overwritePartitions()
        return self.main()[0].id

    def maintain(self, run: str = "m", tables: Collection[str] = ("silver",), **changes: Any) -> dict[str, Any]:
        """A run of the job; what it did to each table.

        Args:
            changes: of the plan of Silver (since, until, anchor) or of the job (proven, keep_since …).
        """
        import lake_maintenance  # type: ignore[import-not-found,unused-ignore]
        from maintenance_job.plan import Plan  # type: ignore[import-not-found,unused-ignore]

        done: dict[str, Any] = lake_maintenance.run(self.session, Plan.of(self.plan(run, tables, **changes)))["tables"]
        return done

    def plan(self, run: str, tables: Collection[str] = ("silver",), **changes: Any) -> dict[str, Any]:
        """The plan file of the job."""
        of_table = {"settles_by": "arrival_hour", "since": hour(0), "until": hour(24), "anchor": self.anchor()}
        of_table |= {key: changes.pop(key) for key in [*changes] if key in of_table}
        return {
            "run_id": run,
            "tables": [{"kind": kind, "name": self.source.table(kind), **of_table} for kind in tables],
            "proven": [],
            "keep_since": LONG_AGO.isoformat(),
            "keep_snapshots": 1,
            "orphans_before": LONG_AGO.isoformat(),
            "result": "",
            **changes,
        }

    def anchor(self) -> int | None:
        found = self.main()
        return found[0].id if found else None

    def main(self, kind: str = "silver") -> list[Snapshot]:
        """The ancestry of main, newest first."""
        return history(self.place.glue, self.place.s3, "clickstream", self.source.table(kind))

    def files(self) -> dict[str, int]:
        """Data files by arrival hour."""
        self.refresh()
        found = self.session.table(f"{self.name()}.files").groupBy("partition.arrival_hour").count().collect()
        return {row["arrival_hour"]: row["count"] for row in found}

    def rows(self, snapshot: int | None = None, branch: str = "") -> list[tuple[Any, ...]]:
        """All columns of all rows, sorted; of main, of a snapshot, or of a branch."""
        self.refresh()
        reader = self.session.read.option("snapshot-id", snapshot) if snapshot else self.session.read
        return sorted(map(tuple, reader.table(self.name() + branch).collect()), key=repr)

    def ask(self, sql: str) -> list[dict[str, str | None]]:
        """The rows of a query of Athena.

        Raises:
            AssertionError: it failed, with Athena's reason.
        """
        athena = self.account.client("athena")
        execution = athena.start_query_execution(QueryString=sql, WorkGroup=Names.workgroup)["QueryExecutionId"]
        while (status := _status(athena, execution))["State"] in ("QUEUED", "RUNNING"):
            time.sleep(0.05)
        assert status["State"] == "SUCCEEDED", status["StateChangeReason"]
        answer = athena.get_query_results(QueryExecutionId=execution)["ResultSet"]["Rows"]
        rows = [[cell.get("VarCharValue") for cell in row["Data"]] for row in answer]
        return [dict(zip(rows[0], row, strict=True)) for row in rows[1:]]

    def refresh(self) -> None:
        """Forget what this long session remembers of the table; a job's own session is new."""
        self.session.catalog.refreshTable(self.name())

    @property
    def place(self) -> Place:
        client = self.account.client
        return Place(self.account.names, client("s3"), client("glue"), client("cloudwatch"))

    def name(self, kind: str = "silver") -> str:
        return f"glue_catalog.clickstream.{self.source.table(kind)}"


def _status(athena: Any, execution: str) -> Any:
    return athena.get_query_execution(QueryExecutionId=execution)["QueryExecution"]["Status"]
