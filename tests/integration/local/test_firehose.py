"""Firehose: when it writes which records where, what it does when it cannot, and how that is measured."""

import base64
import json
import re
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.integration.local.conftest import Cloud, day_ago, wait_until
from tests.integration.local.feed import ROLE, Feed, metric
from tests.integration.local.roles import make_role

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
NOON = day_ago(2) + 12 * HOUR
KB = 1024


@pytest.fixture(autouse=True)
def _role(common_cloud: Cloud) -> None:
    make_role(common_cloud, "feed", "firehose.amazonaws.com", "s3:*", "kinesis:*")


def is_gone(feed: Feed) -> bool:
    try:
        feed.describe()
    except feed.firehose.exceptions.ResourceNotFoundException:
        return True
    return False


def delete(feed: Feed) -> None:
    """Delete the delivery, and wait until it is gone."""
    feed.firehose.delete_delivery_stream(DeliveryStreamName=feed.name)
    assert feed.describe()["DeliveryStreamStatus"] == "DELETING"
    wait_until(lambda: is_gone(feed))


def update(feed: Feed, **members: Any) -> None:
    """Change members of the destination."""
    described = feed.describe()
    feed.firehose.update_destination(
        DeliveryStreamName=feed.name,
        CurrentDeliveryStreamVersionId=described["VersionId"],
        DestinationId=described["Destinations"][0]["DestinationId"],
        ExtendedS3DestinationUpdate=members,
    )


def test_an_object_is_written_when_the_interval_has_passed_since_its_first_record(common_cloud: Cloud) -> None:
    feed = Feed(common_cloud)
    feed.put_at(NOON, b"one")
    feed.put_at(NOON + 40 * SECOND, b"two")
    feed.put_at(NOON + 59 * SECOND, b"three")
    assert feed.object_keys() == []
    common_cloud.set_clock(NOON + 61 * SECOND)
    (entry,) = feed.listing()
    assert NOON + MINUTE <= entry["LastModified"] < NOON + MINUTE + 5 * SECOND
    assert feed.body(entry["Key"]) == b"one\ntwo\nthree\n"


def test_an_object_is_written_as_soon_as_the_size_is_reached(common_cloud: Cloud) -> None:
    feed = Feed(common_cloud)
    feed.put_at(NOON, *[b"x" * 200 * KB] * 3)
    feed.put_at(NOON + 2 * SECOND, *[b"y" * 200 * KB] * 4)
    # The sixth record fills the megabyte; the seventh opens the next object.
    (entry,) = wait_until(feed.listing)
    assert NOON + 2 * SECOND <= entry["LastModified"] < NOON + 10 * SECOND
    assert [line[:1] for line in feed.body(entry["Key"]).splitlines()] == [b"x"] * 3 + [b"y"] * 3
    common_cloud.set_clock(NOON + 2 * MINUTE)
    assert [line[:1] for line in feed.lines()] == [b"x"] * 3 + [b"y"] * 4


def test_with_an_interval_of_zero_nothing_is_buffered(common_cloud: Cloud) -> None:
    feed = Feed(common_cloud, BufferingHints={"SizeInMBs": 1, "IntervalInSeconds": 0})
    feed.put(b"one")
    assert wait_until(feed.lines) == [b"one"]


def test_the_interval_also_passes_in_real_time(common_cloud: Cloud) -> None:
    feed = Feed(common_cloud)
    feed.put_at(NOON, b"one")
    common_cloud.set_clock(NOON + 59 * SECOND)
    assert feed.object_keys() == []
    # One second is left, and nobody moves the clock.
    assert wait_until(feed.lines) == [b"one"]


def test_the_key_is_made_of_the_oldest_record_s_arrival(common_cloud: Cloud) -> None:
    feed = Feed(common_cloud)
    feed.put_at(NOON + HOUR - 30 * SECOND, b"before the hour")
    feed.put_at(NOON + HOUR + 10 * SECOND, b"after it")
    common_cloud.set_clock(NOON + 2 * HOUR)
    (key,) = feed.object_keys()
    stamp = f"{NOON:%Y-%m-%d}-12-59-30"
    uuid = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
    folder = f"landing/year={NOON:%Y}/month={NOON:%m}/day={NOON:%d}/hour=12"
    assert re.fullmatch(rf"{folder}/{feed.name}-1-{stamp}-{uuid}\.gz", key)
    assert feed.lines() == [b"before the hour", b"after it"]


