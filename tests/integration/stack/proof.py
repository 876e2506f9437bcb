"""Whole proofs without Airflow: the steps of `clickstream.airflow.proof`, in its order, against a real local cloud.

Only the watermark is not waited for: what a feed sends has been delivered when its sending returns.
"""

import csv
import io
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

import boto3
import httpx
import pytest

from clickstream.lake.names import Names
from clickstream.lake.objects import split_uri
from clickstream.lake.place import Place
from clickstream.lake.queries import Table
from clickstream.lake.snapshots import history
from clickstream.lake.windows import HOUR, Window, hour_text
from clickstream.producer.producer import Producer
from clickstream.producer.receipt import Receipt
from clickstream.producer.sinks import open_sink
from clickstream.provisioning.resource import Cloud
from clickstream.quality.steps import Measure, validate_run
from clickstream.reconciliation.gold.steps import CheckGold, Next, PlanGold, next_of_gold, record_gold
from clickstream.reconciliation.maintenance.steps import CheckMaintenance, plan_maintenance, record_maintenance
from clickstream.reconciliation.plan import make_plan
from clickstream.reconciliation.proposal import Answer
from clickstream.reconciliation.report import source_report
from clickstream.reconciliation.steps import (
    Check,
    CountBronze,
    QueryStep,
    Rows,
    Run,
    Survey,
    Verdict,
    inspect_run,
    propose_waiver,
    reconcile_run,
    record_run,
    repair_run,
)
from clickstream.sources.loader import load_sources
from clickstream.sources.model import Source
from commands.cloud_clock import CloudClock
from commands.setup import set_up
from tests.integration.stack.clouds import running_cloud
from tests.integration.stack.feed import DAYS, HOURS_OF_A_DAY, Feed

QUERY_SECONDS = 120
JOB_SECONDS = 600
FILES_OF_AN_HOUR = 3
"""Times in an hour at which a part of its records is sent: so many objects the hour has at least."""
LATE_MINUTE = timedelta(minutes=50)

Found = TypeVar("Found")
KINDS = ("silver", "rejects")


class QueryFailed(AssertionError):
    """An Athena query did not succeed; the text is Athena's reason."""


class JobFailed(AssertionError):
    """The Glue job run did not succeed; the text has its state and error."""


@dataclass(frozen=True)
class Outcome:
    """What a proof leaves: its verdict, and how the source stands."""

    verdict: Verdict
    report: dict[str, Any]

    @property
    def states(self) -> dict[str, str]:
        """State by arrival hour."""
        return {hour["arrival_hour"]: hour["state"] for hour in self.report["hours"]}


