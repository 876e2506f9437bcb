"""Faults on request: each does what it says, as often as it says, and nothing else."""

import gzip
import zlib
from datetime import timedelta

import pytest
import requests
from botocore.exceptions import ClientError, ConnectionClosedError

from tests.integration.local.conftest import Cloud, day_ago
from tests.integration.local.feed import Feed

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
NOON = day_ago(2) + 12 * HOUR


@pytest.fixture
def feed(common_cloud: Cloud) -> Feed:
    return Feed(common_cloud)


def armed(cloud: Cloud) -> list[dict[str, object]]:
    faults: list[dict[str, object]] = requests.get(f"{cloud.url}/_local/faults", timeout=5).json()["faults"]
    return faults


def test_faults_are_armed_listed_used_up_and_cleared(feed: Feed) -> None:
    cloud = feed.cloud
    cloud.arm("throttle", stream=feed.name, calls=2)
    cloud.arm("pause_delivery", delivery=feed.name)
    feed.put(b"x")
    assert armed(cloud) == [
        {"fault": "throttle", "stream": feed.name, "calls": 1},
        {"fault": "pause_delivery", "delivery": feed.name},
    ]
    cloud.clear_faults()
    assert armed(cloud) == []


@pytest.mark.parametrize(
    "fault",
    [
        {"fault": "earthquake"},
        {"fault": "throttle", "stream": "s"},
        {"fault": "throttle", "stream": "s", "calls": 0},
        {"fault": "throttle", "stream": "s", "calls": 1, "records": 3},
        {"fault": "pause_delivery", "delivery": "d", "hours": 0},
        {"fault": "kill_spark", "table": "t", "after_commits": 1, "when": "during"},
        {},
    ],
    ids=str,
)
def test_faults_that_make_no_sense_are_refused(common_cloud: Cloud, fault: dict[str, str | int]) -> None:
    answer = requests.post(f"{common_cloud.url}/_local/faults", json=fault, timeout=5)
    assert (answer.status_code, answer.json()["__type"]) == (400, "ValidationException")
    assert armed(common_cloud) == []


def test_throttle_refuses_all_records_of_that_many_calls(feed: Feed) -> None:
    feed.cloud.arm("throttle", stream=feed.name, calls=2)
    assert feed.put(b"x", b"y")["FailedRecordCount"] == 2
    with pytest.raises(ClientError, match="ProvisionedThroughputExceededException"):
        feed.kinesis.put_record(StreamName=feed.name, Data=b"x", PartitionKey="k")
    assert feed.put(b"x", b"y")["FailedRecordCount"] == 0


def test_time_out_takes_the_records_and_answers_nothing(feed: Feed) -> None:
    feed.cloud.set_clock(NOON)
    feed.cloud.arm("time_out", stream=feed.name, calls=1)
    with pytest.raises(ConnectionClosedError):
        feed.put(b"one", b"two")
    assert feed.put(b"three")["FailedRecordCount"] == 0
    feed.cloud.set_clock(NOON + HOUR)
    assert feed.lines() == [b"one", b"two", b"three"]


def test_a_topic_fails_every_publish_until_it_is_cleared_and_others_do_not(common_cloud: Cloud) -> None:
    sns = common_cloud.client("sns")
    failing, sound = (sns.create_topic(Name=name)["TopicArn"] for name in ("failing", "sound"))
    common_cloud.arm("fail_publish", topic=failing)
    for _ in range(2):
        with pytest.raises(ClientError, match="InternalError") as refusal:
            sns.publish(TopicArn=failing, Subject="s", Message="one & two")
        assert refusal.value.response["ResponseMetadata"]["HTTPStatusCode"] == 500
    assert sns.publish(TopicArn=sound, Message="page")["MessageId"]
    assert sns.get_topic_attributes(TopicArn=failing)["Attributes"]["TopicArn"] == failing
    common_cloud.clear_faults()
    assert sns.publish(TopicArn=failing, Message="page")["MessageId"]


def test_a_lost_object_is_reported_as_delivered(feed: Feed) -> None:
    feed.cloud.arm("lose_object", delivery=feed.name, objects=1)
    feed.put_at(NOON, b"lost")
    feed.put_at(NOON + HOUR, b"kept")
    feed.cloud.set_clock(NOON + 2 * HOUR)
    assert feed.lines() == [b"kept"]
    delivered = feed.metric("Firehose", "DeliveryToS3.Records", NOON, NOON + 2 * HOUR)
    assert delivered == {NOON + MINUTE: 1, NOON + HOUR + MINUTE: 1}


