"""Rows of Parquet as raw records.

A conversion to Parquet keeps the values of a record and not its bytes, so a row has a text of its own to be known by.
It is made of what is there: a field that is null is left out, so that a column that is added changes no older row.

    object:  its fields in the order of their names, each the name and then its value; a field's object in `{` `}`
    value:   `+`, the number of characters of its text, `:`, the text; `true` and `false`, integers in decimal
    array:   `[`, the number of elements, `]`, then each element; `-` is one that is null

The raw hash is the MD5 of this text in UTF-8. Athena makes the same of the table's columns (`lake.row_text`).
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any


class NoRows(ValueError):
    """An object is no Parquet, or breaks off."""


def read_rows(data: bytes) -> list[dict[str, Any]]:
    """The rows of a Parquet object, in order, each without its nulls.

    Raises:
        NoRows: it is no Parquet, or breaks off.
    """
    # Here, because who only parses DAGs should not wait for it.
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(io.BytesIO(data))
    except (pa.ArrowException, OSError) as error:
        raise NoRows(str(error)) from error
    return [_present(row) for row in table.to_pylist()]


def row_text(row: Mapping[str, Any]) -> str:
    """The text that a row without nulls is known by.

    Example:
        >>> row_text({"id": "e1", "user": {"age": 7}, "tags": ["a", None]})
        'id+2:e1tags[2]+1:a-user{age+1:7}'
    """
    return "".join(name + _value(row[name]) for name in sorted(row))


def _value(value: Any) -> str:
    match value:
        case dict():
            return "{" + row_text(value) + "}"
        case list():
            return f"[{len(value)}]" + "".join(map(_value, value))
        case None:
            return "-"
        case bool():
            text = "true" if value else "false"
        case _:
            text = str(value)
    return f"+{len(text)}:{text}"


def _present(row: dict[str, Any]) -> dict[str, Any]:
    """A row without the fields that are null, at every level."""
    return {
        name: _present(value) if isinstance(value, dict) else value for name, value in row.items() if value is not None
    }
