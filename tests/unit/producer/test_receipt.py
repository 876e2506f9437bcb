"""The receipt: what is stored, when, and what is read back of it."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any

import orjson
import pytest
from botocore.exceptions import ClientError

from clickstream.producer.receipt import PART_RECORDS, Receipt, StoredPart, list_parts, read_parts, receipts

AT = datetime(2026, 11, 18, 13, 5, 7, tzinfo=UTC)
HOUR = timedelta(hours=1)


class Bucket:
    """S3 as far as receipts use it, in memory."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.lose_answer_of_next = False

    def put_object(self, *, Key: str, Body: bytes, IfNoneMatch: str, **_: Any) -> None:  # noqa: N803
        assert IfNoneMatch == "*"
        if Key in self.objects:
            raise ClientError({"Error": {"Code": "PreconditionFailed"}}, "PutObject")
        self.objects[Key] = Body
        if self.lose_answer_of_next:
            self.lose_answer_of_next = False
            # boto3's own second try of a put whose answer was lost
            self.put_object(Key=Key, Body=Body, IfNoneMatch=IfNoneMatch)

    def get_object(self, *, Key: str, **_: Any) -> dict[str, Any]:  # noqa: N803
        return {"Body": BytesIO(self.objects[Key])}

    def get_paginator(self, _: str) -> Bucket:
        return self

    def paginate(self, *, Prefix: str, StartAfter: str, **_: Any) -> list[dict[str, Any]]:  # noqa: N803
        keys = sorted(key for key in self.objects if key.startswith(Prefix) and key > StartAfter)
        return [{"Contents": [{"Key": key}]} for key in keys] or [{}]

    def summaries(self) -> list[dict[str, Any]]:
        return [orjson.loads(self.objects[key]) for key in sorted(self.objects) if "/sends/" in key]


@pytest.fixture
def bucket() -> Bucket:
    return Bucket()


def _receipt(bucket: Bucket) -> Receipt:
    return Receipt(bucket, "evidence", "retail_web", "send")


def test_a_part_has_its_hashes_under_its_hour_and_its_numbers_beside(bucket: Bucket) -> None:
    with _receipt(bucket) as receipt:
        receipt.acknowledge(["aa", "bb"], AT)
        receipt.acknowledge(["aa"], AT + timedelta(seconds=3))
        receipt.fail("record_too_large", AT)
        receipt.lose_sight(AT)

    name = f"20261118T130507Z-{receipt.send_id}-00001"
    hashes = f"receipts/retail_web/hashes/year=2026/month=11/day=18/hour=13/{name}.gz"
    summary = f"receipts/retail_web/sends/{name}.json"
    assert list(bucket.objects) == [hashes, summary]  # the summary last: with it the part is whole
    assert gzip.decompress(bucket.objects[hashes]) == b"aa\nbb\naa\n"
    assert orjson.loads(bucket.objects[summary]) == {
        "send_id": receipt.send_id,
        "part": 1,
        "source": "retail_web",
        "arrival_hour": "2026-11-18T13:00:00Z",
        "acknowledged": 3,
        "failed": {"record_too_large": 1},
        "unknown": 1,
        "first": "2026-11-18T13:05:07Z",
        "last": "2026-11-18T13:05:07Z",
        "hashes": hashes,
    }
    assert receipt.keys == [summary]
    assert receipt.send_id.startswith("send-")


def test_each_part_is_about_one_hour_and_is_stored_when_the_next_begins(bucket: Bucket) -> None:
    with _receipt(bucket) as receipt:
        receipt.acknowledge(["aa"], AT)
        receipt.acknowledge(["bb"], AT + HOUR)
        assert [s["arrival_hour"] for s in bucket.summaries()] == ["2026-11-18T13:00:00Z"]
    assert [(s["arrival_hour"], s["acknowledged"]) for s in bucket.summaries()] == [
        ("2026-11-18T13:00:00Z", 1),
        ("2026-11-18T14:00:00Z", 1),
    ]
    assert receipt.acknowledged == {"2026-11-18T13:00:00Z": 1, "2026-11-18T14:00:00Z": 1}


