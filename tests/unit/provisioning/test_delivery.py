from typing import Any

import pytest
from botocore.stub import ANY

from clickstream.provisioning.delivery import Delivery
from clickstream.provisioning.plan import plan
from clickstream.provisioning.resource import Cloud, Difference
from clickstream.sources.model import Source
from tests.unit.provisioning.fakes import Stub

HOUR = "year=!{timestamp:yyyy}/month=!{timestamp:MM}/day=!{timestamp:dd}/hour=!{timestamp:HH}/"
NAME = {"DeliveryStreamName": "retail-clickstream-to-s3"}


def _described(source: dict[str, Any], **changed: object) -> dict[str, Any]:
    destination = {
        "RoleARN": "arn:aws:iam::123456789012:role/clickstream-firehose",
        "BucketARN": "arn:aws:s3:::clickstream-123456789012-lake",
        "Prefix": f"landing/clickstream/{HOUR}",
        "ErrorOutputPrefix": f"staging/failed/clickstream/{HOUR}!{{firehose:error-output-type}}/",
        "BufferingHints": {"SizeInMBs": 1, "IntervalInSeconds": 60},
        "CompressionFormat": "GZIP",
        "EncryptionConfiguration": {"NoEncryptionConfig": "NoEncryption"},
        "CloudWatchLoggingOptions": {
            "Enabled": True,
            "LogGroupName": "/aws/firehose/retail-clickstream-to-s3",
            "LogStreamName": "DestinationDelivery",
        },
        "S3BackupMode": "Disabled",
        **changed,
    }
    return {
        "DeliveryStreamDescription": {
            **NAME,
            "DeliveryStreamARN": "arn:aws:firehose:eu-west-1:123456789012:deliverystream/retail-clickstream-to-s3",
            "DeliveryStreamStatus": "ACTIVE",
            "DeliveryStreamType": "KinesisStreamAsSource",
            "VersionId": "7",
            "Source": source,
            "Destinations": [
                {"DestinationId": "destinationId-000000000001", "ExtendedS3DestinationDescription": destination}
            ],
            "HasMoreDestinations": False,
        }
    }


FROM_KINESIS = {
    "KinesisStreamSourceDescription": {
        "KinesisStreamARN": "arn:aws:kinesis:eu-west-1:123456789012:stream/retail-clickstream",
        "RoleARN": "arn:aws:iam::123456789012:role/clickstream-firehose",
    }
}


def _plan(source: Source, stub: Stub, answer: dict[str, Any]) -> tuple[str, list[str]]:
    cloud, firehose = stub("firehose")
    for _ in range(2):  # the wait, then the look
        firehose.add_response("describe_delivery_stream", answer, NAME)
    step = plan(Delivery(source, cloud))
    return step.action, list(map(str, step.differences))


def test_nothing_changes_when_it_is_as_declared(source: Source, stub: Stub) -> None:
    assert _plan(source, stub, _described(FROM_KINESIS)) == ("none", [])


@pytest.mark.parametrize(
    ("changed", "difference"),
    [
        ({"BufferingHints": {"SizeInMBs": 5, "IntervalInSeconds": 60}}, "buffer_megabytes: 5 -> 1"),
        ({"BufferingHints": {"SizeInMBs": 1, "IntervalInSeconds": 300}}, "buffer_seconds: 300 -> 60"),
        ({"CompressionFormat": "UNCOMPRESSED"}, "compression: 'UNCOMPRESSED' -> 'GZIP'"),
    ],
)
def test_a_changed_setting_is_exactly_that_in_the_plan(
    changed: dict[str, Any], difference: str, source: Source, stub: Stub
) -> None:
    assert _plan(source, stub, _described(FROM_KINESIS, **changed)) == ("update", [difference])


def test_logging_that_is_off_is_switched_on(source: Source, stub: Stub) -> None:
    off = {"Enabled": False, "LogGroupName": "/aws/firehose/retail-clickstream-to-s3", "LogStreamName": "x"}
    action, differences = _plan(source, stub, _described(FROM_KINESIS, CloudWatchLoggingOptions=off))
    assert action == "update"
    assert differences == [
        "log_group: absent -> '/aws/firehose/retail-clickstream-to-s3'",
        "log_stream: absent -> 'DestinationDelivery'",
    ]


def test_another_source_needs_a_replacement(source: Source, stub: Stub) -> None:
    action, differences = _plan(source, stub, _described({}))
    assert action == "replace"
    assert differences[0].startswith("stream: absent -> 'arn:aws:kinesis:")


@pytest.fixture
def put_directly(source: Source) -> Source:
    return source.model_copy(update={"stream": None})


def test_one_that_is_put_to_directly_has_no_source(put_directly: Source, stub: Stub) -> None:
    assert _plan(put_directly, stub, _described({})) == ("none", [])


def test_it_cannot_be_made_of_one_that_reads_a_stream(put_directly: Source, stub: Stub) -> None:
    action, differences = _plan(put_directly, stub, _described(FROM_KINESIS))
    assert action == "replace"
    assert [difference.split(":")[0] for difference in differences] == ["stream", "stream_role"]


