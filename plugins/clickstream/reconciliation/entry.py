"""One line of the ledger."""

from __future__ import annotations

import hashlib
from typing import Literal

import orjson
from pydantic import BaseModel, ConfigDict

from clickstream.reconciliation.fingerprint import Fingerprint

SCHEMA_VERSION = 1

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


class Entry(BaseModel):
    """What one run found of one arrival hour. No ids and no payloads: those must stay erasable."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: int = SCHEMA_VERSION
    sequence: int = 0
    source: str
    arrival_hour: str
    state: State
    tiers: Tiers = Tiers()
    producer_unknown: int = 0
    fates: dict[str, int] = {}
    reasons: dict[str, int] = {}
    event_dates: dict[str, int] = {}
    """Good records by event date."""
    bronze: Fingerprint = Fingerprint()
    silver: Fingerprint = Fingerprint()
    rejects: Fingerprint = Fingerprint()
    largest_object: int = 0
    """Records of the hour's largest object: what one buffer can hold over into the next hour."""
    manifest: str | None = None
    """Uri of the manifest."""
    listing: str | None = None
    """Digest of the live listing when the hour was checked."""
    silver_snapshot: int | None = None
    rejects_snapshot: int | None = None
    contract: str | None = None
    contract_digest: str | None = None
    code_digest: str | None = None
    causes: tuple[str, ...] = ()
    """Codes of the findings, each once; empty when the hour passed without any."""
    findings: str | None = None
    """Uri of the findings, with ids and objects; they expire, this line does not."""
    run: str
    """The run that wrote the line: DAG run and clear number."""
    triggered_by: str
    checked_at: str
    previous: str = ""
    """Hash of the line before this one; empty for the first."""
    hash: str = ""

    def linked(self, sequence: int, previous: str) -> Entry:
        """This entry at a place of the chain, with its own hash."""
        placed = self.model_copy(update={"sequence": sequence, "previous": previous, "hash": ""})
        return placed.model_copy(update={"hash": hashlib.sha256(placed.line()).hexdigest()})

    def line(self) -> bytes:
        """The entry as it is kept, without line end: JSON with sorted keys."""
        return orjson.dumps(self.model_dump(mode="json"), option=orjson.OPT_SORT_KEYS)
