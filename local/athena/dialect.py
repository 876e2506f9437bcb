"""Athena's SQL as it is read here: Trino's grammar, with only the functions that are served.

sqlglot knows the functions of all dialects by name and would take ``ifnull`` or ``strftime`` for granted. So
its parser is left with the few that need it for their syntax or as aggregates and windows; every other call stays
a plain name, which ``translate`` looks up in what ``functions`` defines.
"""

from collections.abc import Callable
from typing import Any, ClassVar

from sqlglot import exp, tokens
from sqlglot.dialects.hive import Hive
from sqlglot.dialects.trino import Trino
from sqlglot.errors import ParseError, TokenError
from sqlglot.tokens import Token, TokenType

from local.athena.errors import malformed, place
from local.errors import AwsError

HIDDEN = ("$path", "$file_size", "$file_modified_time")
"""Columns that a table has without showing them in ``SELECT *``."""

_AGGREGATES_AND_WINDOWS = (
    "ARBITRARY", "ANY_VALUE", "APPROX_DISTINCT", "APPROX_PERCENTILE", "ARRAY_AGG", "AVG", "COUNT", "MAX", "MIN",
    "SUM", "STDDEV", "STDDEV_POP", "STDDEV_SAMP", "VARIANCE", "VAR_POP", "VAR_SAMP",
    "ROW_NUMBER", "RANK", "DENSE_RANK", "PERCENT_RANK", "CUME_DIST", "NTILE", "LAG", "LEAD", "FIRST_VALUE",
    "LAST_VALUE", "NTH_VALUE", "GROUPING",
)  # fmt: skip
_SPECIAL_FORMS = ("COALESCE", "IF", "NULLIF", "CONCAT", "ROW", "ARRAY", "MAP", "TRY", "UNNEST", "EXISTS")
_OWN_SYNTAX = ("CAST", "TRY_CAST", "EXTRACT", "MAX_BY", "MIN_BY")

# Written in other dialects, taken by sqlglot everywhere, refused by Athena: words, what may not stand before a
# bracket, and, by the node that sqlglot makes of it, the rest.
_FOREIGN_TOKENS = (TokenType.DCOLON, TokenType.QUALIFY, TokenType.ILIKE, TokenType.RLIKE, TokenType.GLOB)
_FOREIGN_JOINS = ("SEMI", "ANTI", "ASOF", "POSITIONAL")
_BEFORE_A_LIST = {"", "(", ",", "=", "SELECT", "WHERE", "AND", "OR", "NOT", "IN", "THEN", "ELSE", "WHEN", "||"}
_FOREIGN_NODES: dict[type[exp.Expr], Callable[[Any], str | None]] = {
    exp.Star: lambda node: next((name.upper() for name, value in node.args.items() if value), None),
    exp.Group: lambda node: "ALL" if node.args.get("all") else None,
    exp.Join: lambda node: next((word for word in (node.kind, node.method) if word in _FOREIGN_JOINS), None),
    exp.Limit: lambda node: "%" if node.args.get("limit_options") else None,
    exp.Distinct: lambda node: (
        "ON" if node.args.get("on") else "," if isinstance(node.parent, exp.AggFunc) and node.expressions[1:] else None
    ),
    exp.JSONExtract: lambda node: "->",
    exp.JSONExtractScalar: lambda node: "->>",
    exp.SimilarTo: lambda node: "SIMILAR",
    exp.Pivot: lambda node: "PIVOT",
}


class AthenaSql(Trino):  # type: ignore[misc]
    """Trino's dialect with the served functions only."""

    # sqlglot would count indexes from 0 in its trees, and from 1 again in what it writes.
    INDEX_OFFSET = 0

    class Parser(Trino.Parser):  # type: ignore[misc]
        FUNCTIONS: ClassVar[dict[str, Any]] = {
            name: Trino.Parser.FUNCTIONS[name]
            for name in (*_AGGREGATES_AND_WINDOWS, *_SPECIAL_FORMS)
            if name in Trino.Parser.FUNCTIONS
        }
        FUNCTION_PARSERS: ClassVar[dict[str, Any]] = {name: Trino.Parser.FUNCTION_PARSERS[name] for name in _OWN_SYNTAX}


