"""From a contract-valid event to the columns of Silver."""

from __future__ import annotations

import itertools
from typing import Any

import orjson

from clickstream.contract.schema import Schema
from clickstream.sources.model import Column, Source

# JSON has one kind of number: 2.0 is an integer to a contract, and 3 a price.
_NUMBERS = {"bigint": int, "double": float}
_NOTHING: dict[str, Any] = {}


class Flattener:
    """Takes a source's Silver columns out of an event, and keeps what the contract does not know.

    The contract has been checked before: a value is absent, null or of the declared type.
    """

    def __init__(self, source: Source, schema: Schema) -> None:
        columns = source.silver.values()
        # Neighbours below the same parents are taken out together.
        self._groups = [
            (parents, [column.path.rpartition(".")[2] for column in group])
            for parents, group in itertools.groupby(columns, _parents)
        ]
        self._numbers = [(at, _NUMBERS[column.type]) for at, column in enumerate(columns) if column.type in _NUMBERS]
        self._known = schema.document
        self.nothing = (None,) * len(source.silver)
        """The values of a record that is no event."""

    def __call__(self, event: dict[str, Any]) -> tuple[tuple[Any, ...], str | None]:
        """The values of the declared columns, and JSON of the unknown fields (None when there are none)."""
        values: list[Any] = []
        for parents, names in self._groups:
            node: Any = event
            for parent in parents:
                node = node.get(parent) or _NOTHING
            values.extend(map(node.get, names))
        for at, number in self._numbers:
            if values[at] is not None:
                values[at] = number(values[at])
        unknown = _unknown(event, self._known)
        return tuple(values), orjson.dumps(unknown).decode() if unknown else None


def _parents(column: Column) -> list[str]:
    return column.path.split(".")[:-1]


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
