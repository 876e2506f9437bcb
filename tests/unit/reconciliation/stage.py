"""The steps of a run on a platform in memory: Bronze is real bytes; Athena, the job and the catalog are a few lines.

A record is `<event id> <anything>`; one that begins with `bad` is broken, one with `@<date>` in it is of that event
date and not of its hour's. They stand in for the SQL and the Spark job,
which have tests of their own: what is shown here is what the steps make of their answers.
"""

from __future__ import annotations

import gzip
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson

from clickstream.contract.records import raw_hash, read_object
from clickstream.lake.objects import read_json, write_json
from clickstream.lake.windows import Window
from clickstream.producer.receipt import Receipt
from clickstream.reconciliation.entry import Entry
from clickstream.reconciliation.ledger import Ledger
from clickstream.reconciliation.plan import make_plan
from clickstream.reconciliation.progress import current_entries
from clickstream.reconciliation.proposal import Answer
from clickstream.reconciliation.steps import (
    Check,
    CountBronze,
    QueryStep,
    Run,
    Survey,
    Verdict,
    inspect_run,
    propose_waiver,
    reconcile_run,
    record_run,
    repair_run,
)
from clickstream.sources.model import Source
from tests.unit.lake.memory_s3 import MemoryS3
from tests.unit.reconciliation.makers import at, hashes, key, place, put, row, source, sums

KINDS = ("silver", "rejects")
SCHEMAS = [{"schema-id": 0, "fields": [{"name": "record"}]}]
"""Of every table, as a metadata file has them."""


@dataclass(frozen=True)
class Placed:
    """A row of Silver (fate good) or rejects."""

    hour: str
    object: str
    record: bytes
    fate: str = "good"
    reason: str | None = None
    winner: Placed | None = None

    @property
    def event_date(self) -> str:
        found = re.search(rb"@(\S+)", self.record)
        return found[1].decode() if found else self.hour[:10]

    @property
    def event_id(self) -> str | None:
        return self.record.split()[0].decode() if self.fate in ("good", "duplicate") else None


@dataclass(frozen=True)
class Snapshot:
    id: int
    rows: tuple[Placed, ...]
    run: str | None = None
    hours: tuple[str, ...] = ()


class AthenaFailed(Exception):
    """A query that failed; its text is Athena's reason."""


