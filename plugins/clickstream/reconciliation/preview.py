"""What a new version of the contract would have done to the records that came, before it is deployed.

Read off Bronze itself: every object that the manifests of proven hours name, each record judged by the contract of its
hour and by the new one. Nothing is written anywhere.
"""

from __future__ import annotations

import multiprocessing
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import boto3
from botocore.exceptions import ClientError

from clickstream.contract.bronze import read_bronze
from clickstream.contract.judge import Judge
from clickstream.contract.schema import Schema
from clickstream.contract.trial import Kind, Turn, turn
from clickstream.lake.place import Place
from clickstream.lake.windows import HOUR, Window, parse_hour
from clickstream.reconciliation.entry import Entry
from clickstream.reconciliation.ledger import Ledger
from clickstream.reconciliation.ledger_index import LedgerIndex
from clickstream.reconciliation.manifest import load_manifest
from clickstream.reconciliation.progress import current_entries, verified_through
from clickstream.sources.model import Source

SAMPLES = 5
"""Records that are named of each day and change."""


class NothingProven(LookupError):
    """No hour of the source is verified: there is nothing whose records are known."""


class ObjectChanged(RuntimeError):
    """An object is gone, or is another one than its manifest knows; the text names it."""


class BronzeObject(NamedTuple):
    """One object of a proven hour."""

    arrival_hour: str
    key: str
    etag: str
    contract: str


class Sample(NamedTuple):
    """One record, by its place.

    Attributes:
        payload: its bytes; None when they were not asked for.
    """

    object: str
    raw_hash: str
    payload: bytes | None


@dataclass
class Turned:
    """The records of one day for which the same changes: how many, and the first of them."""

    records: int = 0
    samples: list[Sample] = field(default_factory=list)

    def add(self, other: Turned) -> None:
        """Put what was found later behind it."""
        self.records += other.records
        self.samples += other.samples[: SAMPLES - len(self.samples)]


@dataclass
class Preview:
    """What a version would have done.

    Attributes:
        window: the arrival hours that were read.
        records: raw records by arrival date.
        turned: what changes, by arrival date and kind of change.
    """

    window: Window
    records: Counter[str] = field(default_factory=Counter)
    turned: dict[tuple[str, Turn], Turned] = field(default_factory=dict)

    def add(self, date: str, records: int, turned: Mapping[Turn, Turned]) -> None:
        """Count the records of one object."""
        self.records[date] += records
        for change, those in turned.items():
            self.turned.setdefault((date, change), Turned()).add(those)

    def count(self, kind: Kind) -> int:
        """Records of all days with this change."""
        return sum(those.records for (_, change), those in self.turned.items() if change.kind == kind)


class Reader:
    """Reads objects of Bronze and judges their records twice.

    Args:
        s3: boto3 client.
        lake: the bucket.
        source: for its identity, timestamp, consent and limits.
        pinned: contracts by version: those that the hours were judged by.
        new: the contract that is tried.
        show: keep the samples' payloads.
    """

    def __init__(
        self, s3: Any, lake: str, source: Source, pinned: Mapping[str, Schema], new: Schema, show: bool
    ) -> None:
        self._s3, self._lake, self._delivery, self._show = s3, lake, source.delivery, show
        self._judges = {version: Judge(source, schema) for version, schema in pinned.items()}
        self._new = Judge(source, new)

    def look(self, stored: BronzeObject) -> tuple[int, dict[Turn, Turned]]:
        """How many records an object has, and what would change for them.

        Raises:
            ObjectChanged: it is not there any more, or not as its manifest has it.
        """
        hour, judge = parse_hour(stored.arrival_hour), self._judges[stored.contract]
        records = 0
        turned: dict[Turn, Turned] = {}
        for record, raw_hash in read_bronze(self._delivery, stored.key, self._body(stored)).records:
            records += 1
            if change := turn(judge(record, hour), self._new(record, hour)):
                those = turned.setdefault(change, Turned())
                those.records += 1
                if len(those.samples) < SAMPLES:
                    those.samples.append(Sample(stored.key, raw_hash, record if self._show else None))
        return records, turned

    def _body(self, stored: BronzeObject) -> bytes:
        try:
            answer = self._s3.get_object(Bucket=self._lake, Key=stored.key, IfMatch=stored.etag)
        except ClientError as error:
            status = error.response["ResponseMetadata"]["HTTPStatusCode"]
            if status not in (404, 412):
                raise
            found = "is gone" if status == 404 else f"is not the one that was counted, whose ETag is {stored.etag}"
            raise ObjectChanged(f"s3://{self._lake}/{stored.key} of hour {stored.arrival_hour} {found}") from error
        body: bytes = answer["Body"].read()
        return body


