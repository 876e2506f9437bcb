"""Firehose's dynamic partitioning: which records share an object, when it is written, and what has no partition."""

import base64
import json
import signal
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.integration.local.conftest import Cloud, day_ago, wait_until
from tests.integration.local.feed import ROLE, Feed, converting, make_table
from tests.integration.local.roles import make_role

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
NOON = day_ago(2) + 12 * HOUR
BY_TYPE = "!{partitionKeyFromQuery:event_type}/dt=!{timestamp:yyyy-MM-dd}/hour=!{timestamp:HH}/"


@pytest.fixture(autouse=True)
def _role(common_cloud: Cloud) -> None:
    make_role(common_cloud, "feed", "firehose.amazonaws.com", "s3:*", "kinesis:*", "glue:*")


def partitioned(query: str = "{event_type: .event_type}", prefix: str = BY_TYPE, **members: Any) -> dict[str, Any]:
    """Members of a destination that is partitioned by what the query finds."""
    extraction = {"MetadataExtractionQuery": query, "JsonParsingEngine": "JQ-1.6"}
    parameters = [{"ParameterName": name, "ParameterValue": value} for name, value in extraction.items()]
    processors = [
        {"Type": "MetadataExtraction", "Parameters": parameters},
        {"Type": "AppendDelimiterToRecord"},
    ]
    return {
        "Prefix": prefix,
        "BufferingHints": {"SizeInMBs": 64, "IntervalInSeconds": 60},
        "CompressionFormat": "UNCOMPRESSED",
        "ProcessingConfiguration": {"Enabled": True, "Processors": processors},
        "DynamicPartitioningConfiguration": {"Enabled": True},
    } | members


def event(kind: Any, **members: Any) -> bytes:
    return json.dumps({"event_type": kind} | members).encode()


def folders(feed: Feed) -> list[str]:
    """The keys of all objects without their names, in order of delivery."""
    return [key.rpartition("/")[0] for key in feed.object_keys()]


def update(feed: Feed, **members: Any) -> None:
    described = feed.describe()
    feed.firehose.update_destination(
        DeliveryStreamName=feed.name,
        CurrentDeliveryStreamVersionId=described["VersionId"],
        DestinationId=described["Destinations"][0]["DestinationId"],
        ExtendedS3DestinationUpdate=members,
    )


def test_each_partition_has_an_object_of_its_own(common_cloud: Cloud) -> None:
    feed = Feed(common_cloud, **partitioned())
    feed.put_at(NOON, event("view", n=1), event("click", n=2), event("view", n=3))
    common_cloud.set_clock(NOON + HOUR)
    day = f"dt={NOON:%Y-%m-%d}/hour=12"
    found = {key.rpartition("/")[0]: feed.body(key) for key in feed.object_keys()}
    assert found == {
        f"view/{day}": event("view", n=1) + b"\n" + event("view", n=3) + b"\n",
        f"click/{day}": event("click", n=2) + b"\n",
    }


def test_each_partition_waits_its_own_interval_and_has_its_own_oldest_record(common_cloud: Cloud) -> None:
    feed = Feed(common_cloud, **partitioned())
    feed.put_at(NOON + HOUR - 30 * SECOND, event("view"))
    feed.put_at(NOON + HOUR + 10 * SECOND, event("view"), event("click"))
    common_cloud.set_clock(NOON + HOUR + 31 * SECOND)
    day = f"dt={NOON:%Y-%m-%d}"
    assert folders(feed) == [f"view/{day}/hour=12"]
    common_cloud.set_clock(NOON + HOUR + 69 * SECOND)
    assert len(folders(feed)) == 1
    common_cloud.set_clock(NOON + HOUR + 71 * SECOND)
    assert folders(feed) == [f"view/{day}/hour=12", f"click/{day}/hour=13"]
    # The age at a write is that of the oldest record that was still there, of whatever partition.
    freshness = feed.metric("Firehose", "DeliveryToS3.DataFreshness", NOON, NOON + 3 * HOUR, "Maximum")
    assert freshness == {NOON + HOUR: 60, NOON + HOUR + MINUTE: 60}


