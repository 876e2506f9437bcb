"""A stream is made, changed and deleted: what it says meanwhile, AWS's limits, and what is kept."""

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.integration.local.conftest import Cloud, day_ago, wait_until
from tests.integration.local.feed import Feed, metric

HOUR = timedelta(hours=1)
NOON = day_ago(2) + 12 * HOUR
ALL_METRICS = [
    "IncomingBytes",
    "IncomingRecords",
    "IteratorAgeMilliseconds",
    "OutgoingBytes",
    "OutgoingRecords",
    "ReadProvisionedThroughputExceeded",
    "WriteProvisionedThroughputExceeded",
]


class Stream:
    """A stream of its own, without a delivery."""

    def __init__(self, cloud: Cloud, **said: Any) -> None:
        self.cloud = cloud
        self.name = f"stream-{uuid.uuid4().hex[:12]}"
        self.arn = f"arn:aws:kinesis:us-east-1:000000000000:stream/{self.name}"
        self.kinesis = cloud.client("kinesis")
        self.make(**said or {"ShardCount": 1})

    def make(self, **said: Any) -> None:
        """Create the stream and wait until it is active."""
        self.kinesis.create_stream(StreamName=self.name, **said)
        self.settle()

    def settle(self) -> None:
        """Wait until the stream is active."""
        wait_until(lambda: self.summary()["StreamStatus"] == "ACTIVE")

    def summary(self) -> dict[str, Any]:
        answer: dict[str, Any] = self.kinesis.describe_stream_summary(StreamName=self.name)["StreamDescriptionSummary"]
        return answer

    def describe(self) -> dict[str, Any]:
        answer: dict[str, Any] = self.kinesis.describe_stream(StreamName=self.name)["StreamDescription"]
        return answer

    def put(self, count: int) -> int:
        """Put records with keys all over the hash space; returns how many were refused."""
        records = [{"Data": b"12345", "PartitionKey": f"key-{n:03d}"} for n in range(count)]
        failed: int = self.kinesis.put_records(StreamName=self.name, Records=records)["FailedRecordCount"]
        return failed

    def switch(self, mode: str) -> None:
        """Switch the capacity mode and wait until it is done."""
        self.kinesis.update_stream_mode(StreamARN=self.arn, StreamModeDetails={"StreamMode": mode})
        self.settle()

    def encrypt(self, key: str) -> None:
        """Start encryption and wait until it is done."""
        self.kinesis.start_stream_encryption(StreamName=self.name, EncryptionType="KMS", KeyId=key)
        self.settle()

    def tags(self) -> dict[str, str]:
        answer = self.kinesis.list_tags_for_stream(StreamName=self.name)
        return {tag["Key"]: tag["Value"] for tag in answer["Tags"]}


def refused(code: str, call: Callable[..., Any], **request: Any) -> str:
    """The text with which the call is refused."""
    with pytest.raises(ClientError) as refusal:
        call(**request)
    assert refusal.value.response["Error"]["Code"] == code
    return str(refusal.value)


def test_a_new_stream_is_creating_and_has_no_shards_yet(common_cloud: Cloud) -> None:
    kinesis, name = common_cloud.client("kinesis"), "new"
    kinesis.create_stream(StreamName=name, ShardCount=2, Tags={"team": "web"})
    summary = kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]
    assert (summary["StreamStatus"], summary["OpenShardCount"]) == ("CREATING", 0)
    assert kinesis.describe_stream(StreamName=name)["StreamDescription"]["Shards"] == []
    refused("ResourceNotFoundException", kinesis.put_record, StreamName=name, Data=b"x", PartitionKey="k")
    refused("ResourceInUseException", kinesis.list_shards, StreamName=name)
    refused("ResourceInUseException", kinesis.delete_stream, StreamName=name)
    refused("ResourceInUseException", kinesis.create_stream, StreamName=name, ShardCount=2)
    kinesis.get_waiter("stream_exists").wait(StreamName=name, WaiterConfig={"Delay": 1})
    assert len(kinesis.list_shards(StreamName=name)["Shards"]) == 2
    assert kinesis.list_tags_for_stream(StreamName=name)["Tags"] == [{"Key": "team", "Value": "web"}]


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"ShardCount": 4, "StreamModeDetails": {"StreamMode": "ON_DEMAND"}},
        {"ShardCount": 1, "MaxRecordSizeInKiB": 2048},
        {"ShardCount": 1, "Tags": {"aws:mine": "x"}},
    ],
    ids=str,
)
def test_streams_that_are_refused(common_cloud: Cloud, said: dict[str, Any]) -> None:
    kinesis = common_cloud.client("kinesis")
    with pytest.raises(ClientError):
        kinesis.create_stream(StreamName="refused", **said)
    refused("ResourceNotFoundException", kinesis.describe_stream_summary, StreamName="refused")


