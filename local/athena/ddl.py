"""Statements that make, change and drop databases, tables and views."""

from itertools import count
from typing import Any

from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.transforms import (
    BucketTransform,
    DayTransform,
    HourTransform,
    IdentityTransform,
    MonthTransform,
    Transform,
    TruncateTransform,
    YearTransform,
)
from pyiceberg.types import NestedField
from sqlglot import exp

from local.athena import catalog, iceberg_tables, views
from local.athena.context import Context
from local.athena.dialect import AthenaSql
from local.athena.errors import QueryError, not_supported
from local.athena.query import Query
from local.athena.types import to_iceberg
from local.settings import client

_LAZY_SIMPLE_SERDE = "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe"
_PARQUET = "org.apache.hadoop.hive.ql.io.parquet"
_TEXT_INPUT = "org.apache.hadoop.mapred.TextInputFormat"
_TEXT_OUTPUT = "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat"

# The table properties that Athena takes for Iceberg, and what they are called in Iceberg; None: Athena's own affair.
# https://docs.aws.amazon.com/athena/latest/ug/querying-iceberg-creating-tables.html
_ICEBERG_PROPERTIES = {
    "table_type": None,
    "format": "write.format.default",
    "write_compression": "write.parquet.compression-codec",
    "optimize_rewrite_data_file_threshold": "optimize_rewrite_data_file_threshold",
    "optimize_rewrite_delete_file_threshold": "optimize_rewrite_delete_file_threshold",
    "vacuum_min_snapshots_to_keep": "vacuum_min_snapshots_to_keep",
    "vacuum_max_snapshot_age_seconds": "vacuum_max_snapshot_age_seconds",
    "vacuum_max_metadata_files_to_keep": "vacuum_max_metadata_files_to_keep",
}

_TIME_TRANSFORMS: dict[type[exp.Expr], Transform[Any, Any]] = {
    exp.Year: YearTransform(),
    exp.Month: MonthTransform(),
    exp.Day: DayTransform(),
    exp.Hour: HourTransform(),
}
_TIME_TRANSFORM_NAMES: dict[str, Transform[Any, Any]] = {
    "YEAR": YearTransform(),
    "MONTH": MonthTransform(),
    "DAY": DayTransform(),
    "HOUR": HourTransform(),
}


def create_database(create: exp.Create) -> None:
    """CREATE DATABASE."""
    name = create.this.name.lower()
    database: dict[str, Any] = {"Name": name}
    for part in _properties(create):
        if isinstance(part, exp.LocationProperty):
            database["LocationUri"] = part.name
        elif isinstance(part, exp.SchemaCommentProperty):
            database["Description"] = part.name
    glue = client("glue")
    try:
        glue.create_database(DatabaseInput=database)
    except glue.exceptions.AlreadyExistsException:
        if not create.args.get("exists"):
            raise QueryError("FAILED", f"SemanticException Database {name} already exists") from None


def drop_database(drop: exp.Drop) -> None:
    """DROP DATABASE; one that holds tables only with CASCADE."""
    name = drop.args["tables"][0].name.lower()
    glue = client("glue")
    try:
        tables = glue.get_tables(DatabaseName=name)["TableList"]
        if tables and not drop.args.get("cascade"):
            raise QueryError(
                "FAILED", f"InvalidOperationException Database {name} is not empty. One or more tables exist."
            )
        glue.delete_database(Name=name)
    except glue.exceptions.EntityNotFoundException:
        if not drop.args.get("exists"):
            raise QueryError("FAILED", f"SemanticException Database does not exist: {name}") from None


def create_table(create: exp.Create, context: Context) -> None:
    """CREATE EXTERNAL TABLE, and CREATE TABLE of an Iceberg table.

    :raises QueryError: the table is there already, the database is not, or something in it is not served.
    """
    table = create.this.this
    database, name = catalog.database_of(table, context.database), table.name.lower()
    catalog.require_database(database)
    if catalog.find(database, name) is not None:
        if create.args.get("exists"):
            return
        raise QueryError("FAILED", f"AlreadyExistsException Table {name} already exists")
    if create.find(exp.ExternalProperty):
        client("glue").create_table(DatabaseName=database, TableInput=_external_table(create, name))
    else:
        _create_iceberg_table(create, database, name)


def _properties(create: exp.Create) -> list[exp.Expr]:
    return list(create.args["properties"].expressions) if create.args.get("properties") else []


def table_properties(create: exp.Create) -> dict[str, str]:
    """The TBLPROPERTIES of a CREATE TABLE, with names in lower case."""
    return {part.name.lower(): part.args["value"].name for part in _properties(create) if type(part) is exp.Property}