def test_without_an_expression_the_prefix_gets_the_hour_and_without_gzip_no_extension(common_cloud: Cloud) -> None:
    feed = Feed(common_cloud, Prefix="raw-", ErrorOutputPrefix="bad/", CompressionFormat="UNCOMPRESSED")
    feed.put_at(NOON, b"one")
    common_cloud.set_clock(NOON + HOUR)
    (key,) = feed.object_keys()
    assert key.startswith(f"raw-{NOON:%Y/%m/%d}/12/{feed.name}-1-")
    assert "." not in key.rpartition("/")[2]


def test_literals_and_random_strings_in_a_prefix(common_cloud: Cloud) -> None:
    feed = Feed(common_cloud, Prefix="!{timestamp:'day'-yyyyMMdd'T'HHmmss}/!{firehose:random-string}/")
    feed.put_at(NOON, b"one")
    common_cloud.set_clock(NOON + HOUR)
    (key,) = feed.object_keys()
    assert re.match(rf"day-{NOON:%Y%m%d}T120000/[A-Za-z0-9]{{11}}/", key)


def test_records_run_together_unless_a_delimiter_is_asked_for(common_cloud: Cloud) -> None:
    feed = Feed(common_cloud, ProcessingConfiguration={"Enabled": False})
    feed.put_at(NOON, b'{"a":1}', b'{"a":2}')
    common_cloud.set_clock(NOON + HOUR)
    (key,) = feed.object_keys()
    assert feed.body(key) == b'{"a":1}{"a":2}'


def test_a_delivery_begins_at_the_end_of_its_stream(common_cloud: Cloud) -> None:
    feed = Feed(common_cloud)
    feed.put_at(NOON, b"before")
    delete(feed)
    feed.firehose.create_delivery_stream(
        DeliveryStreamName=feed.name,
        DeliveryStreamType="KinesisStreamAsSource",
        KinesisStreamSourceConfiguration={"KinesisStreamARN": feed.stream_arn, "RoleARN": ROLE},
        ExtendedS3DestinationConfiguration=feed.destination(),
    )
    feed.put_at(NOON + HOUR, b"after")
    common_cloud.set_clock(NOON + 2 * HOUR)
    assert feed.lines() == [b"after"]


def test_two_deliveries_of_one_stream_each_get_all_of_it(common_cloud: Cloud) -> None:
    feed = Feed(common_cloud)
    feed.firehose.create_delivery_stream(
        DeliveryStreamName=f"{feed.name}-2",
        DeliveryStreamType="KinesisStreamAsSource",
        KinesisStreamSourceConfiguration={"KinesisStreamARN": feed.stream_arn, "RoleARN": ROLE},
        ExtendedS3DestinationConfiguration=feed.destination(),
    )
    feed.put_at(NOON, b"one")
    common_cloud.set_clock(NOON + HOUR)
    assert feed.lines() == [b"one", b"one"]


def test_a_stream_s_delivery_is_measured(common_cloud: Cloud) -> None:
    feed = Feed(common_cloud)
    feed.put_at(NOON, b"12345", b"12345")
    feed.put_at(NOON + 20 * SECOND, b"12345")
    common_cloud.set_clock(NOON + HOUR)
    (entry,) = feed.listing()
    day = NOON - HOUR, NOON + 2 * HOUR
    assert feed.metric("Firehose", "DataReadFromKinesisStream.Records", *day) == {NOON: 3}
    assert feed.metric("Firehose", "DataReadFromKinesisStream.Bytes", *day) == {NOON: 15}
    assert feed.metric("Firehose", "KinesisMillisBehindLatest", *day, "Maximum") == {NOON: 0}
    assert feed.metric("Firehose", "DeliveryToS3.Records", *day) == {NOON + MINUTE: 3}
    assert feed.metric("Firehose", "DeliveryToS3.Bytes", *day) == {NOON + MINUTE: entry["Size"]}
    assert feed.metric("Firehose", "DeliveryToS3.Success", *day, "Average") == {NOON + MINUTE: 1}
    assert feed.metric("Firehose", "DeliveryToS3.DataFreshness", *day, "Maximum") == {NOON + MINUTE: 60}
    # These belong to direct PUT.
    assert feed.metric("Firehose", "IncomingRecords", *day) == {}
    assert feed.metric("Firehose", "ThrottledRecords", *day) == {}