def proven_entries(place: Place, source: Source, days: int) -> dict[datetime, Entry]:
    """The current entries of the last proven hours: of so many days, up to `verified_through` as the ledger has it.

    Raises:
        LedgerBroken: the evidence does not hold.
        NothingProven: there are none.
    """
    current = current_entries(LedgerIndex(Ledger(place.s3, place.evidence, source.name), place.lake).read())
    reached = verified_through(source.verify_from, current)
    if reached is None:
        raise NothingProven(f"{source.name} has no verified hour yet")
    first = max(source.verify_from, reached + HOUR - timedelta(days=days))
    return {hour: current[hour] for hour in Window(first, reached + HOUR)}


def edited(entries: Iterable[Entry], schemas: Mapping[str, Schema]) -> list[str]:
    """Versions whose file is no longer what hours were judged by.

    Args:
        schemas: contracts by version, as their files are now.
    """
    judged_by = {(entry.contract, entry.contract_digest) for entry in entries if entry.contract}
    return sorted({version for version, digest in judged_by if schemas[version].digest != digest})


def preview(
    place: Place,
    source: Source,
    entries: Mapping[datetime, Entry],
    pinned: Mapping[str, Schema],
    new: Schema,
    *,
    show: bool = False,
    processes: int | None = None,
) -> Preview:
    """Judge what came in some hours by a new version of the contract.

    Args:
        entries: the hours' entries; not empty.
        pinned: the contracts of these hours, by version.
        show: keep the samples' payloads.
        processes: that judge at the same time; None: as many as there are cores.

    Raises:
        ObjectChanged: an object is not as its manifest has it.
    """
    found = Preview(Window(min(entries), max(entries) + HOUR))
    objects = list(_objects(place, entries.values()))
    processes = min(processes or len(os.sched_getaffinity(0)), len(objects))
    if processes <= 1:
        reader = Reader(place.s3, place.lake, source, pinned, new, show)
        looked_at: Iterator[tuple[int, dict[Turn, Turned]]] = map(reader.look, objects)
        return _sum(found, objects, looked_at)
    # A new interpreter each: what boto3 has open must not be shared.
    begin = (place.lake, source, pinned, new, show)
    with ProcessPoolExecutor(processes, multiprocessing.get_context("spawn"), _begin, begin) as pool:
        return _sum(found, objects, pool.map(_look, objects))


def _objects(place: Place, entries: Iterable[Entry]) -> Iterator[BronzeObject]:
    for entry in entries:
        if entry.manifest:
            manifest = load_manifest(place.s3, entry.manifest)
            for counted in manifest.objects:
                yield BronzeObject(entry.arrival_hour, counted.key, counted.etag, manifest.contract)


def _sum(
    found: Preview, objects: Iterable[BronzeObject], looked_at: Iterable[tuple[int, dict[Turn, Turned]]]
) -> Preview:
    for stored, (records, turned) in zip(objects, looked_at, strict=True):
        found.add(stored.arrival_hour[:10], records, turned)
    return found


_reader: Reader
"""Of a process that judges."""


def _begin(lake: str, source: Source, pinned: Mapping[str, Schema], new: Schema, show: bool) -> None:
    global _reader
    _reader = Reader(boto3.client("s3"), lake, source, pinned, new, show)


def _look(stored: BronzeObject) -> tuple[int, dict[Turn, Turned]]:
    return _reader.look(stored)
