"""The types of a column: as Hive's DDL writes them, in Iceberg, in Arrow, and as Athena reports them."""

from collections.abc import Iterator
from itertools import count

import pyarrow as pa
from pyiceberg import types as iceberg
from pyiceberg.io.pyarrow import schema_to_pyarrow
from sqlglot import exp
from sqlglot.errors import ParseError

from local.athena.errors import QueryError

_PRIMITIVES: dict[exp.DType, iceberg.PrimitiveType] = {
    exp.DType.BOOLEAN: iceberg.BooleanType(),
    exp.DType.TINYINT: iceberg.IntegerType(),
    exp.DType.SMALLINT: iceberg.IntegerType(),
    exp.DType.INT: iceberg.IntegerType(),
    exp.DType.BIGINT: iceberg.LongType(),
    exp.DType.FLOAT: iceberg.FloatType(),
    exp.DType.DOUBLE: iceberg.DoubleType(),
    exp.DType.DATE: iceberg.DateType(),
    exp.DType.TIMESTAMP: iceberg.TimestampType(),
    exp.DType.TEXT: iceberg.StringType(),
    exp.DType.VARCHAR: iceberg.StringType(),
    exp.DType.BINARY: iceberg.BinaryType(),
}


def parse_type(text: str) -> exp.DataType:
    """A type as the Glue catalog holds it, such as ``array<struct<a:bigint>>``."""
    try:
        return exp.DataType.build(text, dialect="hive")
    except ParseError:
        raise QueryError("INVALID_TABLE_DEFINITION", f"unknown type '{text}'") from None


def to_iceberg(kind: exp.DataType, ids: Iterator[int]) -> iceberg.IcebergType:
    """The Iceberg type of a Hive type.

    :param ids: where the fields of nested types take their ids from; no two fields of a table may share one.
    """
    if kind.this == exp.DType.DECIMAL:
        precision, scale = [*(int(part.name) for part in kind.expressions), 0][:2] if kind.expressions else (10, 0)
        return iceberg.DecimalType(precision, scale)
    if kind.this == exp.DType.ARRAY:
        return iceberg.ListType(next(ids), to_iceberg(kind.expressions[0], ids), element_required=False)
    if kind.this == exp.DType.MAP:
        key, value = (to_iceberg(part, ids) for part in kind.expressions)
        return iceberg.MapType(next(ids), key, next(ids), value, value_required=False)
    if kind.this == exp.DType.STRUCT:
        return iceberg.StructType(
            *(
                iceberg.NestedField(next(ids), part.name, to_iceberg(part.args["kind"], ids), required=False)
                for part in kind.expressions
            )
        )
    if kind.this in _PRIMITIVES:
        return _PRIMITIVES[kind.this]
    raise QueryError("INVALID_TABLE_DEFINITION", f"unknown type '{kind.sql('hive').lower()}'")


def to_arrow(kind: exp.DataType) -> pa.DataType:
    """The Arrow type of a Hive type."""
    ids = count()
    schema = iceberg.StructType(iceberg.NestedField(next(ids), "it", to_iceberg(kind, ids), required=False))
    return _without_metadata(schema_to_pyarrow(schema).field(0).type)


def _without_metadata(kind: pa.DataType) -> pa.DataType:
    # schema_to_pyarrow marks every field with its Iceberg id; two types would differ by these.
    if pa.types.is_struct(kind):
        return pa.struct([pa.field(field.name, _without_metadata(field.type)) for field in kind])
    if pa.types.is_large_list(kind) or pa.types.is_list(kind):
        return pa.list_(_without_metadata(kind.value_type))
    if pa.types.is_map(kind):
        return pa.map_(_without_metadata(kind.key_type), _without_metadata(kind.item_type))
    if pa.types.is_large_string(kind):
        return pa.string()
    if pa.types.is_large_binary(kind):
        return pa.binary()
    return kind


def trino_name(kind: pa.DataType) -> str:
    """How Trino writes the type of a column of that Arrow type, such as ``array(varchar)``."""
    if pa.types.is_decimal(kind):
        return f"decimal({kind.precision}, {kind.scale})"
    if pa.types.is_timestamp(kind):
        return "timestamp(6) with time zone" if kind.tz else "timestamp(6)"
    if pa.types.is_struct(kind):
        fields = ", ".join(f'"{field.name}" {trino_name(field.type)}' for field in kind)
        return f"row({fields})"
    if pa.types.is_map(kind):
        return f"map({trino_name(kind.key_type)}, {trino_name(kind.item_type)})"
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return f"array({trino_name(kind.value_type)})"
    for test, name in _TRINO_NAMES:
        if test(kind):
            return name
    raise QueryError("NOT_SUPPORTED", f"the local Athena does not serve the type {kind}")


_TRINO_NAMES = (
    (pa.types.is_boolean, "boolean"),
    (pa.types.is_int8, "tinyint"),
    (pa.types.is_int16, "smallint"),
    (pa.types.is_int32, "integer"),
    (pa.types.is_int64, "bigint"),
    (pa.types.is_float32, "real"),
    (pa.types.is_float64, "double"),
    (pa.types.is_date, "date"),
    (pa.types.is_string, "varchar"),
    (pa.types.is_large_string, "varchar"),
    (pa.types.is_binary, "varbinary"),
    (pa.types.is_large_binary, "varbinary"),
    (pa.types.is_fixed_size_binary, "varbinary"),
    (pa.types.is_null, "varchar"),
)
