"""The clock that everything in the local cloud agrees on."""

import signal
from datetime import UTC, datetime, timedelta

import pytest
import requests

from tests.integration.local.conftest import Cloud, day_ago
from tests.integration.local.feed import Feed

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
NOON = day_ago(2) + 12 * HOUR


def test_it_is_real_time_until_it_is_set_and_again_when_it_is_reset(common_cloud: Cloud) -> None:
    assert abs(common_cloud.now() - datetime.now(UTC)) < 5 * SECOND
    common_cloud.set_clock(NOON)
    assert requests.get(f"{common_cloud.url}/_local/clock", timeout=5).json()["set"] is True
    assert NOON <= common_cloud.now() < NOON + 5 * SECOND
    common_cloud.set_clock(None)
    assert requests.get(f"{common_cloud.url}/_local/clock", timeout=5).json()["set"] is False
    assert abs(common_cloud.now() - datetime.now(UTC)) < 5 * SECOND


def test_it_goes_on_ticking_after_it_was_set(common_cloud: Cloud) -> None:
    first = common_cloud.set_clock(NOON)
    assert common_cloud.now() > first


@pytest.mark.parametrize("now", ["2026-11-18T13:00:00", "noon", 5])
def test_a_time_without_an_offset_is_refused(common_cloud: Cloud, now: str | int) -> None:
    answer = requests.put(f"{common_cloud.url}/_local/clock", json={"now": now}, timeout=5)
    assert (answer.status_code, answer.json()["__type"]) == (400, "ValidationException")


def test_an_unknown_control_call_is_not_found(common_cloud: Cloud) -> None:
    assert requests.get(f"{common_cloud.url}/_local/weather", timeout=5).status_code == 404


def test_arrivals_and_last_modified_follow_it(common_cloud: Cloud) -> None:
    feed = Feed(common_cloud)
    feed.put_at(NOON, b"one")
    feed.s3.put_object(Bucket=feed.name, Key="object", Body=b"")
    iterator = feed.kinesis.get_shard_iterator(
        StreamName=feed.name, ShardId="shardId-000000000000", ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    (record,) = feed.kinesis.get_records(ShardIterator=iterator)["Records"]
    modified = feed.s3.head_object(Bucket=feed.name, Key="object")["LastModified"]
    assert NOON <= record["ApproximateArrivalTimestamp"] < NOON + 5 * SECOND
    assert NOON <= modified < NOON + 5 * SECOND


def test_moving_forward_does_what_is_due_at_its_own_time_and_in_order(common_cloud: Cloud) -> None:
    early = Feed(common_cloud)
    late = Feed(common_cloud, BufferingHints={"SizeInMBs": 1, "IntervalInSeconds": 900})
    late.put_at(NOON, b"late")
    early.put_at(NOON + 5 * MINUTE, b"early")
    common_cloud.set_clock(NOON + 8 * HOUR)
    (first,), (second,) = early.listing(), late.listing()
    assert NOON + 6 * MINUTE <= first["LastModified"] < NOON + 6 * MINUTE + 10 * SECOND
    assert NOON + 15 * MINUTE <= second["LastModified"] < NOON + 15 * MINUTE + 10 * SECOND
    # Metrics are stamped with that minute, not with the time that the clock was moved to.
    assert early.metric("Firehose", "DeliveryToS3.Records", NOON, NOON + 9 * HOUR) == {NOON + 6 * MINUTE: 1}
    assert late.metric("Firehose", "DeliveryToS3.DataFreshness", NOON, NOON + 9 * HOUR, "Maximum") == {
        NOON + 15 * MINUTE: 900
    }


def test_moving_back_first_delivers_what_is_buffered(common_cloud: Cloud) -> None:
    feed = Feed(common_cloud)
    feed.put_at(NOON, b"first")
    common_cloud.set_clock(NOON - 48 * HOUR)
    (entry,) = feed.listing()
    assert entry["LastModified"] >= NOON + MINUTE
    assert feed.body(entry["Key"]) == b"first\n"
    # And time goes on from there: the next record is delivered in its own hour.
    feed.put(b"second")
    common_cloud.set_clock(NOON - 47 * HOUR)
    before = NOON - 48 * HOUR
    assert any(f"day={before:%d}/hour={before:%H}/" in key for key in feed.object_keys())


def test_real_time_resumes_with_what_is_buffered_delivered(common_cloud: Cloud) -> None:
    feed = Feed(common_cloud)
    feed.put_at(NOON, b"one")
    common_cloud.set_clock(None)
    (entry,) = feed.listing()
    assert NOON + MINUTE <= entry["LastModified"] < NOON + 2 * MINUTE


def test_jumps_of_weeks_lose_no_record_that_firehose_has_not_read(common_cloud: Cloud) -> None:
    feed = Feed(common_cloud)
    common_cloud.arm("pause_delivery", delivery=feed.name)
    for number, when in enumerate([NOON, NOON + 30 * 24 * HOUR, NOON - 30 * 24 * HOUR, NOON + 60 * 24 * HOUR]):
        # A stream keeps 24 hours; each put would expire what is older.
        feed.put_at(when, f"record {number}".encode())
    assert feed.object_keys() == []
    common_cloud.clear_faults()
    common_cloud.set_clock(NOON + 61 * 24 * HOUR)
    assert sorted(feed.lines()) == [b"record 0", b"record 1", b"record 2", b"record 3"]


def test_it_stays_set_when_the_process_is_killed(cloud: Cloud) -> None:
    cloud.set_clock(NOON)
    cloud.stop(signal.SIGKILL)
    cloud.start()
    assert NOON <= cloud.now() < NOON + MINUTE
    cloud.set_clock(None)
    cloud.stop(signal.SIGKILL)
    cloud.start()
    assert abs(cloud.now() - datetime.now(UTC)) < 5 * SECOND
