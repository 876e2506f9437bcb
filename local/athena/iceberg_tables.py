"""Iceberg tables: read by pyiceberg at one snapshot, with predicates and columns pushed into the scan."""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from functools import cache
from typing import Any

import pyarrow as pa
from pyiceberg import expressions as ice
from pyiceberg.catalog.glue import GlueCatalog
from pyiceberg.io.pyarrow import ArrowScan, schema_to_pyarrow
from pyiceberg.schema import Schema
from pyiceberg.table import FileScanTask, Table
from pyiceberg.table.snapshots import Snapshot
from pyiceberg.types import DateType, NestedField, PrimitiveType, StringType, TimestampType, TimestamptzType
from sqlglot import exp

from local.athena.context import Context
from local.athena.errors import QueryError, not_supported
from local.athena.scans import Scan, read_ahead
from local.athena.translate import to_duckdb
from local.settings import REGION, endpoint_url

_PATH = "$path"


@cache
def catalog() -> GlueCatalog:
    """The Glue catalog of the local cloud, as pyiceberg sees it."""
    endpoint = endpoint_url()
    keys = {"access-key-id": "local", "secret-access-key": "local", "region": REGION, "endpoint": endpoint}
    return GlueCatalog(
        "local", **{f"{service}.{name}": value for service in ("glue", "s3") for name, value in keys.items()}
    )


def load(database: str, name: str) -> Table:
    """The table at its newest metadata."""
    return catalog().load_table((database, name))


class IcebergTable:
    """An Iceberg table as it is now, or as it was at one snapshot.

    :param snapshot: which; with None, now.
    """

    def __init__(self, table: Table, snapshot: Snapshot | None = None) -> None:
        self._table = table
        self._snapshot_id = snapshot.snapshot_id if snapshot else None
        self._fields = _schema_at(table, snapshot)
        arrow = schema_to_pyarrow(self._fields, include_field_ids=False)
        columns = [pa.field(field.name.lower(), _short(field.type)) for field in arrow]
        self.schema = pa.schema([*columns, (_PATH, pa.string())])

    def scan(self, columns: list[str], conjuncts: list[exp.Expr], context: Context) -> Scan:
        """Only files and row groups that may hold a row of interest are read, and of them the columns asked for."""
        schema = pa.schema(self.schema.field(name) for name in columns)
        return Scan(schema, lambda: self._batches(schema, conjuncts, context))

    def _batches(self, schema: pa.Schema, conjuncts: list[exp.Expr], context: Context) -> Iterator[pa.RecordBatch]:
        wanted = [field.name for field in self._fields.fields if field.name.lower() in schema.names]
        scan = self._table.scan(
            row_filter=row_filter(conjuncts, self._fields),
            # At least one column, for the count of rows.
            selected_fields=tuple(wanted) or (self._fields.fields[0].name,),
            snapshot_id=self._snapshot_id,
        )
        reader = ArrowScan(self._table.metadata, self._table.io, scan.projection(), scan.row_filter)

        def read(task: FileScanTask) -> list[pa.RecordBatch]:
            return list(reader.to_record_batches([task]))

        counted: set[str] = set()
        for task, batches in read_ahead(read, scan.plan_files()):
            for file in (task.file, *task.delete_files):
                if file.file_path not in counted:
                    counted.add(file.file_path)
                    context.count_scanned(file.file_size_in_bytes)
            for batch in batches:
                yield _shaped(batch, schema, task.file.file_path)


def _shaped(batch: pa.RecordBatch, schema: pa.Schema, path: str) -> pa.RecordBatch:
    columns = {name.lower(): batch.column(at) for at, name in enumerate(batch.schema.names)}
    columns[_PATH] = pa.repeat(path, batch.num_rows)
    return pa.record_batch([columns[field.name].cast(field.type) for field in schema], schema)


def _short(kind: pa.DataType) -> pa.DataType:
    # pyiceberg's large types take 64-bit offsets; a batch of one file needs none.
    return pa.string() if pa.types.is_large_string(kind) else pa.binary() if pa.types.is_large_binary(kind) else kind


def _schema_at(table: Table, snapshot: Snapshot | None) -> Schema:
    if snapshot is None or snapshot.schema_id is None:
        return table.schema()
    return table.schemas()[snapshot.schema_id]


def at_version(table: Table, version: exp.Version | None, context: Context) -> IcebergTable:
    """The table as a query names it, with or without FOR VERSION or TIMESTAMP AS OF.

    :raises QueryError: INVALID_ARGUMENTS when it has no such snapshot.
    """
    if version is None:
        return IcebergTable(table)
    if version.name.upper() == "VERSION":
        wanted = version.expression
        if wanted.is_string or not wanted.is_number:
            raise not_supported("FOR VERSION AS OF with other than a snapshot id", version)
        snapshot = table.snapshot_by_id(int(wanted.name))
        if snapshot is None:
            raise QueryError("INVALID_ARGUMENTS", f"Iceberg snapshot ID does not exists: {wanted.name}", version)
        return IcebergTable(table, snapshot)
    moment = _moment(version.expression, context)
    snapshot = table.snapshot_as_of_timestamp(int(moment.timestamp() * 1000))
    if snapshot is None:
        name = ".".join(table.name())
        raise QueryError(
            "INVALID_ARGUMENTS", f"No version history table {name} at or before {moment.isoformat()}", version
        )
    return IcebergTable(table, snapshot)