def test_rows_by_event_type_date_and_hour(common_cloud: Cloud) -> None:
    database = make_table(common_cloud, event_type="string", n="int")
    members = partitioned(prefix=f"bronze/event_type={BY_TYPE}") | converting(database)
    feed = Feed(common_cloud, **members)
    feed.put_at(NOON, event("view", n=1), event("click", n="x"), event("click", n=2), event("view", n="3"))
    common_cloud.set_clock(NOON + HOUR)
    day = f"dt={NOON:%Y-%m-%d}/hour=12/{feed.name}-1-"
    assert feed.rows(f"bronze/event_type=view/{day}") == [
        {"event_type": "view", "n": 1},
        {"event_type": "view", "n": 3},
    ]
    assert feed.rows(f"bronze/event_type=click/{day}") == [{"event_type": "click", "n": 2}]
    (failed,) = feed.failures("format-conversion-failed")
    assert json.loads(base64.b64decode(failed["rawData"]))["n"] == "x"
    assert len(feed.object_keys()) == 3


@pytest.mark.parametrize(
    ("record", "message"),
    [
        (b"no JSON", "Non JSON record provided"),
        (b"", "Non JSON record provided"),
        (b'{"event_type":"a"}{"event_type":"b"}', "Non JSON record provided"),
        (b'["view"]', "Non JSON record provided"),
        (b"{}", "partitionKeys values must not be null or empty"),
        (b'{"event_type":null}', "partitionKeys values must not be null or empty"),
        (b'{"event_type":""}', "partitionKeys values must not be null or empty"),
        (b'{"event_type":{"a":1}}', "partitionKeys values must not be null or empty"),
        (event("x" * 500), "Length of evaluated prefix cannot be greater than 512"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_record_without_a_key_goes_to_the_error_prefix(common_cloud: Cloud, record: bytes, message: str) -> None:
    feed = Feed(common_cloud, **partitioned())
    feed.put_at(NOON, record, event("view"))
    common_cloud.set_clock(NOON + HOUR)
    kind = "metadata-extraction-failed"
    (envelope,) = feed.failures(kind)
    assert base64.b64decode(envelope["rawData"]) == record
    assert envelope["errorCode"] == "DynamicPartitioning.MetadataExtractionFailed"
    assert envelope["errorMessage"] == message
    assert envelope["attemptsMade"] == 1
    keys = sorted(feed.object_keys())
    assert keys[0].startswith(f"failed/{kind}/{NOON:%Y/%m/%d}/12/{feed.name}-1-{NOON:%Y-%m-%d}-12-00-0")
    assert keys[1].startswith("view/")


@pytest.mark.parametrize(("value", "folder"), [("a/b", "a/b"), (1.5, "1.5"), (True, "true"), ("é", "é")], ids=str)
def test_what_a_value_is_in_a_key(common_cloud: Cloud, value: Any, folder: str) -> None:
    feed = Feed(common_cloud, **partitioned(prefix="!{partitionKeyFromQuery:event_type}/"))
    feed.put_at(NOON, event(value))
    common_cloud.set_clock(NOON + HOUR)
    # No default date: the prefix says it all.
    assert folders(feed) == [folder]


def test_several_keys_of_any_jq(common_cloud: Cloud) -> None:
    side = '(if .n > 1 then "big" else "small" end)'
    query = f'{{"kind": [.event_type, ","][0], year: (.at | strftime("%Y")), side: {side}}}'
    names = "!{partitionKeyFromQuery:year}/!{partitionKeyFromQuery:side}/!{partitionKeyFromQuery:kind}/"
    feed = Feed(common_cloud, **partitioned(query, names))
    feed.put_at(NOON, event("view", at=1565382027, n=1), event("view", at=1565382027, n=2))
    common_cloud.set_clock(NOON + HOUR)
    assert sorted(folders(feed)) == ["2019/big/view", "2019/small/view"]


def test_above_500_active_partitions_records_go_to_the_error_prefix(common_cloud: Cloud) -> None:
    feed = Feed(common_cloud, **partitioned(prefix="!{partitionKeyFromQuery:event_type}/"))
    common_cloud.set_clock(NOON)
    for start in (0, 250, 500):
        feed.put(*[event(f"t{at:03d}") for at in range(start, min(start + 250, 502))])
    # A partition that is active already takes more.
    feed.put(event("t000"))
    common_cloud.set_clock(NOON + 50 * MINUTE)
    kind = "activePartitionExceeded"
    written = [key for key in feed.object_keys() if not key.startswith("failed/")]
    assert len(written) == 500
    envelopes = feed.failures(kind)
    assert [json.loads(base64.b64decode(each["rawData"])) for each in envelopes] == [
        {"event_type": "t500"},
        {"event_type": "t501"},
    ]
    assert envelopes[0]["errorCode"] == "DynamicPartitioning.ActivePartitionLimitExceeded"
    day = NOON - HOUR, NOON + HOUR
    assert feed.metric("Firehose", "PartitionCount", *day, "Maximum") == {NOON: 500}
    assert feed.metric("Firehose", "PartitionCountExceeded", *day, "Maximum") == {NOON: 1}
    assert feed.metric("Firehose", "ActivePartitionsLimit", *day, "Maximum") == {NOON: 500}
    assert feed.metric("Firehose", "DeliveryToS3.ObjectCount", *day) == {NOON + MINUTE: 500}
    assert feed.metric("Firehose", "JQProcessing.Duration", *day, "Minimum")[NOON] > 0
    # Delivered, they make room.
    feed.put_at(NOON + HOUR, event("t501"))
    common_cloud.set_clock(NOON + 2 * HOUR)
    assert folders(feed)[-1] == "t501"


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_a_restart_loses_and_doubles_nothing(cloud: Cloud, how: signal.Signals) -> None:
    feed = Feed(cloud, **partitioned())
    # The older partition is kept waiting by a refusal of its folder alone.
    bucket = f"arn:aws:s3:::{feed.name}"
    make_role(cloud, "feed", "firehose.amazonaws.com", "s3:*", resource=f"{bucket}/click/*")
    feed.put_at(NOON, event("view", n=1), event("click", n=2), event("view", n=3))
    cloud.set_clock(NOON + 65 * SECOND)
    assert len(folders(feed)) == 1
    cloud.stop(how)
    cloud.start()
    make_role(cloud, "feed", "firehose.amazonaws.com", "s3:*", "kinesis:*", "glue:*")
    cloud.set_clock(NOON + HOUR)
    wait_until(lambda: len(folders(feed)) == 2)
    assert [json.loads(line)["n"] for line in feed.lines()] == [2, 1, 3]


def test_a_partition_that_cannot_be_written_stays_active_and_is_given_up_after_its_retries(
    common_cloud: Cloud,
) -> None:
    options = {"Enabled": True, "RetryOptions": {"DurationInSeconds": 60}}
    feed = Feed(common_cloud, **partitioned(DynamicPartitioningConfiguration=options))
    bucket = f"arn:aws:s3:::{feed.name}"
    make_role(common_cloud, "feed", "firehose.amazonaws.com", "s3:*", resource=f"{bucket}/failed/*")
    feed.put_at(NOON, event("view"))
    common_cloud.set_clock(NOON + 61 * SECOND)
    feed.put_at(NOON + 62 * SECOND, event("click"))
    assert feed.metric("Firehose", "PartitionCount", NOON, NOON + HOUR, "Maximum")[NOON + MINUTE] == 2
    common_cloud.set_clock(NOON + 119 * SECOND)
    assert feed.object_keys() == []
    common_cloud.set_clock(NOON + HOUR)
    envelopes = feed.failures("delivery-failed")
    assert [json.loads(base64.b64decode(each["rawData"]))["event_type"] for each in envelopes] == ["view", "click"]
    assert {each["errorCode"] for each in envelopes} == {"S3.AccessDenied"}


def test_keys_can_be_changed_but_partitioning_neither_begun_nor_ended(common_cloud: Cloud) -> None:
    feed = Feed(common_cloud, **partitioned())
    feed.put_at(NOON, event("view", n=1))
    other = partitioned("{n: .n}", "n=!{partitionKeyFromQuery:n}/")
    update(feed, Prefix=other["Prefix"], ProcessingConfiguration=other["ProcessingConfiguration"])
    feed.put_at(NOON + SECOND, event("view", n=2))
    common_cloud.set_clock(NOON + HOUR)
    assert folders(feed) == [f"view/dt={NOON:%Y-%m-%d}/hour=12", "n=2"]
    plain = Feed(common_cloud, BufferingHints={"SizeInMBs": 64, "IntervalInSeconds": 60})
    refusal = "only when a Firehose stream is made, and never disabled"
    with pytest.raises(ClientError, match=refusal):
        update(plain, **partitioned())
    with pytest.raises(ClientError, match=refusal):
        update(
            feed,
            Prefix="raw/",
            ProcessingConfiguration={"Enabled": False},
            DynamicPartitioningConfiguration={"Enabled": False},
        )


def test_a_partitioned_delivery_is_described_with_larger_buffers(common_cloud: Cloud) -> None:
    members = partitioned()
    del members["BufferingHints"]
    configuration = {
        "RoleARN": ROLE,
        "BucketARN": "arn:aws:s3:::any",
        "ErrorOutputPrefix": "!{firehose:error-output-type}/",
    }
    firehose = common_cloud.client("firehose")
    firehose.create_delivery_stream(
        DeliveryStreamName="described", ExtendedS3DestinationConfiguration=configuration | members
    )
    description = firehose.describe_delivery_stream(DeliveryStreamName="described")["DeliveryStreamDescription"]
    described = description["Destinations"][0]["ExtendedS3DestinationDescription"]
    assert described["BufferingHints"] == {"SizeInMBs": 128, "IntervalInSeconds": 300}
    assert described["DynamicPartitioningConfiguration"] == {"Enabled": True}


@pytest.mark.parametrize(
    ("members", "refusal"),
    [
        (partitioned(BufferingHints={"SizeInMBs": 63, "IntervalInSeconds": 60}), "must be at least 64 when Dynamic"),
        (partitioned(BufferingHints={"SizeInMBs": 64, "IntervalInSeconds": 0}), "Zero buffering"),
        (partitioned(DynamicPartitioningConfiguration={"Enabled": False}), "only be part of a prefix expression when"),
        (
            partitioned(Prefix="raw/", DynamicPartitioningConfiguration={"Enabled": False}),
            "MetadataExtraction processor can only be present when Dynamic Partitioning is enabled",
        ),
        (partitioned(ProcessingConfiguration={"Enabled": False}), "MetadataExtraction processor should be present"),
        (partitioned(prefix="!{timestamp:yyyy}/"), "should contain Dynamic Partitioning namespaces"),
        (partitioned(ErrorOutputPrefix=""), "ErrorOutputPrefix cannot be null or empty"),
        (partitioned(ErrorOutputPrefix="failed/"), "error-output-type"),
        (
            partitioned(ErrorOutputPrefix="!{firehose:error-output-type}/!{partitionKeyFromQuery:event_type}/"),
            "can't be part of an error prefix expression",
        ),
        (partitioned("{event_type: .event_type, n: .n}"), "keys that are not present in the S3 Prefix"),
        (partitioned("{n: .n}", BY_TYPE + "!{partitionKeyFromQuery:n}/"), "keys that the JQ Query does not have"),
        (partitioned("{event_type: .event_type |}"), "cannot be compiled"),
        (partitioned(".event_type"), "of the form"),
        (partitioned("{event_type: .event_type | trim}"), "jq 1.6 does not have trim"),
        (partitioned("{event_type: (if .a then .b end)}"), "jq 1.6 does not have if without else"),
        (partitioned(prefix="!{partitionKeyFromLambda:event_type}/"), "partitionKeyFromLambda"),
        (
            partitioned(ProcessingConfiguration={"Enabled": True, "Processors": []}),
            "A maximum of 5 and a minimum of 1 processor",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_partitionings_that_are_refused(common_cloud: Cloud, members: dict[str, Any], refusal: str) -> None:
    with pytest.raises(ClientError, match=refusal):
        Feed(common_cloud, direct=True, **members)


def test_processors_that_are_refused(common_cloud: Cloud) -> None:
    (extraction, delimiter) = partitioned()["ProcessingConfiguration"]["Processors"]
    other_engine = {
        "Type": "MetadataExtraction",
        "Parameters": [extraction["Parameters"][0], {"ParameterName": "JsonParsingEngine", "ParameterValue": "JQ-1.7"}],
    }
    refusals = [
        ([other_engine], "JSON Parsing Engine has to be one of JQ-1.6"),
        (
            [{"Type": "MetadataExtraction", "Parameters": extraction["Parameters"][1:]}],
            "needs a MetadataExtractionQuery",
        ),
        ([extraction, extraction], "Cannot have more than 1 MetadataExtraction processor"),
        ([extraction, {"Type": "RecordDeAggregation"}], "does not serve the processor RecordDeAggregation"),
        ([extraction, delimiter, delimiter], "Cannot have more than 1 AppendDelimiterToRecord"),
    ]
    for processors, refusal in refusals:
        members = partitioned(ProcessingConfiguration={"Enabled": True, "Processors": processors})
        with pytest.raises(ClientError, match=refusal):
            Feed(common_cloud, direct=True, **members)


def test_a_mended_destination_takes_what_could_not_be_written_failures_too(common_cloud: Cloud) -> None:
    feed = Feed(common_cloud, **partitioned(BucketARN="arn:aws:s3:::no-such-bucket"))
    feed.put_at(NOON, event("view"), b"no JSON")
    common_cloud.set_clock(NOON + 90 * SECOND)
    update(feed, BucketARN=f"arn:aws:s3:::{feed.name}")
    common_cloud.set_clock(NOON + HOUR)
    assert len(feed.failures("metadata-extraction-failed")) == 1
    assert [folder.partition("/")[0] for folder in sorted(folders(feed))] == ["failed", "view"]
