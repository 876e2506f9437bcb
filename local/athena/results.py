"""A query's result: the object that Athena writes to S3, and its pages."""

import re
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pyarrow as pa

from local.athena import raw_text
from local.athena.errors import QueryError
from local.athena.objects import split_key
from local.errors import AwsError
from local.java_text import double_text
from local.settings import client

PAGE_ROWS = 1000
_CHUNK = 1 << 20
_IN_MEMORY = 16 << 20

# DuckDB's types by Athena's names for them; sums and counts of integers are wider in DuckDB and must fit a bigint.
_TYPES = {
    "BOOLEAN": "boolean",
    "TINYINT": "tinyint",
    "SMALLINT": "smallint",
    "INTEGER": "integer",
    "BIGINT": "bigint",
    "UBIGINT": "bigint",
    "HUGEINT": "bigint",
    "FLOAT": "float",
    "DOUBLE": "double",
    "DATE": "date",
    "TIMESTAMP": "timestamp",
    "TIMESTAMP WITH TIME ZONE": "timestamp with time zone",
    "VARCHAR": "varchar",
    "JSON": "json",
    "BLOB": "varbinary",
    '"NULL"': "varchar",
}
_PRECISIONS = {
    "boolean": 0, "tinyint": 3, "smallint": 5, "integer": 10, "bigint": 19, "float": 17, "double": 17, "date": 0,
    "timestamp": 3, "timestamp with time zone": 3, "varchar": 2147483647, "varbinary": 1073741824,
}  # fmt: skip
_HIVE_TYPES = {"varchar": "string", "integer": "int", "varbinary": "binary", "json": "string"}


@dataclass(frozen=True)
class Column:
    """A column of a result.

    :param kind: its DuckDB type.
    :raises QueryError: NOT_SUPPORTED for a type that Athena does not have.
    """

    name: str
    kind: str

    @property
    def type(self) -> str:
        """Its type as GetQueryResults names it."""
        if self.kind in _TYPES:
            return _TYPES[self.kind]
        if self.kind.startswith("DECIMAL"):
            return "decimal"
        if self.kind.endswith("]"):
            return "array"
        if self.kind.startswith("STRUCT"):
            return "row"
        if self.kind.startswith("MAP"):
            return "map"
        raise QueryError("NOT_SUPPORTED", f"the local Athena does not return {self.kind}: column '{self.name}'")

    @property
    def hive_type(self) -> str:
        """Its type as the Glue catalog names it."""
        return self.kind.lower() if self.type == "decimal" else _HIVE_TYPES.get(self.type, self.type)

    def info(self) -> dict[str, Any]:
        """Its ColumnInfo."""
        digits = re.findall(r"\d+", self.kind) if self.type == "decimal" else [_PRECISIONS.get(self.type, 0), 0]
        return {
            "CatalogName": "hive",
            "SchemaName": "",
            "TableName": "",
            "Name": self.name,
            "Label": self.name,
            "Type": self.type,
            "Precision": int(digits[0]),
            "Scale": int(digits[1]),
            "Nullable": "UNKNOWN",
            "CaseSensitive": self.type in ("varchar", "json"),
        }


# --- Values as text ---------------------------------------------------------------------------------------------


def texts(values: pa.Array, column: Column) -> Iterable[str | None]:
    """The values of a column as Athena's CSV shows them; NULL is None."""
    kind = values.type
    if column.kind in ("HUGEINT", "UBIGINT"):
        return [None if value is None else _bigint(int(value)) for value in values.to_pylist()]
    if pa.types.is_integer(kind) or pa.types.is_date(kind) or pa.types.is_decimal(kind) or pa.types.is_boolean(kind):
        shown: list[str | None] = values.cast(pa.string()).to_pylist()
        return shown
    if pa.types.is_timestamp(kind):
        # to_pylist would want a time zone database for what is always UTC.
        return [None if value is None else _shown(value, kind) for value in values.cast(pa.timestamp("us")).to_pylist()]
    return [None if value is None else _shown(value, kind) for value in values.to_pylist()]


def _bigint(value: int) -> str:
    if not -(2**63) <= value < 2**63:
        raise QueryError("NUMERIC_VALUE_OUT_OF_RANGE", f"bigint overflow: {value}")
    return str(value)


