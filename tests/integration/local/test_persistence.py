"""What outlives the process, stopped in good order or killed."""

import json
import signal
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.integration.local.conftest import Cloud, day_ago, wait_until
from tests.integration.local.feed import Feed, metric

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
NOON = day_ago(2) + 12 * HOUR
LOSS_SECONDS = 1.0
"""What is older than this is there after a kill."""


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_changes_of_every_kind_outlive_the_process(cloud: Cloud, how: signal.Signals) -> None:
    s3, glue, sqs, iam, sns = (cloud.client(name) for name in ("s3", "glue", "sqs", "iam", "sns"))
    s3.create_bucket(Bucket="bucket", ObjectLockEnabledForBucket=True)
    old = s3.put_object(Bucket="bucket", Key="key", Body=b"old")["VersionId"]
    s3.put_object(Bucket="bucket", Key="key", Body=b"new")
    glue.create_database(DatabaseInput={"Name": "db"})
    glue.create_table(DatabaseName="db", TableInput={"Name": "t", "Parameters": {"metadata_location": "1"}})
    glue.update_table(DatabaseName="db", TableInput={"Name": "t", "Parameters": {"metadata_location": "2"}})
    iam.create_role(RoleName="role", AssumeRolePolicyDocument=json.dumps({"Statement": []}))
    queue = sqs.create_queue(QueueName="inbox")["QueueUrl"]
    topic = sns.create_topic(Name="pages")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint="arn:aws:sqs:us-east-1:000000000000:inbox")
    sns.publish(TopicArn=topic, Message="page")
    if how == signal.SIGKILL:
        # The promise is about age, so here a fixed wait is the test.
        time.sleep(LOSS_SECONDS)
    code = cloud.stop(how)
    assert code == (0 if how == signal.SIGTERM else -how)
    cloud.start()
    assert s3.get_object(Bucket="bucket", Key="key")["Body"].read() == b"new"
    assert s3.get_object(Bucket="bucket", Key="key", VersionId=old)["Body"].read() == b"old"
    table = glue.get_table(DatabaseName="db", Name="t")["Table"]
    assert (table["Parameters"], table["VersionId"]) == ({"metadata_location": "2"}, "2")
    assert iam.get_role(RoleName="role")["Role"]["RoleName"] == "role"
    (message,) = sqs.receive_message(QueueUrl=queue)["Messages"]
    assert json.loads(message["Body"])["Message"] == "page"


def test_a_lock_on_an_object_outlives_a_kill(cloud: Cloud) -> None:
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket="evidence", ObjectLockEnabledForBucket=True)
    rule = {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 1}}
    s3.put_object_lock_configuration(
        Bucket="evidence", ObjectLockConfiguration={"ObjectLockEnabled": "Enabled", "Rule": rule}
    )
    version = s3.put_object(Bucket="evidence", Key="ledger", Body=b"x", ChecksumAlgorithm="CRC32")["VersionId"]
    time.sleep(LOSS_SECONDS)
    cloud.stop(signal.SIGKILL)
    cloud.start()
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.delete_object(Bucket="evidence", Key="ledger", VersionId=version)


def test_every_acknowledged_record_is_delivered_after_a_kill(cloud: Cloud) -> None:
    feed = Feed(cloud)
    direct = Feed(cloud, direct=True)
    time.sleep(LOSS_SECONDS)
    feed.put_at(NOON, b"delivered")
    cloud.set_clock(NOON + 2 * MINUTE)
    feed.put(b"buffered", b"too")
    direct.firehose.put_record(DeliveryStreamName=direct.name, Record={"Data": b"direct"})
    cloud.stop(signal.SIGKILL)
    cloud.start()
    assert feed.describe()["DeliveryStreamStatus"] == "ACTIVE"
    cloud.set_clock(NOON + HOUR)
    assert feed.lines() == [b"delivered", b"buffered", b"too"]
    assert direct.lines() == [b"direct"]
    # The stream itself still has them too, and takes more.
    iterator = feed.kinesis.get_shard_iterator(
        StreamName=feed.name, ShardId="shardId-000000000000", ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    assert len(feed.kinesis.get_records(ShardIterator=iterator)["Records"]) == 3
    feed.put(b"after")
    cloud.set_clock(NOON + 2 * HOUR)
    assert feed.lines()[-1] == b"after"


def test_records_whose_object_is_not_in_s3_yet_are_read_again_after_a_kill(cloud: Cloud) -> None:
    feed = Feed(cloud)
    time.sleep(LOSS_SECONDS)
    cloud.arm("fail_delivery", delivery=feed.name, attempts=100)
    feed.put_at(NOON, b"one")
    cloud.set_clock(NOON + 10 * MINUTE)
    assert feed.metric("Firehose", "DeliveryToS3.Success", NOON, NOON + HOUR)[NOON + MINUTE] == 0
    cloud.stop(signal.SIGKILL)
    cloud.start()
    assert wait_until(feed.lines) == [b"one"]


def test_metrics_outlive_a_kill(cloud: Cloud) -> None:
    feed = Feed(cloud)
    feed.put_at(NOON, b"one")
    cloud.set_clock(NOON + HOUR)
    cloud.client("cloudwatch").put_metric_data(
        Namespace="Mine", MetricData=[{"MetricName": "m", "Value": 7, "Timestamp": NOON}]
    )
    time.sleep(LOSS_SECONDS)
    cloud.stop(signal.SIGKILL)
    cloud.start()
    assert feed.metric("Firehose", "DeliveryToS3.Records", NOON, NOON + HOUR) == {NOON + MINUTE: 1}
    assert metric(cloud, "Mine", "m", {}, NOON, NOON + HOUR) == {NOON: 7}


def test_a_kill_in_the_middle_of_saving_leaves_whole_files(cloud: Cloud) -> None:
    glue = cloud.client("glue")
    glue.create_database(DatabaseInput={"Name": "db"})
    deadline = time.monotonic() + 3
    made = 0
    while time.monotonic() < deadline:
        glue.create_table(DatabaseName="db", TableInput={"Name": f"t{made}", "Description": "d" * 2000})
        made += 1
    cloud.stop(signal.SIGKILL)
    for file in (cloud.state / "cloud" / "ministack").glob("*.json"):
        json.loads(file.read_text())
    cloud.start()
    pages = glue.get_paginator("get_tables").paginate(DatabaseName="db")
    kept = sum(len(page["TableList"]) for page in pages)
    assert made / 2 < kept <= made


def test_a_second_process_of_the_same_port_ends_with_an_error(cloud: Cloud, tmp_path: Path) -> None:
    other = Cloud(tmp_path / "other")
    other.port, other.url = cloud.port, cloud.url
    other.state.mkdir()
    other.launch()
    assert other.process is not None
    assert wait_until(lambda: other.process and other.process.poll()) != 0


def listening(pid: int) -> set[str]:
    """Addresses that the process listens on."""
    inodes = {link.readlink().name[8:-1] for link in Path(f"/proc/{pid}/fd").iterdir() if _is_socket(link)}
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and fields[9] in inodes:
                found.add(fields[1])
    return found


def _is_socket(link: Any) -> bool:
    return str(link.readlink()).startswith("socket:")


def test_it_listens_on_the_loopback_address_alone(cloud: Cloud) -> None:
    # Lambda, SNS and so on are loaded by their first request; none may open a port of its own.
    for service, operation in (("sqs", "list_queues"), ("lambda", "list_functions"), ("iot", "list_things")):
        getattr(cloud.client(service), operation)()
    assert cloud.process is not None
    assert listening(cloud.process.pid) == {f"0100007F:{cloud.port:04X}"}
