"""The judge of one record: parse, filter, contract, in this order, and a reason for whatever is not good.

Deduplication comes after it, among the good ones only: a bad first copy must not kill a good second one.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, NamedTuple

import jsonschema_rs
import orjson

from clickstream.contract.schema import Schema
from clickstream.sources.model import Events, Source

Fate = Literal["good", "filtered", "quarantined", "duplicate"]

CANARY = "canary"
NO_CONSENT = "no_consent"
BAD_JSON = "bad_json"
DUPLICATE_KEY = "duplicate_key"
TIMESTAMP_OUT_OF_RANGE = "timestamp_out_of_range"
TOO_DEEP = "too_deep"

IDENTITY_SEPARATOR = "\x1f"
"""Between the values of which an identity is made; the SQL of the check knows it as `chr(31)`."""
MAX_DEPTH = 200
"""Levels of nesting that every library on the way can read and write."""

_ESCAPED_ASCII = re.compile(rb"\\u00[2-7]")
"""A key may be spelt with escapes: `"event\\u005fid"` is `event_id` to a parser."""


class Judgement(NamedTuple):
    """What became of one record before deduplication.

    Attributes:
        fate: good, filtered or quarantined.
        reason: why it is not good; None for a good one.
        event_id, event_time: of a good record; event_time is UTC without a zone.
        event: of a good record, its JSON.
    """

    fate: Fate
    reason: str | None = None
    event_id: str | None = None
    event_time: datetime | None = None
    event: dict[str, Any] | None = None


class _Pairs(dict[str, Any]):
    """A JSON object that remembers which of its keys stood twice."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        counts = Counter(name for name, _ in pairs) if len(self) < len(pairs) else Counter()
        self.repeated = {name for name, count in counts.items() if count > 1}


class Judge:
    """Judges the records of one source by one version of its contract.

    Args:
        source: the source, for its identity, timestamp, consent and limits.
        schema: the contract.

    Example:
        >>> judge = Judge(source, schema)
        >>> judge(b'{"canary": {"kind": "heartbeat", "id": "h-1"}}', datetime(2026, 11, 18, 13, tzinfo=UTC)).reason
        'canary'
    """

    def __init__(self, source: Source, schema: Schema) -> None:
        events = source.events
        self._validator = jsonschema_rs.validator_for(schema.document, validate_formats=True)
        self._identity = _identity(events)
        self._timestamp = _getter(events.timestamp)
        self._consent = _getter(events.consent) if events.consent else None
        self._explicit_consent = events.explicit_consent
        self._guarded = [path.split(".") for path in (*events.identity, events.timestamp, events.consent) if path]
        self._quoted = [f'"{path[-1]}"'.encode() for path in self._guarded]
        self._late = timedelta(days=events.max_late_days)
        # An object is keyed by its oldest record: what arrived last in it arrived up to an hour and a buffer later.
        self._skew = timedelta(hours=1, minutes=events.max_skew_minutes)
        self._timestamp_path = events.timestamp

    def __call__(self, record: bytes, arrival_hour: datetime) -> Judgement:
        """Judge one raw record.

        Args:
            record: its exact bytes.
            arrival_hour: start of the hour that it arrived in, UTC.
        """
        try:
            event = orjson.loads(record)
        except orjson.JSONDecodeError:
            return Judgement("quarantined", BAD_JSON)
        if record.count(b"{") + record.count(b"[") > MAX_DEPTH and _depth(event) > MAX_DEPTH:
            return Judgement("quarantined", TOO_DEEP)
        if self._may_repeat_a_key(record) and self._repeats_a_key(record):
            return Judgement("quarantined", DUPLICATE_KEY)

        if _is_canary(event):
            return Judgement("filtered", CANARY)
        if self._refuses(event):
            return Judgement("filtered", NO_CONSENT)

        if not self._validator.is_valid(event):
            return Judgement("quarantined", self._failure(event))
        try:
            stamp = datetime.fromisoformat(self._timestamp(event).upper())
        except ValueError:
            # RFC 3339 allows what no calendar of ours holds: the year 0000 and leap seconds.
            return Judgement("quarantined", f"format:{self._timestamp_path}")
        if not arrival_hour - self._late <= stamp <= arrival_hour + self._skew:
            return Judgement("quarantined", TIMESTAMP_OUT_OF_RANGE)
        return Judgement("good", None, self._identity(event), stamp.astimezone(UTC).replace(tzinfo=None), event)

    def _refuses(self, event: object) -> bool:
        if self._consent is None:
            return False
        consent = self._consent(event)
        return consent is False or (self._explicit_consent and consent is not True)

    def _failure(self, event: object) -> str:
        """The contract's code: the keyword that failed and where, such as `required:event_id`."""
        codes = []
        for error in self._validator.iter_errors(event):
            keyword = error.schema_path[-1]
            path = [step if isinstance(step, str) else "[]" for step in error.instance_path]
            if keyword == "required":
                path.append(error.kind.property)  # type: ignore[attr-defined]
            codes.append(f"{keyword}:{'.'.join(path) or '$'}")
        return min(codes)

    def _may_repeat_a_key(self, record: bytes) -> bool:
        for name in self._quoted:
            if record.count(name) > 1:
                return True
        return b"\\u00" in record and _ESCAPED_ASCII.search(record) is not None

    def _repeats_a_key(self, record: bytes) -> bool:
        event = json.loads(record, object_pairs_hook=_Pairs)
        for path in self._guarded:
            node = event
            for step in path:
                if not isinstance(node, _Pairs):
                    break
                if step in node.repeated:
                    return True
                node = node.get(step)
        return False


def _is_canary(event: object) -> bool:
    """`{"canary": {"kind": ..., "id": ...}}` and nothing beside it: an event cannot be hidden by adding the field."""
    if not isinstance(event, dict) or event.keys() != {"canary"}:
        return False
    canary = event["canary"]
    return (
        isinstance(canary, dict)
        and canary.keys() == {"kind", "id"}
        and canary["kind"] in ("provision", "heartbeat")
        and isinstance(canary["id"], str)
    )


def _depth(event: object) -> int:
    """How deep objects and arrays are nested; level by level, for recursion is what is to be avoided."""
    depth, level = 0, [event]
    while level := [item for item in level if isinstance(item, dict | list)]:
        depth += 1
        level = [inner for item in level for inner in (item.values() if isinstance(item, dict) else item)]
    return depth


def _identity(events: Events) -> Callable[[Any], Any]:
    """A reader of an event's identity: a field's value, or the MD5 of several, which are texts or null."""
    getters = [_getter(path) for path in events.identity]
    if len(getters) == 1:
        return getters[0]

    def get(event: Any) -> str:
        values = IDENTITY_SEPARATOR.join(read(event) or "" for read in getters)
        return hashlib.md5(values.encode(), usedforsecurity=False).hexdigest()

    return get


def _getter(path: str) -> Callable[[Any], Any]:
    """A reader of the value at a dotted path; None where the path is not there."""
    steps = path.split(".")

    def get(event: Any) -> Any:
        for step in steps:
            if not isinstance(event, dict):
                return None
            event = event.get(step)
        return event

    return get