def _location(create: exp.Create) -> str:
    found = create.find(exp.LocationProperty)
    if found is None:
        raise QueryError("FAILED", "SemanticException table location can not be null")
    return str(found.name)


# --- External tables --------------------------------------------------------------------------------------------


def _external_table(create: exp.Create, name: str) -> dict[str, Any]:
    storage: dict[str, Any] = {
        "Columns": [_glue_column(column) for column in create.this.expressions],
        "Location": _location(create),
        "InputFormat": _TEXT_INPUT,
        "OutputFormat": _TEXT_OUTPUT,
        "SerdeInfo": {"SerializationLibrary": _LAZY_SIMPLE_SERDE, "Parameters": {"serialization.format": "1"}},
    }
    keys: list[dict[str, str]] = []
    comment = ""
    for part in _properties(create):
        if isinstance(part, exp.PartitionedByProperty):
            keys = [_glue_column(column) for column in part.this.expressions]
        elif isinstance(part, exp.RowFormatSerdeProperty):
            settings = part.args.get("serde_properties")
            storage["SerdeInfo"] = {
                "SerializationLibrary": part.name,
                "Parameters": {each.name: each.args["value"].name for each in settings.expressions} if settings else {},
            }
        elif isinstance(part, exp.RowFormatDelimitedProperty):
            storage["SerdeInfo"]["Parameters"] = _delimited(part)
        elif isinstance(part, exp.FileFormatProperty):
            _set_format(part.this, storage)
        elif isinstance(part, exp.SchemaCommentProperty):
            comment = part.name
        elif not isinstance(part, (exp.ExternalProperty, exp.LocationProperty, exp.Property)):
            raise not_supported(f"{part.sql('hive')} of CREATE EXTERNAL TABLE")
    return {
        "Name": name,
        "Description": comment,
        "TableType": "EXTERNAL_TABLE",
        "Parameters": {"EXTERNAL": "TRUE", **table_properties(create)},
        "PartitionKeys": keys,
        "StorageDescriptor": storage,
    }


def _glue_column(column: exp.Expr) -> dict[str, str]:
    if not isinstance(column, exp.ColumnDef):
        raise not_supported("partition transforms of external tables", column)
    found = {"Name": column.name.lower(), "Type": column.args["kind"].sql("hive").lower()}
    comment = column.find(exp.CommentColumnConstraint)
    return {**found, "Comment": comment.name} if comment else found


def _delimited(part: exp.RowFormatDelimitedProperty) -> dict[str, str]:
    names = {
        "fields": "field.delim",
        "escaped": "escape.delim",
        "lines": "line.delim",
        "null": "serialization.null.format",
    }
    settings = {names[each]: part.args[each].name for each in names if part.args.get(each)}
    return {"serialization.format": settings.get("field.delim", "1"), **settings}


def _set_format(found: exp.Expr, storage: dict[str, Any]) -> None:
    if isinstance(found, exp.InputOutputFormat):
        storage["InputFormat"] = found.args["input_format"].name
        storage["OutputFormat"] = found.args["output_format"].name
    elif found.name.upper() == "PARQUET":
        storage["InputFormat"] = f"{_PARQUET}.MapredParquetInputFormat"
        storage["OutputFormat"] = f"{_PARQUET}.MapredParquetOutputFormat"
        storage["SerdeInfo"]["SerializationLibrary"] = f"{_PARQUET}.serde.ParquetHiveSerDe"
    elif found.name.upper() != "TEXTFILE":
        raise not_supported(f"STORED AS {found.name}")


# --- Iceberg tables ---------------------------------------------------------------------------------------------


def _create_iceberg_table(create: exp.Create, database: str, name: str) -> None:
    properties = table_properties(create)
    unknown = sorted(set(properties) - set(_ICEBERG_PROPERTIES))
    if unknown:
        raise QueryError("GENERIC_USER_ERROR", f"Unsupported table property key: {unknown[0]}")
    if properties.get("format", "parquet").lower() != "parquet":
        raise not_supported("Iceberg tables in other formats than Parquet")
    ids = count(1)
    fields = [_iceberg_field(column, ids) for column in create.this.expressions]
    schema = Schema(*fields)
    partitioning = next((part for part in _properties(create) if isinstance(part, exp.PartitionedByProperty)), None)
    found = partitioning.this.expressions if partitioning else []
    spec = PartitionSpec(*(_partition_field(part, schema, 1000 + at) for at, part in enumerate(found)))
    iceberg_tables.catalog().create_table(
        (database, name),
        schema,
        location=_location(create).rstrip("/"),
        partition_spec=spec,
        properties={
            "format-version": "2",
            **{
                ours: properties[theirs].lower()
                for theirs, ours in _ICEBERG_PROPERTIES.items()
                if ours and theirs in properties
            },
        },
    )