def _moment(expression: exp.Expr, context: Context) -> datetime:
    text = to_duckdb(exp.cast(expression, exp.DType.TIMESTAMPTZ), context)
    micros = context.connection.sql(f"SELECT epoch_us({text})").fetchall()[0][0]
    return datetime.fromtimestamp(micros / 1_000_000, UTC)


# --- Predicates -------------------------------------------------------------------------------------------------

_COMPARISONS: dict[type[exp.Expr], tuple[Any, Any]] = {
    # Each with what it becomes when the literal stands on the left.
    exp.EQ: (ice.EqualTo, ice.EqualTo),
    exp.GT: (ice.GreaterThan, ice.LessThan),
    exp.GTE: (ice.GreaterThanOrEqual, ice.LessThanOrEqual),
    exp.LT: (ice.LessThan, ice.GreaterThan),
    exp.LTE: (ice.LessThanOrEqual, ice.GreaterThanOrEqual),
}


def row_filter(conjuncts: list[exp.Expr], schema: Schema) -> ice.BooleanExpression:
    """The conjuncts that Iceberg can evaluate, as its expression. What it cannot is left out: the filter lets
    through at least every row that fulfils them all."""
    known = (_predicate(conjunct, schema) for conjunct in conjuncts)
    return ice.And(ice.AlwaysTrue(), ice.AlwaysTrue(), *(each for each in known if each is not None))


def _predicate(node: exp.Expr, schema: Schema) -> ice.BooleanExpression | None:
    if isinstance(node, exp.Paren):
        return _predicate(node.this, schema)
    if isinstance(node, (exp.And, exp.Or)):
        left, right = _predicate(node.left, schema), _predicate(node.right, schema)
        if left is None or right is None:
            return None
        return ice.And(left, right) if isinstance(node, exp.And) else ice.Or(left, right)
    if isinstance(node, exp.In) and node.expressions and not node.args.get("query"):
        return _compared(ice.In, node.this, node.expressions, schema)
    if isinstance(node, exp.Between):
        low = _compared(ice.GreaterThanOrEqual, node.this, [node.args["low"]], schema)
        high = _compared(ice.LessThanOrEqual, node.this, [node.args["high"]], schema)
        return None if low is None or high is None else ice.And(low, high)
    if type(node) in _COMPARISONS:
        straight, turned = _COMPARISONS[type(node)]
        if isinstance(node.left, exp.Column):
            return _compared(straight, node.left, [node.right], schema)
        return _compared(turned, node.right, [node.left], schema)
    return None


def _compared(make: Any, column: exp.Expr, literals: list[exp.Expr], schema: Schema) -> ice.BooleanExpression | None:
    if not isinstance(column, exp.Column) or column.name == _PATH:
        return None
    field = schema.find_field(column.name, case_sensitive=False)
    values = [_constant(literal, field) for literal in literals]
    if any(value is None for value in values):
        return None
    return make(field.name, set(values) if make is ice.In else values[0])


def _constant(node: exp.Expr, field: NestedField) -> Any:
    """The value of a literal of the field's own type; None for anything else."""
    kind = field.field_type
    if (
        isinstance(node, exp.Cast)
        and node.this.is_string
        and isinstance(kind, (DateType, TimestampType, TimestamptzType))
    ):
        return _time_constant(node, kind)
    if isinstance(node, exp.Literal) and node.is_string:
        return node.this if isinstance(kind, StringType) else None
    if isinstance(node, exp.Literal) and node.is_int and str(kind) in ("int", "long"):
        return int(node.this)
    if isinstance(node, exp.Boolean) and str(kind) == "boolean":
        return bool(node.this)
    return None


def _time_constant(node: exp.Cast, kind: PrimitiveType) -> Any:
    text = str(node.this.this)
    if isinstance(kind, DateType):
        if node.to.this == exp.DType.DATE and re.fullmatch(r"\d{4}-\d\d-\d\d", text):
            return date.fromisoformat(text)
        return None
    if isinstance(kind, TimestampType) and node.to.this == exp.DType.TIMESTAMP:
        found = re.fullmatch(r"(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d(?:\.\d{1,6})?)", text)
        return f"{found[1]}T{found[2]}" if found else None
    if isinstance(kind, TimestamptzType) and node.to.this == exp.DType.TIMESTAMPTZ:
        found = re.fullmatch(r"(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d(?:\.\d{1,6})?) UTC", text)
        return f"{found[1]}T{found[2]}+00:00" if found else None
    return None
