"""Trino's SQL, parsed and qualified, as the SQL of the DuckDB that ``functions`` prepares."""

import re
from collections.abc import Callable
from typing import Any

from sqlglot import exp

from local.athena import functions, json_text
from local.athena.context import Context
from local.athena.errors import QueryError, not_supported

Rewrite = Callable[[Any, Context], exp.Expr]

_STRICT_CASTS = {
    exp.DType.TINYINT: "cast_tinyint",
    exp.DType.SMALLINT: "cast_smallint",
    exp.DType.INT: "cast_integer",
    exp.DType.BIGINT: "cast_bigint",
    exp.DType.DATE: "cast_date",
    exp.DType.TIMESTAMP: "cast_timestamp",
    exp.DType.TIMESTAMPTZ: "cast_timestamptz",
    exp.DType.VARCHAR: "cast_varchar",
    exp.DType.TEXT: "cast_varchar",
}

_SAME_TEXT = (*exp.DataType.INTEGER_TYPES, exp.DType.VARCHAR, exp.DType.TEXT, exp.DType.BOOLEAN)
"""Types whose texts are the same in both engines."""

# MySQL's letters, which date_format and date_parse take, as DuckDB's.
_DATE_LETTERS = {
    "a": "%a", "b": "%b", "c": "%-m", "d": "%d", "e": "%-d", "f": "%f", "H": "%H", "h": "%I", "I": "%I", "i": "%M",
    "j": "%j", "k": "%-H", "l": "%-I", "M": "%B", "m": "%m", "p": "%p", "r": "%I:%M:%S %p", "S": "%S", "s": "%S",
    "T": "%H:%M:%S", "v": "%V", "W": "%A", "x": "%G", "Y": "%Y", "y": "%y", "%": "%%",
}  # fmt: skip


def to_duckdb(expression: exp.Expr, context: Context) -> str:
    """The text of a qualified expression for DuckDB. The expression itself is left as it was.

    :raises QueryError: for what is not served, with its place.
    """
    tree = expression.copy()
    for node in reversed(list(tree.dfs())):
        rewrite = _REWRITES.get(type(node))
        if rewrite is None:
            continue
        new = rewrite(node, context)
        if node is tree:
            tree = new
        elif new is not node:
            node.replace(new)
    text: str = tree.sql(dialect="duckdb", identify=True)
    return text


def _call(name: str, *arguments: exp.Expr) -> exp.Expr:
    return exp.Anonymous(this=name, expressions=list(arguments))


def _function(node: exp.Anonymous, context: Context) -> exp.Expr:
    name = node.name.lower()
    if name in _SPECIAL:
        return _SPECIAL[name](node, context)
    if name in functions.RENAMED:
        node.set("this", functions.RENAMED[name])
    elif name in functions.macros():
        node.set("this", f"trino.{name}")
    elif name not in functions.SHARED:
        raise not_supported(f"the function {name}", node)
    return node


def _literal(node: exp.Anonymous, at: int) -> str:
    if len(node.expressions) <= at:
        raise QueryError("FUNCTION_NOT_FOUND", f"Unexpected parameters for function {node.name.lower()}", node)
    value = node.expressions[at]
    if not value.is_string:
        raise not_supported(f"{node.name.lower()} with other than a literal as argument {at + 1}", node)
    return str(value.this)


def _json(node: exp.Anonymous, context: Context) -> exp.Expr:
    path = _literal(node, 1)
    steps = json_text.parse_path(path)
    if steps is None:
        raise QueryError("INVALID_FUNCTION_ARGUMENT", f"Invalid JSON path: '{path}'", node)
    if any(isinstance(step, str) and re.search(r'["\\]', step) for step in steps):
        raise not_supported("a JSON path with quotes in a name", node)
    document, text = node.expressions
    place = "$" + "".join(f"[{step}]" if isinstance(step, int) else f'."{step}"' for step in steps)
    macro = {"json_extract_scalar": "json_scalar", "json_extract": "json_part"}[node.name.lower()]
    return _call(macro, document, text, exp.Literal.string(place))


def _date_format(node: exp.Anonymous, context: Context) -> exp.Expr:
    letters = re.sub(r"%(.)", lambda found: _date_letter(found[1], node), _literal(node, 1))
    name = {"date_parse": "parsed_date", "date_format": "formatted_date"}[node.name.lower()]
    return _call(name, node.expressions[0], exp.Literal.string(letters))


def _date_letter(letter: str, node: exp.Anonymous) -> str:
    if letter not in _DATE_LETTERS:
        raise not_supported(f"%{letter} in a date format", node)
    return _DATE_LETTERS[letter]


def _extreme(node: exp.Anonymous, context: Context) -> exp.Expr:
    # Trino's greatest and least are NULL as soon as one argument is.
    return exp.Case(
        ifs=[
            exp.If(
                this=exp.or_(*(exp.Is(this=each.copy(), expression=exp.Null()) for each in node.expressions)),
                true=exp.Null(),
            )
        ],
        default=node.copy(),
    )


def _match(node: exp.Anonymous, context: Context) -> exp.Expr:
    aggregate, over = {
        "any_match": ("list_bool_or", node.expressions),
        "all_match": ("list_bool_and", node.expressions),
        "none_match": ("list_bool_or", node.expressions),
    }[node.name.lower()]
    found = exp.Coalesce(
        this=_call(aggregate, _call("list_transform", *over)),
        expressions=[exp.Boolean(this=aggregate == "list_bool_and")],
    )
    return exp.Not(this=found) if node.name.lower() == "none_match" else found


def _position(node: exp.Anonymous, context: Context) -> exp.Expr:
    inner = node.expressions[0]
    if not isinstance(inner, exp.In):
        raise QueryError("FUNCTION_NOT_FOUND", "Unexpected parameters for function position", node)
    return _call("strpos", inner.args.get("field") or inner.expressions[0], inner.this)


