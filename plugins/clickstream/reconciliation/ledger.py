"""The ledger: append-only evidence, one object a run, chained by hashes.

Nothing is ever changed in it. A writer that finds its place taken reads the new head and links behind it
(conditional writes: https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html).
"""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import orjson
from botocore.exceptions import ClientError

from clickstream.reconciliation.entry import DateEntry, Entry, Line, MaintenanceEntry

_TAKEN = {"PreconditionFailed", "ConditionalRequestConflict", "412", "409"}
_TRIES = 20

L = TypeVar("L", bound=Line)


class LedgerBroken(RuntimeError):
    """The chain does not hold: a line was changed, removed or put in. Names the object and the line."""


class LedgerBusy(RuntimeError):
    """The head moved each time that a line was to be appended."""


@dataclass(frozen=True)
class Chain(ABC, Generic[L]):
    """A chain of lines of one source.

    Args:
        s3: boto3 client.
        bucket: the evidence bucket.
        source: the source's name.
    """

    s3: Any
    bucket: str
    source: str

    @property
    @abstractmethod
    def folder(self) -> str:
        """Where the chain's objects lie; no other chain's folder begins with it."""

    @abstractmethod
    def parse(self, document: dict[str, Any]) -> L:
        """A line of this chain from its JSON."""

    def read(self) -> list[L]:
        """Every entry, oldest first, with the chain checked.

        Raises:
            LedgerBroken: naming the first object and line at which the chain breaks.
        """
        return self.check(self.bodies(self.versions()))

    def versions(self) -> dict[str, str]:
        """Id of the current version of each object, by key, oldest object first.

        Raises:
            LedgerBroken: an object is hidden by a delete marker.
        """
        pages = self.s3.get_paginator("list_object_versions").paginate(Bucket=self.bucket, Prefix=f"{self.folder}/")
        versions: dict[str, str] = {}
        for page in pages:
            for marker in page.get("DeleteMarkers", ()):
                if marker["IsLatest"]:
                    raise LedgerBroken(f"{marker['Key']}: hidden by a delete marker; its versions are still there")
            versions |= {found["Key"]: found["VersionId"] for found in page.get("Versions", ()) if found["IsLatest"]}
        return versions

    def bodies(self, keys: Iterable[str]) -> dict[str, bytes]:
        """What lies under some keys, in their order."""
        wanted = list(keys)
        with ThreadPoolExecutor(8) as pool:
            return dict(zip(wanted, pool.map(self._body, wanted), strict=True))

    def check(self, bodies: Mapping[str, bytes]) -> list[L]:
        """The entries of all objects, once the chain through them holds.

        Args:
            bodies: content by key, oldest object first.

        Raises:
            LedgerBroken: naming the first object and line at which the chain breaks.
        """
        entries: list[L] = []
        previous = ""
        for sequence, (key, body) in enumerate(bodies.items()):
            if key != self.key(sequence):
                raise LedgerBroken(f"{self.key(sequence)}: missing; the next object is {key}")
            for number, line in enumerate(body.splitlines(), 1):
                entry = self.parse(_checked(line, sequence, previous, f"{key} line {number}"))
                entries.append(entry)
                previous = entry.hash
        return entries

    def append(self, entries: Sequence[L]) -> str:
        """Append the entries of one run as one object.

        Safe to repeat: entries that the same run already appended are not appended again.

        Returns:
            The key of the object that holds them.

        Raises:
            LedgerBroken: the chain does not hold; nothing is written.
            LedgerBusy: others wrote at the same time, again and again.
        """
        for _ in range(_TRIES):
            present = self.read()
            occasions = {entry.occasion: entry.sequence for entry in present}
            if not (missing := [entry for entry in entries if entry.occasion not in occasions]):
                return self.key(max(occasions[entry.occasion] for entry in entries))
            sequence = present[-1].sequence + 1 if present else 0
            previous = present[-1].hash if present else ""
            lines = []
            for entry in missing:
                linked = entry.linked(sequence, previous)
                lines.append(linked.line() + b"\n")
                previous = linked.hash
            try:
                self.s3.put_object(
                    Bucket=self.bucket,
                    Key=self.key(sequence),
                    Body=b"".join(lines),
                    ContentType="application/x-ndjson",
                    IfNoneMatch="*",
                )
            except ClientError as error:
                if error.response["Error"]["Code"] not in _TAKEN:
                    raise
            else:
                return self.key(sequence)
        raise LedgerBusy(f"the head of s3://{self.bucket}/{self.folder}/ moved {_TRIES} times")

    def key(self, sequence: int) -> str:
        """Key of the object with a sequence number."""
        return f"{self.folder}/{sequence:012d}.ndjson"

    def _body(self, key: str) -> bytes:
        body: bytes = self.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read()
        return body


class Ledger(Chain[Entry]):
    """The ledger of one source: a line an arrival hour."""

    @property
    def folder(self) -> str:
        return f"ledger/{self.source}"

    def parse(self, document: dict[str, Any]) -> Entry:
        return Entry.model_validate(document)


class DateLedger(Chain[DateEntry]):
    """The ledger of one source's Gold: a line an event date."""

    @property
    def folder(self) -> str:
        return f"ledger/{self.source}.dates"

    def parse(self, document: dict[str, Any]) -> DateEntry:
        return DateEntry.model_validate(document)


class MaintenanceLedger(Chain[MaintenanceEntry]):
    """The ledger of one source's maintenance: a line an Iceberg table."""

    @property
    def folder(self) -> str:
        return f"ledger/{self.source}.maintenance"

    def parse(self, document: dict[str, Any]) -> MaintenanceEntry:
        return MaintenanceEntry.model_validate(document)


def _checked(line: bytes, sequence: int, previous: str, place: str) -> dict[str, Any]:
    """The JSON of a line whose own hash and link hold."""
    try:
        document: dict[str, Any] = orjson.loads(line)
        claimed = document["hash"]
        bare = orjson.dumps(document | {"hash": ""}, option=orjson.OPT_SORT_KEYS)
        whole = orjson.dumps(document, option=orjson.OPT_SORT_KEYS)
    except (ValueError, KeyError, TypeError) as error:
        raise LedgerBroken(f"{place}: not a line of the ledger: {error}") from error
    if whole != line or hashlib.sha256(bare).hexdigest() != claimed:
        raise LedgerBroken(f"{place}: its content is not what its hash was made of")
    if document["previous"] != previous or document["sequence"] != sequence:
        raise LedgerBroken(f"{place}: it does not follow the line before it")
    return document