def test_a_producer_killed_in_the_middle_leaves_all_but_the_part_it_was_filling(bucket: Bucket) -> None:
    receipt = _receipt(bucket)
    for number in range(3 * PART_RECORDS // 500):
        receipt.acknowledge([f"{number}-{n}" for n in range(500)], AT)
    assert sum(s["acknowledged"] for s in bucket.summaries()) == 2 * PART_RECORDS


def test_a_send_broken_off_by_an_error_stores_what_it_knows(bucket: Bucket) -> None:
    with pytest.raises(ZeroDivisionError), _receipt(bucket) as receipt:
        receipt.acknowledge(["aa"], AT)
        raise ZeroDivisionError
    assert [s["acknowledged"] for s in bucket.summaries()] == [1]


def test_a_send_without_an_answer_stores_nothing(bucket: Bucket) -> None:
    with _receipt(bucket):
        pass
    assert not bucket.objects


def test_only_failures_have_a_summary_and_no_hashes(bucket: Bucket) -> None:
    with _receipt(bucket) as receipt:
        receipt.fail("unreachable", AT)
    assert len(bucket.objects) == 1
    assert bucket.summaries()[0]["hashes"] is None


def test_an_object_stored_by_a_try_whose_answer_was_lost_is_ours(bucket: Bucket) -> None:
    bucket.lose_answer_of_next = True
    with _receipt(bucket) as receipt:
        receipt.acknowledge(["aa"], AT)
    assert [s["acknowledged"] for s in bucket.summaries()] == [1]


def test_totals_are_summed_by_hour_over_all_sends(bucket: Bucket) -> None:
    for hours in (0, 1, 1):
        with _receipt(bucket) as receipt:
            receipt.acknowledge(["aa", "bb"], AT + hours * HOUR)
            receipt.lose_sight(AT + hours * HOUR)
    assert receipts(bucket, "evidence", "retail_web") == {
        "2026-11-18T13:00:00Z": (2, 1),
        "2026-11-18T14:00:00Z": (4, 2),
    }
    assert receipts(bucket, "evidence", "other") == {}


def test_parts_are_read_by_whole_hours_without_the_end(bucket: Bucket) -> None:
    with _receipt(bucket) as receipt:
        for hours in range(4):
            receipt.acknowledge(["aa"], AT.replace(minute=0, second=0) + hours * HOUR)
    start = AT.replace(minute=0, second=0)
    read = read_parts(bucket, "evidence", "retail_web", start + HOUR, start + 3 * HOUR)
    assert [part["arrival_hour"] for part in read] == ["2026-11-18T14:00:00Z", "2026-11-18T15:00:00Z"]


def test_parts_are_listed_by_the_second_with_who_sent_them_and_none_is_read(bucket: Bucket) -> None:
    for purpose, seconds in (("heartbeat", 0), ("send", 1), ("heartbeat", 2)):
        with Receipt(bucket, "evidence", "retail_web", purpose) as receipt:
            receipt.acknowledge(["aa"], AT + timedelta(seconds=seconds))
    bucket.get_object = None  # type: ignore[assignment,method-assign]
    listed = list(list_parts(bucket, "evidence", "retail_web", AT, AT + timedelta(seconds=2)))
    assert [(part.purpose, part.first) for part in listed] == [("heartbeat", AT), ("send", AT + timedelta(seconds=1))]
    assert listed[1].key.startswith("receipts/retail_web/sends/20261118T130508Z-send-")


def test_a_part_is_read_by_its_name(bucket: Bucket) -> None:
    with _receipt(bucket) as receipt:
        receipt.acknowledge(["aa", "bb"], AT)
    assert StoredPart.of(receipt.keys[0]).read(bucket, "evidence")["acknowledged"] == 2
