"""One query: its tables found, its columns resolved, its predicates pushed down, its SQL run by DuckDB."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import duckdb
import pyarrow as pa
from sqlglot import exp
from sqlglot.errors import OptimizeError
from sqlglot.optimizer.annotate_types import annotate_types
from sqlglot.optimizer.normalize_identifiers import normalize_identifiers
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import Scope, traverse_scope
from sqlglot.schema import MappingSchema

from local.athena import catalog, iceberg_tables, views
from local.athena.context import Context
from local.athena.dialect import HIDDEN, AthenaSql
from local.athena.errors import QueryError, from_duckdb, not_supported
from local.athena.hive_tables import HiveTable
from local.athena.iceberg_metadata import NAMES, MetadataTable
from local.athena.pruning import conjuncts_on
from local.athena.results import Column
from local.athena.scans import Relation, Scan
from local.athena.translate import to_duckdb
from local.athena.type_check import check_types
from local.athena.types import trino_name

_BATCH_ROWS = 10_000
_UNNAMED = "column without a name "


class Query:
    """A query that is ready to run.

    :param query: as ``dialect.parse`` gave it: SELECT, a set operation or VALUES; it is changed.
    :raises QueryError: it names what there is not, mixes types, or asks for what is not served.
    """

    def __init__(self, query: exp.Expr, context: Context) -> None:
        if isinstance(query, exp.Values):
            width = len(query.expressions[0].expressions) or 1
            query = exp.select("*").from_(exp.alias_(query, "rows", table=[f"_col{at}" for at in range(width)]))
        if not isinstance(query, exp.Query):
            raise not_supported("this statement as a query", query)
        self._context = context
        self._scans: list[Scan] = []
        spelled = _name_columns(query)
        relations: dict[str, Relation] = {}
        query = _bind(query, relations, context)
        query = _qualified(query, relations)
        check_types(query)
        with self._explained():
            self._register(query, relations)
            self._result = context.connection.sql(to_duckdb(query, context))
            kinds = self._result.types
        names = [
            f"_col{at}" if name.startswith(_UNNAMED) else spelled.get(name, name)
            for at, name in enumerate(query.named_selects)
        ]
        if len(names) != len(kinds):
            raise not_supported("a star over columns of the same name")
        self.columns = [Column(name, str(kind)) for name, kind in zip(names, kinds, strict=True)]
        """What the result has."""

    def _register(self, query: exp.Query, relations: dict[str, Relation]) -> None:
        used: dict[str, set[str]] = {}
        for column in query.find_all(exp.Column):
            used.setdefault(column.table, set()).add(column.name)
        for scope in traverse_scope(query):
            for alias, (_, source) in scope.selected_sources.items():
                if isinstance(source, exp.Table):
                    relation = relations[source.name]
                    names = relation.schema.names
                    columns = [name for name in names if name in used.get(alias, ())] or names[:1]
                    conjuncts = conjuncts_on(scope.expression, alias, relation.schema, self._context)
                    scan = relation.scan(columns, conjuncts, self._context)
                    self._scans.append(scan)
                    self._context.connection.register(source.name, scan)

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Run it: the rows of the result.

        :raises QueryError: it failed.
        :raises Cancelled: it was stopped.
        """
        with self._explained():
            yield from self._result.to_arrow_reader(_BATCH_ROWS)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """An error of DuckDB as what it stands for: that of the table being read, a stop, or a fault of the SQL."""
        try:
            yield
        except (duckdb.Error, pa.ArrowException, OSError) as error:
            # The last one is how a stream of results passes on DuckDB's text.
            for scan in self._scans:
                if scan.error is not None:
                    raise scan.error from None
            self._context.check()
            raise from_duckdb(str(error)) from None


def _name_columns(query: exp.Query) -> dict[str, str]:
    """Give the output's expressions that have no name one to be recognised by.

    :returns: the names that the query gives, by their form in lower case.
    """
    first = query
    while isinstance(first, (exp.SetOperation, exp.Subquery)):
        first = first.this
    if not isinstance(first, exp.Select):
        raise not_supported("this statement", query)
    named = []
    for at, column in enumerate(first.expressions):
        if not (isinstance(column, (exp.Alias, exp.Column, exp.Star, exp.Dot)) or column.is_star):
            column = exp.alias_(column, f"{_UNNAMED}{at}", quoted=True, copy=False)
        named.append(column)
    first.set("expressions", named)
    return {column.alias.lower(): column.alias for column in named if isinstance(column, exp.Alias)}


