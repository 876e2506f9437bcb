"""What Silver and rejects must hold, worked out without the product: plain Python over all records at once.

It knows the few kinds of record that the feed has, and nothing of hours, runs or tables.
"""

import gzip
import hashlib
import json
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple

Row = tuple[Any, ...]


class Copy(NamedTuple):
    """A record's place; the least copy of an event wins."""

    arrival_hour: str
    object_id: str
    raw_hash: str


def expected(objects: dict[tuple[str, str], bytes]) -> tuple[list[Row], list[Row]]:
    """The rows that Silver and rejects must hold.

    Args:
        objects: bodies by (arrival hour, key).

    Returns:
        Of Silver: hour, object, hash, event id, event date. Of rejects: hour, object, hash, fate, reason, and the
        winner's hour, object and hash. Both sorted.
    """
    copies: dict[tuple[str, str], list[Copy]] = defaultdict(list)
    rejects: list[Row] = []
    for place, record in _records(objects):
        reason, event = _refusal(record)
        if reason:
            rejects.append((*place, *reason, None, None, None))
        else:
            at = datetime.fromisoformat(event["timestamp"]).astimezone(UTC)
            copies[event["event_id"], f"{at:%Y-%m-%d}"].append(place)
    silver: list[Row] = []
    for (event_id, event_date), places in copies.items():
        winner, *losers = sorted(places)
        silver.append((*winner, event_id, event_date))
        for loser in losers:
            same = loser.raw_hash == winner.raw_hash
            rejects.append((*loser, "duplicate", "exact" if same else "conflict", *winner))
    return sorted(silver), sorted(rejects, key=repr)


def _records(objects: dict[tuple[str, str], bytes]) -> Iterator[tuple[Copy, bytes]]:
    for (hour, key), body in objects.items():
        for record in gzip.decompress(body).split(b"\n"):
            if record:
                yield Copy(hour, key, hashlib.md5(record).hexdigest()), record


def _refusal(record: bytes) -> tuple[tuple[str, str] | None, Any]:
    try:
        event = json.loads(record)
    except ValueError:
        return ("quarantined", "bad_json"), None
    if "canary" in event:
        return ("filtered", "canary"), event
    if event.get("consent") is False:
        return ("filtered", "no_consent"), event
    if event["event_type"] == "page_veiw":
        return ("quarantined", "enum:event_type"), event
    if event["timestamp"] > "2090":
        return ("quarantined", "timestamp_out_of_range"), event
    return None, event