def test_an_on_demand_stream_begins_with_four_shards_which_cannot_be_counted_out(common_cloud: Cloud) -> None:
    stream = Stream(common_cloud, StreamModeDetails={"StreamMode": "ON_DEMAND"})
    summary = stream.summary()
    assert summary["StreamModeDetails"] == {"StreamMode": "ON_DEMAND"}
    assert summary["OpenShardCount"] == 4
    scale = {"StreamName": stream.name, "TargetShardCount": 8, "ScalingType": "UNIFORM_SCALING"}
    refused("ValidationException", stream.kinesis.update_shard_count, **scale)
    assert stream.put(100) == 0


def test_the_capacity_mode_is_switched_twice_a_day_and_keeps_the_shards(common_cloud: Cloud) -> None:
    stream = Stream(common_cloud, ShardCount=3)
    common_cloud.set_clock(NOON)
    refused(
        "InvalidArgumentException",
        stream.kinesis.update_stream_mode,
        StreamARN=stream.arn,
        StreamModeDetails={"StreamMode": "PROVISIONED"},
    )
    stream.switch("ON_DEMAND")
    assert (stream.describe()["StreamModeDetails"], stream.summary()["OpenShardCount"]) == (
        {"StreamMode": "ON_DEMAND"},
        3,
    )
    stream.switch("PROVISIONED")
    on_demand = {"StreamARN": stream.arn, "StreamModeDetails": {"StreamMode": "ON_DEMAND"}}
    refused("LimitExceededException", stream.kinesis.update_stream_mode, **on_demand)
    common_cloud.set_clock(NOON + 25 * HOUR)
    stream.switch("ON_DEMAND")
    assert stream.summary()["StreamModeDetails"] == {"StreamMode": "ON_DEMAND"}


def test_the_retention_period_grows_and_shrinks_by_an_operation_each(common_cloud: Cloud) -> None:
    stream = Stream(common_cloud)
    longer, shorter = stream.kinesis.increase_stream_retention_period, stream.kinesis.decrease_stream_retention_period

    def hours(count: int) -> dict[str, Any]:
        return {"StreamName": stream.name, "RetentionPeriodHours": count}

    longer(**hours(168))
    refused("ResourceInUseException", shorter, **hours(48))
    stream.settle()
    assert stream.summary()["RetentionPeriodHours"] == 168
    assert "Use DecreaseRetentionPeriod API" in refused("InvalidArgumentException", longer, **hours(48))
    assert "Use IncreaseRetentionPeriod API" in refused("InvalidArgumentException", shorter, **hours(200))
    refused("InvalidArgumentException", longer, **hours(168))
    refused("InvalidArgumentException", shorter, **hours(23))
    refused("InvalidArgumentException", longer, **hours(8761))
    shorter(**hours(24))
    stream.settle()
    assert stream.describe()["RetentionPeriodHours"] == 24


def test_encryption_names_a_key_that_is_there_and_enabled(common_cloud: Cloud) -> None:
    stream, kms = Stream(common_cloud), common_cloud.client("kms")
    key = kms.create_key()["KeyMetadata"]
    kms.create_alias(AliasName=f"alias/{stream.name}", TargetKeyId=key["KeyId"])
    start = {"StreamName": stream.name, "EncryptionType": "KMS"}
    for named in (key["Arn"], key["KeyId"], f"alias/{stream.name}", "alias/aws/kinesis"):
        stream.encrypt(named)
        assert (stream.summary()["EncryptionType"], stream.summary()["KeyId"]) == ("KMS", named)
    assert stream.describe()["KeyId"] == "alias/aws/kinesis"
    answer = stream.kinesis.put_record(StreamName=stream.name, Data=b"x", PartitionKey="k")
    assert answer["EncryptionType"] == "KMS"
    refused("KMSNotFoundException", stream.kinesis.start_stream_encryption, **start, KeyId="alias/none")
    kms.disable_key(KeyId=key["KeyId"])
    refused("KMSDisabledException", stream.kinesis.start_stream_encryption, **start, KeyId=key["Arn"])
    kms.schedule_key_deletion(KeyId=key["KeyId"])
    refused("KMSInvalidStateException", stream.kinesis.start_stream_encryption, **start, KeyId=key["Arn"])
    stream.kinesis.stop_stream_encryption(**start, KeyId="alias/aws/kinesis")
    stream.settle()
    assert stream.summary()["EncryptionType"] == "NONE"
    assert "KeyId" not in stream.describe()


