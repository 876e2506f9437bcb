"""The Firehose stream that writes a source's records to Bronze, from its Kinesis stream or as they are put into it.

https://docs.aws.amazon.com/firehose/latest/APIReference/API_ExtendedS3DestinationConfiguration.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from clickstream.provisioning.delivery_log import LOG_STREAM, DeliveryLog
from clickstream.provisioning.resource import Difference, Resource, Settings
from clickstream.provisioning.waiting import once_role_is_known, wait

ROLE = "clickstream-firehose"
ARRIVAL_HOUR = "year=!{timestamp:yyyy}/month=!{timestamp:MM}/day=!{timestamp:dd}/hour=!{timestamp:HH}/"
ERROR_TYPE = "!{firehose:error-output-type}/"
"""Firehose refuses an error prefix without it when the prefix holds expressions."""


class Delivery(Resource):
    """A Firehose stream to S3, one folder an arrival hour: lines in GZIP, or rows of Parquet by the columns of Bronze.

    Lines end in a line feed already (the producer adds it), so Firehose appends no delimiter.
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
            "prefix": delivery.prefix + ARRIVAL_HOUR + _folder(delivery.folder_by),
            # The hour first: what lies there may be part of it.
            "error_prefix": delivery.error_prefix + ARRIVAL_HOUR + ERROR_TYPE,
            "buffer_megabytes": delivery.buffer_megabytes,
            "buffer_seconds": delivery.buffer_seconds,
            "compression": "GZIP" if delivery.format == "json" else "UNCOMPRESSED",
            "rows_of": self.source.table("bronze") if delivery.format == "parquet" else None,
            "folder_query": _folder_query(delivery.folder_by),
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
            "rows_of": _converted_by(destination),
            "folder_query": _partitioned_by(destination),
            "log_group": logging.get("LogGroupName"),
            "log_stream": logging.get("LogStreamName"),
        }

    def needs_replacement(self, difference: Difference) -> bool:
        # Dynamic partitioning cannot be taken up or given up by a delivery that is there.
        # And a Bronze of lines and rows nobody could read.
        newly = difference.field in ("folder_query", "rows_of") and None in (difference.live, difference.desired)
        return newly or difference.field in ("stream", "stream_role")

    def create(self) -> None:
        desired = self.desired()
        once_role_is_known(
            self.cloud.client("firehose").create_delivery_stream,
            DeliveryStreamName=self.name,
            **_origin(desired),
            ExtendedS3DestinationConfiguration=self._destination(desired),
        )
        wait(self.cloud.client("firehose"), "DeliverySettled", DeliveryStreamName=self.name)

    def update(self, differences: Sequence[Difference]) -> None:
        delivery = self._describe()
        once_role_is_known(
            self.cloud.client("firehose").update_destination,
            DeliveryStreamName=self.name,
            CurrentDeliveryStreamVersionId=delivery["VersionId"],
            DestinationId=delivery["Destinations"][0]["DestinationId"],
            ExtendedS3DestinationUpdate=self._destination(self.desired()),
        )

    def delete(self) -> None:
        self.cloud.client("firehose").delete_delivery_stream(DeliveryStreamName=self.name)
        wait(self.cloud.client("firehose"), "DeliveryGone", DeliveryStreamName=self.name)

    def _destination(self, desired: Settings) -> dict[str, Any]:
        """The settings in the form that both the creation and the update take."""
        names = self.cloud.names
        destination: dict[str, Any] = {
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
        if desired["rows_of"]:
            destination["DataFormatConversionConfiguration"] = {
                "Enabled": True,
                "InputFormatConfiguration": {"Deserializer": {"OpenXJsonSerDe": {}}},
                "OutputFormatConfiguration": {"Serializer": {"ParquetSerDe": {"Compression": "SNAPPY"}}},
                "SchemaConfiguration": {
                    "RoleARN": desired["role"],
                    "DatabaseName": names.database,
                    "TableName": desired["rows_of"],
                    "Region": names.region,
                    "VersionId": "LATEST",
                },
            }
        if desired["folder_query"]:
            destination["DynamicPartitioningConfiguration"] = {"Enabled": True}
            destination["ProcessingConfiguration"] = {
                "Enabled": True,
                "Processors": [
                    {
                        "Type": "MetadataExtraction",
                        "Parameters": [
                            {"ParameterName": "MetadataExtractionQuery", "ParameterValue": desired["folder_query"]},
                            {"ParameterName": "JsonParsingEngine", "ParameterValue": "JQ-1.6"},
                        ],
                    }
                ],
            }
        return destination

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


def _folder(field: str | None) -> str:
    """The folders of an hour by the values of a field, as a prefix."""
    if field is None:
        return ""
    name = field.rpartition(".")[2]
    return f"{name}=!{{partitionKeyFromQuery:{name}}}/"


def _folder_query(field: str | None) -> str | None:
    """The jq query for a record's folder; one without the field, such as a heartbeat, has a folder as well."""
    if field is None:
        return None
    return f'{{{field.rpartition(".")[2]}: (.{field} // "none")}}'


def _converted_by(destination: Mapping[str, Any]) -> str | None:
    """The table by whose columns records become rows; None when they do not."""
    conversion = destination.get("DataFormatConversionConfiguration", {})
    table: str | None = conversion.get("SchemaConfiguration", {}).get("TableName")
    return table if conversion.get("Enabled") else None


def _partitioned_by(destination: Mapping[str, Any]) -> str | None:
    """The query of dynamic partitioning; None without it."""
    if not destination.get("DynamicPartitioningConfiguration", {}).get("Enabled"):
        return None
    for processor in destination.get("ProcessingConfiguration", {}).get("Processors", ()):
        for parameter in processor.get("Parameters", ()):
            if parameter["ParameterName"] == "MetadataExtractionQuery":
                return str(parameter["ParameterValue"])
    return None
