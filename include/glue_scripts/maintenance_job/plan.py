"""What a run is asked to do to which tables: the plan file."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple


class TablePlan(NamedTuple):
    """One table.

    Attributes:
        kind: what it is to its source.
        name: of the table, without database.
        settles_by: the column that it is partitioned by and that says when a partition is settled. None: it is not
            partitioned, and not compacted.
        since, until: its partitions from the one value until before the other are compacted.
        anchor: the newest snapshot of main that the ledger names; None: it names none.
    """

    kind: str
    name: str
    settles_by: str | None
    since: str
    until: str
    anchor: int | None


@dataclass(frozen=True)
class Plan:
    """The run's argument: `--plan s3://<lake>/runs/<...>/maintenance_job.json`.

    Attributes:
        run_id: whose run it is; stands in the summary of each snapshot that it makes.
        tables: all Iceberg tables of the source.
        proven: snapshots of earlier runs of which the ledger says that they changed no row.
        keep_since: readers may go back to this time.
        keep_snapshots: how many of main are kept however old they are.
        orphans_before: files that no snapshot names and that are older are deleted.
    """

    run_id: str
    tables: tuple[TablePlan, ...]
    proven: frozenset[int]
    keep_since: datetime
    keep_snapshots: int
    orphans_before: datetime

    @classmethod
    def of(cls, plan: dict[str, Any]) -> Plan:
        """The plan that a document describes."""
        return cls(
            run_id=plan["run_id"],
            tables=tuple(TablePlan(**table) for table in plan["tables"]),
            proven=frozenset(plan["proven"]),
            keep_since=datetime.fromisoformat(plan["keep_since"]),
            keep_snapshots=plan["keep_snapshots"],
            orphans_before=datetime.fromisoformat(plan["orphans_before"]),
        )
