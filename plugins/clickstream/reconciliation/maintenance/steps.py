"""The steps of a maintenance, each leaving one document for the next.

`plan_maintenance`, the job, CheckMaintenance, `record_maintenance`. The job says which snapshots it left; whether they
hold the same rows, SQL that shares no code with it is asked.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from pydantic import BaseModel, ConfigDict

from clickstream.lake.queries import Column, Table, render
from clickstream.lake.snapshots import Snapshot, columns_at, lineage, table_metadata
from clickstream.reconciliation.entry import MaintenanceEntry
from clickstream.reconciliation.gold.table_check import Row, number
from clickstream.reconciliation.ledger import DateLedger
from clickstream.reconciliation.maintenance.evidence import maintenance_ledger, proven_snapshots
from clickstream.reconciliation.maintenance.tables import HOUR_COLUMN, LakeTable, lake_tables
from clickstream.reconciliation.steps import Rows, Run, Verdict, code_digest

JOB = "lake_maintenance"


class TableWork(BaseModel):
    """What is done to one table.

    Attributes:
        kind: what it is to its source.
        name: of the table, without database.
        settles_by: the column that says when a partition is settled; None: it has no partitions.
        since, until: its partitions from the one value until before the other are compacted.
        anchor: the newest snapshot of main that the ledger names; None: it names none.
    """

    model_config = ConfigDict(frozen=True)

    kind: str
    name: str
    settles_by: str | None
    since: str
    until: str
    anchor: int | None


class MaintenancePlan(BaseModel):
    """What a maintenance does.

    Attributes:
        triggered_by: the kind of DAG run.
        tables: the Iceberg tables of the source.
    """

    model_config = ConfigDict(frozen=True)

    triggered_by: str
    tables: tuple[TableWork, ...]


def plan_maintenance(run: Run, *, triggered_by: str, now: datetime, whole: bool = False) -> MaintenancePlan:
    """Leave the plan, and the plan file of the job.

    Args:
        now: the time that days are counted back from, with its zone.
        whole: look at all settled partitions, and not only at those that settled since the last maintenance.

    Raises:
        LedgerBroken: the evidence does not hold; nothing is deleted on it.
    """
    place, source, declared = run.place, run.source, run.source.maintenance
    proven = proven_snapshots(place, source)
    passed = (entry for entry in maintenance_ledger(place, source).read() if entry.state == "verified")
    reached = {} if whole else {entry.table: entry.until for entry in passed}
    entered = _entered(run)
    tables = tuple(_work(run, table, reached, entered, proven, now) for table in lake_tables(place, source))
    plan = MaintenancePlan(triggered_by=triggered_by, tables=tables)
    run.write("maintenance_plan", plan.model_dump(mode="json"))
    run.write(
        "maintenance_job",
        {
            "run_id": run.run,
            "tables": [table.model_dump(mode="json") for table in tables],
            "proven": sorted(proven),
            "keep_since": (now - timedelta(days=declared.keep_days)).isoformat(),
            "keep_snapshots": declared.keep_snapshots,
            "orphans_before": (now - timedelta(days=declared.orphan_days)).isoformat(),
            "result": place.run_uri(source.name, run.run, "maintenance_result"),
        },
    )
    return plan


def _work(
    run: Run,
    table: LakeTable,
    reached: Mapping[str, str],
    entered: Collection[int],
    proven: Collection[int],
    now: datetime,
) -> TableWork:
    history = lineage(_metadata(run, table.name))
    first, until = table.first(run.source), table.settled_until(run.source, now)
    # What a killed maintenance has compacted is checked with this one's, wherever it was.
    unchecked = bool(history) and _is_maintenance(history[0]) and history[0].id not in proven
    since = first if unchecked else reached.get(table.kind, first)
    return TableWork(
        kind=table.kind,
        name=table.name,
        settles_by=table.settles_by,
        since=since,
        until=max(since, until),
        anchor=next((snapshot.id for snapshot in history if snapshot.id in entered), None),
    )


class CheckMaintenance:
    """The rows before and after, of every table that was compacted, in every column."""

    def queries(self, run: Run) -> dict[str, str]:
        plan, done = _plan(run), run.read("maintenance_result")["tables"]
        queries, made = {}, {}
        for work in plan.tables:
            if work.kind not in done:
                continue
            before, after = done[work.kind]["before"], done[work.kind]["after"]
            metadata = _metadata(run, work.name)
            made[work.kind] = _made(lineage(metadata), before, after)
            if before != after and work.settles_by:
                queries[work.kind] = render(
                    "compacted",
                    compacted=Table(run.place.database, work.name),
                    columns=[Column(name) for name in columns_at(metadata, before)],
                    settled_by=Column(work.settles_by),
                    before=before,
                    after=after,
                    since=_value(work, work.since),
                    until=_value(work, work.until),
                )
        run.write("maintenance_made", made)
        return queries

    def recover(self, run: Run, failure: str) -> bool:
        return False

    def conclude(self, run: Run, answers: Mapping[str, Rows]) -> None:
        run.write("maintenance_answers", answers)


def record_maintenance(run: Run) -> Verdict:
    """Append what was done and found to the ledger of maintenance: first the evidence, then the verdict.

    Returns:
        The kinds of table whose rows are not those from before, and what they are failed for.
    """
    done, made = run.read("maintenance_result")["tables"], run.read("maintenance_made")
    answers, digest = run.read("maintenance_answers"), code_digest(run, JOB)
    plan = _plan(run)
    entries = [
        _entry(run, plan, work, done[work.kind], made[work.kind], answers.get(work.kind, ()), digest)
        for work in plan.tables
        if work.kind in done
    ]
    if entries:
        maintenance_ledger(run.place, run.source).append(entries)
    return Verdict(
        failed=[entry.table for entry in entries if entry.state == "failed"],
        causes=sorted({cause for entry in entries for cause in entry.causes}),
    )


def _entry(
    run: Run,
    plan: MaintenancePlan,
    work: TableWork,
    done: Mapping[str, Any],
    made: Sequence[int],
    answer: Sequence[Row],
    digest: str,
) -> MaintenanceEntry:
    compared = answer[0] if answer else {}
    lost, made_up = number(compared, "lost"), number(compared, "made_up")
    wrong = bool(lost or made_up)
    return MaintenanceEntry(
        source=run.source.name,
        table=work.kind,
        state="failed" if wrong else "verified",
        causes=("maintenance_differs",) if wrong else (),
        since=work.since,
        until=work.until,
        before=done["before"],
        after=done["after"],
        snapshots=tuple(made),
        rows=number(compared, "records"),
        lost=lost,
        made_up=made_up,
        files=(done["files_before"], done["files_after"]),
        bytes=(done["bytes_before"], done["bytes_after"]),
        snapshots_expired=done["snapshots_expired"],
        orphans_removed=done["orphans_removed"],
        code_digest=digest,
        run=run.run,
        triggered_by=plan.triggered_by,
        checked_at=datetime.now(UTC).isoformat(timespec="milliseconds"),
    )


def _made(history: Sequence[Snapshot], before: int, after: int) -> list[int]:
    """The snapshots from after one of main up to another, newest first; none that a run says to have written.

    Raises:
        ValueError: main has no such part any more: somebody has rolled it back, or wrote to it meanwhile.
    """
    since = itertools.dropwhile(lambda snapshot: snapshot.id != after, history)
    found = list(itertools.takewhile(lambda snapshot: snapshot.id != before, since))
    ids = {snapshot.id for snapshot in history}
    if not {before, after} <= ids or not all(map(_is_maintenance, found)):
        raise ValueError(f"main does not lead from snapshot {before} to {after} by maintenance alone")
    return [snapshot.id for snapshot in found]


def _is_maintenance(snapshot: Snapshot) -> bool:
    """Whether a snapshot says that it is of maintenance."""
    return snapshot.run_id is not None and not snapshot.replaces


def _entered(run: Run) -> set[int]:
    """All snapshots that lines of the ledger name."""
    hours = run.ledger.read()
    dates = DateLedger(run.place.s3, run.place.evidence, run.source.name).read()
    named = {snapshot for entry in hours for snapshot in (entry.silver_snapshot, entry.rejects_snapshot)}
    named |= {snapshot for entry in dates for snapshot in entry.gold_snapshots.values()}
    return {snapshot for snapshot in named if snapshot is not None}


def _value(work: TableWork, bound: str) -> Any:
    return bound if work.settles_by == HOUR_COLUMN else date.fromisoformat(bound)


def _metadata(run: Run, table: str) -> dict[str, Any]:
    return table_metadata(run.place.glue, run.place.s3, run.place.database, table)


def _plan(run: Run) -> MaintenancePlan:
    return MaintenancePlan.model_validate(run.read("maintenance_plan"))
