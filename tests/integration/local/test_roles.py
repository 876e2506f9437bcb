"""Services take only roles that are there, that trust them, and do with them only what these allow."""

from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.integration.local.conftest import Cloud, day_ago
from tests.integration.local.feed import Feed
from tests.integration.local.roles import make_role, role_arn

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
NOON = day_ago(2) + 12 * HOUR
FIREHOSE, GLUE = "firehose.amazonaws.com", "glue.amazonaws.com"
UNKNOWN_TO_FIREHOSE = r"InvalidArgumentException.*Firehose is unable to assume role .* Please check the role provided\."
UNKNOWN_TO_GLUE = r"InvalidInputException.*Service is unable to assume provided role\. Please verify role's TrustPolicy"


def deliver(cloud: Cloud, role: str, **members: Any) -> None:
    cloud.client("firehose").create_delivery_stream(
        DeliveryStreamName=f"as-{role}",
        ExtendedS3DestinationConfiguration={"RoleARN": role_arn(role), "BucketARN": "arn:aws:s3:::any"},
        **members,
    )


def test_firehose_refuses_roles_that_it_cannot_take(common_cloud: Cloud) -> None:
    make_role(common_cloud, "of-glue", GLUE)
    make_role(common_cloud, "of-another", FIREHOSE, StringEquals={"sts:ExternalId": "111111111111"})
    make_role(common_cloud, "of-firehose", FIREHOSE, StringEquals={"sts:ExternalId": "000000000000"})
    for role in ("missing", "of-glue", "of-another"):
        with pytest.raises(ClientError, match=UNKNOWN_TO_FIREHOSE):
            deliver(common_cloud, role)
    deliver(common_cloud, "of-firehose")


def test_firehose_refuses_another_role_in_an_update(common_cloud: Cloud) -> None:
    feed = Feed(common_cloud)
    with pytest.raises(ClientError, match=UNKNOWN_TO_FIREHOSE):
        feed.firehose.update_destination(
            DeliveryStreamName=feed.name,
            CurrentDeliveryStreamVersionId="1",
            DestinationId="destinationId-000000000001",
            ExtendedS3DestinationUpdate={"RoleARN": role_arn("missing")},
        )
    assert feed.describe()["VersionId"] == "1"


def test_firehose_refuses_a_source_that_its_role_may_not_read(common_cloud: Cloud) -> None:
    feed = Feed(common_cloud)
    make_role(common_cloud, "blind", FIREHOSE, "s3:PutObject", "kinesis:DescribeStream")
    source = {"KinesisStreamARN": feed.stream_arn, "RoleARN": role_arn("blind")}
    with pytest.raises(ClientError, match=r"InvalidArgumentException.*not authorized to perform: kinesis:"):
        deliver(
            common_cloud,
            "blind",
            DeliveryStreamType="KinesisStreamAsSource",
            KinesisStreamSourceConfiguration=source,
        )


def test_firehose_writes_only_where_its_role_may(common_cloud: Cloud) -> None:
    make_role(common_cloud, "narrow", FIREHOSE, "s3:PutObject", resource="arn:aws:s3:::*/other/*")
    feed = Feed(common_cloud, RoleARN=role_arn("narrow"))
    feed.put_at(NOON, b"one")
    common_cloud.set_clock(NOON + 10 * MINUTE)
    assert feed.object_keys() == []
    assert set(feed.metric("Firehose", "DeliveryToS3.Success", NOON, NOON + HOUR).values()) == {0}
    make_role(common_cloud, "narrow", FIREHOSE, "s3:PutObject", resource="arn:aws:s3:::*/landing/*")
    common_cloud.set_clock(NOON + HOUR)
    assert feed.lines() == [b"one"]


def test_glue_refuses_roles_that_it_cannot_take(common_cloud: Cloud) -> None:
    glue = common_cloud.client("glue")
    command = {"Name": "glueetl", "ScriptLocation": "s3://code/job.py"}
    make_role(common_cloud, "of-firehose", FIREHOSE)
    make_role(common_cloud, "of-glue", GLUE)
    for role in ("missing", "of-firehose"):
        with pytest.raises(ClientError, match=UNKNOWN_TO_GLUE):
            glue.create_job(Name="job", Role=role_arn(role), Command=command)
    # Glue takes a role's name as well.
    glue.create_job(Name="job", Role="of-glue", Command=command)
    with pytest.raises(ClientError, match=UNKNOWN_TO_GLUE):
        glue.update_job(JobName="job", JobUpdate={"Role": role_arn("missing"), "Command": command})
