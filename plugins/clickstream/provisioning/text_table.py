"""An external table whose rows are whole lines of text, byte for byte, in one string column.

Nothing in a line can break a query or be read as NULL, so the table counts what is there, not what parses.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

from clickstream.provisioning.resource import Difference, Resource, Settings

PARTITION_KEYS = ("year", "month", "day", "hour")
INPUT_FORMAT = "org.apache.hadoop.mapred.TextInputFormat"
OUTPUT_FORMAT = "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat"
SERDE = "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe"
SERDE_PARAMETERS = {
    # A line that holds the delimiter is still one value.
    "field.delim": "\x01",
    "serialization.last.column.takes.rest": "true",
    # The default, \N, is a line that may occur; a line feed cannot stand in a line.
    "serialization.null.format": "\n",
}


class TextTable(Resource):
    """A Glue table of lines, partitioned by hour; partition repair registers the hours."""

    column: ClassVar[str]
    comment: ClassVar[str]

    @property
    def name(self) -> str:
        return self.source.table(self.kind)

    @property
    @abstractmethod
    def location(self) -> str:
        """`s3://bucket/prefix/` of its partitions."""

    def desired(self) -> Settings:
        return _settings(self._input())

    def live(self) -> Settings | None:
        glue = self.cloud.client("glue")
        try:
            table = glue.get_table(DatabaseName=self.cloud.names.database, Name=self.name)["Table"]
        except glue.exceptions.EntityNotFoundException:
            return None
        return _settings(table)

    def needs_replacement(self, difference: Difference) -> bool:
        # Registered partitions hold a value for each of the old keys.
        return difference.field == "partition_keys"

    def create(self) -> None:
        glue = self.cloud.client("glue")
        glue.create_table(DatabaseName=self.cloud.names.database, TableInput=self._input())

    def update(self, differences: Sequence[Difference]) -> None:
        glue = self.cloud.client("glue")
        glue.update_table(DatabaseName=self.cloud.names.database, TableInput=self._input())

    def _input(self) -> dict[str, Any]:
        return {
            "Name": self.name,
            "TableType": "EXTERNAL_TABLE",
            "Parameters": {"EXTERNAL": "TRUE"},
            "PartitionKeys": [{"Name": key, "Type": "string"} for key in PARTITION_KEYS],
            "StorageDescriptor": {
                "Columns": [{"Name": self.column, "Type": "string", "Comment": self.comment}],
                "Location": self.location,
                "InputFormat": INPUT_FORMAT,
                "OutputFormat": OUTPUT_FORMAT,
                "SerdeInfo": {"SerializationLibrary": SERDE, "Parameters": SERDE_PARAMETERS},
            },
        }


def _settings(table: dict[str, Any]) -> Settings:
    """A table as Glue describes it; its input has the same form."""
    storage = table.get("StorageDescriptor", {})
    serde = storage.get("SerdeInfo", {})
    return {
        "type": table.get("TableType"),
        "columns": _columns(storage.get("Columns", ())),
        "partition_keys": _columns(table.get("PartitionKeys", ())),
        "location": storage.get("Location"),
        "input_format": storage.get("InputFormat"),
        "output_format": storage.get("OutputFormat"),
        "serde": serde.get("SerializationLibrary"),
        **{f"serde {key}": value for key, value in serde.get("Parameters", {}).items()},
    }


def _columns(columns: Sequence[dict[str, str]]) -> str:
    return ", ".join(f"{column['Name']} {column['Type']}" for column in columns)