def parse(sql: str) -> exp.Expr:
    """One statement, as Trino reads it.

    :raises AwsError: InvalidRequestException with line and column, as StartQueryExecution refuses it.
    """
    return _parse(sql, AthenaSql())


def parse_hive(sql: str) -> exp.Expr:
    """One DDL statement, as Hive reads it: Athena sends most DDL there.

    :raises AwsError: InvalidRequestException with line and column.
    """
    return _parse(sql, Hive())


def _parse(sql: str, dialect: Trino | Hive) -> exp.Expr:
    _refuse_foreign_tokens(tokenize(sql, dialect))
    try:
        statements = [statement for statement in dialect.parse(sql) if statement is not None]
    except ParseError as error:
        first = error.errors[0]
        highlight = first["highlight"] or "<EOF>"
        raise _mismatched(first["line"], first["col"] - len(highlight) + 1, highlight) from None
    if len(statements) != 1:
        raise malformed("Only one sql statement is allowed." if statements else "Query string is empty.")
    for node in statements[0].walk():
        foreign = _FOREIGN_NODES.get(type(node), lambda node: None)(node)
        if foreign:
            raise malformed(f"{place(node)}mismatched input '{foreign}'")
    return statements[0]


def _refuse_foreign_tokens(found: list[Token]) -> None:
    before = ""
    for token in found:
        list_begins = token.token_type == TokenType.L_BRACKET and before in _BEFORE_A_LIST
        from_first = token.token_type == TokenType.FROM and before == ""
        if token.token_type in _FOREIGN_TOKENS or list_begins or from_first:
            raise _mismatched(token.line, token.col - len(token.text) + 1, token.text)
        before = token.text.upper()


def tokenize(sql: str, dialect: Trino | Hive | None = None) -> list[Token]:
    """The tokens of the text.

    :raises AwsError: InvalidRequestException when a quote or comment does not end.
    """
    tokenizer: tokens.Tokenizer = (dialect or AthenaSql()).tokenizer()
    try:
        return list(tokenizer.tokenize(sql))
    except TokenError as error:
        raise malformed(f"line 1:1: {error}") from None


def _mismatched(line: int, column: int, text: str) -> AwsError:
    return malformed(f"line {line}:{max(column, 1)}: mismatched input '{text}'")


def bind_parameters(sql: str, values: list[str]) -> str:
    """The text with each ``?`` replaced by the literal that was given for it.

    :param values: ExecutionParameters: texts of SQL literals, so a string comes with its quotes.
    :raises AwsError: InvalidRequestException when their number differs or one is not a literal.
    """
    marks = [token for token in tokenize(sql) if token.token_type == TokenType.PLACEHOLDER]
    if len(marks) != len(values):
        raise malformed(f"Incorrect number of parameters: expected {len(marks)} but found {len(values)}")
    for mark, value in reversed(list(zip(marks, values, strict=True))):
        if not _is_literal(value):
            raise malformed(f"Execution parameter is not a literal: {value}")
        sql = f"{sql[: mark.start]}{value}{sql[mark.end + 1 :]}"
    return sql


def _is_literal(text: str) -> bool:
    value = parse(f"SELECT {text}")
    given = [name for name, part in value.args.items() if part]
    parts = value.selects if isinstance(value, exp.Select) and given == ["expressions"] else []
    allowed = (exp.Literal, exp.Boolean, exp.Null, exp.Neg, exp.Cast, exp.DataType, exp.DataTypeParam)
    return len(parts) == 1 and all(isinstance(node, allowed) for node in parts[0].walk())
