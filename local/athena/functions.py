"""The DuckDB that runs the queries, and the functions that it lends to Athena's SQL.

``functions.sql`` holds Trino's functions as macros; what SQL cannot say is Python here. One in-memory database
serves the process, so that all queries together keep to its memory limit; each query has a connection of its own,
whose tables no other one sees.
"""

import hashlib
import threading
import zlib
from functools import cache
from pathlib import Path
from typing import Any

import duckdb

from local.athena import json_text, raw_text
from local.athena.errors import QueryError
from local.java_text import double_text
from local.settings import state_dir

MEMORY_LIMIT = "2GB"
THREADS = 2

SHARED = frozenset({
    "abs", "acos", "asin", "atan", "atan2", "cbrt", "ceil", "ceiling", "chr", "concat_ws",
    "cos", "day", "degrees", "exp", "floor", "hour", "log10", "log2", "ln", "lower",
    "lpad", "ltrim", "map_entries", "map_from_entries", "map_keys", "map_values", "minute", "month", "pi", "pow",
    "power", "quarter", "radians", "reverse", "round", "rpad", "rtrim", "second", "sign", "sin",
    "sqrt", "starts_with", "tan", "translate", "trim", "upper", "week", "year",
    "bool_and", "bool_or", "count_if", "histogram", "listagg", "corr", "covar_pop", "covar_samp",
    "kurtosis", "skewness",
})  # fmt: skip
"""Functions that DuckDB has under Trino's name and with Trino's answers."""

RENAMED = {
    "every": "bool_and",
    "bitwise_and_agg": "bit_and",
    "bitwise_or_agg": "bit_or",
    "bitwise_xor_agg": "bit_xor",
    "transform": "list_transform",
    "filter": "list_filter",
}
"""Aggregates, and functions of a lambda, which no macro can stand for: Trino's name and DuckDB's."""


_opening = threading.Lock()


@cache
def _database() -> duckdb.DuckDBPyConnection:
    spill = state_dir() / "cloud" / "athena-spill"
    opened = duckdb.connect(
        ":memory:",
        config={
            "memory_limit": MEMORY_LIMIT,
            "threads": THREADS,
            "temp_directory": str(spill),
            # A name that is no table must not find a Python variable or a file.
            "python_enable_replacements": False,
        },
    )
    opened.execute("CREATE SCHEMA trino")
    for name, function, arguments, result in _PYTHON_FUNCTIONS:
        opened.create_function(
            name, _null_for_null(function), arguments, result, null_handling="special", side_effects=False
        )
    opened.execute(Path(__file__).with_name("functions.sql").read_text())
    opened.execute("SET enable_external_access = false")
    return opened


def connect() -> duckdb.DuckDBPyConnection:
    """A connection for one query, to be closed after it."""
    with _opening:
        connection = _database().cursor()
    for setting in ("TimeZone = 'UTC'", "integer_division = true", "preserve_insertion_order = true"):
        connection.execute(f"SET {setting}")
    return connection


@cache
def macros() -> frozenset[str]:
    """The Trino functions that are macros."""
    with connect() as connection:
        rows = connection.execute("SELECT function_name FROM duckdb_functions() WHERE schema_name = 'trino'").fetchall()
    return frozenset(name for (name,) in rows)


def _null_for_null(function: Any) -> Any:
    # DuckDB's own handling of NULL arguments forbids a NULL answer; its count of parameters needs fixed ones.
    if function.__code__.co_argcount == 1:
        return lambda x: None if x is None else function(x)
    return lambda x, y: None if x is None or y is None else function(x, y)


def _fail(text: str) -> str:
    code, _, message = text.partition(": ")
    raise QueryError(code, message)


def _integer_of(text: str, radix: int) -> int:
    try:
        if any(sign in text for sign in "_ \t\n"):
            raise ValueError
        value = int(text, radix)
    except ValueError:
        raise QueryError("INVALID_FUNCTION_ARGUMENT", f"Not a valid base-{radix} number: {text}") from None
    if not -(2**63) <= value < 2**63:
        raise QueryError("INVALID_FUNCTION_ARGUMENT", f"Not a valid base-{radix} number: {text}")
    return value


_PYTHON_FUNCTIONS: list[tuple[str, Any, list[str], str]] = [
    ("fail", _fail, ["VARCHAR"], "VARCHAR"),
    ("raw_bytes", raw_text.to_bytes, ["VARCHAR"], "BLOB"),
    ("valid_text", lambda raw: raw_text.to_text(raw.decode("utf-8", "replace").encode()), ["BLOB"], "VARCHAR"),
    ("extract_scalar", json_text.extract_scalar, ["VARCHAR", "VARCHAR"], "VARCHAR"),
    ("extract_json", json_text.extract, ["VARCHAR", "VARCHAR"], "VARCHAR"),
    ("canonical_json", json_text.canonical, ["VARCHAR"], "VARCHAR"),
    ("integer_of", _integer_of, ["VARCHAR", "BIGINT"], "BIGINT"),
    ("double_text", double_text, ["VARCHAR"], "VARCHAR"),
    ("sha512_of", lambda raw: hashlib.sha512(raw).digest(), ["BLOB"], "BLOB"),
    ("crc32_of", lambda raw: zlib.crc32(raw), ["BLOB"], "BIGINT"),
]
