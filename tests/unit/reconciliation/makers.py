"""Hours, entries, manifests and listings with what a test does not care about filled in."""

from __future__ import annotations

import gzip
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import cache
from typing import Any

from clickstream.contract.records import raw_hash
from clickstream.lake.listing import StoredObject, hour_prefix
from clickstream.lake.names import Names
from clickstream.lake.place import Place
from clickstream.lake.windows import HOUR, hour_text
from clickstream.reconciliation.entry import Entry, State
from clickstream.reconciliation.fingerprint import Fingerprint
from clickstream.reconciliation.manifest import CountedObject, Manifest
from clickstream.reconciliation.plan import Plan
from clickstream.sources.loader import load_sources
from clickstream.sources.model import Source
from tests.unit.lake.memory_s3 import MemoryS3, etag

START = datetime(2026, 11, 17, tzinfo=UTC)
"""Hour 0 of these tests, and `verify_from` of their source."""
ACCOUNT = "000000000000"


def at(hour: int) -> datetime:
    return START + hour * HOUR


def text(hour: int) -> str:
    return hour_text(at(hour))


@cache
def _shipped() -> Source:
    # A day earlier than it is declared: the tests want two days.
    return load_sources()[0]["retail_web"].model_copy(update={"verify_from": START})


def source(**changes: Any) -> Source:
    """The shipped source, counted at Bronze and Silver only and without Gold, with some fields changed."""
    return _shipped().model_copy(update={"tiers": ("bronze", "silver"), "gold": None, **changes})


def place(s3: Any = None, glue: Any = None, cloudwatch: Any = None) -> Place:
    return Place(Names(ACCOUNT, "us-east-1"), s3, glue, cloudwatch)


def key(hour: int, name: str) -> str:
    return f"{hour_prefix(source().delivery.prefix, at(hour))}{name}.gz"


def packed(*records: bytes) -> bytes:
    """The bytes of an object with these records."""
    return gzip.compress(b"".join(record + b"\n" for record in records), mtime=0)


def counted(
    hour: int, name: str, *records: bytes, unreadable: bool = False, body: bytes | None = None
) -> CountedObject:
    """An object as its manifest knows it."""
    stored = packed(*records) if body is None else body
    return CountedObject(
        key=key(hour, name),
        etag=etag(stored).strip('"'),
        size=len(stored),
        content=fingerprint(records),
        unreadable=unreadable,
    )


def manifest(hour: int, *objects: CountedObject) -> Manifest:
    return Manifest(source="retail_web", arrival_hour=text(hour), contract="1.0.0", objects=objects)


def listed(*objects: CountedObject) -> list[StoredObject]:
    """The listing that has just these objects."""
    return [StoredObject(each.key, each.etag, each.size) for each in objects]


def put(s3: MemoryS3, hour: int, name: str, *records: bytes, body: bytes | None = None) -> None:
    """Lay an object into Bronze."""
    stored = packed(*records) if body is None else body
    s3.put_object(Bucket=place().lake, Key=key(hour, name), Body=stored)


def entry(hour: int, state: State = "verified", **changes: Any) -> Entry:
    known: dict[str, Any] = {"source": "retail_web", "run": "r0", "triggered_by": "test", "checked_at": "then"}
    return Entry(arrival_hour=text(hour), state=state, **{**known, **changes})


def row(**cells: Any) -> dict[str, str | None]:
    """A row as Athena's CSV gives it: texts and None."""
    return {name: None if value is None else str(value) for name, value in cells.items()}


def fingerprint(records: Iterable[bytes]) -> Fingerprint:
    """Fingerprint of some lines."""
    return Fingerprint.of(map(raw_hash, records))


def sums(*records: bytes) -> dict[str, int]:
    """Count and sums of some records, under the names of a query's columns."""
    return dict(zip(("records", "sum_1", "sum_2"), fingerprint(records), strict=True))


def hashes(*records: bytes) -> str:
    """Raw hashes as a query joins them."""
    return "\x1f".join(map(raw_hash, records))


def plan(*hours: int, **changes: Any) -> Plan:
    """A run over a window, with the whole of these tests' time as its span."""
    made = Plan(
        source="retail_web",
        run="r1",
        triggered_by="test",
        window=f"{text(hours[0])}/{text(hours[-1] + 1)}",
        forced=False,
        final=True,
        contract="pinned",
        hours=tuple(map(text, hours)),
        unentered=(),
        ledger_head=9,
        first_hour=text(0),
        last_hour=text(200),
        silver_snapshot=1,
        rejects_snapshot=2,
    )
    return made.model_copy(update=changes)
