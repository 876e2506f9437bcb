"""External tables of the Glue catalog: objects of text or Parquet in the locations of the registered partitions."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pyarrow as pa
from sqlglot import exp

from local.athena import json_rows, parquet_rows, text_rows
from local.athena.context import Context
from local.athena.dialect import HIDDEN
from local.athena.errors import QueryError, not_supported
from local.athena.lines import split_lines
from local.athena.objects import S3Object, list_objects, read, read_text
from local.athena.pruning import matching_rows
from local.athena.scans import Scan, read_ahead
from local.athena.types import parse_type, to_arrow
from local.settings import client

NULL_PARTITION = "__HIVE_DEFAULT_PARTITION__"

_HIDDEN_TYPES = dict(zip(HIDDEN, (pa.string(), pa.int64(), pa.timestamp("us", "UTC")), strict=True))

Rows = tuple[int, dict[str, pa.Array]]
"""How many rows an object has, and the wanted columns of them."""


@dataclass(frozen=True)
class Partition:
    """One registered partition, or all of a table that has no partition keys."""

    values: tuple[str, ...]
    location: str


class HiveTable:
    """An external table.

    :param definition: the table as Glue's GetTable gives it.
    :raises QueryError: NOT_SUPPORTED for a SerDe or one of its settings that is not served.
    """

    def __init__(self, definition: dict[str, Any]) -> None:
        self.database: str = definition["DatabaseName"]
        self.name: str = definition["Name"]
        storage = definition["StorageDescriptor"]
        self.location: str = storage.get("Location", "")
        self._data = pa.schema(_field(column) for column in storage["Columns"])
        self.keys = pa.schema(_field(column) for column in definition.get("PartitionKeys", []))
        self.schema = pa.schema([*self._data, *self.keys, *(pa.field(*hidden) for hidden in _HIDDEN_TYPES.items())])
        self._rows = self._row_reader(storage.get("SerdeInfo", {}), definition.get("Parameters", {}))

    def _row_reader(self, serde: dict[str, Any], parameters: dict[str, str]) -> Callable[[S3Object, list[str]], Rows]:
        settings: dict[str, str] = serde.get("Parameters", {})
        if int(parameters.get("skip.header.line.count", "0")):
            raise not_supported(f"skip.header.line.count: {self.database}.{self.name}")
        library = serde.get("SerializationLibrary", "")
        if library.endswith("LazySimpleSerDe"):
            return _by_line(text_rows.reader(self._data, settings))
        if library.endswith(("openx.data.jsonserde.JsonSerDe", "hcatalog.data.JsonSerDe")):
            return _by_line(json_rows.reader(self._data, settings))
        if library.endswith("parquet.serde.ParquetHiveSerDe"):
            of_content = parquet_rows.reader(self._data, settings)
            return lambda found, wanted: of_content(read(found), found.path, wanted)
        raise not_supported(f"the SerDe {library or 'that the table lacks'}: {self.database}.{self.name}")

    @cached_property
    def partitions(self) -> list[Partition]:
        """What is registered in the catalog; a table without keys is one partition."""
        if not self.keys.names:
            return [Partition((), self.location)]
        pages = client("glue").get_paginator("get_partitions").paginate(DatabaseName=self.database, TableName=self.name)
        return [
            Partition(tuple(found["Values"]), found["StorageDescriptor"]["Location"])
            for page in pages
            for found in page["Partitions"]
        ]

    def scan(self, columns: list[str], conjuncts: list[exp.Expr], context: Context) -> Scan:
        """Only the partitions whose values fulfil the conjuncts are listed, and of their objects only those read
        whose path fulfils them: Athena prunes by ``"$path"`` before it opens a file."""
        kept = self._prune(conjuncts, context)
        on_path = [each for each in conjuncts if {column.name for column in each.find_all(exp.Column)} == {"$path"}]
        schema = pa.schema(self.schema.field(name) for name in columns)
        # Now, and not when the rows are asked for: the connection is at work then.
        sources = [(partition, found) for partition in kept for found in list_objects(partition.location)]
        if on_path and sources:
            paths = pa.table({"$path": [found.path for _, found in sources]})
            sources = [sources[at] for at in matching_rows(paths, on_path, context)]
        return Scan(schema, lambda: self._batches(schema, sources, context))

    def _prune(self, conjuncts: list[exp.Expr], context: Context) -> list[Partition]:
        on_keys = [
            each for each in conjuncts if {column.name for column in each.find_all(exp.Column)} <= set(self.keys.names)
        ]
        if not on_keys:
            return self.partitions
        values = {
            field.name: self._key_values(field, [partition.values[at] for partition in self.partitions])
            for at, field in enumerate(self.keys)
        }
        return [self.partitions[at] for at in matching_rows(pa.table(values, self.keys), on_keys, context)]

    def _key_values(self, field: pa.Field, values: list[str]) -> pa.Array:
        texts = pa.array([None if value == NULL_PARTITION else value for value in values], pa.string())
        try:
            return texts.cast(field.type)
        except pa.ArrowInvalid as error:
            raise QueryError(
                "HIVE_INVALID_PARTITION_VALUE", f"{field.name} of {self.database}.{self.name}: {error}"
            ) from None

    def _batches(
        self, schema: pa.Schema, sources: list[tuple[Partition, S3Object]], context: Context
    ) -> Iterator[pa.RecordBatch]:
        wanted = [name for name in schema.names if name in self._data.names]

        def rows_of(source: tuple[Partition, S3Object]) -> Rows:
            return self._rows(source[1], wanted)

        for (partition, found), (count, rows) in read_ahead(rows_of, sources):
            context.count_scanned(found.size)
            constants = self._constants(partition, found)
            yield pa.record_batch(
                [
                    rows[field.name] if field.name in rows else pa.repeat(constants[field.name], count)
                    for field in schema
                ],
                schema,
            )

    def _constants(self, partition: Partition, found: S3Object) -> dict[str, pa.Scalar]:
        hidden = {"$path": found.path, "$file_size": found.size, "$file_modified_time": found.modified}
        return {
            **{name: pa.scalar(value, _HIDDEN_TYPES[name]) for name, value in hidden.items()},
            **{
                field.name: self._key_values(field, [value])[0]
                for field, value in zip(self.keys, partition.values, strict=True)
            },
        }


def _by_line(
    reader: Callable[[list[bytes], list[str]], dict[str, pa.Array]],
) -> Callable[[S3Object, list[str]], Rows]:
    """A reader of objects of text from one of lines."""

    def rows(found: S3Object, wanted: list[str]) -> Rows:
        lines = split_lines(read_text(found))
        return len(lines), reader(lines, wanted)

    return rows


def _field(column: dict[str, str]) -> pa.Field:
    return pa.field(column["Name"].lower(), to_arrow(parse_type(column["Type"])))
