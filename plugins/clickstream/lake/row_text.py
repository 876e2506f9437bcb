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
        return _fields("", self.columns)


@dataclass(frozen=True)
class FieldText:
    """The text of a field at a dotted path of a row, as an expression in SQL; NULL where there is none."""

    path: str

    def __str__(self) -> str:
        return f"CAST({_column(self.path)} AS varchar)"


def _fields(parents: str, fields: Mapping[str, RowType]) -> str:
    return " || ".join(_field(f"{parents}{name}", name, fields[name]) for name in sorted(fields))


def _field(path: str, name: str, kind: RowType) -> str:
    """A field with its name; no text where it is null."""
    column = _column(path)
    if isinstance(kind, dict):
        text = f"'{name}{{' || {_fields(f'{path}.', kind)} || '}}'"
        return f"CASE WHEN {column} IS NULL THEN '' ELSE {text} END"
    if kind == "array<string>":
        elements = f"array_join(transform({column}, element -> coalesce({_value('element')}, '-')), '')"
        size = f"CAST(cardinality({column}) AS varchar)"
        return f"coalesce('{name}[' || {size} || ']' || {elements}, '')"
    return f"coalesce('{name}' || {_value(f'CAST({column} AS varchar)')}, '')"


def _value(text: str) -> str:
    return f"'+' || CAST(length({text}) AS varchar) || ':' || {text}"


def _column(path: str) -> str:
    return ".".join(f'"{name}"' for name in path.split("."))
