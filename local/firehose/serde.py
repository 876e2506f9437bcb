"""What a JSON value becomes in a column of a Glue table: the rules that both of Firehose's JSON SerDes share.

A SerDe is a ``SerDe`` with its own answers to values of another shape: see ``openx`` and ``hive_json``.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Callable
from decimal import Context, Decimal
from typing import Any, NamedTuple

import pyarrow as pa
from sqlglot import exp

from local.athena.errors import QueryError
from local.athena.types import parse_type
from local.errors import AwsError
from local.firehose import timestamps
from local.firehose.json_documents import Document
from local.java_text import double_text

_INTEGERS = {
    exp.DType.TINYINT: pa.int8(),
    exp.DType.SMALLINT: pa.int16(),
    exp.DType.INT: pa.int32(),
    exp.DType.BIGINT: pa.int64(),
}
_LARGEST_FLOAT = 3.4028235e38
_EXACT = Context(prec=400)
"""Arithmetic that rounds no number that a decimal column could hold."""
_WHOLE = re.compile(r"[+-]?\d{1,19}", re.ASCII)
_DECIMAL = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,4})?", re.ASCII)


class Mismatch(Exception):
    """A value that its column cannot take; the text says why."""


class Column(NamedTuple):
    """A column or a part of one."""

    arrow: pa.DataType
    read: Callable[[Any], Any]
    """Makes the column's value of a JSON value that is not null, or raises ``Mismatch``."""