def _bind(query: exp.Query, relations: dict[str, Relation], context: Context) -> exp.Query:
    """The query with each table of the catalog replaced by a name of its own, and each view by its query.

    :param relations: takes what these names stand for.
    """
    query = normalize_identifiers(query, dialect=AthenaSql)
    for scope in _scopes(query):
        for alias, (node, source) in scope.selected_sources.items():
            if not isinstance(source, exp.Table):
                continue
            if not isinstance(source.this, exp.Identifier):
                raise not_supported("table functions", source)
            database = catalog.database_of(source, context.database)
            name, _, metadata = source.name.partition("$")
            definition = catalog.get(database, name, source)
            for column in scope.columns:
                # db.table.column: the table has that name alone from here on.
                if (column.db, column.table) == (database, alias):
                    column.set("db", None)
            if catalog.is_view(definition):
                text, database = views.read(definition)
                inner = _bind(text, relations, replace(context, database=database))
                node.replace(exp.alias_(inner.subquery(copy=False), alias, table=True, copy=False))
                continue
            bound = f"table_{len(relations)}"
            relations[bound] = _relation(definition, metadata, source, context)
            source.set("this", exp.to_identifier(bound))
            for part in ("db", "catalog", "version"):
                source.set(part, None)
            if not source.alias:
                source.set("alias", exp.TableAlias(this=exp.to_identifier(alias, quoted=True)))
    return query


def _relation(definition: catalog.Definition, metadata: str, table: exp.Table, context: Context) -> Relation:
    version = table.args.get("version")
    if not catalog.is_iceberg(definition):
        if metadata or version:
            raise not_supported("metadata tables and time travel of tables that are not Iceberg", table)
        return HiveTable(definition)
    loaded = iceberg_tables.load(definition["DatabaseName"], definition["Name"])
    if not metadata:
        return iceberg_tables.at_version(loaded, version, context)
    if metadata not in NAMES or version:
        raise not_supported(f"the metadata table ${metadata}", table)
    return MetadataTable(loaded, metadata)


def _scopes(query: exp.Query) -> list[Scope]:
    try:
        scopes: list[Scope] = traverse_scope(query)
    except OptimizeError as error:
        raise QueryError("SYNTAX_ERROR", str(error)) from None
    return scopes


def _qualified(query: exp.Query, relations: dict[str, Relation]) -> exp.Query:
    """The query with every column's table named, stars expanded and types annotated."""
    columns = {
        name: {field.name: trino_name(field.type) for field in relation.schema} for name, relation in relations.items()
    }
    visible = {name: {column for column in fields if column not in HIDDEN} for name, fields in columns.items()}
    schema = MappingSchema(columns, visible=visible, dialect=AthenaSql)
    written = query.copy()
    try:
        query = qualify(query, dialect=AthenaSql, schema=schema, expand_alias_refs=False)
    except OptimizeError as error:
        raise _unresolved(str(error), written) from None
    for column in query.find_all(exp.Column):
        if not column.table and not _may_be_bare(column):
            raise _not_found(column.name, column)
    return annotate_types(query, schema=schema, dialect=AthenaSql)


def _may_be_bare(column: exp.Column) -> bool:
    """Whether a column without a table is a name of the output, which ORDER BY may use, or of a lambda."""
    order = column.find_ancestor(exp.Order, exp.Query)
    return (isinstance(order, exp.Order) and isinstance(order.parent, exp.Query)) or bool(
        column.find_ancestor(exp.Lambda)
    )


def _unresolved(message: str, query: exp.Query) -> QueryError:
    name = re.search(r"(?:Column '|Unknown column: )([^']+)", message)
    if name is None:
        return QueryError("SYNTAX_ERROR", message.split(". Line:")[0])
    wanted = name.group(1)
    written = (column.parts[0] for column in query.find_all(exp.Column) if column.name == wanted)
    return _not_found(wanted, next(written, None))


def _not_found(name: str, node: exp.Expr | None) -> QueryError:
    return QueryError("COLUMN_NOT_FOUND", f"Column '{name}' cannot be resolved", node)
