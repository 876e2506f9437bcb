"""The errors a query ends with, in Athena's words."""

import re

from sqlglot import exp

from local.errors import AwsError


class QueryError(Exception):
    """A query that ends as FAILED.

    :param code: Athena's name of the error, such as ``TABLE_NOT_FOUND``.
    :param message: the text behind it; both together are the query's StateChangeReason.
    :param node: the part of the SQL at fault; when it knows its place, ``line l:c:`` leads the message.
    """

    def __init__(self, code: str, message: str, node: exp.Expr | None = None) -> None:
        self.code = code
        super().__init__(f"{code}: {place(node)}{message}")


class Cancelled(Exception):
    """A query that ends as CANCELLED. Its text, when there is one, is the StateChangeReason."""


def not_supported(what: str, node: exp.Expr | None = None) -> QueryError:
    """The error for SQL that the local Athena does not serve, whether Athena does or not."""
    return QueryError("NOT_SUPPORTED", f"the local Athena does not serve {what}", node)


def malformed(message: str) -> AwsError:
    """The error for what Athena refuses at once, before there is a query execution."""
    return AwsError("InvalidRequestException", message)


def place(node: exp.Expr | None) -> str:
    """``line 1:8: `` for a node that has a part to which the parser gave a position; columns count from 1."""
    # In a tree a table's own name comes before its database's.
    parts = node.parts if isinstance(node, exp.Table) else node.dfs() if node is not None else ()
    for part in parts:
        meta = part.meta
        if "start" in meta:
            # sqlglot's column is that of a token's last character.
            return f"line {meta['line']}:{meta['col'] - (meta['end'] - meta['start'])}: "
    return ""


# DuckDB's own words for a fault of the data or of the types, the Trino error that stands for it, and what that says
# where DuckDB's text would mislead.
_DUCKDB_ERRORS: list[tuple[str, str, str | None]] = [
    ("Division by zero", "DIVISION_BY_ZERO", "Division by zero"),
    ("^Invalid Input Error: (Could not parse|Failed to parse|Invalid input for)", "INVALID_FUNCTION_ARGUMENT", None),
    ("^Conversion Error: .*field value out of range", "INVALID_FUNCTION_ARGUMENT", None),
    ("^Conversion Error: .*out of range", "NUMERIC_VALUE_OUT_OF_RANGE", None),
    ("^Conversion Error", "INVALID_CAST_ARGUMENT", None),
    ("^Out of Range Error", "NUMERIC_VALUE_OUT_OF_RANGE", None),
    (r"Macro (?P<name>\w+)\(\) does not support", "FUNCTION_NOT_FOUND", "Unexpected parameters for function {name}"),
    ("^Binder Error: (No function matches|Cannot compare|.*type mismatch)", "TYPE_MISMATCH", None),
    ("must appear in the GROUP BY clause", "EXPRESSION_NOT_AGGREGATE", None),
    ("More than one row returned by a subquery", "SUBQUERY_MULTIPLE_ROWS", None),
    ("^unordered_map::at", "NOT_SUPPORTED", "the local Athena does not serve this function in an UNNEST over a column"),
    ("^Out of Memory Error", "EXCEEDED_LOCAL_MEMORY_LIMIT", None),
]


def from_duckdb(text: str) -> QueryError:
    """What Athena would say where DuckDB said ``text``; what Athena has no word for is NOT_SUPPORTED."""
    own = re.search(r"QueryError: ([A-Z_]+): (.*)", text)
    if own:
        return QueryError(own.group(1), own.group(2).strip())
    brief = re.sub(r"^[A-Z][A-Za-z ]+ Error: ", "", text).split("\n")[0].strip()
    for pattern, code, says in _DUCKDB_ERRORS:
        found = re.search(pattern, text, re.IGNORECASE)
        if found:
            return QueryError(code, says.format(**found.groupdict()) if says else brief)
    return QueryError("NOT_SUPPORTED", f"the local Athena's engine refused the query: {brief}")
