"""An external table whose rows are whole lines of text, byte for byte, in one string column.

Nothing in a line can break a query or be read as NULL, so the table counts what is there, not what parses.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from clickstream.contract.row_type import PARTITION_KEYS
from clickstream.provisioning.external_table import ExternalTable, TableColumn


class TextTable(ExternalTable):
    """A Glue table of lines, partitioned by hour; partition repair registers the hours."""

    column: ClassVar[str]
    comment: ClassVar[str]
    partition_keys = PARTITION_KEYS
    serde = "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe"
    serde_parameters: ClassVar[Mapping[str, str]] = {
        # A line that holds the delimiter is still one value.
        "field.delim": "\x01",
        "serialization.last.column.takes.rest": "true",
        # The default, \N, is a line that may occur; a line feed cannot stand in a line.
        "serialization.null.format": "\n",
    }

    @property
    def columns(self) -> Sequence[TableColumn]:
        return [TableColumn(self.column, "string", self.comment)]