class SerDe(ABC):
    """The rules of a deserializer."""

    def columns(self, definition: list[dict[str, str]]) -> dict[str, Column]:
        """The columns of a Glue table by name.

        :raises AwsError: InvalidArgumentException for a type that is not served.
        """
        return {column["Name"]: self._column(_type(column)) for column in definition}

    @abstractmethod
    def key(self, name: str) -> str:
        """What the name of a JSON object's member becomes when it is parsed."""

    @abstractmethod
    def member(self, document: Document, name: str) -> Any:
        """The member for a column or a struct's field; None when there is none."""

    @abstractmethod
    def text(self, value: Any) -> str:
        """The text of a value that is no JSON string."""

    @abstractmethod
    def number(self, text: str) -> Decimal:
        """The number of a JSON string in a numeric column."""

    @abstractmethod
    def boolean(self, value: Any) -> bool:
        """The truth of a value that is no JSON boolean."""

    @abstractmethod
    def timestamp(self, value: Any) -> int:
        """Nanoseconds of the epoch."""

    @abstractmethod
    def elements(self, value: Any) -> list[Any] | None:
        """The elements of an array that is no JSON array."""

    @abstractmethod
    def fields(self, value: Any, names: list[str]) -> list[Any]:
        """The fields, in order, of a struct that is no JSON object."""

    @abstractmethod
    def entries(self, value: Any) -> Document | None:
        """The entries of a map that is no JSON object."""

    def _column(self, kind: exp.DataType) -> Column:
        if kind.this == exp.DType.ARRAY:
            return self._list(self._column(kind.expressions[0]))
        if kind.this == exp.DType.MAP:
            key, value = kind.expressions
            if key.this != exp.DType.TEXT:
                raise _unserved(kind)
            return self._map(self._column(value))
        if kind.this == exp.DType.STRUCT:
            return self._struct({part.name: self._column(part.args["kind"]) for part in kind.expressions})
        if kind.this == exp.DType.DECIMAL:
            precision, scale = [*(int(part.name) for part in kind.expressions), 0][:2] if kind.expressions else (10, 0)
            return Column(pa.decimal128(precision, scale), lambda value: self._decimal(value, precision, scale))
        if kind.this in _INTEGERS:
            arrow = _INTEGERS[kind.this]
            limit = 2 ** (arrow.bit_width - 1)
            return Column(arrow, lambda value: self._integer(value, limit))
        simple: dict[exp.DType, Column] = {
            exp.DType.BOOLEAN: Column(pa.bool_(), self._boolean),
            exp.DType.FLOAT: Column(pa.float32(), self._float),
            exp.DType.DOUBLE: Column(pa.float64(), self._double),
            exp.DType.TEXT: Column(pa.string(), self._text),
            exp.DType.DATE: Column(pa.date32(), _date),
            exp.DType.TIMESTAMP: Column(pa.timestamp("ns"), self.timestamp),
        }
        if kind.this not in simple:
            raise _unserved(kind)
        return simple[kind.this]

    def _list(self, element: Column) -> Column:
        def read(value: Any) -> list[Any] | None:
            elements = value if isinstance(value, list) else self.elements(value)
            return None if elements is None else [None if each is None else element.read(each) for each in elements]

        return Column(pa.list_(element.arrow), read)

    def _map(self, of: Column) -> Column:
        def read(value: Any) -> list[tuple[str, Any]] | None:
            entries = value if isinstance(value, dict) else self.entries(value)
            if entries is None:
                return None
            return [(as_utf8(name), None if each is None else of.read(each)) for name, each in entries.items()]

        return Column(pa.map_(pa.string(), of.arrow), read)

    def _struct(self, members: dict[str, Column]) -> Column:
        names = list(members)

        def read(value: Any) -> dict[str, Any]:
            values = (
                [self.member(value, name) for name in names] if isinstance(value, dict) else self.fields(value, names)
            )
            return {
                name: None if each is None else members[name].read(each)
                for name, each in zip(names, values, strict=True)
            }

        return Column(pa.struct([pa.field(name, part.arrow) for name, part in members.items()]), read)

    def _text(self, value: Any) -> str:
        return as_utf8(value if isinstance(value, str) else self.text(value))

    def _boolean(self, value: Any) -> bool:
        return value if isinstance(value, bool) else self.boolean(value)

    def _number(self, value: Any) -> Decimal | int:
        if isinstance(value, bool) or not isinstance(value, int | Decimal | str):
            raise Mismatch(f"{shown(value)} is no number")
        return self.number(value) if isinstance(value, str) else value

    def _integer(self, value: Any, limit: int) -> int:
        # What is written with a point or an exponent is no integer, whatever its value.
        if isinstance(value, str) and not _WHOLE.fullmatch(value):
            self.number(value)
            raise Mismatch(f'For input string: "{value}"')
        number = self._number(value)
        if isinstance(value, Decimal) or not -limit <= number < limit:
            raise Mismatch(f'For input string: "{shown(value)}"')
        return int(number)

    def _double(self, value: Any) -> float:
        number = float(self._number(value))
        if number in (float("inf"), float("-inf")):
            raise Mismatch(f"{shown(value)} is out of range")
        return number

    def _float(self, value: Any) -> float:
        number = self._double(value)
        if abs(number) > _LARGEST_FLOAT:
            raise Mismatch(f"{shown(value)} is out of range")
        return number

    def _decimal(self, value: Any, precision: int, scale: int) -> Decimal:
        number = Decimal(self._number(value)).normalize(_EXACT)
        _, digits, exponent = number.as_tuple()
        assert isinstance(exponent, int)
        if len(digits) + exponent > precision - scale or -exponent > scale:
            raise Mismatch(f"{shown(value)} does not fit decimal({precision},{scale})")
        return number


def decimal_of(text: str) -> Decimal:
    """The number of a plain decimal text, with or without an exponent.

    :raises Mismatch: it is none.
    """
    if not _DECIMAL.fullmatch(text):
        raise Mismatch(f'For input string: "{text}"')
    return Decimal(text)


def java_number(value: int | Decimal) -> str:
    """A number as Java writes a long or a double."""
    return str(value) if isinstance(value, int) else double_text(repr(float(value)))


def shown(value: Any) -> str:
    """A value as a message tells of it."""
    return java_number(value) if isinstance(value, int | Decimal) and not isinstance(value, bool) else str(value)


def as_utf8(text: str) -> str:
    """The text as Java stores it: half of a surrogate pair becomes a question mark."""
    return text.encode("utf-8", "replace").decode()


def _date(value: Any) -> Any:
    try:
        if isinstance(value, str):
            return timestamps.read_date(value)
    except ValueError:
        pass
    raise Mismatch(f'For input string: "{shown(value)}"')


def _type(column: dict[str, str]) -> exp.DataType:
    try:
        return parse_type(column["Type"])
    except QueryError:
        raise AwsError("InvalidArgumentException", f"{column['Type']} of {column['Name']} is no type") from None


def _unserved(kind: exp.DataType) -> AwsError:
    return AwsError(
        "InvalidArgumentException", f"The local cloud does not convert to the type {kind.sql('hive').lower()}"
    )