def test_without_traffic_there_are_no_metrics(common_cloud: Cloud) -> None:
    feed = Feed(common_cloud)
    common_cloud.set_clock(NOON)
    common_cloud.set_clock(NOON + 5 * HOUR)
    dimension = {"Name": "DeliveryStreamName", "Value": feed.name}
    assert common_cloud.client("cloudwatch").list_metrics(Dimensions=[dimension])["Metrics"] == []


def test_direct_put(common_cloud: Cloud) -> None:
    feed = Feed(common_cloud, direct=True)
    common_cloud.set_clock(NOON)
    answer = feed.firehose.put_record_batch(DeliveryStreamName=feed.name, Records=[{"Data": b"one"}, {"Data": b"two"}])
    assert answer["FailedPutCount"] == 0
    assert all(response["RecordId"] for response in answer["RequestResponses"])
    feed.firehose.put_record(DeliveryStreamName=feed.name, Record={"Data": b"three"})
    common_cloud.set_clock(NOON + HOUR)
    assert feed.lines() == [b"one", b"two", b"three"]
    day = NOON - HOUR, NOON + 2 * HOUR
    assert feed.metric("Firehose", "IncomingRecords", *day) == {NOON: 3}
    assert feed.metric("Firehose", "IncomingBytes", *day) == {NOON: 11}
    assert feed.metric("Firehose", "ThrottledRecords", *day) == {NOON: 0}
    assert feed.metric("Firehose", "IncomingPutRequests", *day) == {NOON: 2}
    assert feed.metric("Firehose", "PutRecord.Bytes", *day) == {NOON: 5}
    assert feed.metric("Firehose", "PutRecordBatch.Requests", *day) == {NOON: 1}
    assert feed.metric("Firehose", "PutRecordBatch.Records", *day) == {NOON: 2}
    assert feed.metric("Firehose", "BytesPerSecondLimit", *day, "Maximum") == {NOON: 5 * KB * KB}
    assert feed.metric("Firehose", "DataReadFromKinesisStream.Records", *day) == {}
    assert feed.metric("Firehose", "DeliveryToS3.Records", *day) == {NOON + MINUTE: 3}
    assert feed.metric("Firehose", "DeliveryToS3.DataFreshness", *day, "Maximum") == {NOON + MINUTE: 60}


@pytest.mark.parametrize(
    "datas",
    [[b"x"] * 501, [b"x" * (1000 * KB + 1)], [b"x" * 1000 * KB] * 5],
    ids=["501 records", "a record above 1,000 KiB", "more than 4 MiB"],
)
def test_a_batch_over_the_limits_is_refused_whole(common_cloud: Cloud, datas: list[bytes]) -> None:
    feed = Feed(common_cloud, direct=True)
    common_cloud.set_clock(NOON)
    with pytest.raises(ClientError):
        feed.firehose.put_record_batch(DeliveryStreamName=feed.name, Records=[{"Data": data} for data in datas])
    common_cloud.set_clock(NOON + HOUR)
    assert feed.object_keys() == []


def test_direct_put_refuses_single_records_above_five_megabytes_a_second(common_cloud: Cloud) -> None:
    feed = Feed(common_cloud, direct=True)
    for expected in (0, 3):
        common_cloud.set_clock(NOON)
        answer = feed.firehose.put_record_batch(DeliveryStreamName=feed.name, Records=[{"Data": b"x" * 1000 * KB}] * 4)
        assert answer["FailedPutCount"] == expected
    assert {response.get("ErrorCode") for response in answer["RequestResponses"]} == {
        None,
        "ServiceUnavailableException",
    }
    throttled = metric(
        common_cloud,
        "AWS/Firehose",
        "ThrottledRecords",
        {"DeliveryStreamName": feed.name},
        NOON,
        NOON + HOUR,
    )
    assert throttled == {NOON: 3}


