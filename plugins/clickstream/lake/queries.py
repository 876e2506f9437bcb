"""The product's SQL: files under `include/sql/athena`, with names and values put in by type.

A file marks its places with `${name}`. Athena's own parameters hold 1,024 characters and cannot stand for a table
or a snapshot, so values are written as literals here, and nowhere else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from clickstream.lake.windows import hour_text

FOLDER = Path(__file__).resolve().parents[3] / "include" / "sql" / "athena"
_PLACE = re.compile(r"\$\{(\w+)\}")
_IDENTIFIER = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True)
class Table:
    """A table of the Glue catalog, as a name in SQL."""

    database: str
    name: str

    def __post_init__(self) -> None:
        for part in (self.database, self.name):
            if not _IDENTIFIER.fullmatch(part):
                raise ValueError(f"{part!r} is no name of a table: {_IDENTIFIER.pattern}")

    def __str__(self) -> str:
        return f'"{self.database}"."{self.name}"'


@dataclass(frozen=True)
class Column:
    """A column of a table, as a name in SQL."""

    name: str

    def __post_init__(self) -> None:
        if not _IDENTIFIER.fullmatch(self.name):
            raise ValueError(f"{self.name!r} is no name of a column: {_IDENTIFIER.pattern}")

    def __str__(self) -> str:
        return f'"{self.name}"'


class TextOf(Column):
    """The value of a column as text, in SQL."""

    def __str__(self) -> str:
        return f"CAST({super().__str__()} AS varchar)"


class Known(Column):
    """Whether a column has a value, in SQL."""

    def __str__(self) -> str:
        return f"{super().__str__()} IS NOT NULL"


@dataclass(frozen=True)
class JsonText:
    """The text of a field of a JSON document, as an expression in SQL; NULL where the document has none.

    Args:
        document: column that holds the document.
        path: dotted path of the field.
    """

    document: str
    path: str

    def __str__(self) -> str:
        return f"json_extract_scalar({self.document}, {_literal(f'$.{self.path}')})"


@dataclass(frozen=True)
class Sql:
    """A part of a query that is rendered already, or an expression."""

    text: str

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Holding:
    """Whether columns hold their texts, as a condition in SQL; without any it is true.

    Args:
        texts: by column.
    """

    texts: Mapping[str, str]

    def __str__(self) -> str:
        held = (f"strpos({Column(name)}, {_literal(text)}) > 0" for name, text in self.texts.items())
        return " AND ".join(held) or "TRUE"


Scalar = Table | Column | Sql | Holding | str | int | date
Value = Scalar | Iterable[Column] | Iterable[str] | Iterable[date]


def render(query: str, folder: Path = FOLDER, **values: Value) -> str:
    """The text of a query's file with every place filled.

    Args:
        query: the file's stem.
        folder: where the file lies.
        values: a Table, a Column, a part of the query, a Holding, a text, an integer, an arrival hour, an event date,
            or a list of columns, texts, hours or dates (an empty one matches nothing).

    Raises:
        KeyError: a place of the file was given no value.
    """
    text = (folder / f"{query}.sql").read_text().rstrip("\n")
    return _PLACE.sub(lambda place: _literal(values[place[1]]), text)


def _literal(value: Value) -> str:
    match value:
        case Table() | Column() | Sql() | Holding() | int():
            return str(value)
        case str():
            return "'" + value.replace("'", "''") + "'"
        case datetime():
            return _literal(hour_text(value))
        case date():
            return f"DATE '{value}'"
        case _:
            return ", ".join(_literal(item) for item in value) or "''"