class Stage:
    """One source and everything it needs, and runs over it."""

    def __init__(self, declared: Source | None = None) -> None:
        self.source = declared or source()
        self.s3 = MemoryS3()
        self.tables: dict[str, list[Snapshot]] = {kind: [] for kind in KINDS}
        self.registered: dict[str, set[str]] = defaultdict(set)
        """Hours with a partition, by table."""
        self.described = {*KINDS}
        """Kinds of table that have a metadata file."""
        self.jobs = 0
        self.statements: dict[str, str] = {}
        self.streamed: Mapping[int, int] = {}
        self._raw: dict[str, list[tuple[str, bytes]]] = {}
        self._numbers = iter(range(100, 10_000))
        self.place = place(self.s3, Catalog(self), Metrics(self))
        for kind in KINDS:
            self.describe(kind)

    # Bronze

    def put(self, hour: int, name: str, *records: bytes, body: bytes | None = None) -> None:
        put(self.s3, hour, name, *records, body=body)

    def lose(self, hour: int, name: str) -> None:
        self.s3.delete_object(Bucket=self.place.lake, Key=key(hour, name))

    def objects(self, hours: set[str]) -> Iterator[tuple[str, str, bytes]]:
        """Hour, key and bytes of what Athena sees: registered partitions only."""
        for (bucket, name), body in self.s3.objects.items():
            found = re.search(r"year=(\d+)/month=(\d+)/day=(\d+)/hour=(\d+)/", name)
            if found and bucket == self.place.lake:
                hour = _hour(found.groups())
                if hour in hours & self.partitions:
                    yield hour, name, body

    @property
    def partitions(self) -> set[str]:
        """Hours of Bronze that Athena sees."""
        return self.registered[self.source.table("bronze_text")]

    # The producer

    def acknowledge(self, hour: int, *records: bytes) -> None:
        """The producer was promised these records in that hour."""
        with Receipt(self.s3, self.place.evidence, self.source.name, "send") as receipt:
            receipt.acknowledge([raw_hash(record) for record in records], at(hour))

    # Silver and rejects

    def rows(self, kind: str, snapshot: int | None = None) -> tuple[Placed, ...]:
        """Of the newest snapshot, or of one by its number."""
        lineage = self.tables[kind]
        return next((s.rows for s in reversed(lineage) if snapshot in (None, s.id)), ())

    def commit(self, kind: str, rows: tuple[Placed, ...], run: str | None = None, hours: tuple[str, ...] = ()) -> int:
        """A new snapshot; without a run it is somebody else's."""
        made = Snapshot(next(self._numbers), rows, run, hours)
        self.tables[kind].append(made)
        self.describe(kind)
        return made.id

    def describe(self, kind: str) -> None:
        """Write the metadata file that speaks of the snapshots there are."""
        lineage = self.tables[kind]
        snapshots = []
        for parent, made in zip([None, *lineage], lineage, strict=False):
            ours = {"clickstream.run-id": made.run, "clickstream.hours": ",".join(made.hours)} if made.run else {}
            link = {"parent-snapshot-id": parent.id} if parent else {}
            summary = {"operation": "overwrite", **ours}
            snapshots.append({"snapshot-id": made.id, "schema-id": 0, "summary": summary, **link})
        refs = {"main": {"snapshot-id": lineage[-1].id, "type": "branch"}} if lineage else {}
        write_json(self.s3, self.metadata(kind), {"snapshots": snapshots, "refs": refs, "schemas": SCHEMAS})

    def metadata(self, kind: str) -> str:
        return f"s3://{self.place.lake}/silver/{kind}/metadata.json"

    # The job

    def job(self, run: str) -> None:
        """Judge the plan's hours, replace them and every other hour whose fates that changes, leave the result."""
        self.jobs += 1
        plan = read_json(self.s3, self.place.run_uri(self.source.name, run, "job"))
        before = _judged(self._raw)
        for hour in plan["hours"]:
            self._raw[hour["arrival_hour"]] = [
                (stored["key"], record)
                for stored in hour["objects"]
                for record in read_object(stored["key"], self.s3.objects[self.place.lake, stored["key"]]).records
            ]
        after = _judged(self._raw)
        joined = {hour for hour in after if before.get(hour) != after[hour]}
        hours = tuple(sorted(joined | {hour["arrival_hour"] for hour in plan["hours"]}))
        result: dict[str, Any] = {"hours": hours}
        for kind in reversed(KINDS):
            kept = [placed for placed in self.rows(kind) if placed.hour not in hours]
            fresh = [p for hour in hours for p in after.get(hour, ()) if (p.fate == "good") == (kind == "silver")]
            result[f"{kind}_snapshot"] = self.commit(kind, (*kept, *fresh), run, hours)
        write_json(self.s3, plan["result"], result)

    # A run

    def prove(
        self,
        first: int,
        last: int,
        run: str,
        *,
        forced: bool = False,
        final: bool = True,
        waive: str = "",
        before: Mapping[str, Callable[[], None]] | None = None,
        until: str | None = None,
    ) -> Verdict | None:
        """A run over the hours from first to last.

        Args:
            waive: why somebody approves the waiver that is proposed before the run's record.
            before: what happens just before a step: survey, inspect, repair, count, job, check, reconcile, record.
            until: the step before which the run is killed; there is no verdict then.
        """
        happenings = dict(before or {})

        def reached(step: str) -> bool:
            happenings.pop(step, lambda: None)()
            return step != until

        window = Window(at(first), at(last + 1))
        plan = make_plan(
            self.place, self.source, window, run=run, triggered_by="test", forced=forced, final=final, waive=waive
        )
        self.run(run).write("plan", plan.model_dump(mode="json"))
        following: Any = "process"
        steps: list[tuple[str, Callable[[], Any]]] = [
            ("survey", lambda: self.ask(run, Survey())),
            ("inspect", lambda: inspect_run(self.run(run))),
            ("repair", lambda: repair_run(self.run(run))),
            ("count", lambda: self.ask(run, CountBronze())),
            ("job", lambda: self.job(run)),
            ("check", lambda: self.ask(run, Check())),
            ("reconcile", lambda: reconcile_run(self.run(run))),
        ]
        skipped = {"process": set(), "check": {"repair", "count", "job"}}
        skipped["record"] = {*skipped["check"], "check", "reconcile"}
        for step, take in steps:
            if step in skipped[following]:
                continue
            if not reached(step):
                return None
            answer = take()
            following = answer if step == "inspect" else following
        asked = propose_waiver(self.run(run)) if waive else None
        answer = Answer(by="maria", at="2026-11-21T09:00:00+00:00", digest=asked.digest) if asked else None
        return record_run(self.run(run), answer) if reached("record") else None

    def run(self, run: str) -> Run:
        """The run as its next step opens it."""
        return Run(self.place, self.source, run)

    def ask(self, run: str, step: QueryStep) -> None:
        """Take a step's queries to Athena, as often as it asks."""
        while queries := step.queries(self.run(run)):
            self.statements.update(queries)
            try:
                answers = {name: self._answer(name, sql) for name, sql in queries.items()}
            except AthenaFailed as failure:
                if not step.recover(self.run(run), str(failure)):
                    raise
            else:
                step.conclude(self.run(run), answers)
                return
        step.conclude(self.run(run), {})

    # Athena

    def _answer(self, name: str, sql: str) -> list[dict[str, str | None]]:
        hours = set(re.findall(r"'(\d{4}-\d\d-\d\dT\d\d:00:00Z)'", sql))
        excluded = set(re.findall(r"'s3://[^/']+/([^']+)'", sql))
        pinned = set(re.findall(r'_(silver|rejects)" FOR VERSION AS OF (\d+)', sql))
        rows = [placed for kind, snapshot in sorted(pinned) for placed in self.rows(kind, int(snapshot))]
        if name in ("fates", "before", "after"):
            return [*_fates([placed for placed in rows if min(hours) <= placed.hour <= max(hours)])]
        if name == "witnesses":
            return [*_witnesses(rows, hours)]
        bronze: dict[tuple[str, str], list[bytes]] = {}
        for hour, stored, body in self.objects(hours):
            if stored not in excluded:
                content = read_object(stored, body)
                if content.unreadable:
                    raise AthenaFailed(f"HIVE_CURSOR_ERROR: Failed to read file at s3://{self.place.lake}/{stored}")
                bronze[hour, stored] = content.records
        if name == "receipts":
            return [*_missing(self._promised(sql), rows, bronze)]
        if name == "manifest":
            return [row(path=f"s3://{self.place.lake}/{k}", **sums(*r)) for (_, k), r in bronze.items() if r]
        return [*_identity(bronze, [placed for placed in rows if placed.hour in hours])]

    def _promised(self, sql: str) -> Counter[tuple[str, str]]:
        """Hours and raw hashes of the registered receipts that a query asks for."""
        asked = re.search(r"IN \(([^)]*)\) AND raw_hash", sql)
        hours = set(re.findall(r"'([^']+)'", asked[1])) if asked else set()
        promised: Counter[tuple[str, str]] = Counter()
        for (bucket, name), body in self.s3.objects.items():
            found = re.search(r"/hashes/year=(\d+)/month=(\d+)/day=(\d+)/hour=(\d+)/", name)
            hour = _hour(found.groups()) if found else ""
            if bucket == self.place.evidence and hour in hours & self.registered[self.source.table("receipts")]:
                promised.update((hour, line) for line in gzip.decompress(body).decode().split())
        return promised

    # What it came to

    @property
    def entries(self) -> list[Entry]:
        return Ledger(self.s3, self.place.evidence, self.source.name).read()

    @property
    def states(self) -> dict[int, str]:
        """State by hour, as the ledger has it."""
        return {
            int((hour - at(0)).total_seconds() // 3600): e.state for hour, e in current_entries(self.entries).items()
        }

    def entry(self, hour: int) -> Entry:
        return current_entries(self.entries)[at(hour)]

    def findings(self, hour: int) -> list[dict[str, Any]]:
        """What the hour's current entry names as its findings."""
        uri = self.entry(hour).findings
        return orjson.loads(orjson.dumps(read_json(self.s3, uri))) if uri else []


def _hour(values: Sequence[str]) -> str:
    """The arrival hour of a partition's values."""
    return "{}-{}-{}T{}:00:00Z".format(*values)


def _judged(raw: Mapping[str, list[tuple[str, bytes]]]) -> dict[str, list[Placed]]:
    """Each hour's rows: the earliest copy of an id is good."""
    winners: dict[str, Placed] = {}
    judged: dict[str, list[Placed]] = {hour: [] for hour in raw}
    for hour, stored, record in sorted((h, k, r) for h, held in raw.items() for k, r in held):
        placed = Placed(hour, stored, record)
        if record.startswith(b"bad"):
            placed = replace(placed, fate="quarantined", reason="bad_json")
        elif winner := winners.get(placed.event_id or ""):
            reason = "exact" if winner.record == record else "conflict"
            placed = replace(placed, fate="duplicate", reason=reason, winner=winner)
        else:
            winners[placed.event_id or ""] = placed
        judged[hour].append(placed)
    return judged


def _fates(rows: list[Placed]) -> Iterator[dict[str, str | None]]:
    groups: dict[tuple[str, str, str | None, str | None], list[bytes]] = defaultdict(list)
    for placed in rows:
        date = placed.event_date if placed.fate in ("good", "duplicate") else None
        groups[placed.hour, placed.fate, placed.reason, date].append(placed.record)
    for (hour, fate, reason, date), records in groups.items():
        yield row(arrival_hour=hour, fate=fate, reason=reason, event_date=date, **sums(*records))


def _witnesses(rows: list[Placed], hours: set[str]) -> Iterator[dict[str, str | None]]:
    good = {(p.hour, p.object, p.record, p.event_id) for p in rows if p.fate == "good"}
    for placed in rows:
        winner = placed.winner
        named = (winner.hour, winner.object, winner.record, placed.event_id) if winner else None
        if placed.fate == "duplicate" and placed.hour in hours and named not in good:
            yield row(arrival_hour=placed.hour, offence="winner_missing", records=1, event_ids=placed.event_id)


def _identity(bronze: Mapping[tuple[str, str], list[bytes]], rows: list[Placed]) -> Iterator[dict[str, str | None]]:
    lake: dict[tuple[str, str], list[bytes]] = defaultdict(list)
    for placed in rows:
        lake[placed.hour, placed.object].append(placed.record)
    for hour, stored in sorted({*bronze, *lake}):
        here, there = bronze.get((hour, stored), []), lake.get((hour, stored), [])
        differing = [*((Counter(here) - Counter(there)) + (Counter(there) - Counter(here)))]
        yield row(
            arrival_hour=hour,
            object_id=stored,
            **{f"bronze_{name}": value for name, value in sums(*here).items()},
            **{f"lake_{name}": value for name, value in sums(*there).items()},
            unaccounted=len(differing),
            unaccounted_hashes=hashes(*differing),
            unaccounted_ids="",
            other_ids=0,
            other_consents=0,
        )


def _missing(
    promised: Counter[tuple[str, str]], rows: list[Placed], bronze: Mapping[tuple[str, str], list[bytes]]
) -> Iterator[dict[str, str | None]]:
    processed = {placed.hour for placed in rows}
    held = Counter(raw_hash(placed.record) for placed in rows)
    held.update(raw_hash(r) for (hour, _), records in bronze.items() if hour not in processed for r in records)
    missing: dict[str, Counter[str]] = defaultdict(Counter)
    for (hour, promise), copies in promised.items():
        if held[promise] < copies:
            missing[hour][promise] = copies - held[promise]
    for hour, promises in missing.items():
        yield row(arrival_hour=hour, records=promises.total(), raw_hashes="\x1f".join(promises))


class Catalog:
    """Glue, as far as it is asked."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage

    def get_table(self, *, DatabaseName: str, Name: str) -> Any:  # noqa: N803
        kind = Name.removeprefix(f"{self.stage.source.name}_")
        parameters = {"metadata_location": self.stage.metadata(kind)} if kind in self.stage.described else {}
        return {"Table": {"Name": Name, "Parameters": parameters, "StorageDescriptor": {}}}

    def get_paginator(self, operation: str) -> Catalog:
        return self

    def paginate(self, *, TableName: str, Expression: str, **_: Any) -> Iterator[dict[str, Any]]:  # noqa: N803
        day = "-".join(re.findall(r"'(\d+)'", Expression))
        there = self.stage.registered[TableName]
        yield {"Partitions": [{"Values": re.split("[-T:]", hour)[:4]} for hour in there if hour.startswith(day)]}

    def batch_create_partition(self, *, TableName: str, PartitionInputList: list[Any], **_: Any) -> Any:  # noqa: N803
        self.stage.registered[TableName] |= {_hour(each["Values"]) for each in PartitionInputList}
        return {}

    def batch_delete_partition(self, *, TableName: str, PartitionsToDelete: list[Any], **_: Any) -> Any:  # noqa: N803
        self.stage.registered[TableName] -= {_hour(each["Values"]) for each in PartitionsToDelete}
        return {}

    def get_job(self, *, JobName: str) -> Any:  # noqa: N803
        return {"Job": {"Name": JobName, "Command": {"ScriptLocation": "s3://lake/code/abc/bronze_to_silver.py"}}}


class Metrics:
    """CloudWatch, which knows what the stream took, and is told what quality came to."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.put: list[tuple[dict[str, str], int]] = []

    def put_metric_data(self, *, Namespace: str, MetricData: list[dict[str, Any]]) -> None:  # noqa: N803
        for datum in MetricData:
            assert (Namespace, datum["MetricName"]) == ("Clickstream/Quality", "ExpectationsFailed")
            self.put.append(({each["Name"]: each["Value"] for each in datum["Dimensions"]}, datum["Value"]))

    def get_paginator(self, operation: str) -> Metrics:
        return self

    def paginate(self, **_: Any) -> Iterator[dict[str, Any]]:
        hours = self.stage.streamed
        yield {
            "MetricDataResults": [
                {"Id": "stream", "Timestamps": [at(h) for h in hours], "Values": [float(n) for n in hours.values()]},
                {"Id": "delivery", "Timestamps": [], "Values": []},
            ]
        }
