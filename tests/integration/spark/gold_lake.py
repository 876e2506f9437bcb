"""Silver of made-up visitors, and Gold made of it date by date."""

from __future__ import annotations

import hashlib
import random
import time
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from pyspark.sql import SparkSession

from clickstream.lake.names import Names
from clickstream.lake.place import Place
from clickstream.lake.snapshots import branches, history
from clickstream.lake.windows import hour_text
from clickstream.provisioning.resource import Cloud as Account
from clickstream.reconciliation.gold.check import date_findings, dates_query, gold_queries
from clickstream.reconciliation.gold.dates import Held, fold_held
from clickstream.reconciliation.gold.findings import DateFinding
from clickstream.reconciliation.gold.steps import job_plan
from clickstream.reconciliation.gold.table_check import Row
from clickstream.reconciliation.steps import Run
from clickstream.sources.gold import Dimension, Facts
from clickstream.sources.loader import load_sources
from clickstream.sources.model import Source
from tests.integration.spark.gold_reference import (
    STEPS,
    Event,
    expected_daily,
    expected_facts,
    expected_member_days,
    expected_members,
    expected_sessions,
)

START = datetime.fromisoformat("2026-11-17")
DAYS = 5
KINDS_OF_EVENT = ("page_view", *STEPS.values(), "click")
_COLUMNS = "event_id string, event_date date, event_time timestamp_ntz, event_type string, session_id string, \
customer_id string, device_type string, country string, total_amount double, arrival_hour string, raw_hash string"


def source_with_gold(name: str) -> Source:
    """A source with a table of each kind."""
    source = load_sources()[0]["retail_web"]
    gold = source.declared_gold
    more = {
        "facts": Facts(
            kind="facts", key="fact_id", columns={"at": "event_time", "kind": "event_type", "amount": "total_amount"}
        ),
        "members": Dimension(
            kind="dimension", key="customer_id", latest={"device": "device_type", "country": "country"}
        ),
    }
    return source.model_copy(update={"name": name, "gold": gold.model_copy(update={"tables": {**gold.tables, **more}})})


def make_events(seed: int = 7) -> list[Event]:
    """Events of visitors by day and night: across midnights, at equal times, without a session; and two robots."""
    rng = random.Random(seed)
    events = [event for number in range(60) for event in _visits(rng, f"visitor-{number}")]
    events += [event for at in _every(minutes=25, days=(0.4, 3.7)) for event in [_event(rng, at, "robot")]]
    events += [event for at in _every(minutes=30, days=(1.0, 2.0)) for event in [_event(rng, at, "clockwork")]]
    events += [_event(rng, START + timedelta(days=rng.random() * DAYS), rng.choice([None, ""])) for _ in range(200)]
    return events


def _visits(rng: random.Random, visitor: str) -> Iterator[Event]:
    """Some visits of one visitor, most of them around a midnight."""
    for _ in range(3):
        midnight = START + timedelta(days=rng.randrange(1, DAYS))
        at = midnight - timedelta(minutes=rng.choice([20, 90, 700]) * rng.random())
        for _ in range(rng.randrange(1, 14)):
            yield _event(rng, at, visitor)
            at += timedelta(seconds=rng.choice([0, 0, 40, 300, 1800, 1801, 2400]), microseconds=rng.choice([0, 1]))


def _every(minutes: int, days: tuple[float, float]) -> Iterator[datetime]:
    at, end = (START + timedelta(days=day) for day in days)
    while at <= end:
        yield at
        at += timedelta(minutes=minutes)


def _event(rng: random.Random, at: datetime, session: str | None) -> Event:
    kind = rng.choice(KINDS_OF_EVENT)
    amount = rng.choice([None, -5.25, 1e300, round(rng.random() * 300, 2)]) if kind == "purchase" else 7.5
    return Event(at, session, kind, rng.choice(["mobile", "desktop", None]), rng.choice(["US", "DE", None]), amount)