def test_enhanced_monitoring_lists_what_was_and_what_will_be(common_cloud: Cloud) -> None:
    stream = Stream(common_cloud)

    def change(call: Any, *names: str) -> tuple[list[str], list[str]]:
        answer = call(StreamName=stream.name, ShardLevelMetrics=list(names))
        stream.settle()
        assert stream.summary()["EnhancedMonitoring"] == [{"ShardLevelMetrics": answer["DesiredShardLevelMetrics"]}]
        assert stream.describe()["EnhancedMonitoring"] == stream.summary()["EnhancedMonitoring"]
        return answer["CurrentShardLevelMetrics"], answer["DesiredShardLevelMetrics"]

    enable, disable = stream.kinesis.enable_enhanced_monitoring, stream.kinesis.disable_enhanced_monitoring
    assert change(enable, "OutgoingBytes", "IncomingBytes") == ([], ["IncomingBytes", "OutgoingBytes"])
    assert change(disable, "OutgoingBytes") == (["IncomingBytes", "OutgoingBytes"], ["IncomingBytes"])
    assert change(enable, "ALL") == (["IncomingBytes"], ALL_METRICS)
    assert change(disable, "ALL") == (ALL_METRICS, [])
    refused("ValidationException", enable, StreamName=stream.name, ShardLevelMetrics=["Everything"])


