"""From a contract-valid event to the columns of Silver."""

from __future__ import annotations

from typing import Any

import orjson

from clickstream.contract.schema import Schema
from clickstream.sources.model import Column, Source

_CONVERT: dict[str, type] = {"string": str, "bigint": int, "double": float, "boolean": bool}


class Flattener:
    """Takes a source's Silver columns out of an event, and keeps what the contract does not know.

    The contract has been checked before: a value is absent, null or of the declared type.
    """

    def __init__(self, source: Source, schema: Schema) -> None:
        self._columns = [_plan(column) for column in source.silver.values()]
        self._known = schema.document

    def __call__(self, event: dict[str, Any]) -> tuple[tuple[Any, ...], str | None]:
        """The values of the declared columns, and JSON of the unknown fields (None when there are none)."""
        values = []
        for parents, name, convert in self._columns:
            node: Any = event
            for parent in parents:
                node = node.get(parent) or {}
            value = node.get(name)
            values.append(None if value is None else convert(value))
        unknown = _unknown(event, self._known)
        return tuple(values), orjson.dumps(unknown).decode() if unknown else None


def _plan(column: Column) -> tuple[list[str], str, type]:
    *parents, name = column.path.split(".")
    return parents, name, _CONVERT[column.type]


def _unknown(event: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """The part of an event that a contract has no properties for, in its original nesting."""
    known = schema["properties"]
    rest = {}
    for name, value in event.items():
        if name not in known:
            rest[name] = value
        elif isinstance(value, dict) and "properties" in known[name] and (inner := _unknown(value, known[name])):
            rest[name] = inner
    return rest
