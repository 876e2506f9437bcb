"""The columns of a Bronze of rows: the fields of the contract, of every version there is.

A conversion to Parquet leaves out what its table does not know. So the table has the fields of the versions that are
still to come as well: what a record brought is there when its version is declared, and can be judged by it again.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from clickstream.contract.schema import Node, Schema, SchemaFault, kinds_of

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
        if taken := sorted({*PARTITION_KEYS} & schema.document["properties"].keys()):
            raise SchemaFault(f"{schema.version}: {taken[0]} is a partition key of Bronze, and no field's name")
        _add(columns, schema.document, "", schema)
    return columns | CANARY


def hive_type(kind: RowType) -> str:
    """A column's type as the Glue catalog writes it."""
    if isinstance(kind, str):
        return kind
    return f"struct<{','.join(f'{name}:{hive_type(inner)}' for name, inner in kind.items())}>"


def _add(fields: dict[str, RowType], parent: Node, parents: str, schema: Schema) -> None:
    """Put the fields of an object among those of earlier versions."""
    for name, declared in parent["properties"].items():
        path, node, known = f"{parents}{name}", schema.resolved(declared), fields.get(name)
        if not _NAME.fullmatch(name):
            raise SchemaFault(f"{schema.version}: {path} cannot be a column: Hive knows names like {_NAME.pattern}")
        if "properties" in node and not isinstance(known, str):
            inner = fields[name] = known or {}
            _add(inner, node, f"{path}.", schema)
            continue
        kind = _leaf(schema, node)
        if kind is None or known not in (None, kind):
            before = f"; an earlier version has it as {known}" if known else ""
            raise SchemaFault(
                f"{schema.version}: {path} cannot be a column: rows have texts, integers, booleans, lists of texts "
                f"and objects of these, and no column changes its type{before}"
            )
        fields[name] = kind


def _leaf(schema: Schema, node: Node) -> str | None:
    """The type of a field that is no object; None when no column can hold it."""
    kinds = kinds_of(node) - {"null"}
    if kinds == {"array"}:
        return "array<string>" if _leaf(schema, schema.resolved(node.get("items", {}))) == "string" else None
    if "string" in kinds and not kinds & {"array", "object"}:
        return "string"  # a conversion makes a text of whatever it finds
    return _TYPES.get(next(iter(kinds))) if len(kinds) == 1 else None
