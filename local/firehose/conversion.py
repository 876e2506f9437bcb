"""Record format conversion: JSON records become rows of a Parquet object, by the schema of a Glue table.

https://docs.aws.amazon.com/firehose/latest/dev/record-format-conversion.html
"""

import io
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from local import catalog, roles
from local.errors import AwsError
from local.firehose.failures import Failure
from local.firehose.hive_json import HiveJson, IncorrectFormat
from local.firehose.json_documents import BrokenJson, parse
from local.firehose.openx import OpenX
from local.firehose.serde import Column, Mismatch, SerDe
from local.record_log import Record
from local.settings import ACCOUNT, REGION

EXTENSION = ".parquet"
FAILED = "format-conversion-failed"
LATEST = "LATEST"
LEAST_SIZE_IN_MBS = 64
COMPRESSIONS = {"SNAPPY": "snappy", "GZIP": "gzip", "UNCOMPRESSED": "none"}
"""Each with pyarrow's name of it."""
WRITER_VERSIONS = {"V1": ("1.0", "1.0"), "V2": ("2.6", "2.0")}
"""The format's version and that of its data pages."""
PAGE_BYTES = 1024 * 1024
PARQUET_OPTIONS = {
    "BlockSizeBytes",
    "PageSizeBytes",
    "Compression",
    "EnableDictionaryCompression",
    "MaxPaddingBytes",
    "WriterVersion",
}
DESERIALIZERS: dict[str, type[OpenX] | type[HiveJson]] = {"OpenXJsonSerDe": OpenX, "HiveJsonSerDe": HiveJson}
ACTIONS = ("glue:GetTable", "glue:GetTableVersion", "glue:GetTableVersions")
"""What Firehose does with the catalog, as the role of the schema."""

Columns = list[dict[str, str]]
"""Columns as a Glue table has them."""


class Converted(NamedTuple):
    """What became of some records."""

    body: bytes | None
    """The Parquet object; None when no record could be converted."""
    records: list[Record]
    """Those whose rows are in it."""
    failed: list[tuple[Record, Failure]]


def is_enabled(destination: dict[str, Any]) -> bool:
    """Whether records are converted; a configuration that does not say is at work."""
    return "DataFormatConversionConfiguration" in destination and bool(_of(destination).get("Enabled", True))


def merge(given: dict[str, Any], current: dict[str, Any]) -> dict[str, Any]:
    """The configuration after an update that gives only some of its members."""
    schema = current.get("SchemaConfiguration", {}) | given.get("SchemaConfiguration", {})
    return {"Enabled": True} | current | given | ({"SchemaConfiguration": schema} if schema else {})


def check(destination: dict[str, Any]) -> None:
    """Refuse what Firehose refuses of a conversion, in its order, and what is not served.

    :raises AwsError: InvalidArgumentException.
    """
    if not is_enabled(destination):
        return
    if destination["CompressionFormat"] != "UNCOMPRESSED":
        raise _invalid(
            "The S3 destination's compression format must be set to UNCOMPRESSED when data format conversion is"
            " enabled. To enable compression within the converted output format, set the appropriate serialization"
            " option in the output format configuration."
        )
    if destination["BufferingHints"]["SizeInMBs"] < LEAST_SIZE_IN_MBS:
        raise _invalid("BufferingHints.SizeInMBs must be at least 64 when data format conversion is enabled.")
    conversion = _of(destination)
    for member in ("InputFormatConfiguration", "OutputFormatConfiguration", "SchemaConfiguration"):
        if not conversion.get(member):
            raise _invalid(f"{member} must not be null")
    _one_of(conversion["InputFormatConfiguration"], "Deserializer", set(DESERIALIZERS))
    _deserializer(conversion)
    _check_parquet(_one_of(conversion["OutputFormatConfiguration"], "Serializer", {"ParquetSerDe", "OrcSerDe"}))
    schema = conversion["SchemaConfiguration"]
    for member in ("RoleARN", "DatabaseName", "TableName"):
        if not schema.get(member):
            raise _invalid(f"SchemaConfiguration.{member.replace('ARN', 'Arn')} must not be null or empty")
    if (schema.get("CatalogId", ACCOUNT), schema.get("Region", REGION)) != (ACCOUNT, REGION):
        raise _invalid("The local cloud serves schemas of its own account and region")


