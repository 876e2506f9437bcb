"""Everything that can be wrong with a record arrives in one hour: each has its documented fate, and the hour is proven.

The fates stand in docs/contract.md. Half of the records comes through the product's producer; what it would cut or
clean (a CR inside, a byte order mark) is put into the stream by somebody else.
"""

import gzip
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import boto3
import orjson
import pytest

from clickstream.lake.windows import HOUR, Window, hour_text
from clickstream.producer.producer import Producer
from clickstream.producer.receipt import Receipt
from clickstream.producer.sinks import open_sink
from commands.cloud_clock import CloudClock
from tests.integration.stack.proof import Lake, Outcome, lake_on

GOOD = ("good", None)


def bad(reason: str) -> tuple[str, str]:
    return "quarantined", reason


def event(identity: str, **changes: Any) -> bytes:
    """A sound event with some fields changed; None takes one out."""
    fields = {"event_id": identity, "event_type": "click", "timestamp": "2026-11-18T05:10:00Z", **changes}
    return orjson.dumps({name: value for name, value in fields.items() if value is not None})


def with_text(identity: str, fragment: str) -> bytes:
    """A sound event with a piece of JSON text in front."""
    return b"{" + fragment.encode() + b"," + event(identity)[1:]


def nested(levels: int) -> str:
    return '"seen":' + '{"a":' * levels + "1" + "}" * levels


SENT = {
    "sound": (event("sound"), GOOD),
    "null in an optional field": (with_text("nulls", '"geo":null,"browser":null'), GOOD),
    "an unseen field": (event("unseen", campaign={"name": "autumn", "budget": 1e20}), GOOD),
    "broken": (event("broken")[:40], bad("bad_json")),
    "two on one line": (event("first") + event("second"), bad("bad_json")),
    "no json": (b"GET / HTTP/1.1", bad("bad_json")),
    "invalid UTF-8": (event("utf-8").replace(b"click", b"\xff\xfeck"), bad("bad_json")),
    "half a surrogate": (event("surrogate").replace(b"click", b"\\ud800"), bad("bad_json")),
    "NUL": (event("nul").replace(b"click", b"cli\x00ck"), bad("bad_json")),
    "NUL, escaped": (event("a\x00b"), bad("pattern:event_id")),
    "NaN": (with_text("nan", '"properties":{"price":NaN}'), bad("bad_json")),
    "1e400": (with_text("1e400", '"properties":{"price":1e400}'), bad("bad_json")),
    "5,000 digits": (with_text("digits", '"seen":' + "9" * 5000), bad("bad_json")),
    "a field of a megabyte": (event("megabyte", page_url="/" + "x" * 1_000_000), GOOD),
    "a megabyte of no JSON": (b"x" * 1_000_000, bad("bad_json")),
    "no event_id": (event("", event_id=None), bad("required:event_id")),
    "empty event_id": (event(""), bad("minLength:event_id")),
    "event_id a number": (event("", event_id=7), bad("type:event_id")),
    "event_id null": (event("").replace(b'""', b"null"), bad("type:event_id")),
    "event_id of a megabyte": (event("i" * 1_000_000), bad("maxLength:event_id")),
    "an unknown type": (event("type", event_type="hover"), bad("enum:event_type")),
    "1970": (event("1970", timestamp="1970-01-01T00:00:00Z"), bad("timestamp_out_of_range")),
    "2099": (event("2099", timestamp="2099-01-01T00:00:00Z"), bad("timestamp_out_of_range")),
    "yesterday": (event("nonsense", timestamp="yesterday"), bad("format:timestamp")),
    "a timestamp in seconds": (event("seconds", timestamp=1795007100), bad("type:timestamp")),
    "nested, but not too deep": (with_text("deep", nested(190)), GOOD),
    "nested too deep": (with_text("deeper", nested(300)), bad("too_deep")),
    "nested beyond any parser": (with_text("deepest", nested(5000)), bad("bad_json")),
    "event_id twice": (with_text("twice", '"event_id":"other"'), bad("duplicate_key")),
    "consent twice": (with_text("consents", '"consent":true,"consent":false'), bad("duplicate_key")),
    "event_id twice, once in disguise": (with_text("disguise", '"event\\u005fid":"other"'), bad("duplicate_key")),
    "another key twice": (with_text("browsers", '"browser":"a","browser":"b"'), GOOD),
    "consent a text": (event("text", consent="false"), bad("type:consent")),
    "no consent": (event("refused", consent=False), ("filtered", "no_consent")),
    "a canary": (orjson.dumps({"canary": {"kind": "heartbeat", "id": "h-1"}}), ("filtered", "canary")),
    "an array": (b"[" + event("array") + b"]", bad("type:$")),
    "half a piece": (event("half", properties={"quantity": 1.5}), bad("type:properties.quantity")),
    "blanks around it": (b"  " + event("blanks") + b"\t ", GOOD),
    "Unicode line ends": (event("lines", page_url="a\u2028b\u0085c"), GOOD),
}
PUT = {
    "a CR inside": (event("cr").replace(b"click", b"cli\rck"), [bad("bad_json"), bad("bad_json")]),
    "a CR LF behind it": (event("crlf") + b"\r", [GOOD]),
    "a byte order mark": (b"\xef\xbb\xbf" + event("mark"), [GOOD]),
    "two byte order marks": (b"\xef\xbb\xbf" * 2 + event("marks"), [GOOD]),
    "a byte order mark and nothing": (b"\xef\xbb\xbf", []),
    "an empty line": (b"", []),
    "blanks": (b"   ", [bad("bad_json")]),
}
WANTED = Counter(fate for _, fate in SENT.values()) + Counter(fate for _, fates in PUT.values() for fate in fates)


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    """A path with all of it in one hour of Bronze, an empty object and an empty gzip included."""
    with lake_on(tmp_path_factory.mktemp("bad")) as lake:
        clock = CloudClock(lake.control)
        clock.set(hour_of(lake).start + timedelta(minutes=5))
        with Receipt(lake.place.s3, lake.place.evidence, lake.source.name, "send") as receipt:
            Producer(open_sink(lake.source)).send([record for record, _ in SENT.values()], receipt)
        kinesis = boto3.client("kinesis")
        for record, _ in PUT.values():
            kinesis.put_record(StreamName=lake.source.stream.name, Data=record + b"\n", PartitionKey="another")
        clock.set_real()
        prefix = f"{lake.source.delivery.prefix}{hour_of(lake).start:year=%Y/month=%m/day=%d/hour=%H/}"
        lake.place.s3.put_object(Bucket=lake.place.lake, Key=f"{prefix}empty", Body=b"")
        lake.place.s3.put_object(Bucket=lake.place.lake, Key=f"{prefix}empty.gz", Body=gzip.compress(b""))
        yield lake


