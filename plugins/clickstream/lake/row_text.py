"""The text that a row of Bronze is known by, as an expression in SQL; `contract.rows` says what it is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from clickstream.contract.row_type import RowType


@dataclass(frozen=True)
class RowText:
    """An expression over the columns of a table of rows.

    Args:
        columns: of the table, with their types.
    """

    columns: Mapping[str, RowType]

    def __str__(self) -> str:
        return f"concat({_fields('', self.columns)})"


@dataclass(frozen=True)
class FieldText:
    """The text of a field at a dotted path of a row, as an expression in SQL; NULL where there is none."""

    path: str

    def __str__(self) -> str:
        return f"CAST({_column(self.path)} AS varchar)"


def _fields(parents: str, fields: Mapping[str, RowType]) -> str:
    return ", ".join(_field(f"{parents}{name}", name, fields[name]) for name in sorted(fields))


def _field(path: str, name: str, kind: RowType) -> str:
    """A field with its name; no text where it is null."""
    column = _column(path)
    if isinstance(kind, dict):
        text = f"concat('{name}{{', {_fields(f'{path}.', kind)}, '}}')"
    elif kind == "array<string>":
        element = f"CASE WHEN element IS NULL THEN '-' ELSE {_value('', 'element')} END"
        elements = f"array_join(transform({column}, element -> {element}), '')"
        text = f"concat('{name}[', CAST(cardinality({column}) AS varchar), ']', {elements})"
    else:
        text = _value(name, column if kind == "string" else f"CAST({column} AS varchar)")
    return f"CASE WHEN {column} IS NULL THEN '' ELSE {text} END"


def _value(name: str, text: str) -> str:
    return f"concat('{name}+', CAST(length({text}) AS varchar), ':', {text})"


def _column(path: str) -> str:
    return ".".join(f'"{name}"' for name in path.split("."))