def pin(destination: dict[str, Any], pinned: dict[str, Any] | None) -> dict[str, Any] | None:
    """What a delivery must keep of its schema: the columns, when it names one version of the table.

    The catalog here keeps no earlier versions, so a version is known while it is the newest, and afterwards to the
    deliveries that named it then.

    :param pinned: what this answered before the delivery was updated.
    :raises AwsError: InvalidArgumentException when the role may not read the table, or there is no such database,
        table or version, or one of its columns has a type that is not served.
    """
    if not is_enabled(destination):
        return None
    schema = _of(destination)["SchemaConfiguration"]
    table = catalog.find_table(schema["DatabaseName"], schema["TableName"])
    if table is None:
        raise _invalid(
            f"Table {schema['TableName']} of database {schema['DatabaseName']} does not exist"
            " (Service: AWSGlue; Error Code: EntityNotFoundException)"
        )
    if denied := _denied(schema):
        raise _invalid(denied)
    version = schema.get("VersionId", LATEST)
    wanted = [schema["DatabaseName"], schema["TableName"], version]
    if version != LATEST and pinned is not None and pinned["Table"] == wanted:
        return pinned
    if version not in (LATEST, table["VersionId"]):
        raise _invalid(
            f"Version {version} of table {schema['TableName']} does not exist: the local cloud keeps the newest only"
        )
    columns: Columns = table["StorageDescriptor"].get("Columns", [])
    if not columns:
        raise _invalid(f"Table {schema['TableName']} has no columns")
    _deserializer(_of(destination)).columns(columns)
    return None if version == LATEST else {"Table": wanted, "Columns": columns}


def convert(destination: dict[str, Any], pinned: Columns | None, records: list[Record]) -> Converted:
    """Make one object of records; those that cannot be converted are told apart.

    :param pinned: the columns of the version that the delivery names; without them, the table's newest.
    """
    conversion = _of(destination)
    schema = conversion["SchemaConfiguration"]
    serde = _deserializer(conversion)
    try:
        columns = _columns(serde, pinned or _newest(schema))
    except _NotConverted as error:
        return Converted(None, [], [(record, error.failure) for record in records])
    rows: list[list[Any]] = []
    converted, failed = [], []
    for record in records:
        try:
            rows += _rows(record, serde, columns)
            converted.append(record)
        except _NotConverted as error:
            failed.append((record, error.failure))
    body = _parquet(columns, rows, conversion["OutputFormatConfiguration"]["Serializer"]) if rows else None
    return Converted(body, converted, failed)


class _NotConverted(Exception):
    """Why a record, or every record, cannot be converted."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.failure = Failure(FAILED, f"DataFormatConversion.{code}", message)


def _of(destination: dict[str, Any]) -> dict[str, Any]:
    conversion: dict[str, Any] = destination["DataFormatConversionConfiguration"]
    return conversion


def _one_of(configuration: dict[str, Any], kind: str, names: set[str]) -> dict[str, Any]:
    """The one deserializer or serializer of a configuration, by its name."""
    given: dict[str, Any] = {name: options for name, options in configuration.get(kind, {}).items() if name in names}
    if not given:
        raise _invalid(f"{kind} must not be null")
    if len(given) > 1:
        raise _invalid(f"More than one {kind.lower()} specified. Only one may be chosen.")
    return given


def _deserializer(conversion: dict[str, Any]) -> SerDe:
    ((name, options),) = conversion["InputFormatConfiguration"]["Deserializer"].items()
    return DESERIALIZERS[name](options)


def _check_parquet(serializer: dict[str, Any]) -> None:
    options = serializer.get("ParquetSerDe")
    if options is None:
        raise _invalid("The local cloud serves the ParquetSerDe only")
    if unknown := set(options) - PARQUET_OPTIONS:
        raise _invalid(f"The local cloud does not serve {', '.join(sorted(unknown))} of the ParquetSerDe")
    if options.get("Compression", "SNAPPY") not in COMPRESSIONS:
        raise _invalid(f"ParquetSerDe.Compression is one of {', '.join(COMPRESSIONS)}")
    if options.get("WriterVersion", "V1") not in WRITER_VERSIONS:
        raise _invalid(f"ParquetSerDe.WriterVersion is one of {', '.join(WRITER_VERSIONS)}")


def _denied(schema: dict[str, str]) -> str | None:
    """Why the schema's role cannot read the table."""
    role, database, table = schema["RoleARN"], schema["DatabaseName"], schema["TableName"]
    if not roles.is_assumable(role, "firehose.amazonaws.com"):
        return f"Firehose is unable to assume role {role}. Please check the role provided."
    for action in ACTIONS:
        for part in ("catalog", f"database/{database}", f"table/{database}/{table}"):
            resource = f"arn:aws:glue:{REGION}:{ACCOUNT}:{part}"
            if not roles.allows(role, action, resource):
                return f"Role {role} is not authorized to perform: {action} on resource: {resource}"
    return None