@dataclass(frozen=True)
class Lake:
    """The path of one source on a running local cloud."""

    place: Place
    source: Source
    athena: Any
    control: httpx.Client

    def days(self, first: int = 0, last: int = DAYS - 1) -> Window:
        """The window from one day of the feed to another; both are in it."""
        start = self.source.verify_from
        return Window(start + timedelta(days=first), start + timedelta(days=last + 1))

    def hours(self) -> list[Window]:
        """The feed's arrival hours, one by one."""
        starts = [
            day.start + n * HOUR for day in map(self.days, range(DAYS), range(DAYS)) for n in range(HOURS_OF_A_DAY)
        ]
        return [Window(hour, hour + HOUR) for hour in starts]

    def send(self, feed: Feed) -> None:
        """Let a feed arrive, hour by hour; all of it lies in Bronze when this returns."""
        clock, producer = CloudClock(self.control), Producer(open_sink(self.source))
        for hour, records in sorted(feed.hours.items()):
            for part in range(FILES_OF_AN_HOUR):
                clock.set(hour + timedelta(minutes=5 + 15 * part))
                with self._receipt() as receipt:
                    producer.send(records[part::FILES_OF_AN_HOUR], receipt)
                assert receipt.acknowledged == {hour_text(hour): len(records[part::FILES_OF_AN_HOUR])}
        clock.set_real()

    def send_late(self, feed: Feed) -> None:
        """Let the feed's late object arrive in its first hour."""
        clock = CloudClock(self.control)
        clock.set(feed.start + LATE_MINUTE)
        with self._receipt() as receipt:
            Producer(open_sink(self.source)).send(feed.late, receipt)
        clock.set_real()
        assert receipt.acknowledged == {hour_text(feed.start): len(feed.late)}

    def _receipt(self) -> Receipt:
        return Receipt(self.place.s3, self.place.evidence, self.source.name, "send")

    def arm(self, **fault: Any) -> None:
        """Arm a fault of the local cloud."""
        self.control.post("/_local/faults", json=fault).raise_for_status()

    def armed(self) -> list[dict[str, Any]]:
        """The faults that are armed."""
        faults: list[dict[str, Any]] = self.control.get("/_local/faults").json()["faults"]
        return faults

    def begin(
        self, window: Window, *, forced: bool = False, final: bool = True, latest: bool = False, waive: str = ""
    ) -> tuple[Run, str]:
        """A new run up to its job: the run, and what comes next (process, check or record).

        Args:
            final: prove the hours; else count them.
            latest: judge by the newest contract.
            waive: why people are asked to accept what is lost.
        """
        run = Run(self.place, self.source, f"test.{uuid4().hex}")
        plan = make_plan(
            self.place,
            self.source,
            window,
            run=run.run,
            triggered_by="test",
            forced=forced,
            final=final,
            contract="latest" if latest else "pinned",
            waive=waive,
        )
        run.write("plan", plan.model_dump(mode="json"))
        self._ask_for(run, Survey())
        following = inspect_run(run)
        if following == "process":
            repair_run(run)
            self._ask_for(run, CountBronze())
        return run, following

    def run_job(self, run: Run, name: str = "bronze_to_silver", plan_step: str = "job") -> None:
        """A job of the run.

        Args:
            plan_step: what the plan file of the job is called.

        Raises:
            JobFailed: it did not succeed.
        """
        job, glue = f"{self.source.name}__{name}", self.place.glue
        plan = self.place.run_uri(self.source.name, run.run, plan_step)
        started = glue.start_job_run(JobName=job, Arguments={"--plan": plan})["JobRunId"]

        def ended() -> dict[str, Any] | None:
            found: dict[str, Any] = glue.get_job_run(JobName=job, RunId=started)["JobRun"]
            return None if found["JobRunState"] in {"STARTING", "RUNNING", "STOPPING"} else found

        end = _wait(ended, JOB_SECONDS)
        if end["JobRunState"] != "SUCCEEDED":
            raise JobFailed(f"{end['JobRunState']}: {end.get('ErrorMessage')}")

    def conclude(self, run: Run, following: str, approved_by: str | None = None) -> Outcome:
        """The run from its check on.

        Args:
            approved_by: who approves the waiver that the run asks for.
        """
        if following != "record":
            self._ask_for(run, Check())
            reconcile_run(run)
        answer = Answer(approved_by, "2026-11-21T09:00:00Z", propose_waiver(run).digest) if approved_by else None
        return Outcome(record_run(run, answer), source_report(self.place, self.source))

    def waive(self, window: Window, reason: str) -> Outcome:
        """A run over a window whose waiver is approved."""
        run, following = self.begin(window, waive=reason)
        return self.conclude(run, following, approved_by="maria")

    def prove(self, window: Window, *, forced: bool = False, final: bool = True, latest: bool = False) -> Outcome:
        """One whole run over a window."""
        run, following = self.begin(window, forced=forced, final=final, latest=latest)
        if following == "process":
            self.run_job(run)
        return self.conclude(run, following)

    def plan_gold(self, run: Run) -> Next:
        """Plan Gold in a run whose hours are proven; what comes next."""
        self._ask_for(run, PlanGold())
        return next_of_gold(run)

    def build_gold(self, run: Run) -> None:
        """The run's job of Gold.

        Raises:
            JobFailed: it did not succeed.
        """
        self.run_job(run, "silver_to_gold", "gold_job")

    def conclude_gold(self, run: Run) -> Outcome:
        """Gold of the run from its check on."""
        self._ask_for(run, CheckGold())
        return Outcome(record_gold(run), source_report(self.place, self.source))

    def judge(self, run: Run) -> Verdict:
        """The data of a run that is recorded, held against the expectations of their source."""
        self._ask_for(run, Measure())
        return validate_run(run)

    def settle(self, window: Window, *, forced: bool = False) -> Outcome:
        """One whole run over a window, and its Gold."""
        run, following = self.begin(window, forced=forced)
        if following == "process":
            self.run_job(run)
        self.conclude(run, following)
        if self.plan_gold(run) == "build":
            self.build_gold(run)
        return self.conclude_gold(run)

    def plan_maintenance(self, now: datetime) -> Run:
        """A new maintenance, at some time by the clock."""
        run = Run(self.place, self.source, f"test.{uuid4().hex}")
        plan_maintenance(run, triggered_by="test", now=now)
        return run

    def conclude_maintenance(self, run: Run) -> Verdict:
        """A maintenance from its job on.

        Raises:
            JobFailed: the job did not succeed.
        """
        self.run_job(run, "lake_maintenance", "maintenance_job")
        self._ask_for(run, CheckMaintenance())
        return record_maintenance(run)

    def rows(self, kinds: Iterable[str] = KINDS) -> dict[str, list[str]]:
        """What readers see of some tables, Silver and rejects by default: all rows, as Athena writes them, sorted."""
        return {kind: self.rows_of(kind) for kind in kinds}

    def rows_of(self, kind: str, snapshot: int | None = None) -> list[str]:
        """The same of one table; of main, or of a snapshot."""
        version = f" FOR VERSION AS OF {snapshot}" if snapshot else ""
        _, *lines = self._ask(f"SELECT * FROM {self.table(kind)}{version}").splitlines()
        return sorted(lines)

    def table(self, kind: str) -> Table:
        return Table(self.place.database, self.source.table(kind))

    def versions(self, kind: str) -> list[int]:
        """The snapshots that main of a table has had, newest first."""
        return [s.id for s in history(self.place.glue, self.place.s3, self.place.database, self.source.table(kind))]

    def branches(self) -> list[str]:
        """Names of all branches of both tables beside main."""
        tables = [self.source.table(kind) for kind in KINDS]
        answers = [self.select(f'SELECT name FROM "{self.place.database}"."{table}$refs"') for table in tables]
        return [row["name"] or "" for rows in answers for row in rows if row["name"] != "main"]

    def select(self, sql: str) -> Rows:
        """The rows of one query."""
        answer = csv.DictReader(io.StringIO(self._ask(sql)))
        return [{name: value or None for name, value in row.items()} for row in answer]

    def _ask(self, sql: str) -> str:
        """Athena's answer as it lies in S3."""
        bucket, key = split_uri(self.change(sql)["ResultConfiguration"]["OutputLocation"])
        text: str = self.place.s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode()
        return text

    def change(self, sql: str) -> dict[str, Any]:
        """Let Athena carry out a statement, as somebody else might; its execution.

        Raises:
            QueryFailed: it did not succeed.
        """
        execution = self.athena.start_query_execution(QueryString=sql, WorkGroup=Names.workgroup)["QueryExecutionId"]

        def ended() -> dict[str, Any] | None:
            found: dict[str, Any] = self.athena.get_query_execution(QueryExecutionId=execution)["QueryExecution"]
            return None if found["Status"]["State"] in {"QUEUED", "RUNNING"} else found

        end = _wait(ended, QUERY_SECONDS)
        if end["Status"]["State"] != "SUCCEEDED":
            raise QueryFailed(end["Status"]["StateChangeReason"])
        return end

    def _ask_for(self, run: Run, step: QueryStep) -> None:
        try:
            answers = {name: self.select(sql) for name, sql in step.queries(run).items()}
        except QueryFailed as failure:
            if not step.recover(run, str(failure)):
                raise
            self._ask_for(run, step)
        else:
            step.conclude(run, answers)


@contextmanager
def lake_on(state: Path, declared: Source | None = None) -> Iterator[Lake]:
    """The path of a source, retail_web by default, on a local cloud with this state folder; ended in good order."""
    with running_cloud(state) as variables, pytest.MonkeyPatch.context() as environment:
        for name, value in variables.items():
            environment.setenv(name, value)
        session = boto3.Session()
        source = declared or load_sources()[0]["retail_web"]
        set_up([source], Cloud.of(session))
        # A move of the clock answers when everything due on the way has been delivered.
        with httpx.Client(base_url=variables["AWS_ENDPOINT_URL"], timeout=120, trust_env=False) as control:
            yield Lake(Place.of(session), source, session.client("athena"), control)


def _wait(look: Callable[[], Found | None], seconds: float) -> Found:
    deadline = time.monotonic() + seconds
    while (found := look()) is None:
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.1)
    return found