@pytest.fixture(scope="module")
def outcome(lake: Lake) -> Outcome:
    return lake.prove(hour_of(lake))


def hour_of(lake: Lake) -> Window:
    start = lake.source.verify_from + 5 * HOUR
    return Window(start, start + HOUR)


def test_each_record_has_its_documented_fate_and_reason(lake: Lake, outcome: Outcome) -> None:
    good = lake.select(f"SELECT event_id FROM {lake.table('silver')}")
    rejects = lake.select(f"SELECT fate, reason FROM {lake.table('rejects')}")
    found = Counter({GOOD: len(good)}) + Counter((row["fate"], row["reason"]) for row in rejects)
    assert found == WANTED


def test_what_was_quarantined_is_kept_byte_for_byte(lake: Lake, outcome: Outcome) -> None:
    kept = lake.select(f"SELECT to_hex(md5(payload)) AS kept, upper(raw_hash) AS hash FROM {lake.table('rejects')}")
    payloads = [row for row in kept if row["kept"]]
    assert len(payloads) == sum(count for (fate, _), count in WANTED.items() if fate == "quarantined")
    assert all(row["kept"] == row["hash"] for row in payloads)


def test_the_hour_is_proven(lake: Lake, outcome: Outcome) -> None:
    [hour] = [hour for hour in outcome.report["hours"] if hour["arrival_hour"] == hour_text(hour_of(lake).start)]
    assert hour["state"] == "verified", hour
    assert hour["tiers"]["bronze"] == sum(WANTED.values())
    assert hour["tiers"]["producer"] == len(SENT)
    assert hour["reasons"] == Counter({reason: count for (_, reason), count in WANTED.items() if reason})
