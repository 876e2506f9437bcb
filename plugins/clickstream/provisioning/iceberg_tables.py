"""Silver, rejects and Gold: Iceberg tables, made by Athena from `include/sql/athena/ddl/`.

A table's CREATE statement is its only declaration: what is planned is read from it. Athena's limits:
https://docs.aws.amazon.com/athena/latest/ug/querying-iceberg-creating-tables.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from string import Template
from typing import Any, Self

from clickstream.lake.objects import read_json
from clickstream.provisioning.resource import Cloud, Difference, Resource, Settings
from clickstream.provisioning.statement import run_statement
from clickstream.sources.gold import SESSION_COLUMNS, Daily, Dimension, Facts, Funnel, History, Sessions, Table
from clickstream.sources.loader import INCLUDE
from clickstream.sources.model import Source

DDL = INCLUDE / "sql" / "athena" / "ddl"
ICEBERG_TYPES_IN_ATHENA = {"long": "bigint"}
"""Types that the table format and Athena's DDL call by different names."""

_COLUMN = re.compile(r"^    `?(\w+)`? (\w+(?:\(\d+, \d+\)|<\w+>)?)", re.MULTILINE)
_PARTITIONING = re.compile(r"^PARTITIONED BY \((.+)\)$", re.MULTILINE)
_LOCATION = re.compile(r"^LOCATION '(.+)'$", re.MULTILINE)


class IcebergTable(Resource):
    """A table declared in `ddl/<kind>.sql`."""

    holds_data = True

    @property
    def name(self) -> str:
        return self.source.table(self.kind)

    def desired(self) -> Settings:
        return declared(self._creation())

    def live(self) -> Settings | None:
        glue = self.cloud.client("glue")
        try:
            table = glue.get_table(DatabaseName=self.cloud.names.database, Name=self.name)["Table"]
        except glue.exceptions.EntityNotFoundException:
            return None
        parameters = table.get("Parameters", {})
        if parameters.get("table_type", "").upper() != "ICEBERG":
            return {"type": table.get("TableType")}
        # The catalog lists columns, but not what an Iceberg table is partitioned by.
        return described(read_json(self.cloud.client("s3"), parameters["metadata_location"]))

    def needs_replacement(self, difference: Difference) -> bool:
        is_new_column = difference.field.startswith("column ") and difference.live is None
        return not is_new_column

    def create(self) -> None:
        self._run(self._creation())

    def update(self, differences: Sequence[Difference]) -> None:
        columns = {difference.field.removeprefix("column "): difference.desired for difference in differences}
        definitions = ", ".join(f"`{name}` {kind}" for name, kind in columns.items())
        self._run(self._render("add_columns", columns=definitions))

    def delete(self) -> None:
        self._run(f"DROP TABLE IF EXISTS {self.cloud.names.database}.{self.name}")

    def _creation(self) -> str:
        """The CREATE TABLE statement, with the columns that the source gives the table."""
        return self._render(self.kind)

    def _render(self, statement: str, **places: str) -> str:
        # Athena's DDL is Hive's, whose parser takes no comments.
        lines = (DDL / f"{statement}.sql").read_text().splitlines(keepends=True)
        text = "".join(line for line in lines if not line.startswith("--"))
        names = self.cloud.names
        places |= {"database": names.database, "table": self.name, "lake": names.lake}
        return Template(text).substitute(places)

    def _run(self, statement: str) -> None:
        run_statement(self.cloud, self.name, statement)


class SilverTable(IcebergTable):
    """The good events."""

    kind = "silver"

    def _creation(self) -> str:
        columns = (_definition(name, column.type, f"from {column.path}") for name, column in self.source.silver.items())
        return self._render(self.kind, source_columns=_lines(columns))


class RejectsTable(IcebergTable):
    """The records that are not good, each with its reason."""

    kind = "rejects"


@dataclass(frozen=True)
class GoldTable(IcebergTable):
    """A table of Gold.

    Args:
        declared_name: of the table in `gold.tables`, whose declaration is `table`.
        stored: which of the Iceberg tables that hold it; its kind to the path.
    """

    declared_name: str
    table: Table
    stored: str

    @classmethod
    def all_of(cls, source: Source, cloud: Cloud) -> list[Self]:
        declared = source.gold.tables if source.gold else {}
        return [
            cls(source, cloud, name, table, stored) for name, table in declared.items() for stored in table.stored(name)
        ]

    @property
    def kind(self) -> str:
        return self.stored

    def _creation(self) -> str:
        statement = f"gold_{self.table.kind}{self.stored.removeprefix(self.declared_name)}"
        key = self.table.key if isinstance(self.table, Facts | Dimension | History) else ""
        value = self.table.value if isinstance(self.table, History) else ""
        return self._render(statement, key=key, value=value, source_columns=_lines(_columns(self.source, self.table)))


