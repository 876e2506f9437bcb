"""The Firehose stream that writes a source's records to Bronze, from its Kinesis stream or as they are put into it.

https://docs.aws.amazon.com/firehose/latest/APIReference/API_ExtendedS3DestinationConfiguration.html
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from clickstream.provisioning.delivery_log import LOG_STREAM, DeliveryLog
from clickstream.provisioning.resource import Difference, Resource, Settings
from clickstream.provisioning.waiting import once_role_is_known, wait

ROLE = "clickstream-firehose"
ARRIVAL_HOUR = "year=!{timestamp:yyyy}/month=!{timestamp:MM}/day=!{timestamp:dd}/hour=!{timestamp:HH}/"
ERROR_TYPE = "!{firehose:error-output-type}/"
"""Firehose refuses an error prefix without it when the prefix holds expressions."""


class Delivery(Resource):
    """A Firehose stream to S3: GZIP, one folder an arrival hour.

    Records end in a line feed already (the producer adds it), so Firehose appends no delimiter.
    """

    kind = "delivery"

    @property
    def name(self) -> str:
        return self.source.delivery.name

    def desired(self) -> Settings:
        names, delivery, stream = self.cloud.names, self.source.delivery, self.source.stream
        return {
            "stream": names.stream_arn(stream.name) if stream else None,
            "stream_role": names.role_arn(ROLE) if stream else None,
            "role": names.role_arn(ROLE),
            "bucket": names.bucket_arn(names.lake),
            "prefix": delivery.prefix + ARRIVAL_HOUR,
            "error_prefix": delivery.error_prefix + ERROR_TYPE + ARRIVAL_HOUR,
            "buffer_megabytes": delivery.buffer_megabytes,
            "buffer_seconds": delivery.buffer_seconds,
            "compression": "GZIP",
            "log_group": DeliveryLog(self.source, self.cloud).name,
            "log_stream": LOG_STREAM,
        }

    def live(self) -> Settings | None:
        firehose = self.cloud.client("firehose")
        wait(firehose, "DeliverySettled", DeliveryStreamName=self.name)
        try:
            delivery = self._describe()
        except firehose.exceptions.ResourceNotFoundException:
            return None
        source = delivery.get("Source", {}).get("KinesisStreamSourceDescription", {})
        destination = delivery["Destinations"][0].get("ExtendedS3DestinationDescription", {})
        buffering = destination.get("BufferingHints", {})
        logging = destination.get("CloudWatchLoggingOptions", {})
        logging = logging if logging.get("Enabled") else {}
        return {
            "stream": source.get("KinesisStreamARN"),
            "stream_role": source.get("RoleARN"),
            "role": destination.get("RoleARN"),
            "bucket": destination.get("BucketARN"),
            "prefix": destination.get("Prefix"),
            "error_prefix": destination.get("ErrorOutputPrefix"),
            "buffer_megabytes": buffering.get("SizeInMBs"),
            "buffer_seconds": buffering.get("IntervalInSeconds"),
            "compression": destination.get("CompressionFormat"),
            "log_group": logging.get("LogGroupName"),
            "log_stream": logging.get("LogStreamName"),
        }

    def needs_replacement(self, difference: Difference) -> bool:
        return difference.field in ("stream", "stream_role")

    def create(self) -> None:
        desired = self.desired()
        once_role_is_known(
            self.cloud.client("firehose").create_delivery_stream,
            DeliveryStreamName=self.name,
            **_origin(desired),
            ExtendedS3DestinationConfiguration=_destination(desired),
        )
        wait(self.cloud.client("firehose"), "DeliverySettled", DeliveryStreamName=self.name)

    def update(self, differences: Sequence[Difference]) -> None:
        delivery = self._describe()
        once_role_is_known(
            self.cloud.client("firehose").update_destination,
            DeliveryStreamName=self.name,
            CurrentDeliveryStreamVersionId=delivery["VersionId"],
            DestinationId=delivery["Destinations"][0]["DestinationId"],
            ExtendedS3DestinationUpdate=_destination(self.desired()),
        )

    def delete(self) -> None:
        self.cloud.client("firehose").delete_delivery_stream(DeliveryStreamName=self.name)
        wait(self.cloud.client("firehose"), "DeliveryGone", DeliveryStreamName=self.name)

    def _describe(self) -> dict[str, Any]:
        answer = self.cloud.client("firehose").describe_delivery_stream(DeliveryStreamName=self.name)
        delivery: dict[str, Any] = answer["DeliveryStreamDescription"]
        return delivery


def _origin(desired: Settings) -> dict[str, Any]:
    """Where the records come from, in the form that the creation takes; it cannot be changed later."""
    if desired["stream"] is None:
        return {"DeliveryStreamType": "DirectPut"}
    return {
        "DeliveryStreamType": "KinesisStreamAsSource",
        "KinesisStreamSourceConfiguration": {"KinesisStreamARN": desired["stream"], "RoleARN": desired["stream_role"]},
    }


def _destination(desired: Settings) -> dict[str, Any]:
    """The settings in the form that both the creation and the update take."""
    return {
        "RoleARN": desired["role"],
        "BucketARN": desired["bucket"],
        "Prefix": desired["prefix"],
        "ErrorOutputPrefix": desired["error_prefix"],
        "BufferingHints": {
            "SizeInMBs": desired["buffer_megabytes"],
            "IntervalInSeconds": desired["buffer_seconds"],
        },
        "CompressionFormat": desired["compression"],
        "CloudWatchLoggingOptions": {
            "Enabled": True,
            "LogGroupName": desired["log_group"],
            "LogStreamName": desired["log_stream"],
        },
    }
