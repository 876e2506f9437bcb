"""A stream with a Firehose delivery to a bucket, and what the tests ask of them."""

import gzip
import io
import json
import uuid
from datetime import datetime, timedelta
from typing import Any

import pyarrow.parquet as pq

from tests.integration.local.conftest import Cloud, wait_until
from tests.integration.local.roles import make_role, role_arn

ROLE = role_arn("feed")
PREFIX = "landing/year=!{timestamp:yyyy}/month=!{timestamp:MM}/day=!{timestamp:dd}/hour=!{timestamp:HH}/"
ERROR_PREFIX = "failed/!{firehose:error-output-type}/!{timestamp:yyyy/MM/dd/HH}/"
MINUTE = timedelta(minutes=1)


def make_table(cloud: Cloud, **columns: str) -> str:
    """Make a Glue database with a table ``events`` of these columns; the database's name."""
    database, glue = f"db{uuid.uuid4().hex[:12]}", cloud.client("glue")
    glue.create_database(DatabaseInput={"Name": database})
    glue.create_table(DatabaseName=database, TableInput=table_input(**columns))
    return database


def table_input(**columns: str) -> dict[str, Any]:
    """The definition of a table ``events``."""
    return {
        "Name": "events",
        "StorageDescriptor": {"Columns": [{"Name": name, "Type": kind} for name, kind in columns.items()]},
    }


def converting(database: str, **schema: str) -> dict[str, Any]:
    """Members of a destination that makes Parquet by the table ``events`` of a database."""
    return {
        "BufferingHints": {"SizeInMBs": 64, "IntervalInSeconds": 60},
        "CompressionFormat": "UNCOMPRESSED",
        "DataFormatConversionConfiguration": {
            "InputFormatConfiguration": {"Deserializer": {"OpenXJsonSerDe": {}}},
            "OutputFormatConfiguration": {"Serializer": {"ParquetSerDe": {}}},
            "SchemaConfiguration": {"RoleARN": ROLE, "DatabaseName": database, "TableName": "events"} | schema,
        },
    }


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
        make_role(cloud, "feed", "firehose.amazonaws.com", "s3:*", "kinesis:*", "glue:*")
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

    def failures(self, kind: str) -> list[dict[str, Any]]:
        """The envelopes below the error prefix of that kind, in order of delivery."""
        keys = [key for key in self.object_keys() if key.startswith(f"failed/{kind}/")]
        return [json.loads(line) for key in keys for line in self.body(key).splitlines()]

    def rows(self, prefix: str = "") -> list[dict[str, Any]]:
        """The rows of all Parquet objects with that prefix, in order of delivery."""
        keys = [key for key in self.object_keys() if key.startswith(prefix) and key.endswith(".parquet")]
        return [row for key in keys for row in pq.read_table(io.BytesIO(self.body(key))).to_pylist()]

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