def test_a_doubled_object_has_the_same_records_under_two_keys(feed: Feed) -> None:
    feed.cloud.arm("double_object", delivery=feed.name, objects=1)
    feed.put_at(NOON, b"twice")
    feed.put_at(NOON + HOUR, b"once")
    feed.cloud.set_clock(NOON + 2 * HOUR)
    assert feed.lines() == [b"twice", b"twice", b"once"]
    assert len(set(feed.object_keys())) == 3


def test_a_corrupt_object_is_a_gzip_that_breaks_off(feed: Feed) -> None:
    feed.cloud.arm("corrupt_object", delivery=feed.name, objects=1)
    feed.put_at(NOON, *[f"line {n}".encode() for n in range(400)])
    feed.cloud.set_clock(NOON + HOUR)
    (key,) = feed.object_keys()
    raw = feed.s3.get_object(Bucket=feed.name, Key=key)["Body"].read()
    with pytest.raises(EOFError):
        gzip.decompress(raw)
    readable = zlib.decompressobj(wbits=31).decompress(raw).splitlines()
    assert 0 < len(readable) < 400
    assert readable[0] == b"line 0"


def test_a_paused_delivery_writes_nothing_until_it_is_cleared(feed: Feed) -> None:
    feed.cloud.arm("pause_delivery", delivery=feed.name)
    feed.put_at(NOON, b"one")
    feed.cloud.set_clock(NOON + 2 * HOUR)
    assert feed.object_keys() == []
    growing = feed.metric("Firehose", "DeliveryToS3.DataFreshness", NOON, NOON + 3 * HOUR, "Maximum")
    assert growing == {NOON + minute * MINUTE: minute * 60 for minute in range(2, 121)}
    feed.cloud.clear_faults()
    feed.cloud.set_clock(NOON + 2 * HOUR + 5 * MINUTE)
    (entry,) = feed.listing()
    assert "/hour=12/" in entry["Key"]
    assert entry["LastModified"] >= NOON + 2 * HOUR
    freshness = feed.metric("Firehose", "DeliveryToS3.DataFreshness", NOON, NOON + 3 * HOUR, "Maximum")
    assert freshness[NOON + 2 * HOUR] >= 2 * 3600


@pytest.mark.parametrize("direct", [False, True], ids=["from a stream", "direct"])
def test_a_pause_of_some_hours_ends_by_the_clock_and_all_is_delivered(common_cloud: Cloud, direct: bool) -> None:
    feed = Feed(common_cloud, direct=direct)
    common_cloud.set_clock(NOON)
    common_cloud.arm("pause_delivery", delivery=feed.name, hours=2)
    for number in range(4):
        common_cloud.set_clock(NOON + number * 20 * MINUTE)
        data = f"record {number}".encode()
        if direct:
            feed.firehose.put_record(DeliveryStreamName=feed.name, Record={"Data": data})
        else:
            feed.put(data)
    common_cloud.set_clock(NOON + 119 * MINUTE)
    assert feed.object_keys() == []
    assert [fault["fault"] for fault in armed(common_cloud)] == ["pause_delivery"]
    common_cloud.set_clock(NOON + 3 * HOUR)
    assert armed(common_cloud) == []
    assert feed.lines() == [f"record {number}".encode() for number in range(4)]
    assert NOON + 2 * HOUR <= feed.listing()[0]["LastModified"] < NOON + 2 * HOUR + MINUTE
    freshness = feed.metric("Firehose", "DeliveryToS3.DataFreshness", NOON, NOON + 3 * HOUR, "Maximum")
    assert freshness[NOON + HOUR] == pytest.approx(3600, abs=60)
    assert max(freshness.values()) == pytest.approx(7200, abs=60)
    assert max(freshness) < NOON + 2 * HOUR + MINUTE


def test_the_age_of_what_cannot_be_written_grows_each_minute(feed: Feed) -> None:
    feed.cloud.arm("fail_delivery", delivery=feed.name, attempts=1000)
    feed.put_at(NOON, b"one")
    feed.cloud.set_clock(NOON + HOUR)
    freshness = feed.metric("Firehose", "DeliveryToS3.DataFreshness", NOON, NOON + 2 * HOUR, "Maximum")
    assert [freshness[NOON + minute * MINUTE] for minute in (2, 30, 60)] == pytest.approx([120, 1800, 3600], abs=60)


def test_a_pause_during_the_interval_holds_back_what_is_buffered(feed: Feed) -> None:
    feed.put_at(NOON, b"one")
    feed.cloud.arm("pause_delivery", delivery=feed.name)
    feed.cloud.set_clock(NOON + 2 * HOUR)
    assert feed.object_keys() == []
    feed.cloud.clear_faults()
    feed.cloud.set_clock(NOON + 3 * HOUR)
    assert feed.lines() == [b"one"]
