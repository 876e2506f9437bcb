"""An external table of the Glue catalog: objects that Athena reads where they lie."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, NamedTuple

from clickstream.provisioning.resource import Difference, Resource, Settings


class TableColumn(NamedTuple):
    """A column, its type as Hive writes it."""

    name: str
    type: str
    comment: str


class ExternalTable(Resource):
    """A Glue table; a subclass says which columns it has, where its objects lie and how they are read: as lines of
    text, unless it says otherwise.

    Deleting it leaves the objects where they are.
    """

    serde: ClassVar[str]
    serde_parameters: ClassVar[Mapping[str, str]] = {}
    input_format: ClassVar[str] = "org.apache.hadoop.mapred.TextInputFormat"
    output_format: ClassVar[str] = "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat"
    partition_keys: ClassVar[Sequence[str]] = ()

    @property
    def name(self) -> str:
        return self.source.table(self.kind)

    @property
    @abstractmethod
    def columns(self) -> Sequence[TableColumn]:
        """Its columns, without partition keys."""

    @property
    @abstractmethod
    def location(self) -> str:
        """`s3://bucket/prefix/` of its objects or partitions."""

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

    def delete(self) -> None:
        self.cloud.client("glue").delete_table(DatabaseName=self.cloud.names.database, Name=self.name)

    def _input(self) -> dict[str, Any]:
        return {
            "Name": self.name,
            "TableType": "EXTERNAL_TABLE",
            "Parameters": {"EXTERNAL": "TRUE"},
            "PartitionKeys": [{"Name": key, "Type": "string"} for key in self.partition_keys],
            "StorageDescriptor": {
                "Columns": [{"Name": c.name, "Type": c.type, "Comment": c.comment} for c in self.columns],
                "Location": self.location,
                "InputFormat": self.input_format,
                "OutputFormat": self.output_format,
                "SerdeInfo": {"SerializationLibrary": self.serde, "Parameters": dict(self.serde_parameters)},
            },
        }


def _settings(table: dict[str, Any]) -> Settings:
    """A table as Glue describes it; its input has the same form."""
    storage = table.get("StorageDescriptor", {})
    serde = storage.get("SerdeInfo", {})
    return {
        "type": table.get("TableType"),
        **{f"column {column['Name']}": column["Type"] for column in storage.get("Columns", ())},
        **{f"comment {column['Name']}": column.get("Comment") for column in storage.get("Columns", ())},
        "partition_keys": ", ".join(f"{key['Name']} {key['Type']}" for key in table.get("PartitionKeys", ())),
        "location": storage.get("Location"),
        "input_format": storage.get("InputFormat"),
        "output_format": storage.get("OutputFormat"),
        "serde": serde.get("SerializationLibrary"),
        **{f"serde {key}": value for key, value in serde.get("Parameters", {}).items()},
    }
