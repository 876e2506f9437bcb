"""The steps of Gold in one run, after its hours are in Silver; each leaves one document for the next.

PlanGold, `next_of_gold`, the job when there are dates to make anew, CheckGold, `record_gold`. All are pinned to the
snapshot of Silver that PlanGold found.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from clickstream.lake.snapshots import Snapshot, history
from clickstream.reconciliation.entry import PASSED, DateEntry
from clickstream.reconciliation.gold.check import date_findings, dates_query, gold_queries
from clickstream.reconciliation.gold.dates import (
    DAY,
    NOTHING,
    Held,
    around,
    behind,
    fold_held,
    in_reach,
    redeclared,
    stale,
    strange,
    unentered,
)
from clickstream.reconciliation.gold.findings import store_date_findings
from clickstream.reconciliation.gold.table_check import number
from clickstream.reconciliation.ledger import DateLedger
from clickstream.reconciliation.ledger_index import LedgerIndex
from clickstream.reconciliation.maintenance.evidence import proven_snapshots
from clickstream.reconciliation.progress import current_dates
from clickstream.reconciliation.steps import Rows, Run, Verdict, code_digest

JOB = "silver_to_gold"
Next = Literal["build", "check", "none"]


class GoldPlan(BaseModel):
    """What the run does about Gold.

    Attributes:
        silver_snapshot: the snapshot of Silver that everything is pinned to.
        build: event dates to make anew: those that are out of date, and those around them.
        check: event dates to check.
        held: what Silver holds, by event date.
    """

    model_config = ConfigDict(frozen=True)

    silver_snapshot: int
    build: tuple[date, ...]
    check: tuple[date, ...]
    held: dict[date, Held]


class GoldCheck(BaseModel):
    """What the run holds against Silver.

    Attributes:
        snapshots: of the tables of Gold.
        held: what Silver holds, by the event dates that are checked: the plan's, and those that the job replaced beside
            them.
    """

    model_config = ConfigDict(frozen=True)

    snapshots: dict[str, int]
    held: dict[date, Held]


class PlanGold:
    """Which event dates of Gold are out of date, and which must be checked."""

    def queries(self, run: Run) -> dict[str, str]:
        silver = _lineage(run, "silver")
        if not silver:
            run.write("gold_survey", None)
            return {}
        hours = {hour for snapshot in silver if snapshot.run_id == run.run for hour in snapshot.hours}
        lineages = _lineages(run)
        known = _current(run)
        looked_at = in_reach(run.plan.hours, run.source.events) | behind(run.current.values(), known)
        looked_at |= unentered(lineages, known.values()) | redeclared(known, run.source.declared_gold.digest)
        others = strange(lineages, known.values())
        if tampered := bool(others) and not others <= proven_snapshots(run.place, run.source):
            looked_at |= {*known}
        if not all(lineages):
            looked_at |= {date.fromisoformat(day) for entry in run.current.values() for day in entry.event_dates}
        run.write(
            "gold_survey", {"silver_snapshot": silver[0].id, "looked_at": sorted(looked_at), "tampered": tampered}
        )
        dates = around(looked_at)
        return {"dates": dates_query(run.place, run.source, dates, hours, silver[0].id)}

    def recover(self, run: Run, failure: str) -> bool:
        return False

    def conclude(self, run: Run, answers: Mapping[str, Rows]) -> None:
        survey = run.read("gold_survey")
        if survey is None:
            run.write("gold_plan", None)
            return
        lineages = _lineages(run)
        # Of a table that is new nothing is known: not what an older one of its name held.
        known = _current(run) if all(lineages) else {}
        looked_at = set(map(date.fromisoformat, survey["looked_at"]))
        held = fold_held(answers["dates"])
        anew = unentered(lineages, known.values()) | redeclared(known, run.source.declared_gold.digest)
        build = around(stale(looked_at, held, known) | (anew & looked_at))
        again = {day for day in looked_at & {*known} if survey["tampered"] or known[day].state not in PASSED}
        check = {*build, *again}
        plan = GoldPlan(
            silver_snapshot=survey["silver_snapshot"],
            build=tuple(build),
            check=tuple(sorted(day for day in check if day in held or day in known)),
            held={day: held.get(day, NOTHING) for day in sorted(check)},
        )
        run.write("gold_plan", plan.model_dump(mode="json"))
        run.write("gold_job", job_plan(run, plan.silver_snapshot, plan.build))


def job_plan(run: Run, silver_snapshot: int, dates: Iterable[date]) -> dict[str, Any]:
    """The plan file of the job that makes some dates of Silver at a snapshot."""
    return {
        "run_id": run.run,
        "source": run.source.model_dump(mode="json"),
        "silver_snapshot": silver_snapshot,
        "dates": sorted(map(str, dates)),
        "result": run.place.run_uri(run.source.name, run.run, "gold_result"),
    }


def next_of_gold(run: Run) -> Next:
    """What comes after the plan: the job, only a check, or nothing."""
    plan = _plan(run)
    if plan is None or not plan.check:
        return "none"
    return "build" if plan.build else "check"


class CheckGold:
    """Gold against what SQL makes of Silver, pinned to the snapshots that the job left, or to the present ones."""

    def queries(self, run: Run) -> dict[str, str]:
        plan = _plan(run)
        if plan is None or not plan.check:
            return {}
        lineages = dict(zip(run.source.declared_gold.stored, _lineages(run), strict=True))
        check = GoldCheck(
            snapshots={kind: lineage[0].id for kind, lineage in lineages.items()},
            held={day: plan.held[day] for day in plan.check},
        )
        if plan.build:
            result = run.read("gold_result")
            beside = _beside(plan, result, lineages.values(), _current(run))
            check = GoldCheck(snapshots=result["gold_snapshots"], held=check.held | beside)
        run.write("gold_check", check.model_dump(mode="json"))
        return gold_queries(
            run.place, run.source, sorted(check.held), check.snapshots | {"silver": plan.silver_snapshot}
        )

    def recover(self, run: Run, failure: str) -> bool:
        return False

    def conclude(self, run: Run, answers: Mapping[str, Rows]) -> None:
        run.write("gold_answers", answers)


def record_gold(run: Run) -> Verdict:
    """Append what was found of Gold to the ledger of dates: first the evidence, then the verdict.

    Returns:
        The event dates that are failed, and what they are failed for.
    """
    plan = _plan(run)
    if plan is None or not plan.check:
        return Verdict([], [])
    ledger = _ledger(run)
    known = {date.fromisoformat(e.event_date): e for e in ledger.read() if e.run != run.run}
    entries = _entries(run, plan, known)
    if entries:
        ledger.append(entries)
        LedgerIndex(ledger, run.place.lake).renew()
    return Verdict(
        failed=[entry.event_date for entry in entries if entry.state == "failed"],
        causes=sorted({cause for entry in entries for cause in entry.causes}),
    )


def _entries(run: Run, plan: GoldPlan, known: Collection[date]) -> list[DateEntry]:
    answers, check = run.read("gold_answers"), GoldCheck.model_validate(run.read("gold_check"))
    tables = run.source.declared_gold.tables
    made = {*plan.build, *known}
    findings = date_findings(run.source, answers, {day for day in check.held if day - DAY in made})
    told = {name: {row["event_date"]: row for row in answers[name]} for name in tables}
    overtaken = _overtaken(run, check.snapshots)
    digest = code_digest(run, JOB)
    entries = []
    for day, held in ((str(day), held) for day, held in check.held.items() if str(day) not in overtaken):
        found = findings.get(day, [])
        rows = {name: told[name].get(day, {}) for name in tables}
        entries.append(
            DateEntry(
                source=run.source.name,
                event_date=day,
                declaration=run.source.declared_gold.digest,
                state="failed" if found else "verified",
                silver=held.content,
                without_session=held.without_session,
                gold={name: number(row, "gold_events") for name, row in rows.items()},
                sessions=_first(rows.values(), "gold_sessions"),
                revenue_cents=_first(rows.values(), "gold_cents"),
                silver_snapshot=plan.silver_snapshot,
                gold_snapshots=check.snapshots,
                code_digest=digest,
                causes=tuple(sorted({finding.code for finding in found})),
                findings=store_date_findings(run.place.s3, run.place.lake, run.source.name, run.run, found)
                if found
                else None,
                run=run.run,
                triggered_by=run.plan.triggered_by,
                checked_at=datetime.now(UTC).isoformat(timespec="milliseconds"),
            )
        )
    return entries


def _beside(
    plan: GoldPlan,
    result: Mapping[str, Any],
    lineages: Iterable[Sequence[Snapshot]],
    known: Mapping[date, DateEntry],
) -> dict[date, Held]:
    """What Silver holds of the event dates that the job replaced in some tables beside the plan's.

    A job that was killed after publishing, and run again, may not know any more what it touched first; the snapshots
    do.
    Gold was made of these dates before, or the plan would have them; what Silver holds of them is what it held then.

    Args:
        result: the job's.
        lineages: of each table of Gold.
        known: the current entry of each event date.
    """
    replaced = {*map(date.fromisoformat, result["dates"])} | unentered(lineages, known.values())
    return {
        day: Held(known[day].silver, known[day].without_session)
        for day in sorted((replaced & {*known}) - {*plan.build})
    }


def _first(rows: Iterable[Mapping[str, str | None]], column: str) -> int:
    """A figure of the first table that has it; 0 without one."""
    return next((number(row, column) for row in rows if column in row), 0)


def _overtaken(run: Run, pinned: Mapping[str, int]) -> set[str]:
    """The event dates that another run has replaced since this one looked: its own check speaks of them."""
    found: set[str] = set()
    for kind, pinned_snapshot in pinned.items():
        for snapshot in _lineage(run, kind):
            if snapshot.id == pinned_snapshot:
                break
            found.update(snapshot.dates)
    return found


def _plan(run: Run) -> GoldPlan | None:
    document = run.read("gold_plan")
    return GoldPlan.model_validate(document) if document else None


def _current(run: Run) -> dict[date, DateEntry]:
    return current_dates(_ledger(run).read())


def _ledger(run: Run) -> DateLedger:
    return DateLedger(run.place.s3, run.place.evidence, run.source.name)


def _lineages(run: Run) -> list[Sequence[Snapshot]]:
    """Of each table of Gold."""
    return [_lineage(run, kind) for kind in run.source.declared_gold.stored]


def _lineage(run: Run, kind: str) -> Sequence[Snapshot]:
    return history(run.place.glue, run.place.s3, run.place.database, run.source.table(kind))
