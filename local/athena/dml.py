"""INSERT, DELETE and UPDATE of Iceberg tables.

pyiceberg rewrites the files that hold a changed row, where Athena would write delete files; readers see the same
rows. Of a predicate, pyiceberg filters by what it can; what becomes of the rows so found DuckDB computes, and both
are one commit.
"""

from collections.abc import Callable

import pyarrow as pa
import pyarrow.compute as pc
from pyiceberg import expressions as ice
from pyiceberg.exceptions import CommitFailedException, NotInstalledError
from pyiceberg.io.pyarrow import schema_to_pyarrow
from pyiceberg.table import Table
from sqlglot import exp

from local.athena import catalog, iceberg_tables, raw_text
from local.athena.context import Context
from local.athena.errors import QueryError, not_supported
from local.athena.query import Query
from local.athena.types import trino_name

_KINDS = (
    (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal),
    (pa.types.is_string, pa.types.is_large_string),
    (pa.types.is_binary, pa.types.is_large_binary),
    (pa.types.is_boolean,),
    (pa.types.is_date, pa.types.is_timestamp),
    (pa.types.is_list, pa.types.is_large_list),
    (pa.types.is_map,),
    (pa.types.is_struct,),
)
"""Types of one line are converted into each other when rows are written."""


def insert(statement: exp.Insert, context: Context) -> int:
    """INSERT INTO … SELECT or VALUES.

    :returns: how many rows.
    :raises QueryError: the table is not Iceberg, or columns do not fit.
    """
    target = statement.this
    named = [column.name.lower() for column in target.expressions] if isinstance(target, exp.Schema) else None
    table = _load(target.this if isinstance(target, exp.Schema) else target, context)
    schema = _arrow_schema(table)
    names = named or schema.names
    unknown = [name for name in names if name not in schema.names]
    if unknown:
        raise QueryError("COLUMN_NOT_FOUND", f"Insert column name does not exist in target table: {unknown[0]}", target)
    query = Query(statement.expression, context)
    if len(names) != len(query.columns):
        raise _mismatch(pa.schema(schema.field(name) for name in names), query)
    found = _rows(query, pa.schema(schema.field(name) for name in names))
    rows = pa.table(
        [found[name] if name in names else pa.nulls(len(found), schema.field(name).type) for name in schema.names],
        schema,
    )
    if len(rows):
        context.check()
        _commit(lambda: table.append(rows), table)
    return len(rows)


def delete(statement: exp.Delete, context: Context) -> int:
    """DELETE FROM.

    :returns: how many rows.
    :raises QueryError: the table is not Iceberg, or the predicate is wrong.
    """
    table = _load(statement.this, context)
    where = statement.args.get("where")
    condition = where.this if where else exp.true()
    count = _count(statement.this, condition, context)
    if count:
        kept = exp.Not(this=exp.Paren(this=exp.Coalesce(this=condition.copy(), expressions=[exp.false()])))
        _replace(table, statement.this, condition, {}, kept, context)
    return count


def update(statement: exp.Update, context: Context) -> int:
    """UPDATE … SET.

    :returns: how many rows.
    :raises QueryError: the table is not Iceberg, or an expression is wrong or does not fit its column.
    """
    table = _load(statement.this, context)
    where = statement.args.get("where")
    condition = where.this if where else exp.true()
    count = _count(statement.this, condition, context)
    if count:
        changes = {part.this.name.lower(): part.expression for part in statement.expressions}
        unknown = [name for name in changes if name not in _arrow_schema(table).names]
        if unknown:
            raise QueryError("COLUMN_NOT_FOUND", f"Column '{unknown[0]}' cannot be resolved", statement)
        _replace(table, statement.this, condition, changes, exp.true(), context)
    return count


def _load(target: exp.Table, context: Context) -> Table:
    database = catalog.database_of(target, context.database)
    definition = catalog.get(database, target.name.lower(), target)
    if not catalog.is_iceberg(definition):
        raise not_supported("writing to tables that are not Iceberg", target)
    return iceberg_tables.load(database, target.name.lower())


def _arrow_schema(table: Table) -> pa.Schema:
    return schema_to_pyarrow(table.schema(), include_field_ids=False)


def _count(target: exp.Table, condition: exp.Expr, context: Context) -> int:
    query = Query(exp.select("count(*)").from_(target.copy()).where(condition.copy()), context)
    return sum(int(value) for batch in query.batches() for value in batch.column(0).to_pylist())


def _replace(
    table: Table, target: exp.Table, condition: exp.Expr, changes: dict[str, exp.Expr], kept: exp.Expr, context: Context
) -> None:
    """Take the rows out that pyiceberg finds by ``condition``, and put back what becomes of them.

    :param changes: what columns become where ``condition`` is true.
    :param kept: which of the rows found stay.
    """
    parts = [part.unnest() for part in (condition.flatten() if isinstance(condition, exp.And) else [condition])]
    known = [part for part in parts if iceberg_tables.row_filter([part], table.schema()) != ice.AlwaysTrue()]
    schema = _arrow_schema(table)
    values = []
    for name in schema.names:
        column: exp.Expr = exp.column(name, quoted=True)
        if name in changes:
            column = exp.Case(ifs=[exp.If(this=condition.copy(), true=changes[name].copy())], default=column)
        values.append(exp.alias_(column, name, quoted=True))
    query = Query(exp.select(*values).from_(target.copy()).where(*(part.copy() for part in known), kept), context)
    rows = _rows(query, schema)
    found = iceberg_tables.row_filter(known, table.schema())
    context.check()
    _commit(lambda: table.overwrite(rows, found) if len(rows) else table.delete(found), table)


def _rows(query: Query, schema: pa.Schema) -> pa.Table:
    """A query's rows in the columns of a table, in their order.

    :raises QueryError: TYPE_MISMATCH where a column is of another kind.
    """
    columns: list[list[pa.Array]] = [[] for _ in schema]
    for batch in query.batches():
        for at, field in enumerate(schema):
            values = batch.column(at)
            if not pa.types.is_null(values.type) and _kind(values.type) != _kind(field.type):
                raise _mismatch(schema, query)
            columns[at].append(_converted(values, field))
    return pa.table([pa.chunked_array(parts, field.type) for parts, field in zip(columns, schema, strict=True)], schema)


def _converted(values: pa.Array, field: pa.Field) -> pa.Array:
    if pa.types.is_string(values.type) and pc.any(pc.match_substring(values, raw_text.MARK)).as_py():
        values = pa.array(
            [None if value is None else raw_text.shown(value) for value in values.to_pylist()], pa.string()
        )
    try:
        return values.cast(field.type)
    except pa.ArrowInvalid as error:
        raise QueryError("NUMERIC_VALUE_OUT_OF_RANGE", f"{field.name}: {error}") from None


def _kind(kind: pa.DataType) -> int:
    return next(at for at, tests in enumerate(_KINDS) if any(test(kind) for test in tests))


def _mismatch(schema: pa.Schema, query: Query) -> QueryError:
    table = ", ".join(trino_name(field.type) for field in schema)
    given = ", ".join(column.type for column in query.columns)
    return QueryError("TYPE_MISMATCH", f"Insert query has mismatched column types: Table: [{table}], Query: [{given}]")


def _commit(change: Callable[[], None], table: Table) -> None:
    try:
        change()
    except CommitFailedException:
        name = ".".join(table.name())
        raise QueryError("ICEBERG_COMMIT_ERROR", f"Failed to commit Iceberg update to table: {name}") from None
    except NotInstalledError:
        # pyiceberg computes transforms only with the package pyiceberg-core.
        raise not_supported("writing to tables partitioned by a transform") from None