def test_a_delivery_from_a_stream_takes_no_direct_put(common_cloud: Cloud) -> None:
    feed = Feed(common_cloud)
    refusal = "This operation is not permitted on KinesisStreamAsSource delivery stream type."
    with pytest.raises(feed.firehose.exceptions.InvalidArgumentException, match=refusal):
        feed.firehose.put_record(DeliveryStreamName=feed.name, Record={"Data": b"x"})


@pytest.mark.parametrize(
    "members",
    [
        {"BufferingHints": {"SizeInMBs": 129, "IntervalInSeconds": 60}},
        {"BufferingHints": {"SizeInMBs": 1, "IntervalInSeconds": 59}},
        {"BufferingHints": {"SizeInMBs": 1, "IntervalInSeconds": 901}},
        {"BufferingHints": {"SizeInMBs": 1}},
        {"ErrorOutputPrefix": ""},
        {"ErrorOutputPrefix": "failed/!{timestamp:yyyy}/"},
        {"Prefix": "!{firehose:error-output-type}/"},
        {"Prefix": "!{timestamp:yyyy}/!{oops/"},
        {"Prefix": "!{timestamp:QQQ}/"},
        {"Prefix": "!{partitionKeyFromQuery:customer}/"},
        {"CompressionFormat": "Snappy"},
        {"ProcessingConfiguration": {"Enabled": True, "Processors": [{"Type": "Lambda"}]}},
        {"DynamicPartitioningConfiguration": {"Enabled": True}},
        {"S3BackupMode": "Enabled"},
        {"BucketARN": "bucket"},
    ],
    ids=str,
)
def test_destinations_that_are_refused(common_cloud: Cloud, members: dict[str, Any]) -> None:
    firehose = common_cloud.client("firehose")
    destination = {
        "RoleARN": ROLE,
        "BucketARN": "arn:aws:s3:::any",
        "Prefix": "!{timestamp:yyyy}/",
        "ErrorOutputPrefix": "!{firehose:error-output-type}/",
    }
    with pytest.raises(ClientError):
        firehose.create_delivery_stream(
            DeliveryStreamName="refused", ExtendedS3DestinationConfiguration=destination | members
        )
    with pytest.raises(firehose.exceptions.ResourceNotFoundException):
        firehose.describe_delivery_stream(DeliveryStreamName="refused")


def test_unserved_operations_and_destinations_answer_an_error(common_cloud: Cloud) -> None:
    firehose = common_cloud.client("firehose")
    with pytest.raises(ClientError, match=r"UnknownOperationException.*StartDeliveryStreamEncryption"):
        firehose.start_delivery_stream_encryption(DeliveryStreamName="any")
    with pytest.raises(firehose.exceptions.InvalidArgumentException):
        firehose.create_delivery_stream(
            DeliveryStreamName="http",
            HttpEndpointDestinationConfiguration={
                "EndpointConfiguration": {"Url": "https://example.com"},
                "S3Configuration": {"RoleARN": ROLE, "BucketARN": "arn:aws:s3:::any"},
            },
        )