def _iceberg_field(column: exp.ColumnDef, ids: "count[int]") -> NestedField:
    comment = column.find(exp.CommentColumnConstraint)
    return NestedField(
        next(ids),
        column.name.lower(),
        to_iceberg(column.args["kind"], ids),
        required=False,
        doc=comment.name if comment else None,
    )


def _partition_field(part: exp.Expr, schema: Schema, field_id: int) -> PartitionField:
    transform, column = _transform(part)
    try:
        source = schema.find_field(column.lower())
    except ValueError:
        raise QueryError("COLUMN_NOT_FOUND", f"Column '{column}' cannot be resolved", part) from None
    suffix = "" if isinstance(transform, IdentityTransform) else f"_{str(transform).partition('[')[0]}"
    return PartitionField(source.field_id, field_id, transform, f"{source.name}{suffix}")


def _transform(part: exp.Expr) -> tuple[Transform[Any, Any], str]:
    if isinstance(part, (exp.Identifier, exp.Column, exp.ColumnDef)):
        return IdentityTransform(), part.name
    column = part.find(exp.Column, exp.Identifier)
    if column is not None:
        if type(part) in _TIME_TRANSFORMS:
            return _TIME_TRANSFORMS[type(part)], column.name
        if isinstance(part, exp.PartitionedByBucket):
            return BucketTransform(int(part.expression.name)), part.this.name
        if isinstance(part, exp.PartitionByTruncate):
            return TruncateTransform(int(part.expression.name)), part.this.name
        if part.name.upper() in _TIME_TRANSFORM_NAMES:
            return _TIME_TRANSFORM_NAMES[part.name.upper()], column.name
    raise not_supported(f"the partition transform {part.sql('hive')}", part)


def add_columns(alter: exp.Alter, context: Context) -> None:
    """ALTER TABLE … ADD COLUMNS of an Iceberg table.

    :raises QueryError: there is no such table, or a column is there already.
    """
    database, name = catalog.database_of(alter.this, context.database), alter.this.name.lower()
    definition = catalog.get(database, name, alter.this)
    if not catalog.is_iceberg(definition):
        raise not_supported("ALTER TABLE ADD COLUMNS of tables that are not Iceberg")
    ids = count(1)
    with iceberg_tables.load(database, name).update_schema() as update:
        for column in (column for action in alter.args["actions"] for column in action.expressions):
            field = _iceberg_field(column, ids)
            try:
                update.add_column(field.name, field.field_type, field.doc)
            except ValueError as error:
                raise QueryError("COLUMN_ALREADY_EXISTS", str(error)) from None


# --- Dropping, and views ----------------------------------------------------------------------------------------


def drop_table(drop: exp.Drop, context: Context) -> None:
    """DROP TABLE: of an Iceberg table the data goes too, of an external one only the catalog's entry."""
    for table in drop.args["tables"]:
        database, name = catalog.database_of(table, context.database), table.name.lower()
        definition = catalog.find(database, name)
        if definition is None:
            if not drop.args.get("exists"):
                raise QueryError("FAILED", f"SemanticException Table not found {database}.{name}")
        elif catalog.is_view(definition):
            raise QueryError("FAILED", "SemanticException Cannot drop a view with DROP TABLE")
        elif catalog.is_iceberg(definition):
            iceberg_tables.catalog().purge_table((database, name))
        else:
            client("glue").delete_table(DatabaseName=database, Name=name)


def create_view(create: exp.Create, context: Context) -> None:
    """CREATE [OR REPLACE] VIEW.

    :raises QueryError: the query is wrong, or the name is taken.
    """
    view = create.this
    if isinstance(view, exp.Schema):
        raise not_supported("CREATE VIEW with a list of columns", view)
    sql = create.expression.sql(dialect=AthenaSql)
    columns = Query(create.expression, context).columns
    database = catalog.database_of(view, context.database)
    views.create(database, view.name.lower(), sql, columns, replace=bool(create.args.get("replace")))


def drop_view(drop: exp.Drop, context: Context) -> None:
    """DROP VIEW."""
    view = drop.args["tables"][0]
    database, name = catalog.database_of(view, context.database), view.name.lower()
    definition = catalog.find(database, name)
    if definition is not None and catalog.is_view(definition):
        client("glue").delete_table(DatabaseName=database, Name=name)
    elif not drop.args.get("exists") or definition is not None:
        raise QueryError("TABLE_NOT_FOUND", f"View '{catalog.CATALOG}.{database}.{name}' does not exist", view)