def _columns(source: Source, table: Table) -> Iterator[str]:
    """The columns that a declaration gives its table."""
    match table:
        case Daily():
            for name in table.dimensions:
                yield _definition(name, source.column_type(name), f"{name} of Silver")
        case Sessions():
            for step in table.funnel:
                reached = f"when {step.name} was reached after the steps before it"
                at, count = step.columns
                yield _definition(at, "timestamp", reached)
                yield _definition(count, "bigint", f"events of {step.name}, in whatever order")
            for name, event_types in table.counts.items():
                yield _definition(name, "bigint", f"events {', '.join(event_types)}")
            for end, columns in (("first", table.first), ("last", table.last)):
                for name, of_silver in columns.items():
                    yield _definition(name, source.column_type(of_silver), f"{end} known {of_silver} of Silver")
            for name, of_silver in table.sums.items():
                yield _definition(name, "bigint", f"sum of {of_silver} of Silver")
        case Facts():
            for name, of_silver in table.columns.items():
                yield _definition(name, source.column_type(of_silver), f"{of_silver} of Silver")
            if corrections := table.corrections:
                told = f"the event that last corrected {corrections.column}"
                yield _definition("corrected_by", "string", f"{told}; null where none did")
                yield _definition("corrected_at", "timestamp", f"time of {told}, UTC")
        case Dimension():
            for name, of_silver in table.latest.items():
                yield _definition(name, source.column_type(of_silver), f"last known {of_silver} of Silver")
        case Funnel():
            sessions, _ = source.declared_gold.made_of(table)
            for step in sessions.funnel:
                yield _definition(step.name, "boolean", f"whether {step.name} was reached after the steps before it")
            types = SESSION_COLUMNS | dict(_COLUMN.findall(f"    {_lines(_columns(source, sessions))}"))
            for name in table.columns:
                yield _definition(name, types[name], f"{name} of the session")


def _definition(name: str, kind: str, comment: str) -> str:
    return f"`{name}` {kind} COMMENT '{comment}'"


def _lines(columns: Iterable[str]) -> str:
    return ",\n    ".join(columns)


def declared(creation: str) -> Settings:
    """The settings that a CREATE TABLE statement declares."""
    body, _, _ = creation.partition("\n)")
    partitioning, location = _PARTITIONING.search(creation), _LOCATION.search(creation)
    if not location:
        raise ValueError(f"no LOCATION on a line of its own in:\n{creation}")
    return {
        "type": "ICEBERG",
        "location": location[1].rstrip("/"),
        "partitioning": partitioning[1] if partitioning else "",
        **{f"column {name}": kind for name, kind in _COLUMN.findall(body)},
    }


def described(metadata: dict[str, Any]) -> Settings:
    """The settings in an Iceberg metadata file: https://iceberg.apache.org/spec/#table-metadata-fields."""
    schema = _current(metadata["schemas"], "schema-id", metadata["current-schema-id"])
    partitioning = _current(metadata["partition-specs"], "spec-id", metadata["default-spec-id"])
    return {
        "type": "ICEBERG",
        "location": metadata["location"].rstrip("/"),
        "partitioning": ", ".join(
            field["name"] if field["transform"] == "identity" else f"{field['transform']}: {field['name']}"
            for field in partitioning["fields"]
        ),
        **{f"column {field['name']}": _in_athena(field["type"]) for field in schema["fields"]},
    }


def _in_athena(kind: str | dict[str, Any]) -> str:
    """A type as Athena's DDL writes it; that of an array is an object in Iceberg's metadata."""
    if isinstance(kind, dict):
        return f"array<{_in_athena(kind['element'])}>"
    return ICEBERG_TYPES_IN_ATHENA.get(kind, kind)


def _current(versions: list[dict[str, Any]], key: str, current: int) -> dict[str, Any]:
    return next(version for version in versions if version[key] == current)
