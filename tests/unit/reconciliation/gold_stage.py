"""The steps of Gold on the platform in memory: a date of Gold is the records of Silver that it was made of.

The job and the SQL are a few lines here; they have tests of their own.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from clickstream.lake.objects import read_json, write_json
from clickstream.reconciliation.entry import DateEntry
from clickstream.reconciliation.gold.steps import CheckGold, PlanGold, next_of_gold, record_gold
from clickstream.reconciliation.ledger import DateLedger
from clickstream.reconciliation.progress import current_dates
from clickstream.reconciliation.steps import Verdict
from clickstream.sources.loader import load_sources
from tests.unit.reconciliation.makers import row, source, sums
from tests.unit.reconciliation.stage import SCHEMAS, Stage

Content = Mapping[str, tuple[bytes, ...]]
"""Records by event date."""


KINDS = ("gold_daily", "gold_sessions")


@dataclass(frozen=True)
class GoldSnapshot:
    id: int
    content: Content
    run: str | None = None
    dates: tuple[str, ...] = ()


class GoldStage(Stage):
    """A source with Gold."""

    def __init__(self) -> None:
        gold = load_sources()[0]["retail_web"].declared_gold
        # Not in the order of the alphabet, which is that of documents in S3.
        super().__init__(source(gold=gold.model_copy(update={"tables": dict(reversed(gold.tables.items()))})))
        self.gold: dict[str, list[GoldSnapshot]] = {kind: [] for kind in KINDS}
        self.gold_jobs = 0
        self.beside: tuple[str, ...] = ()
        """Dates that the plan does not have and the job touches."""
        self.described |= {*KINDS}
        for kind in KINDS:
            self.describe_gold(kind)

    def settle(self, first: int, last: int, run: str, *, forced: bool = False, until: str | None = None) -> str:
        """A daily run over the hours from first to last, its Gold included.

        Args:
            until: the step of Gold before which the run is killed: plan, job, check, record.

        Returns:
            What the plan of Gold called for.
        """
        self.prove(first, last, run, forced=forced)
        return self.settle_gold(run, until=until)

    def settle_gold(self, run: str, *, until: str | None = None) -> str:
        """The steps of Gold of a run whose hours are proven."""
        if until == "plan":
            return ""
        self.ask(run, PlanGold())
        following = next_of_gold(self.run(run))
        if following == "build" and until != "job":
            self.gold_job(run)
        if until in ("job", "check"):
            return following
        self.ask(run, CheckGold())
        if until != "record":
            self.verdict = record_gold(self.run(run))
        return following

    verdict = Verdict([], [])

    def gold_job(self, run: str) -> None:
        """Make the plan's dates of Silver as it was at the plan's snapshot, and in the first table those beside."""
        self.gold_jobs += 1
        plan = read_json(self.s3, self.place.run_uri(self.source.name, run, "gold_job"))
        made = self.silver(plan["silver_snapshot"])
        snapshots = {}
        for kind in KINDS:
            dates = sorted({*plan["dates"], *(self.beside if kind == KINDS[0] else ())})
            content = {day: kept for day, kept in self.content(kind).items() if day not in dates}
            content |= {day: made[day] for day in dates if day in made}
            snapshots[kind] = self.write_gold(kind, content, run, tuple(dates))
        replaced = sorted({*plan["dates"], *self.beside})
        write_json(self.s3, plan["result"], {"dates": replaced, "gold_snapshots": snapshots})

    def silver(self, snapshot: int | None = None) -> dict[str, tuple[bytes, ...]]:
        """Silver's records by event date."""
        dates: dict[str, tuple[bytes, ...]] = {}
        for placed in sorted(self.rows("silver", snapshot), key=lambda placed: placed.record):
            dates[placed.event_date] = (*dates.get(placed.event_date, ()), placed.record)
        return dates

    def content(self, kind: str, snapshot: int | None = None) -> Content:
        lineage = self.gold[kind]
        return next((made.content for made in reversed(lineage) if snapshot in (None, made.id)), {})

    def write_gold(self, kind: str, content: Content, run: str | None = None, dates: tuple[str, ...] = ()) -> int:
        """A new snapshot; without a run it is somebody else's."""
        made = GoldSnapshot(next(self._numbers), content, run, dates)
        self.gold[kind].append(made)
        self.describe_gold(kind)
        return made.id

    def describe_gold(self, kind: str) -> None:
        lineage = self.gold[kind]
        snapshots = []
        for parent, made in zip([None, *lineage], lineage, strict=False):
            ours = {"clickstream.run-id": made.run, "clickstream.dates": ",".join(made.dates)} if made.run else {}
            link = {"parent-snapshot-id": parent.id} if parent else {}
            snapshots.append({"snapshot-id": made.id, "schema-id": 0, "summary": ours, **link})
        refs = {"main": {"snapshot-id": lineage[-1].id, "type": "branch"}} if lineage else {}
        write_json(self.s3, self.metadata(kind), {"snapshots": snapshots, "refs": refs, "schemas": SCHEMAS})

    def _answer(self, name: str, sql: str) -> list[dict[str, str | None]]:
        if name != "dates" and not name.startswith("gold_"):
            return super()._answer(name, sql)
        asked = re.findall(r"DATE '([^']+)'", re.findall(r"WHERE event_date IN \(([^)]+)\)", sql)[-1])
        pinned = {kind: int(id_) for kind, id_ in re.findall(r'_(silver|gold_\w+)" FOR VERSION AS OF (\d+)', sql)}
        silver = self.silver(pinned["silver"])
        if name == "dates":
            hours = re.findall(r"'(\d{4}-\d\d-\d\dT\d\d:00:00Z)'", sql)
            written = Counter(p.event_date for p in self.rows("silver", pinned["silver"]) if p.hour in hours)
            return [
                row(event_date=day, **sums(*silver[day]), without_session=0, in_hours=written[day])
                for day in asked
                if day in silver
            ]
        if name not in KINDS:
            return []
        gold = self.content(name, pinned[name])
        return [
            row(
                event_date=day,
                silver_events=len(silver.get(day, ())),
                gold_events=len(gold.get(day, ())),
                silver_sessions=1,
                gold_sessions=1,
                differing=len({*silver.get(day, ())} ^ {*gold.get(day, ())}),
            )
            for day in asked
            if day in silver or day in gold
        ]

    @property
    def dates(self) -> dict[str, DateEntry]:
        """The current entry of each event date."""
        ledger = DateLedger(self.s3, self.place.evidence, self.source.name)
        return {str(day): entry for day, entry in current_dates(ledger.read()).items()}
