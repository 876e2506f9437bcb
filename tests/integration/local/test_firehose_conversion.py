"""Firehose's record format conversion: what is delivered as Parquet, what is not, and what it is refused for."""

import base64
import io
import json
from datetime import timedelta
from typing import Any

import pyarrow.parquet as pq
import pytest
from botocore.exceptions import ClientError

from tests.integration.local.conftest import Cloud, day_ago
from tests.integration.local.feed import ROLE, Feed, converting, make_table, table_input
from tests.integration.local.roles import make_role, role_arn

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
NOON = day_ago(2) + 12 * HOUR
FAILED = "format-conversion-failed"


@pytest.fixture(autouse=True)
def _role(common_cloud: Cloud) -> None:
    make_role(common_cloud, "feed", "firehose.amazonaws.com", "s3:*", "kinesis:*", "glue:*")


def conversion(members: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = members["DataFormatConversionConfiguration"]
    return found


def change(feed: Feed, **members: Any) -> None:
    """Change members of the destination."""
    described = feed.describe()
    feed.firehose.update_destination(
        DeliveryStreamName=feed.name,
        CurrentDeliveryStreamVersionId=described["VersionId"],
        DestinationId=described["Destinations"][0]["DestinationId"],
        ExtendedS3DestinationUpdate=members,
    )


def test_records_are_delivered_as_rows_of_a_parquet_object(common_cloud: Cloud) -> None:
    database = make_table(common_cloud, id="string", n="bigint", user="struct<name:string,tags:array<string>>")
    feed = Feed(common_cloud, **converting(database))
    feed.put_at(NOON + HOUR - 30 * SECOND, b'{"id":"a","n":1,"more":true}')
    feed.put_at(NOON + HOUR + 10 * SECOND, b'{"ID":"b","user":{"name":"x","tags":["t"]}}\n')
    common_cloud.set_clock(NOON + 2 * HOUR)
    (key,) = feed.object_keys()
    # By the arrival of the oldest record, as without conversion.
    assert key.startswith(f"landing/year={NOON:%Y}/month={NOON:%m}/day={NOON:%d}/hour=12/{feed.name}-1-")
    assert key.endswith(".parquet")
    body = feed.body(key)
    assert pq.read_schema(io.BytesIO(body)).names == ["id", "n", "user"]
    assert pq.ParquetFile(io.BytesIO(body)).metadata.row_group(0).column(0).compression == "SNAPPY"
    assert feed.rows() == [
        {"id": "a", "n": 1, "user": None},
        {"id": "b", "n": None, "user": {"name": "x", "tags": ["t"]}},
    ]


@pytest.mark.parametrize("direct", [False, True], ids=["from a stream", "direct"])
def test_what_cannot_be_converted_goes_to_the_error_prefix_in_envelopes(common_cloud: Cloud, direct: bool) -> None:
    database = make_table(common_cloud, id="string", n="int")
    feed = Feed(common_cloud, direct=direct, **converting(database))
    datas = [b'{"id":"a","n":1}', b"\xff no JSON", b'{"id":"b","n":"x"}']
    common_cloud.set_clock(NOON)
    if direct:
        feed.firehose.put_record_batch(DeliveryStreamName=feed.name, Records=[{"Data": data} for data in datas])
    else:
        feed.put(*datas)
    common_cloud.set_clock(NOON + 2 * HOUR)
    assert feed.rows() == [{"id": "a", "n": 1}]
    (key,) = [key for key in feed.object_keys() if not key.endswith(".parquet")]
    assert key.startswith(f"failed/{FAILED}/{NOON:%Y/%m/%d}/12/{feed.name}-1-{NOON:%Y-%m-%d}-12-00-0")
    broken, mismatched = feed.failures(FAILED)
    assert [base64.b64decode(each["rawData"]) for each in (broken, mismatched)] == datas[1:]
    assert broken["lastErrorCode"] == "DataFormatConversion.ParseError"
    assert mismatched["lastErrorCode"] == "DataFormatConversion.MalformedData"
    assert mismatched["lastErrorMessage"] == 'Data does not match the schema. For input string: "x"'
    assert broken["attemptsMade"] == 1
    assert abs(broken["arrivalTimestamp"] - NOON.timestamp() * 1000) < 5000
    assert broken["attemptEndingTimestamp"] >= (NOON + MINUTE).timestamp() * 1000
    assert broken["sequenceNumber"] < mismatched["sequenceNumber"]
    assert broken["subSequenceNumber"] == 0
    assert broken["dataCatalogTable"] == {
        "catalogId": "000000000000",
        "databaseName": database,
        "tableName": "events",
        "region": "us-east-1",
        "versionId": "LATEST",
        "catalogArn": None,
        "roleArn": ROLE,
    }


def test_a_buffer_without_a_single_row_makes_no_object(common_cloud: Cloud) -> None:
    feed = Feed(common_cloud, **converting(make_table(common_cloud, id="string")))
    feed.put_at(NOON, b"no JSON")
    common_cloud.set_clock(NOON + HOUR)
    (key,) = feed.object_keys()
    assert key.startswith(f"failed/{FAILED}/")
    # Delivery goes on behind it, and says so.
    day = NOON - HOUR, NOON + 2 * HOUR
    assert feed.metric("Firehose", "DeliveryToS3.Records", *day) == {}
    assert feed.metric("Firehose", "DeliveryToS3.DataFreshness", *day, "Maximum") == {NOON + MINUTE: 60}
    assert feed.metric("Firehose", "FailedConversion.Records", *day) == {NOON + MINUTE: 1}
    assert feed.metric("Firehose", "SucceedConversion.Records", *day) == {NOON + MINUTE: 0}


def test_a_conversion_is_measured(common_cloud: Cloud) -> None:
    feed = Feed(common_cloud, **converting(make_table(common_cloud, id="string")))
    feed.put_at(NOON, b'{"id":"a"}', b'{"id":"bc"}', b"no JSON")
    common_cloud.set_clock(NOON + HOUR)
    day = NOON - HOUR, NOON + 2 * HOUR
    (size,) = [entry["Size"] for entry in feed.listing() if entry["Key"].endswith(".parquet")]
    expected = {
        "SucceedConversion.Records": 2,
        "SucceedConversion.Bytes": 21,
        "FailedConversion.Records": 1,
        "FailedConversion.Bytes": 7,
        "DeliveryToS3.Records": 2,
        "DeliveryToS3.Bytes": size,
        "DeliveryToS3.Success": 1,
    }
    for name, value in expected.items():
        assert feed.metric("Firehose", name, *day) == {NOON + MINUTE: value}, name
    assert feed.metric("Firehose", "PartitionCount", *day) == {}


@pytest.mark.parametrize("compression", ["GZIP", "UNCOMPRESSED"])
def test_the_serializer_s_options(common_cloud: Cloud, compression: str) -> None:
    members = converting(make_table(common_cloud, id="string", at="timestamp"))
    options = {"Compression": compression, "WriterVersion": "V2", "EnableDictionaryCompression": True}
    conversion(members)["OutputFormatConfiguration"] = {"Serializer": {"ParquetSerDe": options}}
    feed = Feed(common_cloud, **members)
    feed.put_at(NOON, b'{"id":"a","at":1518033528}')
    common_cloud.set_clock(NOON + HOUR)
    (key,) = feed.object_keys()
    written = pq.ParquetFile(io.BytesIO(feed.body(key)))
    columns = [written.metadata.row_group(0).column(at) for at in (0, 1)]
    assert columns[0].compression == compression
    assert columns[0].has_dictionary_page
    assert columns[1].physical_type == "INT96"


def test_a_new_column_of_the_table_is_in_the_next_object(common_cloud: Cloud) -> None:
    glue = common_cloud.client("glue")
    database = make_table(common_cloud, id="string")
    newest, first = (
        Feed(common_cloud, **converting(database)),
        Feed(common_cloud, **converting(database, VersionId="1")),
    )
    for feed in (newest, first):
        feed.put_at(NOON, b'{"id":"a","n":1}')
    common_cloud.set_clock(NOON + HOUR)
    glue.update_table(DatabaseName=database, TableInput=table_input(id="string", n="int"))
    # A delivery that names a version keeps it, also when something else of it is changed.
    change(first, BufferingHints={"SizeInMBs": 64, "IntervalInSeconds": 120})
    for feed in (newest, first):
        feed.put_at(NOON + HOUR, b'{"id":"b","n":1}')
    common_cloud.set_clock(NOON + 2 * HOUR)
    assert newest.rows() == [{"id": "a"}, {"id": "b", "n": 1}]
    assert first.rows() == [{"id": "a"}, {"id": "b"}]
    with pytest.raises(ClientError, match="Version 1 of table events does not exist"):
        Feed(common_cloud, **converting(database, VersionId="1"))


def test_a_table_that_cannot_be_read_any_more_fails_all_records(common_cloud: Cloud) -> None:
    database = make_table(common_cloud, id="string")
    reader = make_role(common_cloud, "schema-reader", "firehose.amazonaws.com", "glue:*")
    gone = Feed(common_cloud, **converting(database))
    denied = Feed(common_cloud, **converting(make_table(common_cloud, id="string"), RoleARN=reader))
    emptied_database = make_table(common_cloud, id="string")
    emptied = Feed(common_cloud, **converting(emptied_database))
    common_cloud.client("glue").delete_table(DatabaseName=database, Name="events")
    common_cloud.client("glue").update_table(DatabaseName=emptied_database, TableInput=table_input())
    make_role(common_cloud, "schema-reader", "firehose.amazonaws.com", "glue:GetTable")
    for feed in (gone, denied, emptied):
        feed.put_at(NOON, b'{"id":"a"}', b'{"id":"b"}')
    common_cloud.set_clock(NOON + HOUR)
    codes = [[each["lastErrorCode"] for each in feed.failures(FAILED)] for feed in (gone, denied, emptied)]
    assert codes == [
        [f"DataFormatConversion.{code}"] * 2 for code in ("EntityNotFound", "AccessDenied", "InvalidSchema")
    ]
    assert gone.rows() == denied.rows() == emptied.rows() == []


def test_failures_are_written_once_however_often_the_object_is_tried(common_cloud: Cloud) -> None:
    feed = Feed(common_cloud, **converting(make_table(common_cloud, id="string")))
    # The role may write below the error prefix only: the object itself is refused at first.
    bucket = f"arn:aws:s3:::{feed.name}"
    make_role(common_cloud, "feed", "firehose.amazonaws.com", "s3:*", "glue:*", resource=f"{bucket}/failed/*")
    members = converting(make_table(common_cloud, id="string"), RoleARN=role_arn("feed-schema"))
    make_role(common_cloud, "feed-schema", "firehose.amazonaws.com", "glue:*")
    change(feed, DataFormatConversionConfiguration=conversion(members))
    feed.put_at(NOON, b'{"id":"a"}', b"no JSON")
    common_cloud.set_clock(NOON + 5 * MINUTE)
    assert feed.metric("Firehose", "DeliveryToS3.Success", NOON, NOON + HOUR, "Maximum") == dict.fromkeys(
        feed.metric("Firehose", "DeliveryToS3.Success", NOON, NOON + HOUR), 0
    )
    assert len(feed.failures(FAILED)) == 1
    make_role(common_cloud, "feed", "firehose.amazonaws.com", "s3:*", "kinesis:*", "glue:*")
    common_cloud.set_clock(NOON + HOUR)
    assert feed.rows() == [{"id": "a"}]
    assert len(feed.failures(FAILED)) == 1


def test_failures_that_cannot_be_written_hold_up_delivery_for_ever(common_cloud: Cloud) -> None:
    feed = Feed(common_cloud, **converting(make_table(common_cloud, id="string")))
    make_role(common_cloud, "feed-schema", "firehose.amazonaws.com", "glue:*")
    members = converting(make_table(common_cloud, id="string"), RoleARN=role_arn("feed-schema"))
    change(feed, DataFormatConversionConfiguration=conversion(members))
    landing = f"arn:aws:s3:::{feed.name}/landing/*"
    make_role(common_cloud, "feed", "firehose.amazonaws.com", "s3:*", resource=landing)
    feed.put_at(NOON, b'{"id":"a"}', b"no JSON")
    common_cloud.set_clock(NOON + 30 * HOUR)
    assert feed.object_keys() == []
    make_role(common_cloud, "feed", "firehose.amazonaws.com", "s3:*", "kinesis:*", "glue:*")
    common_cloud.set_clock(NOON + 31 * HOUR)
    assert feed.rows() == [{"id": "a"}]
    assert [base64.b64decode(each["rawData"]) for each in feed.failures(FAILED)] == [b"no JSON"]


def test_a_delivery_is_described_with_its_conversion_and_larger_buffers(common_cloud: Cloud) -> None:
    database = make_table(common_cloud, id="string")
    members = converting(database)
    del members["BufferingHints"]
    configuration = Feed(common_cloud, direct=True).destination() | members
    firehose = common_cloud.client("firehose")
    del configuration["BufferingHints"]
    name = f"described-{database}"
    firehose.create_delivery_stream(DeliveryStreamName=name, ExtendedS3DestinationConfiguration=configuration)
    description = firehose.describe_delivery_stream(DeliveryStreamName=name)["DeliveryStreamDescription"]
    described = description["Destinations"][0]["ExtendedS3DestinationDescription"]
    assert described["BufferingHints"] == {"SizeInMBs": 128, "IntervalInSeconds": 300}
    assert described["DataFormatConversionConfiguration"] == {"Enabled": True} | conversion(members)


def test_an_update_merges_the_conversion(common_cloud: Cloud) -> None:
    database = make_table(common_cloud, id="string")
    common_cloud.client("glue").create_table(
        DatabaseName=database, TableInput=table_input(id="string", n="int") | {"Name": "wider"}
    )
    feed = Feed(common_cloud, **converting(database))
    change(feed, DataFormatConversionConfiguration={"SchemaConfiguration": {"TableName": "wider"}})
    feed.put_at(NOON, b'{"id":"a","n":1}')
    common_cloud.set_clock(NOON + HOUR)
    assert feed.rows() == [{"id": "a", "n": 1}]
    change(feed, DataFormatConversionConfiguration={"Enabled": False}, CompressionFormat="GZIP")
    feed.put_at(NOON + HOUR, b'{"id":"b"}')
    common_cloud.set_clock(NOON + 2 * HOUR)
    assert feed.body(feed.object_keys()[-1]) == b'{"id":"b"}\n'
    with pytest.raises(ClientError, match="must be set to UNCOMPRESSED"):
        change(feed, DataFormatConversionConfiguration={"Enabled": True})
    change(feed, DataFormatConversionConfiguration={"Enabled": True}, CompressionFormat="UNCOMPRESSED")


def test_a_corrupt_object_is_no_parquet(common_cloud: Cloud) -> None:
    feed = Feed(common_cloud, **converting(make_table(common_cloud, id="string")))
    common_cloud.arm("corrupt_object", delivery=feed.name, objects=1)
    feed.put_at(NOON, b'{"id":"a"}', b"no JSON")
    common_cloud.set_clock(NOON + HOUR)
    (key,) = [key for key in feed.object_keys() if key.endswith(".parquet")]
    assert not feed.body(key).endswith(b"PAR1")
    assert len(feed.failures(FAILED)) == 1


OPENX: dict[str, Any] = {"OpenXJsonSerDe": {}}


@pytest.mark.parametrize(
    ("members", "configuration", "refusal"),
    [
        ({"CompressionFormat": "GZIP"}, {}, "must be set to UNCOMPRESSED"),
        ({"BufferingHints": {"SizeInMBs": 63, "IntervalInSeconds": 60}}, {}, "SizeInMBs must be at least 64"),
        ({}, {"InputFormatConfiguration": {}}, "InputFormatConfiguration must not be null"),
        ({}, {"InputFormatConfiguration": {"Deserializer": {}}}, "Deserializer must not be null"),
        (
            {},
            {"InputFormatConfiguration": {"Deserializer": OPENX | {"HiveJsonSerDe": {}}}},
            "More than one deserializer specified",
        ),
        ({}, {"OutputFormatConfiguration": {}}, "OutputFormatConfiguration must not be null"),
        ({}, {"OutputFormatConfiguration": {"Serializer": {"OrcSerDe": {}}}}, "serves the ParquetSerDe only"),
        (
            {},
            {"OutputFormatConfiguration": {"Serializer": {"ParquetSerDe": {"Compression": "ZSTD"}}}},
            "Compression is one of",
        ),
        ({}, {"SchemaConfiguration": {}}, "SchemaConfiguration must not be null"),
        (
            {},
            {"SchemaConfiguration": {"DatabaseName": "db", "TableName": "events"}},
            "SchemaConfiguration.RoleArn must not be null or empty",
        ),
        ({}, {"SchemaConfiguration": {"RoleARN": ROLE, "TableName": "events"}}, "DatabaseName must not be null"),
        ({}, {"SchemaConfiguration": {"RoleARN": ROLE, "DatabaseName": "db"}}, "TableName must not be null"),
        (
            {},
            {"SchemaConfiguration": {"RoleARN": ROLE, "DatabaseName": "nowhere", "TableName": "events"}},
            "EntityNotFoundException",
        ),
    ],
    ids=lambda value: json.dumps(value)[:60],
)
def test_conversions_that_are_refused(
    common_cloud: Cloud, members: dict[str, Any], configuration: dict[str, Any], refusal: str
) -> None:
    destination = converting("db")
    conversion(destination).update(configuration)
    with pytest.raises(ClientError, match=refusal):
        Feed(common_cloud, direct=True, **destination | members)


def test_schemas_that_are_refused(common_cloud: Cloud) -> None:
    database = make_table(common_cloud, id="string")
    make_role(common_cloud, "stranger", "glue.amazonaws.com", "glue:*")
    table = f"arn:aws:glue:us-east-1:000000000000:table/{database}/events"
    make_role(common_cloud, "narrow", "firehose.amazonaws.com", "glue:*", resource=table)
    refusals = [
        ({"TableName": "other"}, "EntityNotFoundException"),
        ({"VersionId": "2"}, "Version 2 of table events does not exist"),
        ({"RoleARN": role_arn("nobody")}, "unable to assume role"),
        ({"RoleARN": role_arn("stranger")}, "unable to assume role"),
        ({"RoleARN": role_arn("narrow")}, "not authorized to perform: glue:GetTable on resource: .*:catalog"),
        ({"Region": "eu-west-1"}, "its own account and region"),
    ]
    for schema, refusal in refusals:
        with pytest.raises(ClientError, match=refusal):
            Feed(common_cloud, direct=True, **converting(database, **schema))
    for kind in ("binary", "map<int,string>", "nonsense<"):
        with pytest.raises(ClientError, match="InvalidArgumentException"):
            Feed(common_cloud, direct=True, **converting(make_table(common_cloud, id=kind)))
