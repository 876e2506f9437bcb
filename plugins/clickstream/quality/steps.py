"""The steps of quality in one run, after its hours are recorded; each leaves one document for the next.

Measure, then `validate_run`. What the proof has counted is used again, so that only Silver is asked, once: Bronze is
what Silver and rejects hold of it, which the proof compares record by record.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel, ConfigDict

from clickstream.lake.objects import split_uri, write_json
from clickstream.lake.windows import hour_text
from clickstream.provisioning.bronze_table import BronzeRowsTable, BronzeTable
from clickstream.provisioning.iceberg_tables import SilverTable
from clickstream.provisioning.resource import Cloud, Resource
from clickstream.quality.data_docs import self_contained
from clickstream.quality.entry import EXPECTATION_FAILED, QualityEntry, QualityState
from clickstream.quality.ledger import QualityLedger
from clickstream.quality.measures import Row, bronze_rows, schema_rows, silver_query, silver_rows
from clickstream.quality.metrics import publish
from clickstream.quality.suites import Suite, Tier, load_suites
from clickstream.quality.volume import volumes
from clickstream.reconciliation.entry import Entry
from clickstream.reconciliation.ledger_index import LedgerIndex
from clickstream.reconciliation.progress import current_entries
from clickstream.reconciliation.steps import Rows, Run, Verdict

TABLES: Mapping[Tier, tuple[type[Resource], ...]] = {"bronze": (BronzeTable, BronzeRowsTable), "silver": (SilverTable,)}


class QualityPlan(BaseModel):
    """What the run looks at.

    Attributes:
        hours: those of the run's hours that have been checked.
        silver_snapshot, rejects_snapshot: what everything is pinned to: as the check left it.
    """

    model_config = ConfigDict(frozen=True)

    hours: tuple[str, ...]
    silver_snapshot: int
    rejects_snapshot: int


class Measure:
    """What the hours' records are like in Silver: shares, values, lateness, in one query."""

    def queries(self, run: Run) -> dict[str, str]:
        plan = _make_plan(run)
        run.write("quality_plan", plan.model_dump(mode="json") if plan else None)
        if plan is None:
            return {}
        measures = load_suites(run.source)["silver"].measures
        return {"silver": silver_query(run.place, run.source, measures, plan.hours, plan.silver_snapshot)}

    def recover(self, run: Run, failure: str) -> bool:
        return False

    def conclude(self, run: Run, answers: Mapping[str, Rows]) -> None:
        run.write("quality_answers", answers)


def validate_run(run: Run) -> Verdict:
    """Hold what was measured against the suites; keep the results and their pages, and append to the ledger of quality.

    Returns:
        The tiers that failed a critical expectation, as `<tier>: <expectation>, …`, and the cause when there are any.

    Raises:
        InvalidSuite: a suite's file is not sound.
        SuiteBroken: an expectation cannot be evaluated.
    """
    document = run.read("quality_plan")
    if document is None:
        return Verdict([], [])
    plan = QualityPlan.model_validate(document)
    rows = _rows(run, plan)
    entries = [_entry(run, plan, suite, rows[tier]) for tier, suite in load_suites(run.source).items()]
    ledger = ledger_of(run)
    ledger.append(entries)
    LedgerIndex(ledger, run.place.lake).renew()
    publish(run.place.cloudwatch, entries)
    failed = [f"{entry.tier}: {', '.join(entry.failed['critical'])}" for entry in entries if entry.state == "failed"]
    return Verdict(failed, [EXPECTATION_FAILED] if failed else [])


def ledger_of(run: Run) -> QualityLedger:
    """The ledger of quality of the run's source."""
    return QualityLedger(run.place.s3, run.place.evidence, run.source.name)


def _make_plan(run: Run) -> QualityPlan | None:
    """The hours of the run that some run has checked, at the snapshots of this run's check, or those it began with."""
    pinned = run.read("pinned") or {"silver": run.plan.silver_snapshot, "rejects": run.plan.rejects_snapshot}
    checked = {hour_text(hour) for hour, entry in _hours(run).items() if entry.silver_snapshot is not None}
    hours = [hour for hour in run.plan.hours if hour in checked]
    if not hours or pinned["silver"] is None or pinned["rejects"] is None:
        return None
    return QualityPlan(hours=tuple(hours), silver_snapshot=pinned["silver"], rejects_snapshot=pinned["rejects"])


def _rows(run: Run, plan: QualityPlan) -> dict[Tier, list[Row]]:
    suites = load_suites(run.source)
    # The proof has counted the fates at these very snapshots.
    fates = (run.read("answers") or {}).get("after") or run.read("survey").get("fates", ())
    usual = volumes(plan.hours, _hours(run), suites["bronze"].measures.usual)
    answer = run.read("quality_answers")["silver"]
    return {
        "bronze": [*_schema(run, "bronze"), *bronze_rows(run.source, fates, plan.hours, usual)],
        "silver": [*_schema(run, "silver"), *silver_rows(run.source, suites["silver"].measures, answer)],
    }


def _hours(run: Run) -> dict[datetime, Entry]:
    """The current entry of each hour, this run's own among them."""
    return current_entries(LedgerIndex(run.ledger, run.place.lake).read())


def _schema(run: Run, tier: Tier) -> list[Row]:
    clients: Mapping[str, Any] = {"s3": run.place.s3, "glue": run.place.glue}
    cloud = Cloud(run.place.names, clients.__getitem__)
    (table,) = (table for kind in TABLES[tier] for table in kind.all_of(run.source, cloud))
    return schema_rows(table.desired(), table.live())


def _entry(run: Run, plan: QualityPlan, suite: Suite, rows: list[Row]) -> QualityEntry:
    from clickstream.quality.validation import validate

    found = validate(suite, rows)
    state: QualityState = "failed" if "critical" in found.failed else "warned" if found.failed else "passed"
    folder = f"s3://{run.place.lake}/findings/{run.source.name}/quality/{run.run}"
    lines = (
        f"Window {run.plan.window}, {len(plan.hours)} arrival hours from {plan.hours[0]} to {plan.hours[-1]}",
        f"Silver at snapshot {plan.silver_snapshot}, rejects at {plan.rejects_snapshot}; run {run.run}",
        f"Suite include/expectations/{run.source.name}/{suite.tier}.json, digest {suite.digest}",
        suite.document["notes"],
    )
    title = f"{run.source.name} {suite.tier}: {state}"
    page = self_contained(found.page, title, lines, found.document["results"])
    return QualityEntry(
        source=run.source.name,
        state=state,
        tier=suite.tier,
        window=run.plan.window,
        hours=plan.hours,
        silver_snapshot=plan.silver_snapshot,
        rejects_snapshot=plan.rejects_snapshot,
        suite=suite.digest,
        expectations=len(suite.severities),
        unjudged=found.unjudged,
        failed=dict(found.failed),
        causes=(EXPECTATION_FAILED,) if state == "failed" else (),
        findings=write_json(run.place.s3, f"{folder}/{suite.tier}.json", found.document),
        data_docs=_write_page(run.place.s3, f"{folder}/{suite.tier}.html", page),
        run=run.run,
        triggered_by=run.plan.triggered_by,
        checked_at=datetime.now(UTC).isoformat(timespec="milliseconds"),
    )


def _write_page(s3: Any, uri: str, page: str) -> str:
    bucket, key = split_uri(uri)
    s3.put_object(Bucket=bucket, Key=key, Body=page.encode(), ContentType="text/html; charset=utf-8")
    return uri