def test_enhanced_metrics_are_measured_by_shard(common_cloud: Cloud) -> None:
    stream = Stream(common_cloud)
    common_cloud.set_clock(NOON)
    stream.put(10)
    metrics = ["IncomingRecords", "OutgoingRecords", "OutgoingBytes"]
    stream.kinesis.enable_enhanced_monitoring(StreamName=stream.name, ShardLevelMetrics=metrics)
    common_cloud.set_clock(NOON + HOUR)
    stream.put(3)
    shard = "shardId-000000000000"
    iterator = stream.kinesis.get_shard_iterator(
        StreamName=stream.name, ShardId=shard, ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    stream.kinesis.get_records(ShardIterator=iterator)

    def measured(name: str) -> list[float]:
        dimensions = {"StreamName": stream.name, "ShardId": shard}
        return list(metric(common_cloud, "AWS/Kinesis", name, dimensions, NOON, NOON + 2 * HOUR).values())

    assert measured("IncomingRecords") == [3]
    assert measured("OutgoingRecords") == [13]
    assert measured("OutgoingBytes") == [65]
    assert measured("IncomingBytes") == []


def test_a_stream_has_fifty_tags_at_the_most(common_cloud: Cloud) -> None:
    stream = Stream(common_cloud)
    add = stream.kinesis.add_tags_to_stream
    add(StreamName=stream.name, Tags={f"key-{n}": "old" for n in range(50)})
    add(StreamName=stream.name, Tags={"key-1": "new"})
    refused("InvalidArgumentException", add, StreamName=stream.name, Tags={"one more": "x"})
    refused("InvalidArgumentException", add, StreamName=stream.name, Tags={"key-1": "a;b"})
    assert (len(stream.tags()), stream.tags()["key-1"]) == (50, "new")
    stream.kinesis.remove_tags_from_stream(StreamName=stream.name, TagKeys=["key-1", "never there"])
    assert "key-1" not in stream.tags()


def test_one_change_at_a_time(common_cloud: Cloud) -> None:
    stream, kinesis = Stream(common_cloud), common_cloud.client("kinesis")
    kinesis.enable_enhanced_monitoring(StreamName=stream.name, ShardLevelMetrics=["ALL"])
    named = {"StreamName": stream.name}
    mode = {"StreamMode": "ON_DEMAND"}
    encryption = {"EncryptionType": "KMS", "KeyId": "alias/aws/kinesis"}
    in_use = "ResourceInUseException"
    text = refused(in_use, kinesis.update_stream_mode, StreamARN=stream.arn, StreamModeDetails=mode)
    assert f"Stream {stream.name} under account 000000000000 not ACTIVE, instead in state UPDATING" in text
    refused(in_use, kinesis.start_stream_encryption, **named, **encryption)
    refused(in_use, kinesis.stop_stream_encryption, **named, **encryption)
    refused(in_use, kinesis.disable_enhanced_monitoring, **named, ShardLevelMetrics=["ALL"])
    refused(in_use, kinesis.increase_stream_retention_period, **named, RetentionPeriodHours=48)
    refused(in_use, kinesis.delete_stream, **named)
    assert stream.put(5) == 0
    assert stream.summary()["StreamStatus"] == "UPDATING"


def test_a_deleted_stream_is_deleting_and_then_gone(common_cloud: Cloud) -> None:
    stream = Stream(common_cloud)
    stream.put(5)
    stream.kinesis.delete_stream(StreamName=stream.name)
    assert stream.summary()["StreamStatus"] == "DELETING"
    refused("ResourceInUseException", stream.kinesis.create_stream, StreamName=stream.name, ShardCount=1)
    stream.kinesis.get_waiter("stream_not_exists").wait(StreamName=stream.name, WaiterConfig={"Delay": 1})
    stream.make(ShardCount=1)
    iterator = stream.kinesis.get_shard_iterator(
        StreamName=stream.name, ShardId="shardId-000000000000", ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    assert stream.kinesis.get_records(ShardIterator=iterator)["Records"] == []


def deleted(feed: Feed) -> None:
    """Delete the feed's stream, and wait until it is gone."""
    feed.kinesis.delete_stream(StreamName=feed.name)
    feed.kinesis.get_waiter("stream_not_exists").wait(StreamName=feed.name, WaiterConfig={"Delay": 1})


@pytest.mark.parametrize("restart", [False, True], ids=["at once", "after a restart"])
def test_what_a_delivery_has_read_of_a_deleted_stream_is_written(cloud: Cloud, restart: bool) -> None:
    feed = Feed(cloud)
    feed.put_at(NOON, b"one", b"two")
    deleted(feed)
    if restart:
        cloud.stop()
        cloud.start()
    assert feed.describe()["DeliveryStreamStatus"] == "ACTIVE"
    cloud.set_clock(NOON + HOUR)
    assert feed.lines() == [b"one", b"two"]


def test_what_a_paused_delivery_has_not_read_of_a_deleted_stream_is_lost(common_cloud: Cloud) -> None:
    feed = Feed(common_cloud)
    common_cloud.arm("pause_delivery", delivery=feed.name)
    feed.put_at(NOON, b"one")
    deleted(feed)
    common_cloud.clear_faults()
    common_cloud.set_clock(NOON + HOUR)
    assert feed.lines() == []


def test_all_settings_outlive_the_process(cloud: Cloud) -> None:
    stream = Stream(cloud, ShardCount=2, Tags={"team": "web"})
    stream.kinesis.increase_stream_retention_period(StreamName=stream.name, RetentionPeriodHours=48)
    stream.settle()
    stream.encrypt("alias/aws/kinesis")
    stream.switch("ON_DEMAND")
    stream.switch("PROVISIONED")
    stream.kinesis.enable_enhanced_monitoring(StreamName=stream.name, ShardLevelMetrics=["ALL"])
    cloud.stop()
    cloud.start()
    stream.settle()
    summary = stream.summary()
    assert summary["RetentionPeriodHours"] == 48
    assert summary["KeyId"] == "alias/aws/kinesis"
    assert summary["EnhancedMonitoring"] == [{"ShardLevelMetrics": ALL_METRICS}]
    assert stream.tags() == {"team": "web"}
    on_demand = {"StreamARN": stream.arn, "StreamModeDetails": {"StreamMode": "ON_DEMAND"}}
    refused("LimitExceededException", stream.kinesis.update_stream_mode, **on_demand)