def test_a_delivery_is_described_changed_tagged_listed_and_deleted(common_cloud: Cloud) -> None:
    feed = Feed(common_cloud)
    description = feed.describe()
    assert description["DeliveryStreamType"] == "KinesisStreamAsSource"
    assert description["Source"]["KinesisStreamSourceDescription"]["KinesisStreamARN"] == feed.stream_arn
    (destination,) = description["Destinations"]
    assert destination["ExtendedS3DestinationDescription"]["BufferingHints"]["IntervalInSeconds"] == 60
    change = {
        "DeliveryStreamName": feed.name,
        "CurrentDeliveryStreamVersionId": "1",
        "DestinationId": destination["DestinationId"],
        "ExtendedS3DestinationUpdate": {"BufferingHints": {"SizeInMBs": 2, "IntervalInSeconds": 300}},
    }
    feed.firehose.update_destination(**change)
    changed = feed.describe()
    assert changed["VersionId"] == "2"
    after = changed["Destinations"][0]["ExtendedS3DestinationDescription"]
    assert after["BufferingHints"] == {"SizeInMBs": 2, "IntervalInSeconds": 300}
    assert after["CompressionFormat"] == "GZIP"
    with pytest.raises(feed.firehose.exceptions.ConcurrentModificationException):
        feed.firehose.update_destination(**change)
    feed.put_at(NOON, b"one")
    common_cloud.set_clock(NOON + 299 * SECOND)
    assert feed.object_keys() == []
    common_cloud.set_clock(NOON + HOUR)
    assert f"/{feed.name}-2-" in feed.object_keys()[0]

    feed.firehose.tag_delivery_stream(DeliveryStreamName=feed.name, Tags=[{"Key": "a", "Value": "1"}])
    listed = feed.firehose.list_tags_for_delivery_stream(DeliveryStreamName=feed.name)
    assert listed["Tags"] == [{"Key": "a", "Value": "1"}]
    first = feed.name[:-1]
    names = feed.firehose.list_delivery_streams(ExclusiveStartDeliveryStreamName=first, Limit=1)
    assert names["DeliveryStreamNames"] == [feed.name]
    delete(feed)


@pytest.mark.parametrize("direct", [False, True], ids=["from a stream", "direct"])
def test_a_changed_destination_begins_with_the_next_buffer(common_cloud: Cloud, direct: bool) -> None:
    feed = Feed(common_cloud, direct=direct)

    def put_at(second: int, data: bytes) -> None:
        common_cloud.set_clock(NOON + second * SECOND)
        if direct:
            feed.firehose.put_record(DeliveryStreamName=feed.name, Record={"Data": data})
        else:
            feed.put(data)

    put_at(0, b"before")
    update(
        feed,
        Prefix="new/!{timestamp:yyyy}/",
        ErrorOutputPrefix="bad/!{firehose:error-output-type}/",
        CompressionFormat="UNCOMPRESSED",
        BufferingHints={"SizeInMBs": 1, "IntervalInSeconds": 120},
    )
    put_at(10, b"between")
    update(feed, Prefix="newer/!{timestamp:yyyy}/")
    update(feed, BufferingHints={"SizeInMBs": 1, "IntervalInSeconds": 300})
    put_at(20, b"after")
    common_cloud.set_clock(NOON + 61 * SECOND)
    assert feed.lines() == [b"before"]
    common_cloud.set_clock(NOON + 131 * SECOND)
    assert feed.lines() == [b"before", b"between"]
    common_cloud.set_clock(NOON + 319 * SECOND)
    assert len(feed.object_keys()) == 2
    common_cloud.set_clock(NOON + 321 * SECOND)
    assert feed.lines() == [b"before", b"between", b"after"]
    names = [
        (key.partition("/")[0], key.rpartition("/")[2].removeprefix(f"{feed.name}-")[:2], key.endswith(".gz"))
        for key in feed.object_keys()
    ]
    assert names == [("landing", "1-", True), ("new", "2-", False), ("newer", "4-", False)]


def test_what_could_not_be_written_goes_where_a_mended_destination_says(common_cloud: Cloud) -> None:
    feed = Feed(common_cloud, BucketARN="arn:aws:s3:::no-such-bucket")
    feed.put_at(NOON, b"one")
    common_cloud.set_clock(NOON + 5 * MINUTE)
    update(feed, BucketARN=f"arn:aws:s3:::{feed.name}")
    common_cloud.set_clock(NOON + HOUR)
    assert feed.lines() == [b"one"]


def test_a_delivery_that_is_made_or_deleted_is_not_changed(common_cloud: Cloud) -> None:
    feed = Feed(common_cloud, direct=True)
    busy = feed.firehose.exceptions.ResourceInUseException
    name = f"{feed.name}-new"
    configuration = feed.destination()
    feed.firehose.create_delivery_stream(DeliveryStreamName=name, ExtendedS3DestinationConfiguration=configuration)
    with pytest.raises(busy):
        feed.firehose.delete_delivery_stream(DeliveryStreamName=name)
    feed.firehose.delete_delivery_stream(DeliveryStreamName=feed.name)
    with pytest.raises(busy):
        update(feed, CompressionFormat="UNCOMPRESSED")
    with pytest.raises(busy):
        feed.firehose.create_delivery_stream(
            DeliveryStreamName=feed.name, ExtendedS3DestinationConfiguration=configuration
        )
    with pytest.raises(feed.firehose.exceptions.ResourceNotFoundException):
        feed.firehose.put_record(DeliveryStreamName=feed.name, Record={"Data": b"x"})