@pytest.mark.parametrize(
    ("declared", "origin"),
    [
        (
            "source",
            {
                "DeliveryStreamType": "KinesisStreamAsSource",
                "KinesisStreamSourceConfiguration": {
                    "KinesisStreamARN": "arn:aws:kinesis:eu-west-1:123456789012:stream/retail-clickstream",
                    "RoleARN": "arn:aws:iam::123456789012:role/clickstream-firehose",
                },
            },
        ),
        ("put_directly", {"DeliveryStreamType": "DirectPut"}),
    ],
)
def test_it_is_made_for_where_its_records_come_from(
    declared: str, origin: dict[str, Any], request: pytest.FixtureRequest, stub: Stub
) -> None:
    cloud, firehose = stub("firehose")
    asked = {**NAME, **origin, "ExtendedS3DestinationConfiguration": ANY}
    firehose.add_response("create_delivery_stream", {}, asked)
    firehose.add_response("describe_delivery_stream", _described({}), NAME)
    Delivery(request.getfixturevalue(declared), cloud).create()
    firehose.assert_no_pending_responses()


def test_an_update_names_the_version_and_the_destination_it_changes(source: Source, stub: Stub) -> None:
    cloud, firehose = stub("firehose")
    described = _described(FROM_KINESIS)
    firehose.add_response("describe_delivery_stream", described, NAME)
    wanted = described["DeliveryStreamDescription"]["Destinations"][0]["ExtendedS3DestinationDescription"]
    firehose.add_response(
        "update_destination",
        {},
        {
            **NAME,
            "CurrentDeliveryStreamVersionId": "7",
            "DestinationId": "destinationId-000000000001",
            "ExtendedS3DestinationUpdate": {
                key: value for key, value in wanted.items() if key not in ("EncryptionConfiguration", "S3BackupMode")
            },
        },
    )
    Delivery(source, cloud).update([Difference("buffer_seconds", 300, 60)])
    firehose.assert_no_pending_responses()


def test_records_bring_their_own_line_feed(source: Source, cloud: Cloud) -> None:
    """A delimiter of Firehose's would add empty lines; the producer ends each record in one."""
    assert not any("delimiter" in field for field in Delivery(source, cloud).desired())


ROWS: dict[str, Any] = {
    "Prefix": f"landing/clickstream/{HOUR}country=!{{partitionKeyFromQuery:country}}/",
    "BufferingHints": {"SizeInMBs": 64, "IntervalInSeconds": 60},
    "CompressionFormat": "UNCOMPRESSED",
    "DataFormatConversionConfiguration": {
        "Enabled": True,
        "InputFormatConfiguration": {"Deserializer": {"OpenXJsonSerDe": {}}},
        "OutputFormatConfiguration": {"Serializer": {"ParquetSerDe": {"Compression": "SNAPPY"}}},
        "SchemaConfiguration": {
            "RoleARN": "arn:aws:iam::123456789012:role/clickstream-firehose",
            "DatabaseName": "clickstream",
            "TableName": "retail_web_bronze",
            "Region": "eu-west-1",
            "VersionId": "LATEST",
        },
    },
    "DynamicPartitioningConfiguration": {"Enabled": True},
    "ProcessingConfiguration": {
        "Enabled": True,
        "Processors": [
            {
                "Type": "MetadataExtraction",
                "Parameters": [
                    {
                        "ParameterName": "MetadataExtractionQuery",
                        "ParameterValue": '{country: (.geo.country // "none")}',
                    },
                    {"ParameterName": "JsonParsingEngine", "ParameterValue": "JQ-1.6"},
                ],
            }
        ],
    },
}


@pytest.fixture
def rows(source: Source) -> Source:
    """Rows of Parquet, in folders by country."""
    changed = {"format": "parquet", "folder_by": "geo.country", "buffer_megabytes": 64}
    return source.model_copy(update={"delivery": source.delivery.model_copy(update=changed)})


def test_rows_are_converted_by_the_columns_of_bronze_and_laid_into_folders(rows: Source, stub: Stub) -> None:
    assert _plan(rows, stub, _described(FROM_KINESIS, **ROWS)) == ("none", [])
    cloud, firehose = stub("firehose")
    described = _described(FROM_KINESIS, **ROWS)
    wanted = described["DeliveryStreamDescription"]["Destinations"][0]["ExtendedS3DestinationDescription"]
    settings = {key: value for key, value in wanted.items() if key not in ("EncryptionConfiguration", "S3BackupMode")}
    firehose.add_response("describe_delivery_stream", described, NAME)
    asked = {"CurrentDeliveryStreamVersionId": "7", "DestinationId": "destinationId-000000000001"}
    firehose.add_response("update_destination", {}, {**NAME, **asked, "ExtendedS3DestinationUpdate": settings})
    Delivery(rows, cloud).update([Difference("buffer_seconds", 300, 60)])
    firehose.assert_no_pending_responses()


def test_lines_do_not_become_rows_on_a_path_that_is_there(source: Source, rows: Source, stub: Stub) -> None:
    for declared, there in ((source, ROWS), (rows, {})):
        action, differences = _plan(declared, stub, _described(FROM_KINESIS, **there))
        assert action == "replace"
        assert {"rows_of", "folder_query"} <= {difference.split(":")[0] for difference in differences}
