"""Rows of Parquet objects: a column is found by its name, in any case; one that an object lacks is NULL in it.

What an object may hold for a column's type, and the errors' texts, are those of Trino's Parquet reader.
"""

import io
from collections.abc import Callable

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from local.athena.errors import QueryError, not_supported
from local.athena.types import trino_name

_MAGIC = b"PAR1"
_SHORTEST = 12
_SHOWN = 4
_KNOWN_SETTINGS = {"serialization.format", "parquet.ignore.statistics"}


def reader(
    columns: pa.Schema, settings: dict[str, str]
) -> Callable[[bytes, str, list[str]], tuple[int, dict[str, pa.Array]]]:
    """A reader of an object's content into the declared columns, which also tells the number of its rows.

    :param settings: the SerDe's parameters.
    :raises QueryError: NOT_SUPPORTED for settings that are not served.
    """
    if unknown := sorted(set(settings) - _KNOWN_SETTINGS):
        raise not_supported(f"the setting {unknown[0]} of the Parquet SerDe")

    def read(content: bytes, path: str, wanted: list[str]) -> tuple[int, dict[str, pa.Array]]:
        opened = _open(content, path)
        names = {name.lower(): name for name in reversed(opened.schema_arrow.names)}
        present = [name for name in wanted if name in names]
        try:
            table = opened.read(columns=[names[name] for name in present])
        except (pa.ArrowException, OSError):
            raise QueryError("HIVE_CURSOR_ERROR", f"Failed to read Parquet file: {path}") from None
        count = opened.metadata.num_rows
        rows = {name: pa.nulls(count, columns.field(name).type) for name in wanted}
        for name in present:
            rows[name] = _column(table.column(names[name]), columns.field(name), path)
        return count, rows

    return read


def _open(content: bytes, path: str) -> pq.ParquetFile:
    if len(content) < _SHORTEST:
        raise _malformed(f"{path} is not a valid Parquet File", path)
    if not content.endswith(_MAGIC):
        raise _malformed(f"Expected magic number: PAR1 got: {content[-_SHOWN:].decode('latin-1')}", path)
    try:
        return pq.ParquetFile(io.BytesIO(content))
    except (pa.ArrowException, OSError) as error:
        raise _malformed(str(error).split("\n")[0], path) from None


def _column(chunks: pa.ChunkedArray, column: pa.Field, path: str) -> pa.Array:
    try:
        return _aligned(pa.concat_arrays([pa.array([], chunks.type), *chunks.chunks]), column.type)
    except _Incompatible as error:
        raise _malformed(
            f"Field {column.name}'s type {_parquet_name(error.held)} in parquet file {path} is incompatible with type"
            f" {trino_name(error.declared)} defined in table schema",
            path,
        ) from None
    except pa.ArrowInvalid as error:
        raise QueryError("HIVE_BAD_DATA", f"Field {column.name} of parquet file {path}: {error}") from None


class _Incompatible(Exception):
    def __init__(self, held: pa.DataType, declared: pa.DataType) -> None:
        super().__init__()
        self.held = held
        self.declared = declared


def _aligned(array: pa.Array, kind: pa.DataType) -> pa.Array:
    """The values as the declared type, fields of structs by name.

    :raises _Incompatible: the object holds another type.
    """
    held = array.type
    if pa.types.is_struct(kind) and pa.types.is_struct(held):
        parts = {field.name.lower(): part for field, part in zip(held, array.flatten(), strict=True)}
        children = [
            _aligned(parts[field.name.lower()], field.type)
            if field.name.lower() in parts
            else pa.nulls(len(array), field.type)
            for field in kind
        ]
        return pa.StructArray.from_arrays(children, fields=list(kind), mask=array.is_null())
    if pa.types.is_map(kind) and pa.types.is_map(held):
        keys, items = _aligned(array.keys, kind.key_type), _aligned(array.items, kind.item_type)
        return pa.MapArray.from_arrays(array.offsets, keys, items, mask=array.is_null()).cast(kind)
    if pa.types.is_list(kind) and pa.types.is_list(held):
        values = _aligned(array.values, kind.value_type)
        return pa.ListArray.from_arrays(array.offsets, values, mask=array.is_null()).cast(kind)
    if pa.types.is_timestamp(kind) and pa.types.is_timestamp(held):
        # Athena reads external tables' timestamps to the millisecond.
        return pc.round_temporal(array, unit="millisecond").cast(kind, safe=False)
    if held == kind or any(of(held) and to(kind) for of, to in _WIDENINGS):
        return array.cast(kind)
    raise _Incompatible(held, kind)


def _is_up_to_int32(kind: pa.DataType) -> bool:
    return bool(pa.types.is_signed_integer(kind) and kind.bit_width <= 32)


_WIDENINGS: tuple[tuple[Callable[[pa.DataType], bool], Callable[[pa.DataType], bool]], ...] = (
    (_is_up_to_int32, pa.types.is_signed_integer),
    (pa.types.is_float32, pa.types.is_float64),
    (pa.types.is_decimal, pa.types.is_decimal),
    (pa.types.is_string, pa.types.is_binary),
    (pa.types.is_binary, pa.types.is_string),
)


def _parquet_name(kind: pa.DataType) -> str:
    """Parquet's name of what an object holds."""
    names: list[tuple[Callable[[pa.DataType], bool], str]] = [
        (pa.types.is_boolean, "BOOLEAN"),
        (pa.types.is_float32, "FLOAT"),
        (pa.types.is_float64, "DOUBLE"),
        (pa.types.is_int64, "INT64"),
        (pa.types.is_integer, "INT32"),
        (pa.types.is_date, "INT32"),
        (pa.types.is_string, "BINARY"),
        (pa.types.is_binary, "BINARY"),
        (pa.types.is_timestamp, "INT96"),
        (pa.types.is_decimal, "FIXED_LEN_BYTE_ARRAY"),
    ]
    return next((name for test, name in names if test(kind)), "GROUP")


def _malformed(reason: str, path: str) -> QueryError:
    return QueryError("HIVE_BAD_DATA", f"Malformed Parquet file. {reason} [{path}]")