def test_members_that_are_not_served_are_refused(common_cloud: Cloud) -> None:
    firehose = common_cloud.client("firehose")
    with pytest.raises(ClientError, match="does not serve DeliveryStreamEncryptionConfigurationInput"):
        firehose.create_delivery_stream(
            DeliveryStreamName="encrypted",
            ExtendedS3DestinationConfiguration={"RoleARN": ROLE, "BucketARN": "arn:aws:s3:::any"},
            DeliveryStreamEncryptionConfigurationInput={"KeyType": "AWS_OWNED_CMK"},
        )


def test_a_write_that_fails_is_tried_again_until_it_succeeds(common_cloud: Cloud) -> None:
    feed = Feed(common_cloud, BucketARN="arn:aws:s3:::not-there-yet")
    feed.put_at(NOON, b"one")
    feed.put_at(NOON + 10 * MINUTE, b"two")
    failed = feed.metric("Firehose", "DeliveryToS3.Success", NOON, NOON + HOUR)
    assert failed[NOON + MINUTE] == 0
    feed.s3.create_bucket(Bucket="not-there-yet")
    common_cloud.set_clock(NOON + 2 * HOUR)
    first, second = feed.s3.list_objects_v2(Bucket="not-there-yet")["Contents"]
    # Both under the hour of their arrival, however late.
    assert all("/hour=12/" in entry["Key"] for entry in (first, second))
    freshness = feed.metric("Firehose", "DeliveryToS3.DataFreshness", NOON, NOON + 2 * HOUR, "Maximum")
    assert max(freshness.values()) > 600


def test_a_failing_write_is_told_to_the_delivery_s_log(common_cloud: Cloud) -> None:
    logs = common_cloud.client("logs")
    logs.create_log_group(logGroupName="/aws/firehose/log")
    logs.create_log_stream(logGroupName="/aws/firehose/log", logStreamName="DestinationDelivery")
    options = {"Enabled": True, "LogGroupName": "/aws/firehose/log", "LogStreamName": "DestinationDelivery"}
    feed = Feed(common_cloud, BucketARN="arn:aws:s3:::missing", CloudWatchLoggingOptions=options)
    feed.put_at(NOON, b"one")
    common_cloud.set_clock(NOON + 65 * SECOND)
    (event,) = logs.get_log_events(
        logGroupName="/aws/firehose/log", logStreamName="DestinationDelivery", startFromHead=True
    )["events"]
    assert json.loads(event["message"])["errorCode"] == "S3.NoSuchBucket"


def test_after_a_day_of_failures_the_records_go_to_the_error_prefix_in_envelopes(common_cloud: Cloud) -> None:
    feed = Feed(common_cloud)
    common_cloud.arm("fail_delivery", delivery=feed.name, attempts=1000)
    feed.put_at(NOON, b"\xff one", b"two")
    common_cloud.set_clock(NOON + 23 * HOUR)
    assert feed.object_keys() == []
    common_cloud.set_clock(NOON + 25 * HOUR)
    (key,) = feed.object_keys()
    assert key.startswith(f"failed/delivery-failed/{NOON:%Y/%m/%d}/12/{feed.name}-1-")
    envelopes = [json.loads(line) for line in feed.body(key).splitlines()]
    assert [base64.b64decode(envelope["rawData"]) for envelope in envelopes] == [b"\xff one", b"two"]
    assert envelopes[0]["errorCode"] == "S3.InternalError"
    assert envelopes[0]["attemptsMade"] > 100
    assert abs(envelopes[0]["arrivalTimestamp"] - NOON.timestamp() * 1000) < 5000
    # Delivery goes on behind them.
    common_cloud.clear_faults()
    feed.put_at(NOON + 26 * HOUR, b"three")
    common_cloud.set_clock(NOON + 27 * HOUR)
    assert b"three" in feed.lines()
