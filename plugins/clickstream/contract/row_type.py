"""The columns of a Bronze of rows: the fields of the contract, of every version there is.

A conversion to Parquet leaves out what its table does not know. So the table has the fields of the versions that are
still to come as well: what a record brought is there when its version is declared, and can be judged by it again.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from clickstream.contract.schema import Schema, SchemaFault

RowType = str | dict[str, "RowType"]
"""`string`, `bigint`, `boolean` and `array<string>`, or the fields of an object."""

CANARY: dict[str, RowType] = {"canary": {"kind": "string", "id": "string"}}
"""What every source's records may be besides events."""
PARTITION_KEYS = ("year", "month", "day", "hour")

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_TYPES = {"string": "string", "integer": "bigint", "boolean": "boolean"}


def row_type(schemas: Iterable[Schema]) -> dict[str, RowType]:
    """The columns for the records of some versions of a contract.

    Only types whose values have one text in every engine can be columns; a field keeps its type in all versions.

    Raises:
        SchemaFault: naming the version and the field that cannot be a column.
    """
    columns: dict[str, RowType] = {}
    for schema in schemas:
        for name, node in schema.document["properties"].items():
            if name in PARTITION_KEYS:
                raise SchemaFault(f"{schema.version}: {name} is a partition key of Bronze, and no field's name")
            _add(columns, name, node, name, schema.version)
    return columns | CANARY


def hive_type(kind: RowType) -> str:
    """A column's type as the Glue catalog writes it."""
    if isinstance(kind, str):
        return kind
    return f"struct<{','.join(f'{name}:{hive_type(inner)}' for name, inner in kind.items())}>"


def _add(fields: dict[str, RowType], name: str, node: Mapping[str, Any], path: str, version: str) -> None:
    if not _NAME.fullmatch(name):
        raise SchemaFault(f"{version}: {path} cannot be a column: names are {_NAME.pattern}, for Hive has no capitals")
    known = fields.get(name)
    if "properties" in node and not isinstance(known, str):
        inner = fields[name] = known or {}
        for field, of_field in node["properties"].items():
            _add(inner, field, of_field, f"{path}.{field}", version)
        return
    kind = _leaf(node)
    if kind is None or known not in (None, kind):
        before = f"; an earlier version has it as {known}" if known else ""
        raise SchemaFault(
            f"{version}: {path} cannot be a column: rows have texts, integers, booleans, lists of texts, and objects "
            f"of these, and no column changes its type{before}"
        )
    fields[name] = kind


def _leaf(node: Mapping[str, Any]) -> str | None:
    """The type of a field that is no object; None when no column can hold it."""
    given = node.get("type", "string" if "enum" in node or "const" in node else None)
    kinds = {given} if isinstance(given, str) else set(given or ())
    kinds -= {"null"}
    if kinds == {"array"}:
        return "array<string>" if _leaf(node.get("items", {})) == "string" else None
    if "string" in kinds and not kinds & {"array", "object"}:
        return "string"  # a conversion makes a text of whatever it finds
    return _TYPES.get(kinds.pop()) if len(kinds) == 1 else None