@dataclass
class GoldLake:
    """Tables of one source: Silver is written by the test, Gold by the job."""

    session: SparkSession
    account: Account
    source: Source
    events: list[Event] = field(default_factory=list)
    """What Silver holds."""
    runs: int = 0

    def arrive(self, events: Iterable[Event], hour: datetime = START) -> set[date]:
        """Put events into Silver; the dates that they are of."""
        new = list(events)
        rows = [
            (
                f"evt-{len(self.events) + number}",
                *(
                    event.at.date(),
                    event.at,
                    event.kind,
                    event.session,
                    event.member,
                    event.device,
                    event.country,
                    event.amount,
                ),
                *(hour_text(hour.replace(tzinfo=UTC)), hashlib.md5(repr((number, event)).encode()).hexdigest()),
            )
            for number, event in enumerate(new)
        ]
        self.append(rows, _COLUMNS)
        self.events += new
        return {event.at.date() for event in new}

    def append(self, rows: Iterable[tuple[Any, ...]], columns: str) -> None:
        """Put rows into Silver; its other columns are null."""
        made = self.session.createDataFrame(rows, columns)
        missing = [c for c in self.session.table(self._name("silver")).columns if c not in made.columns]
        made.selectExpr("*", *(f"null as {name}" for name in missing)).writeTo(self._name("silver")).append()

    def build(self, dates: Collection[date]) -> dict[str, Any]:
        """Run the job for some dates; its result document."""
        import silver_to_gold  # type: ignore[import-not-found,unused-ignore]
        from gold_job.plan import Plan  # type: ignore[import-not-found,unused-ignore]

        self.runs += 1
        run = f"{self.source.name}.{self.runs}"
        plan = job_plan(Run(self.place, self.source, run), self.snapshot("silver"), dates)
        self.refresh()
        result: dict[str, Any] = silver_to_gold.run(self.session, Plan.of(plan))
        return result

    def rows(self) -> dict[str, list[tuple[Any, ...]]]:
        """What readers of main see, sorted, as the reference gives it: money in hundredths."""
        daily = "event_date, event_type, device_type, country, event_count, cast(revenue * 100 as bigint)"
        steps = ", ".join(f"{step}_at, {step}_count" for step in STEPS)
        sessions = f"event_date, session_id, started_at, ended_at, event_count, events_after_midnight, \
            cast(revenue * 100 as bigint), steps_reached, {steps}"
        member = "customer_id, first_seen, last_seen, event_count, device, country"
        return {
            "gold_daily": self._select("gold_daily", daily),
            "gold_sessions": self._select("gold_sessions", sessions),
            "facts": self._select("facts", "event_date, at, kind, amount"),
            "members": self._select("members", member),
            "members_days": self._select("members_days", f"event_date, {member}"),
        }

    def wanted(self) -> dict[str, list[tuple[Any, ...]]]:
        """What the reference makes of all events."""
        return {
            "gold_daily": expected_daily(self.events),
            "gold_sessions": expected_sessions(self.events),
            "facts": expected_facts(self.events),
            "members": expected_members(self.events),
            "members_days": expected_member_days(self.events),
        }

    def snapshot(self, kind: str) -> int:
        return self._history(kind)[0].id

    def snapshots(self) -> dict[str, int]:
        """Of each table."""
        return {kind: self.snapshot(kind) for kind in self._kinds}

    def roll_back(self, snapshots: dict[str, int]) -> None:
        """Make the tables that have changed what they were, without a run of the job."""
        self.refresh()
        for kind, snapshot in snapshots.items():
            if self.snapshot(kind) != snapshot:
                name = self._name(kind).removeprefix("glue_catalog.")
                self.session.sql(f"CALL glue_catalog.system.set_current_snapshot('{name}', {snapshot})")

    def summaries(self, kind: str) -> Any:
        return self._history(kind)[0]

    def branches(self) -> dict[str, list[str]]:
        """Those beside main, of the tables of Gold that have any."""
        place = self.place
        found = {
            kind: branches(place.glue, place.s3, place.database, self.source.table(kind))
            for kind in self.source.declared_gold.stored
        }
        return {kind: names for kind, names in found.items() if names}

    def check(self, dates: Collection[date]) -> dict[str, list[DateFinding]]:
        """What the product's SQL finds wrong with some dates, whose dates before are made too."""
        return date_findings(self.source, self.answers(dates), dates)

    def answers(self, dates: Collection[date]) -> dict[str, list[Row]]:
        queries = gold_queries(self.place, self.source, dates, self.snapshots())
        return {name: self.ask(sql) for name, sql in queries.items()}

    def held(self, dates: Collection[date]) -> dict[date, Held]:
        """What the product's SQL counts in Silver."""
        hour = hour_text(START.replace(tzinfo=UTC))
        return fold_held(self.ask(dates_query(self.place, self.source, dates, [hour], self.snapshot("silver"))))

    def ask(self, sql: str) -> list[Row]:
        """The rows of a query, as its CSV would give them."""
        athena = self.account.client("athena")
        execution = athena.start_query_execution(QueryString=sql, WorkGroup=Names.workgroup)["QueryExecutionId"]
        while (status := _status(athena, execution))["State"] in ("QUEUED", "RUNNING"):
            time.sleep(0.05)
        assert status["State"] == "SUCCEEDED", status
        pages = athena.get_paginator("get_query_results").paginate(QueryExecutionId=execution)
        rows = [
            [cell.get("VarCharValue") for cell in row["Data"]] for page in pages for row in page["ResultSet"]["Rows"]
        ]
        return [dict(zip(rows[0], row, strict=True)) for row in rows[1:]] if rows else []

    def refresh(self) -> None:
        """Forget what this long session remembers of the tables; a job's own session is new."""
        for kind in self._kinds:
            self.session.catalog.refreshTable(self._name(kind))

    @property
    def place(self) -> Place:
        client = self.account.client
        return Place(self.account.names, client("s3"), client("glue"), client("cloudwatch"))

    def table(self, kind: str) -> str:
        """A table's name in Athena."""
        return f'"clickstream"."{self.source.table(kind)}"'

    @property
    def _kinds(self) -> tuple[str, ...]:
        return ("silver", *self.source.declared_gold.stored)

    def _history(self, kind: str) -> Any:
        return history(self.place.glue, self.place.s3, "clickstream", self.source.table(kind))

    def _name(self, kind: str) -> str:
        return f"glue_catalog.clickstream.{self.source.table(kind)}"

    def _select(self, kind: str, columns: str) -> list[tuple[Any, ...]]:
        self.refresh()
        rows = self.session.sql(f"select {columns} from {self._name(kind)}").collect()
        return sorted(map(tuple, rows), key=repr)


def _status(athena: Any, execution: str) -> Any:
    return athena.get_query_execution(QueryExecutionId=execution)["QueryExecution"]["Status"]
