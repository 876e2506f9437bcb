"""Which predicates of a query tell, before anything is read, what a table need not give."""

from collections.abc import Iterator

import pyarrow as pa
from sqlglot import exp

from local.athena.context import Context
from local.athena.translate import to_duckdb

_ROWS = "rows_to_match"
_POSITION = "position in rows_to_match"


def conjuncts_on(select: exp.Select, alias: str, schema: pa.Schema, context: Context) -> list[exp.Expr]:
    """The predicates of a SELECT that concern one of its tables alone: each must be true for a row to count.

    Taken from WHERE and from the ON of inner joins. A predicate outside the SELECT that names the table is not seen.

    :param select: with every column qualified.
    :param alias: the table's name in it.
    :param schema: the table's columns.
    """
    found = [part for part in _conjuncts(select) if _is_on(part, alias)]
    if not any(join.side for join in select.args.get("joins", [])):
        return found
    # One that a row of NULLs fulfils, such as IS NULL, may be meant for the rows that an outer join makes up.
    nulls = pa.table({field.name: pa.nulls(1, field.type) for field in schema})
    return [part for part in found if not matching_rows(nulls, [part], context)]


def _conjuncts(select: exp.Select) -> Iterator[exp.Expr]:
    where = select.args.get("where")
    conditions = [where.this] if where else []
    conditions += [join.args["on"] for join in select.args.get("joins", []) if not join.side and join.args.get("on")]
    for condition in conditions:
        whole = condition.unnest()
        for part in whole.flatten() if isinstance(whole, exp.And) else [whole]:
            yield part.unnest()


def _is_on(part: exp.Expr, alias: str) -> bool:
    if part.find(exp.Table, exp.AggFunc, exp.Window):
        return False
    tables = {column.table for column in part.find_all(exp.Column)}
    return tables == {alias}


def matching_rows(rows: pa.Table, conjuncts: list[exp.Expr], context: Context) -> list[int]:
    """Positions of the rows that fulfil all conjuncts; these name the rows' columns by one table name."""
    alias = next(column.table for conjunct in conjuncts for column in conjunct.find_all(exp.Column))
    numbered = rows.append_column(_POSITION, pa.array(range(rows.num_rows), pa.int64()))
    context.connection.register(_ROWS, numbered)
    try:
        query = (
            exp.select(exp.column(_POSITION, quoted=True))
            .from_(exp.alias_(exp.to_table(_ROWS), alias, quoted=True, table=True))
            .where(*(conjunct.copy() for conjunct in conjuncts))
        )
        found = context.connection.sql(to_duckdb(query, context)).fetchall()
    finally:
        context.connection.unregister(_ROWS)
    return [position for (position,) in found]
