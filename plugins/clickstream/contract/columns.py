"""From contract-valid events to the columns of Silver, many events at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Self

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from clickstream.contract.schema import COLUMN_KINDS, Schema, kind_of
from clickstream.sources.model import Column, Source

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

    The contract has been checked before. JSON has one kind of number: 2.0 is an integer to a contract, and 3 a price.
    A field that the contract does not declare stays among the unknown ones, also when the source has a column for it
    by now: an hour that keeps an older contract comes out as it did.

    Args:
        source: whose declared columns are taken.
        schema: the contract that the events were judged by.
    """

    def __init__(self, source: Source, schema: Schema) -> None:
        self._columns = [_Taken.of(column, schema) for column in source.silver.values()]
        at_once = [column for column in self._columns if column.at_once]
        self._doubles = [column.fields[0] for column in at_once if column.type == "double"]
        tree: dict[str, Any] = {}
        # A field that only has whole numbers may be in a bigint and in a double: it is read as what it is.
        for column in sorted(at_once, key=lambda column: column.type != "bigint"):
            *parents, name = column.fields[0]
            node = tree
            for parent in parents:
                node = node.setdefault(parent, {})
            node.setdefault(name, TYPES[column.type])
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
        columns = [column(events, taken) for column in self._columns]
        if self._empty_is_null:
            columns = [_without_empty(column) for column in columns]
        return [*columns, pa.array(extra, pa.string())]


@dataclass(frozen=True)
class _Taken:
    """A column, and the fields that it is taken from under one contract.

    Attributes:
        fields: steps to each field that may have a value of the column's type, in the order of precedence.
        at_once: there is one, and nothing else can stand there: Arrow takes it out of all events in one go.
    """

    type: str
    fields: list[list[str]]
    at_once: bool

    @classmethod
    def of(cls, column: Column, schema: Schema) -> Self:
        paths = [path for path in column.paths if schema.may_hold(path, column.type)]
        at_once = len(paths) == 1 and schema.holds_only(paths[0], column.type)
        return cls(column.type, [path.split(".") for path in paths], at_once)

    def __call__(self, events: Sequence[Event | None], taken: pa.StructArray) -> pa.Array:
        if self.at_once:
            values = pc.struct_field(taken, self.fields[0])
            return values if values.type == TYPES[self.type] else values.cast(TYPES[self.type], safe=False)
        if not self.fields:
            return pa.nulls(len(events), TYPES[self.type])
        return pa.array([self._first(event) for event in events], TYPES[self.type])

    def _first(self, event: Event | None) -> Any:
        """The value of the first field that has one of the column's type."""
        for steps in self.fields:
            node: Any = event
            for step in steps:
                node = node.get(step) if isinstance(node, dict) else None
            if kind_of(node) in COLUMN_KINDS[self.type]:
                return _CASTS[self.type](node)
        return None


_CASTS: dict[str, Callable[[Any], Any]] = {
    "double": float,
    "bigint": int,
    "string": str,
    "boolean": bool,
    "array<string>": list,
}
"""What makes of a value of fitting type the one that Arrow takes: 3 is a price, and 2.0 a whole number."""


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
