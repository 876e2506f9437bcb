"""A stream with a Firehose delivery to a bucket, and what the tests ask of them."""

import gzip
import uuid
from datetime import datetime, timedelta
from typing import Any

from tests.integration.local.conftest import Cloud, wait_until
from tests.integration.local.roles import make_role, role_arn

ROLE = role_arn("feed")
PREFIX = "landing/year=!{timestamp:yyyy}/month=!{timestamp:MM}/day=!{timestamp:dd}/hour=!{timestamp:HH}/"
ERROR_PREFIX = "failed/!{firehose:error-output-type}/!{timestamp:yyyy/MM/dd/HH}/"
MINUTE = timedelta(minutes=1)


class Feed:
    """One stream and its delivery, with names of their own.

    :param cloud: where to make them.
    :param destination: members that differ from 60 s, 1 MB, GZIP, the prefixes above and AppendDelimiterToRecord.
    :param direct: without a stream, for records put to the delivery.
    """

    def __init__(self, cloud: Cloud, shards: int = 1, direct: bool = False, **destination: Any) -> None:
        self.cloud = cloud
        self.name = f"feed-{uuid.uuid4().hex[:12]}"
        self.kinesis, self.firehose, self.s3 = (cloud.client(name) for name in ("kinesis", "firehose", "s3"))
        make_role(cloud, "feed", "firehose.amazonaws.com", "s3:*", "kinesis:*")
        self.s3.create_bucket(Bucket=self.name)
        source = {}
        if not direct:
            self.kinesis.create_stream(StreamName=self.name, ShardCount=shards)
            source = {
                "DeliveryStreamType": "KinesisStreamAsSource",
                "KinesisStreamSourceConfiguration": {"KinesisStreamARN": self.stream_arn, "RoleARN": ROLE},
            }
        self.firehose.create_delivery_stream(
            DeliveryStreamName=self.name,
            ExtendedS3DestinationConfiguration=self.destination(**destination),
            **source,
        )
        wait_until(lambda: self.describe()["DeliveryStreamStatus"] == "ACTIVE")
        if not direct:
            self.settle()

    def settle(self) -> None:
        """Wait until the stream is active."""
        wait_until(lambda: self.summary()["StreamStatus"] == "ACTIVE")

    def summary(self) -> dict[str, Any]:
        """The stream as DescribeStreamSummary has it."""
        answer = self.kinesis.describe_stream_summary(StreamName=self.name)
        summary: dict[str, Any] = answer["StreamDescriptionSummary"]
        return summary

    @property
    def stream_arn(self) -> str:
        return f"arn:aws:kinesis:us-east-1:000000000000:stream/{self.name}"

    def destination(self, **members: Any) -> dict[str, Any]:
        """A destination in the feed's bucket."""
        return {
            "RoleARN": ROLE,
            "BucketARN": f"arn:aws:s3:::{self.name}",
            "Prefix": PREFIX,
            "ErrorOutputPrefix": ERROR_PREFIX,
            "BufferingHints": {"SizeInMBs": 1, "IntervalInSeconds": 60},
            "CompressionFormat": "GZIP",
            "ProcessingConfiguration": {"Enabled": True, "Processors": [{"Type": "AppendDelimiterToRecord"}]},
        } | members

    def describe(self) -> dict[str, Any]:
        answer = self.firehose.describe_delivery_stream(DeliveryStreamName=self.name)
        description: dict[str, Any] = answer["DeliveryStreamDescription"]
        return description

    def put(self, *datas: bytes, key: str = "k") -> dict[str, Any]:
        """Put records to the stream in one call."""
        records = [{"Data": data, "PartitionKey": key} for data in datas]
        answer: dict[str, Any] = self.kinesis.put_records(StreamName=self.name, Records=records)
        return answer

    def put_at(self, when: datetime, *datas: bytes) -> None:
        """Put records that arrive at that time."""
        self.cloud.set_clock(when)
        assert self.put(*datas)["FailedRecordCount"] == 0

    def object_keys(self) -> list[str]:
        """The keys of all objects, in order of delivery."""
        return [entry["Key"] for entry in self.listing()]

    def listing(self) -> list[dict[str, Any]]:
        """All objects as listed, in order of delivery."""
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.name)
        entries = [entry for page in pages for entry in page.get("Contents", ())]
        return sorted(entries, key=lambda entry: (entry["LastModified"], entry["Key"]))

    def body(self, key: str) -> bytes:
        """An object's bytes, uncompressed."""
        body: bytes = self.s3.get_object(Bucket=self.name, Key=key)["Body"].read()
        return gzip.decompress(body) if key.endswith(".gz") else body

    def lines(self) -> list[bytes]:
        """The lines of all objects, in order of delivery."""
        return [line for key in self.object_keys() for line in self.body(key).splitlines()]

    def metric(
        self, service: str, name: str, start: datetime, end: datetime, statistic: str = "Sum"
    ) -> dict[datetime, float]:
        """Datapoints a minute of a metric of the stream ("Kinesis") or of the delivery ("Firehose"), by time."""
        dimension = {"Kinesis": "StreamName", "Firehose": "DeliveryStreamName"}[service]
        return metric(self.cloud, f"AWS/{service}", name, {dimension: self.name}, start, end, statistic)


def metric(
    cloud: Cloud,
    namespace: str,
    name: str,
    dimensions: dict[str, str],
    start: datetime,
    end: datetime,
    statistic: str = "Sum",
    period: int = 60,
) -> dict[datetime, float]:
    """Datapoints of a metric by their time, through all pages."""
    query = {
        "Id": "q",
        "MetricStat": {
            "Metric": {
                "Namespace": namespace,
                "MetricName": name,
                "Dimensions": [{"Name": key, "Value": value} for key, value in dimensions.items()],
            },
            "Period": period,
            "Stat": statistic,
        },
    }
    pages = (
        cloud.client("cloudwatch")
        .get_paginator("get_metric_data")
        .paginate(MetricDataQueries=[query], StartTime=start, EndTime=end)
    )
    found: dict[datetime, float] = {}
    for page in pages:
        (result,) = page["MetricDataResults"]
        found |= dict(zip(result["Timestamps"], result["Values"], strict=True))
    return found
