"""Bronze as Athena reads it: lines as they are, or rows and the envelopes of what became none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from clickstream.contract.row_type import PARTITION_KEYS, hive_type, row_type
from clickstream.contract.schema import load_schemas
from clickstream.provisioning.external_table import ExternalTable, TableColumn
from clickstream.provisioning.text_table import TextTable
from clickstream.sources.loader import INCLUDE
from clickstream.sources.model import Source


class _OfBronze(ExternalTable):
    """A table of Bronze; which of them a source has, and where, follows from its delivery."""

    kind: ClassVar[str]

    @classmethod
    def is_part_of(cls, source: Source) -> bool:
        return cls.kind in source.delivery.bronze

    @property
    def location(self) -> str:
        return f"s3://{self.cloud.names.lake}/{self.source.delivery.bronze[self.kind]}"


class BronzeTable(_OfBronze, TextTable):
    """Every line that the delivery wrote: what the manifest is counted from."""

    kind = "bronze_text"
    column = "line"
    comment = "one line of a delivered object, as it is"


class BronzeErrorsTable(_OfBronze, TextTable):
    """Every envelope of a record that the delivery could not convert or place."""

    kind = "bronze_errors"
    column = "line"
    comment = "one envelope, JSON with the record in its rawData"


class BronzeRowsTable(_OfBronze):
    """Every row that the delivery wrote; the delivery converts by this table's columns.

    A field that is taken out of the contract stays a column: older objects have it.
    """

    kind = "bronze"
    partition_keys = PARTITION_KEYS
    serde = "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"
    input_format = "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat"
    output_format = "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat"

    @property
    def columns(self) -> Sequence[TableColumn]:
        kinds = row_type(load_schemas(INCLUDE / "schemas", self.source.name))
        return [TableColumn(name, hive_type(kind), "") for name, kind in kinds.items()]