def _now(node: exp.Expr, context: Context) -> exp.Expr:
    return exp.cast(exp.Literal.string(f"{context.now:%Y-%m-%d %H:%M:%S.%f}+00"), exp.DType.TIMESTAMPTZ)


def _today(node: exp.Expr, context: Context) -> exp.Expr:
    return exp.cast(exp.Literal.string(f"{context.now:%Y-%m-%d}"), exp.DType.DATE)


def _local_now(node: exp.Expr, context: Context) -> exp.Expr:
    return exp.cast(exp.Literal.string(f"{context.now:%Y-%m-%d %H:%M:%S.%f}"), exp.DType.TIMESTAMP)


def _zone(node: exp.Expr, context: Context) -> exp.Expr:
    value, zone = node.expressions if isinstance(node, exp.Anonymous) else (node.this, node.args["zone"])
    if not (zone.is_string and zone.name in ("UTC", "+00:00", "Z")):
        raise not_supported("time zones other than UTC", node)
    return exp.cast(value, exp.DType.TIMESTAMPTZ)


def _cast(node: exp.Cast, context: Context) -> exp.Expr:
    macro = _STRICT_CASTS.get(node.to.this)
    if node.to.this == exp.DType.JSON:
        new: exp.Expr = _call("to_json", node.this)
    elif macro is None or (macro == "cast_varchar" and node.this.is_type(*_SAME_TEXT) and not node.to.expressions):
        # The macro names its argument ten times: nested a few times, it takes DuckDB minutes to read.
        return node
    else:
        new = _call(macro, node.this)
        if macro == "cast_varchar" and node.to.expressions:
            new = _call("left", new, node.to.expressions[0].this)
    return exp.Try(this=new) if isinstance(node, exp.TryCast) else new


def _interval_arithmetic(node: exp.Add | exp.Sub, context: Context) -> exp.Expr:
    # DuckDB makes a timestamp of date + interval; Trino's stays a date.
    left, right = node.this, node.expression
    name = "plus" if isinstance(node, exp.Add) else "minus"
    if isinstance(right.unnest(), exp.Interval):
        return _call(name, left, right)
    if isinstance(left.unnest(), exp.Interval) and isinstance(node, exp.Add):
        return _call(name, right, left)
    return node


def _row(node: exp.Struct, context: Context) -> exp.Expr:
    # One that is cast takes its names from the type, by position.
    if isinstance(node.parent, exp.Cast):
        return _call("row", *node.expressions)
    named = [
        exp.PropertyEQ(this=exp.to_identifier(f"field{at}"), expression=part)
        for at, part in enumerate(node.expressions)
    ]
    return exp.Struct(expressions=named)


def _subscript(node: exp.Bracket, context: Context) -> exp.Expr:
    # An index behind the end of an array is an error in Trino, which DuckDB answers with NULL.
    name = "trino.element_at" if node.this.is_type(exp.DType.MAP) else "subscript"
    return _call(name, node.this, node.expressions[0])


def _divide(node: exp.Div, context: Context) -> exp.Expr:
    # DuckDB is set to divide integers as Trino does; sqlglot need not cast.
    return exp.Div(this=node.this, expression=node.expression, typed=False, safe=False)


def _max_by(node: exp.ArgMax | exp.ArgMin, context: Context) -> exp.Expr:
    name = "arg_max_null" if isinstance(node, exp.ArgMax) else "arg_min_null"
    return _call(name, *(part for part in (node.this, node.expression, node.args.get("count")) if part))


def _percentile(node: exp.ApproxQuantile, context: Context) -> exp.Expr:
    if node.args.get("weight") or node.args.get("accuracy"):
        raise not_supported("approx_percentile with a weight or an accuracy", node)
    return _call("approx_quantile", node.this, node.args["quantile"])


def _extract(node: exp.Extract, context: Context) -> exp.Expr:
    unit = node.name.lower()
    iso = {"dow": "isodow", "day_of_week": "isodow", "day_of_year": "doy", "yow": "isoyear", "year_of_week": "isoyear"}
    node.set("this", exp.var(iso.get(unit, unit)))
    return node


def _refuse(what: str) -> Rewrite:
    def rewrite(node: exp.Expr, context: Context) -> exp.Expr:
        raise not_supported(what, node)

    return rewrite


_SPECIAL: dict[str, Rewrite] = {
    "json_extract_scalar": _json,
    "json_extract": _json,
    "date_format": _date_format,
    "date_parse": _date_format,
    "greatest": _extreme,
    "least": _extreme,
    "any_match": _match,
    "all_match": _match,
    "none_match": _match,
    "position": _position,
    "now": _now,
    "at_timezone": _zone,
    "with_timezone": _zone,
}

_REWRITES: dict[type[exp.Expr], Rewrite] = {
    exp.Anonymous: _function,
    exp.Cast: _cast,
    exp.TryCast: _cast,
    exp.Add: _interval_arithmetic,
    exp.Sub: _interval_arithmetic,
    exp.AtTimeZone: _zone,
    exp.CurrentTimestamp: _now,
    exp.CurrentDate: _today,
    exp.Localtimestamp: _local_now,
    exp.Div: _divide,
    exp.Struct: _row,
    exp.Bracket: _subscript,
    exp.ArgMax: _max_by,
    exp.ArgMin: _max_by,
    exp.ApproxQuantile: _percentile,
    exp.Extract: _extract,
    exp.TableSample: _refuse("TABLESAMPLE"),
    exp.MatchRecognize: _refuse("MATCH_RECOGNIZE"),
    exp.CurrentTime: _refuse("current_time"),
    exp.CurrentUser: _refuse("current_user"),
}