def _shown(value: Any, kind: pa.DataType) -> str:
    if value is None:
        return "null"
    if isinstance(value, str):
        return raw_text.shown(value)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return double_text(repr(value))
    if isinstance(value, bytes):
        return value.hex(" ")
    if isinstance(value, datetime):
        fraction = f"{value.microsecond:06}" if value.microsecond % 1000 else f"{value.microsecond // 1000:03}"
        return f"{value:%Y-%m-%d %H:%M:%S}.{fraction}{' UTC' if kind.tz else ''}"
    if pa.types.is_map(kind):
        return "{" + ", ".join(f"{_shown(k, kind.key_type)}={_shown(v, kind.item_type)}" for k, v in value) + "}"
    if pa.types.is_list(kind):
        return "[" + ", ".join(_shown(each, kind.value_type) for each in value) + "]"
    if pa.types.is_struct(kind):
        return "{" + ", ".join(f"{field.name}={_shown(value[field.name], field.type)}" for field in kind) + "}"
    return str(value)


# --- The object -------------------------------------------------------------------------------------------------


def write_csv(columns: list[Column], batches: Iterable[pa.RecordBatch], location: str) -> None:
    """Write a SELECT's result: a header, every value in quotes, nothing for NULL.

    :param location: ``s3://bucket/key`` of the object.
    """

    def rows() -> Iterator[str]:
        yield _line([column.name for column in columns])
        for batch in batches:
            shown = (texts(batch.column(at), column) for at, column in enumerate(columns))
            for row in zip(*shown, strict=True):
                yield _line(row)

    _write(rows(), location)


def write_lines(lines: Iterable[str], location: str) -> None:
    """Write what a DDL statement says, a line a row."""
    _write((f"{line}\n" for line in lines), location)


def _line(values: Iterable[str | None]) -> str:
    return ",".join("" if value is None else '"' + value.replace('"', '""') + '"' for value in values) + "\n"


def _write(rows: Iterable[str], location: str) -> None:
    bucket, key = split_key(location)
    with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY) as content:
        for row in rows:
            content.write(row.encode())
        content.seek(0)
        client("s3").upload_fileobj(content, bucket, key)


# --- Its pages --------------------------------------------------------------------------------------------------

_FIELD = re.compile(rb'(?:"([^"]*(?:""[^"]*)*)")?([,\n])')

Row = list[str | None]


def read_page(location: str, token: str | None, limit: int, is_csv: bool) -> tuple[list[Row], str | None]:
    """Rows of a result, the header among them.

    :param token: where the page begins: what the page before gave; None for the first.
    :param limit: at most so many rows.
    :returns: the rows, and the next page's token or None.
    :raises AwsError: the result is gone from S3, or the token is not one of ours.
    """
    if token is not None and not token.isdigit():
        raise AwsError("InvalidRequestException", "Invalid NextToken")
    offset = int(token or 0)
    content = _Content(location, offset)
    rows: list[Row] = []
    at = 0
    next_row: Callable[[_Content, int], tuple[Row, int] | None] = _csv_row if is_csv else _text_row
    while len(rows) < limit:
        found = next_row(content, at)
        if found is None:
            break
        rows.append(found[0])
        at = found[1]
    return rows, str(offset + at) if content.more_than(at) else None


class _Content:
    """The bytes of an object from some offset on, fetched as far as they are asked for."""

    def __init__(self, location: str, offset: int) -> None:
        self._bucket, self._key = split_key(location)
        self._offset = offset
        s3 = client("s3")
        try:
            self._size: int = s3.head_object(Bucket=self._bucket, Key=self._key)["ContentLength"]
        except s3.exceptions.ClientError:
            raise AwsError("InvalidRequestException", "Could not find results") from None
        self.bytes = b""

    def more_than(self, at: int) -> bool:
        return self._offset + at < self._size

    def fetch(self) -> None:
        """Fetch some more of a row that has begun.

        :raises AwsError: the object ends within it.
        """
        start = self._offset + len(self.bytes)
        if start >= self._size:
            raise AwsError("InvalidRequestException", "Could not find results")
        ranged = f"bytes={start}-{start + _CHUNK - 1}"
        self.bytes += client("s3").get_object(Bucket=self._bucket, Key=self._key, Range=ranged)["Body"].read()


def _csv_row(content: _Content, at: int) -> tuple[Row, int] | None:
    while content.more_than(at):
        row: Row = []
        end = at
        while found := _FIELD.match(content.bytes, end):
            quoted = found.group(1)
            row.append(None if quoted is None else quoted.replace(b'""', b'"').decode())
            end = found.end()
            if found.group(2) == b"\n":
                return row, end
        content.fetch()
    return None


def _text_row(content: _Content, at: int) -> tuple[Row, int] | None:
    while content.more_than(at):
        end = content.bytes.find(b"\n", at)
        if end >= 0:
            return [content.bytes[at:end].decode()], end + 1
        content.fetch()
    return None
