"""From contract-valid events to the columns of Silver, many events at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from clickstream.contract.schema import Schema
from clickstream.sources.model import Source

TYPES = {
    "string": pa.string(),
    "bigint": pa.int64(),
    "double": pa.float64(),
    "boolean": pa.bool_(),
    "array<string>": pa.list_(pa.string()),
}
"""Arrow's type for each that a column of Silver may have."""

Event = dict[str, Any]


class Columns:
    """Takes a source's Silver columns out of events, and keeps what the contract does not know.

    The contract has been checked before: a value is absent, null or of the declared type. JSON has one kind of number:
    2.0 is an integer to a contract, and 3 a price.

    Args:
        source: whose declared columns are taken.
        schema: the contract that the events were judged by.
    """

    def __init__(self, source: Source, schema: Schema) -> None:
        self._paths = [column.path.split(".") for column in source.silver.values()]
        self._doubles = [column.path.split(".") for column in source.silver.values() if column.type == "double"]
        tree: dict[str, Any] = {}
        for (*parents, name), column in zip(self._paths, source.silver.values(), strict=True):
            node = tree
            for parent in parents:
                node = node.setdefault(parent, {})
            node[name] = TYPES[column.type]
        self._type = _struct(tree)
        self._empty_is_null = source.events.empty_is_null
        self._known = _Known(schema.document)

    def __call__(self, events: Sequence[Event | None]) -> list[pa.Array]:
        """An array a declared column, in order, then JSON of the unknown fields (null where there are none).

        Args:
            events: None stands for a record that is no event: all its columns are null.
        """
        try:
            taken = pa.array(events, self._type)
        except pa.ArrowInvalid:
            # Arrow refuses an integer that no double holds exactly; the nearest one will do for a price of 2^53 + 1.
            for event in events:
                _with_doubles(event, self._doubles)
            taken = pa.array(events, self._type)
        rest = [event and self._known.rest_of(event) for event in events]
        extra = [orjson.dumps(fields).decode() if fields else None for fields in rest]
        columns = [pc.struct_field(taken, path) for path in self._paths]
        if self._empty_is_null:
            columns = [_without_empty(column) for column in columns]
        return [*columns, pa.array(extra, pa.string())]


def _struct(tree: dict[str, Any]) -> pa.StructType:
    return pa.struct([(name, _struct(kind) if isinstance(kind, dict) else kind) for name, kind in tree.items()])


def _without_empty(column: pa.Array) -> pa.Array:
    if column.type != pa.string():
        return column
    return pc.if_else(pc.equal(column, ""), pa.scalar(None, pa.string()), column)


def _with_doubles(event: Event | None, paths: list[list[str]]) -> None:
    for *parents, name in paths:
        node: Any = event
        for parent in parents:
            node = node and node.get(parent)
        if node and node.get(name) is not None:
            node[name] = float(node[name])


class _Known:
    """The fields that a contract, or an object of it, has properties for."""

    def __init__(self, schema: dict[str, Any]) -> None:
        properties = schema["properties"]
        self._names = properties.keys()
        self._objects = [(name, _Known(inner)) for name, inner in properties.items() if "properties" in inner]

    def rest_of(self, event: Event) -> Event:
        """What else there is in an event, in its original nesting."""
        rest = {} if event.keys() <= self._names else {n: event[n] for n in event if n not in self._names}
        for name, known in self._objects:
            inner = event.get(name)
            if isinstance(inner, dict) and (unknown := known.rest_of(inner)):
                rest[name] = unknown
        return rest