def _newest(schema: dict[str, str]) -> Columns:
    if denied := _denied(schema):
        raise _NotConverted("AccessDenied", denied)
    table = catalog.find_table(schema["DatabaseName"], schema["TableName"])
    if table is None:
        raise _NotConverted(
            "EntityNotFound",
            "The specified table/database could not be found. Please ensure that the table/database exists and that"
            " the values provided in the schema configuration are correct, especially with regards to casing.",
        )
    columns: Columns = table["StorageDescriptor"].get("Columns", [])
    if not columns:
        raise _NotConverted("InvalidSchema", f"Table {schema['TableName']} has no columns")
    return columns


def _columns(serde: SerDe, definition: Columns) -> dict[str, Column]:
    try:
        return serde.columns(definition)
    except AwsError as error:
        raise _NotConverted("InvalidSchema", error.message) from None


def _rows(record: Record, serde: SerDe, columns: dict[str, Column]) -> list[list[Any]]:
    """The rows of a record: one for each JSON object in it."""
    try:
        documents = parse(record.data, serde.key)
    except BrokenJson as error:
        raise _NotConverted("ParseError", f"Encountered malformed JSON. {error}") from None
    if not documents:
        raise _NotConverted("MalformedData", "The record was empty or contained only whitespace.")
    if not all(isinstance(document, dict | list) for document in documents):
        raise _NotConverted(
            "MalformedData",
            "The input JSON contained a primitive at the top level. The top level must be an object or array.",
        )
    try:
        return [_row(document, serde, columns) for document in documents]
    except IncorrectFormat as error:
        raise _NotConverted("MalformedData", f"One or more fields have incorrect format. {error}") from None
    except (Mismatch, ArithmeticError) as error:
        raise _NotConverted("MalformedData", f"Data does not match the schema. {error}") from None


def _row(document: Any, serde: SerDe, columns: dict[str, Column]) -> list[Any]:
    if not isinstance(document, dict):
        raise Mismatch("An array of JSON documents is not a valid input.")
    values = ((serde.member(document, name), column) for name, column in columns.items())
    return [None if value is None else column.read(value) for value, column in values]


def _parquet(columns: dict[str, Column], rows: list[list[Any]], serializer: dict[str, Any]) -> bytes:
    options = serializer["ParquetSerDe"]
    version, page_version = WRITER_VERSIONS[options.get("WriterVersion", "V1")]
    arrays = [
        pa.array(values, column.arrow) for values, column in zip(zip(*rows, strict=True), columns.values(), strict=True)
    ]
    schema = pa.schema([pa.field(name, column.arrow) for name, column in columns.items()])
    body = io.BytesIO()
    pq.write_table(
        pa.Table.from_arrays(arrays, schema=schema),
        body,
        version=version,
        data_page_version=page_version,
        data_page_size=options.get("PageSizeBytes", PAGE_BYTES),
        compression=COMPRESSIONS[options.get("Compression", "SNAPPY")],
        use_dictionary=bool(options.get("EnableDictionaryCompression", False)),
        # Hive's writer stores timestamps so.
        use_deprecated_int96_timestamps=True,
        store_schema=False,
    )
    return body.getvalue()


def _invalid(message: str) -> AwsError:
    return AwsError("InvalidArgumentException", message)
