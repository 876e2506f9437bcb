"""Maintenance on the platform in memory: a compaction is one more snapshot of the same rows.

The job and the SQL are a few lines here; they have tests of their own.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from typing import Any

from clickstream.lake.objects import read_json, write_json
from clickstream.lake.snapshots import history
from clickstream.reconciliation.entry import MaintenanceEntry
from clickstream.reconciliation.maintenance.evidence import maintenance_ledger
from clickstream.reconciliation.maintenance.steps import (
    CheckMaintenance,
    MaintenancePlan,
    plan_maintenance,
    record_maintenance,
)
from clickstream.reconciliation.steps import Verdict
from tests.unit.reconciliation.gold_stage import KINDS as GOLD
from tests.unit.reconciliation.gold_stage import GoldStage
from tests.unit.reconciliation.makers import at, row
from tests.unit.reconciliation.stage import KINDS

LATER = 40 * 24
"""An hour by which the first days have long settled."""
NOW = at(LATER)


class MaintenanceStage(GoldStage):
    """A source whose tables are maintained."""

    def maintain(
        self,
        run: str,
        *,
        now: datetime = NOW,
        whole: bool = False,
        damage: Callable[[], None] | None = None,
        before_check: Callable[[], None] | None = None,
        until: str | None = None,
    ) -> Verdict:
        """A maintenance of all tables.

        Args:
            damage: what the job does wrong.
            before_check: what happens once the job has ended.
            until: the step before which the run is killed: result, check.
        """
        plan_maintenance(self.run(run), triggered_by="test", now=now, whole=whole)
        self.maintenance_job(run, damage, until)
        if until:
            return Verdict([], [])
        if before_check:
            before_check()
        self.ask(run, CheckMaintenance())
        return record_maintenance(self.run(run))

    def maintenance_job(self, run: str, damage: Callable[[], None] | None, until: str | None) -> None:
        """Compact every table that was ever written to; with damage, it is in what the compaction wrote."""
        plan = self.planned(run)
        found = {kind: self.lineage(kind) for kind in (*KINDS, *GOLD)}
        result: dict[str, Any] = {}
        for table in plan["tables"]:
            kind = table["kind"]
            if not found[kind]:
                continue
            before = next(s.id for s in found[kind] if s.replaces or s.run_id is None or s.id in plan["proven"])
            self.compact(kind, run)
            if damage and kind == "silver":
                damage()
            after = self.lineage(kind)[0].id
            counts = {"files_before": 3, "files_after": 1, "bytes_before": 30, "bytes_after": 20}
            result[kind] = {"before": before, "after": after, "snapshots_expired": 1, "orphans_removed": 2, **counts}
        if until != "result":
            write_json(self.s3, plan["result"], {"tables": result})

    def compact(self, kind: str, run: str) -> None:
        """A snapshot of maintenance."""
        if kind in GOLD:
            self.write_gold(kind, self.content(kind), run)
        else:
            self.commit(kind, self.rows(kind), run)

    def lineage(self, kind: str) -> Any:
        return history(self.place.glue, self.s3, self.place.database, self.source.table(kind))

    def planned(self, run: str) -> Any:
        """The plan file of a run's job."""
        return read_json(self.s3, self.place.run_uri(self.source.name, run, "maintenance_job"))

    def work(self, run: str) -> dict[str, Any]:
        """What a run was to do, by kind of table."""
        plan = MaintenancePlan.model_validate(self.run(run).read("maintenance_plan"))
        return {table.kind: table for table in plan.tables}

    @property
    def lines(self) -> list[MaintenanceEntry]:
        """The ledger of maintenance."""
        return maintenance_ledger(self.place, self.source).read()

    def _answer(self, name: str, sql: str) -> list[dict[str, str | None]]:
        if "copies_before" not in sql:
            return super()._answer(name, sql)
        before, after = (
            Counter(map(repr, self.content(name, n).items() if name in GOLD else self.rows(name, n)))
            for n in map(int, re.findall(r"FOR VERSION AS OF (\d+)", sql))
        )
        lost, made_up = (before - after).total(), (after - before).total()
        return [row(records=after.total(), lost=lost, made_up=made_up)]
