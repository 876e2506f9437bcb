"""A source whose delivery writes rows of Parquet, end to end: what becomes a row, what becomes an envelope, and that
both are counted, judged and proven by queries that share no code with the job."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import boto3
import orjson
import pytest

from clickstream.contract.bronze import read_bronze
from clickstream.lake.listing import list_hour
from clickstream.lake.windows import HOUR, Window, hour_text
from clickstream.producer.heartbeat import canary
from clickstream.producer.producer import Producer
from clickstream.producer.receipt import Receipt
from clickstream.producer.sinks import open_sink
from clickstream.provisioning.canary import is_in_bronze, send_canary
from clickstream.provisioning.path import path_of
from clickstream.provisioning.plan import plan
from clickstream.provisioning.resource import Cloud
from clickstream.reconciliation.bronze_records import bronze_records
from clickstream.sources.loader import load_sources
from commands.cloud_clock import CloudClock
from tests.integration.stack.proof import Lake, lake_on


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    with lake_on(tmp_path_factory.mktemp("state"), load_sources()[0]["chart_affiliates"]) as lake:
        yield lake


def event(number: int, at: datetime, **fields: Any) -> dict[str, Any]:
    """A page view that the contract takes, but for what is said otherwise."""
    return {
        "schema_version": "1.0.0",
        "event_type": "page_view",
        "event_id": str(UUID(int=number)),
        "ts": at.isoformat().replace("+00:00", "Z"),
        "ingest_ts": int(at.timestamp() * 1000),
        "privacy": {"analytics": True, "ads": False},
        "user": {"user_id_hash": f"sha256:{number % 7}", "geo_country": "IL"},
        "session": {"session_id": f"s-{number % 9}"},
        "ctx": {"page_url": f"/compare/{number}?q=ü✓", "referrer": "", "ab_variant": "A"},
        **fields,
    }


def chart(number: int, at: datetime, *product_ids: str | None, **chart: Any) -> dict[str, Any]:
    """What a visitor does with a chart."""
    told = {"product_ids": list(product_ids), "action": "sort", **chart}
    return event(number, at, event_type="chart_interaction", chart=told)


def sent(hour: datetime) -> dict[str, tuple[list[bytes], str, str | None]]:
    """Records by what they are, with the fate and reason that each must have."""
    at = hour + timedelta(minutes=10)

    def lines(*events: dict[str, Any]) -> list[bytes]:
        return [orjson.dumps(each) for each in events]

    unlike = event(50, at)
    return {
        "plain": (lines(*(event(n, at) for n in range(30))), "good", None),
        "lists": (lines(chart(31, at, "a", "b"), chart(32, at, "", "ü"), chart(33, at)), "good", None),
        "a null in a list": (lines(chart(34, at, "a", None)), "quarantined", "type:chart.product_ids.[]"),
        "a number where a text is": (lines(chart(35, at, control_value=7)), "good", None),
        "null as if absent": (lines(event(36, at, chart=None, affiliate=None)), "good", None),
        "an object of nothing": (lines(event(37, at, metadata={}, ctx={"page_url": None})), "good", None),
        "unknown fields": (lines(event(38, at, colour="red")), "good", None),
        "a copy": (lines(event(3, at)), "duplicate", "exact"),
        "another with its id": (lines(event(4, at, source="elsewhere")), "duplicate", "conflict"),
        "a refusal": (lines(event(40, at, privacy={"analytics": False})), "filtered", "no_consent"),
        "a heartbeat": ([canary("heartbeat")], "filtered", "canary"),
        "nothing of the contract, nor consent": (lines({"colour": "red"}), "filtered", "no_consent"),
        "no id": (lines(event(44, at) | {"event_id": None}), "quarantined", "required:event_id"),
        "an unknown type": (lines(event(41, at, event_type="a/b")), "quarantined", "enum:event_type"),
        "no JSON": ([b'{"event_id": '], "quarantined", "bad_json"),
        "text in a number": (
            lines(event(42, at, event_type="affiliate_click", affiliate={"link_id": "l", "payout_cents": "much"})),
            "quarantined",
            "type:affiliate.payout_cents",
        ),
        "a refusal that is no row": (
            lines(event(43, at, privacy={"analytics": False}, affiliate={"payout_cents": "much"})),
            "filtered",
            "no_consent",
        ),
        "good all the same": (
            [orjson.dumps(unlike).replace(b'"ads":false', b'"ads":false,"ads":false')],
            "good",
            None,
        ),
    }


def send(lake: Lake, hour: datetime, records: list[bytes]) -> None:
    clock = CloudClock(lake.control)
    clock.set(hour + timedelta(minutes=10))
    with Receipt(lake.place.s3, lake.place.evidence, lake.source.name, "send") as receipt:
        Producer(open_sink(lake.source)).send(records, receipt)
    assert receipt.acknowledged == {hour_text(hour): len(records)}
    clock.set_real()


def test_the_path_is_as_declared_once_it_is_made(lake: Lake) -> None:
    steps = [plan(resource) for resource in path_of(lake.source, Cloud.of(boto3.Session()))]
    assert {step.action for step in steps} == {"none"}


def test_a_canary_comes_through(lake: Lake) -> None:
    with Receipt(lake.place.s3, lake.place.evidence, lake.source.name, "canary") as receipt:
        told = send_canary(open_sink(lake.source), receipt)
    CloudClock(lake.control).set(told.arrived + HOUR)
    CloudClock(lake.control).set_real()
    assert is_in_bronze(lake.place.s3, lake.place.lake, lake.source, told)


def test_each_record_has_its_fate_wherever_it_came_to_lie(lake: Lake) -> None:
    hour = lake.source.verify_from
    cases = sent(hour)
    send(lake, hour, [record for records, _, _ in cases.values() for record in records])
    listing = list_hour(lake.place.s3, lake.place.lake, lake.source.delivery.bronze.values(), hour)
    folders = {stored.key.split("/")[-2] for stored in listing}
    assert folders >= {"event_type=page_view", "event_type=none", "format-conversion-failed"}, folders

    outcome = lake.prove(Window(hour, hour + HOUR))

    assert outcome.verdict.failed == [], outcome.verdict
    rows = lake.select(
        f"SELECT 'good' AS fate, NULL AS reason FROM {lake.table('silver')} "
        f"UNION ALL SELECT fate, reason FROM {lake.table('rejects')}"
    )
    expected: Counter[tuple[str, str | None]] = Counter()
    for records, fate, reason in cases.values():
        expected[fate, reason] += len(records)
    assert Counter((row["fate"] or "", row["reason"]) for row in rows) == expected
    assert outcome.states[hour_text(hour)] == "verified"


def test_python_and_athena_know_a_row_by_the_same_text(lake: Lake) -> None:
    """The hour would not be verified otherwise; here it is seen on every kind of value."""
    hour = lake.source.verify_from
    query = bronze_records(lake.place, lake.source, [hour_text(hour)], [])
    by_athena = Counter(
        (row["path"] or "", row["raw_hash"]) for row in lake.select(f"SELECT path, raw_hash FROM ({query})")
    )
    by_python: Counter[tuple[str, str | None]] = Counter()
    for stored in list_hour(lake.place.s3, lake.place.lake, lake.source.delivery.bronze.values(), hour):
        body = lake.place.s3.get_object(Bucket=lake.place.lake, Key=stored.key)["Body"].read()
        for raw in read_bronze(lake.source.delivery, stored.key, body).records:
            by_python[f"s3://{lake.place.lake}/{stored.key}", raw.raw_hash] += 1
    assert by_athena == by_python


def test_what_is_not_there_is_null_in_silver(lake: Lake) -> None:
    (row,) = lake.select(f"SELECT * FROM {lake.table('silver')} WHERE event_id = '{UUID(int=32)}'")
    assert row["product_ids"] == "[, ü]"
    assert (row["source_ip_anonymized"], row["payout_cents"]) == (None, None)


def test_who_refused_is_nowhere_but_in_bronze(lake: Lake) -> None:
    for kind in ("silver", "rejects"):
        held = "\n".join(lake.rows_of(kind))
        assert str(UUID(int=40)) not in held
        assert str(UUID(int=43)) not in held


def test_a_torn_object_is_told_and_its_return_is_a_repair(lake: Lake) -> None:
    hour = lake.source.verify_from + HOUR
    send(lake, hour, [orjson.dumps(event(1000 + n, hour + timedelta(minutes=9))) for n in range(20)])
    (stored,) = list_hour(lake.place.s3, lake.place.lake, lake.source.delivery.bronze.values(), hour)
    body = lake.place.s3.get_object(Bucket=lake.place.lake, Key=stored.key)["Body"].read()
    lake.place.s3.put_object(Bucket=lake.place.lake, Key=stored.key, Body=body[:-100])

    torn = lake.prove(Window(hour, hour + HOUR))

    # Of Parquet nothing can be read before the break.
    assert torn.verdict.causes == ["records_unknown", "upstream_deficit"]
    lake.place.s3.put_object(Bucket=lake.place.lake, Key=stored.key, Body=body)
    assert lake.prove(Window(hour, hour + HOUR)).verdict.failed == []
