"""One line of a ledger: what every line has, and what a run found of one arrival hour, or of one event date."""

from __future__ import annotations

import hashlib
from typing import Literal, Self

import orjson
from pydantic import BaseModel, ConfigDict

from clickstream.reconciliation.fingerprint import Fingerprint
from clickstream.reconciliation.waiver import Waiver

SCHEMA_VERSION = 2
"""2: an hour's line has its waivers."""

State = Literal["open", "provisional", "verified", "excepted", "failed", "late_change"]
PASSED: frozenset[State] = frozenset({"verified", "excepted"})


class Tiers(BaseModel):
    """Records of one arrival hour at each tier; None where the source does not count it.

    `bronze` holds every raw record, `silver` the good ones.
    """

    model_config = ConfigDict(frozen=True)

    producer: int | None = None
    stream: int | None = None
    delivery: int | None = None
    bronze: int | None = None
    silver: int | None = None


class Line(BaseModel):
    """What every line has. No ids and no payloads: those must stay erasable."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: int = SCHEMA_VERSION
    sequence: int = 0
    source: str
    state: str
    silver_snapshot: int | None = None
    causes: tuple[str, ...] = ()
    """Codes of the findings, each once; empty when there are none."""
    findings: str | None = None
    """Uri of the findings, with ids and objects; they expire, this line does not."""
    run: str
    """The run that wrote the line: DAG run and clear number."""
    triggered_by: str
    checked_at: str
    previous: str = ""
    """Hash of the line before this one; empty for the first."""
    hash: str = ""

    @property
    def occasion(self) -> tuple[object, ...]:
        """What makes two lines the same statement: all but the place in the chain and the time of day."""
        return self.run, self.state, self.causes, self.silver_snapshot

    def linked(self, sequence: int, previous: str) -> Self:
        """This line at a place of the chain, with its own hash."""
        placed = self.model_copy(update={"sequence": sequence, "previous": previous, "hash": ""})
        return placed.model_copy(update={"hash": hashlib.sha256(placed.line()).hexdigest()})

    def line(self) -> bytes:
        """The line as it is kept, without line end: JSON with sorted keys."""
        return orjson.dumps(self.model_dump(mode="json"), option=orjson.OPT_SORT_KEYS)


class Entry(Line):
    """What one run found of one arrival hour."""

    state: State
    arrival_hour: str
    tiers: Tiers = Tiers()
    producer_unknown: int = 0
    fates: dict[str, int] = {}
    reasons: dict[str, int] = {}
    event_dates: dict[str, int] = {}
    """Good records by event date."""
    bronze: Fingerprint = Fingerprint()
    silver: Fingerprint = Fingerprint()
    """Good records in Silver."""
    rejects: Fingerprint = Fingerprint()
    largest_object: int = 0
    """Records of the hour's largest object: what one buffer can hold over into the next hour."""
    manifest: str | None = None
    """Uri of the manifest."""
    listing: str | None = None
    """Digest of the live listing when the hour was checked."""
    rejects_snapshot: int | None = None
    contract: str | None = None
    contract_digest: str | None = None
    code_digest: str | None = None
    waivers: tuple[Waiver, ...] = ()
    """What people have accepted of the hour and is still so."""

    @property
    def occasion(self) -> tuple[object, ...]:
        return *super().occasion, self.arrival_hour, self.rejects_snapshot


class DateEntry(Line):
    """What one run found of one event date in Gold."""

    state: State
    event_date: str
    silver: Fingerprint = Fingerprint()
    """What Silver held of the date."""
    declaration: str
    """Digest of what the source declared as its Gold: made by another declaration, a date is out of date."""
    without_session: int = 0
    """Good records that belong to no session: they are in the daily table only."""
    gold: dict[str, int] = {}
    """Good records that each table of Gold accounts for, by its kind: `gold_daily`, `gold_sessions`. Of a funnel these
    are sessions."""
    sessions: int = 0
    """Sessions that started on the date."""
    revenue_cents: int = 0
    """Hundredths of revenue of the date's events."""
    gold_snapshots: dict[str, int | None] = {}
    """Iceberg snapshots of Gold that were checked, by kind of table."""
    code_digest: str | None = None

    @property
    def occasion(self) -> tuple[object, ...]:
        return *super().occasion, self.event_date, *sorted(self.gold_snapshots.items())


class MaintenanceEntry(Line):
    """What one run did to one Iceberg table without changing its rows."""

    state: State
    table: str
    """Kind of the table."""
    since: str
    until: str
    """Partitions from the one value until before the other were compacted."""
    before: int
    after: int
    """The snapshots of main that were compared."""
    snapshots: tuple[int, ...] = ()
    """Those that maintenance made from the one to the other. When the line is verified, they changed no row."""
    rows: int = 0
    """Rows of these partitions; 0 also when there was nothing to compact, and so to compare."""
    lost: int = 0
    made_up: int = 0
    """Rows that only the snapshot before, or only the one after has."""
    files: tuple[int, int]
    bytes: tuple[int, int]
    """Of the data files of the whole table, before and after, as the job counted them."""
    snapshots_expired: int
    orphans_removed: int
    code_digest: str | None = None

    @property
    def occasion(self) -> tuple[object, ...]:
        return *super().occasion, self.table, self.before, self.after
