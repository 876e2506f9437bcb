"""A statement's text: what kind it is, and the module that runs it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from sqlglot import exp

from local.athena import catalog, ddl, dml
from local.athena import hive_commands as hive
from local.athena.context import Context
from local.athena.dialect import bind_parameters, parse, parse_hive
from local.athena.errors import malformed, not_supported
from local.athena.partitions import PartitionedTable
from local.athena.query import Query
from local.athena.results import Column, write_csv, write_lines
from local.settings import client

_LEAD = re.compile(r"(?:\s|--[^\n]*(?:\n|$)|/\*.*?\*/)*", re.DOTALL)
_VIEW = re.compile(r"(?:CREATE(?:\s+OR\s+REPLACE)?|DROP)\s+VIEW\b", re.IGNORECASE)
_CTAS = re.compile(r"CREATE\s+TABLE\b.*\bAS\s*\(?\s*(?:SELECT|WITH)\b", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True)
class Statement:
    """A statement that Athena would take.

    :param text: without leading comments and a final semicolon.
    :param type: StatementType: DML, DDL or UTILITY.
    :param subtype: SubstatementType, such as SELECT.
    """

    text: str
    type: str
    subtype: str
    parsed: exp.Expr | hive.Command

    @property
    def is_query(self) -> bool:
        """Whether its result has columns and a header."""
        return self.subtype == "SELECT"


@dataclass(frozen=True)
class Outcome:
    """What a statement that succeeded leaves behind.

    :param columns: ColumnInfo of the result.
    :param update_count: rows that a DML statement wrote or removed.
    """

    columns: list[dict[str, object]]
    update_count: int | None = None


_UNSERVED = ("ANALYZE", "DEALLOCATE", "EXECUTE", "EXPLAIN", "GRANT", "OPTIMIZE", "PREPARE", "UNLOAD", "USE", "VACUUM")

_TYPES: dict[type, tuple[str, str]] = {
    exp.Insert: ("DML", "INSERT"),
    exp.Delete: ("DML", "DELETE"),
    exp.Update: ("DML", "UPDATE"),
    exp.Alter: ("DDL", "ALTER_TABLE"),
    hive.AddPartitions: ("DDL", "ALTER_TABLE_ADD_PARTITION"),
    hive.DropPartitions: ("DDL", "ALTER_TABLE_DROP_PARTITION"),
    hive.RepairTable: ("DDL", "MSCK_REPAIR_TABLE"),
    hive.ShowPartitions: ("DDL", "SHOW_PARTITIONS"),
    hive.ShowTables: ("UTILITY", "SHOW_TABLES"),
    hive.ShowDatabases: ("UTILITY", "SHOW_DATABASES"),
    hive.DescribeTable: ("UTILITY", "DESCRIBE_TABLE"),
}


def read(sql: str, parameters: list[str]) -> Statement:
    """What a text asks for.

    :param parameters: the literals for its ``?``.
    :raises AwsError: InvalidRequestException, as StartQueryExecution refuses what it cannot parse.
    """
    lead = _LEAD.match(sql)
    assert lead is not None
    # Comments go, line ends stay, so that errors name the line of the text as it was given.
    text = re.sub(r"[^\n]", " ", lead.group()) + sql[lead.end() :].rstrip().removesuffix(";")
    if parameters:
        text = bind_parameters(text, parameters)
    body = text.lstrip()
    first = body.split(None, 1)[0].upper() if body else ""
    command = hive.read_command(body) if first in ("ALTER", "MSCK", "SHOW", "DESCRIBE", "DESC") else None
    if command is not None:
        return Statement(text, *_TYPES[type(command)], command)
    if first in _UNSERVED:
        return Statement(text, "UTILITY", first, exp.Command(this=first))
    is_hive = first in ("CREATE", "ALTER", "DROP", "SHOW", "MSCK", "DESCRIBE") and not (
        _VIEW.match(body) or _CTAS.match(body)
    )
    parsed = parse_hive(text) if is_hive else parse(text)
    if isinstance(parsed, (exp.Query, exp.Values)):
        return Statement(text, "DML", "SELECT", parsed)
    if isinstance(parsed, (exp.Create, exp.Drop)):
        return Statement(text, "DDL", _ddl_subtype(parsed), parsed)
    return Statement(text, *_TYPES.get(type(parsed), ("UTILITY", first)), parsed)


def _ddl_subtype(parsed: exp.Create | exp.Drop) -> str:
    verb = "CREATE" if isinstance(parsed, exp.Create) else "DROP"
    kind = {"SCHEMA": "DATABASE"}.get(parsed.args["kind"], parsed.args["kind"])
    if isinstance(parsed, exp.Create) and kind == "TABLE":
        if parsed.expression:
            return "CREATE_TABLE_AS_SELECT"
        if (
            not parsed.find(exp.ExternalProperty)
            and ddl.table_properties(parsed).get("table_type", "").upper() != "ICEBERG"
        ):
            raise malformed("External keyword required for table type HIVE")
    return f"{verb}_{kind}"


def run(statement: Statement, context: Context, location: str) -> Outcome:
    """Run a statement and write its result.

    :param location: ``s3://bucket/key`` of the result.
    :raises QueryError: it failed.
    :raises Cancelled: it was stopped.
    """
    parsed = statement.parsed
    if statement.is_query:
        assert isinstance(parsed, exp.Expr)
        query = Query(parsed, context)
        write_csv(query.columns, query.batches(), location)
        return Outcome([column.info() for column in query.columns])
    if statement.type == "DML":
        written = {exp.Insert: dml.insert, exp.Delete: dml.delete, exp.Update: dml.update}[type(parsed)](
            parsed, context
        )
        return Outcome([Column("rows", "BIGINT").info()], written)
    lines, name = _run_ddl(statement, context)
    write_lines(lines, location)
    return Outcome([Column(name, "VARCHAR").info()] if name else [])


def _run_ddl(statement: Statement, context: Context) -> tuple[list[str], str | None]:
    """:returns: the lines that it says, and the name of their one column."""
    parsed = statement.parsed
    match parsed:
        case hive.ShowPartitions(table):
            return _partitioned(table, context).show(), "partition"
        case hive.RepairTable(table):
            return _partitioned(table, context).repair(), "result"
        case hive.AddPartitions(table, partitions, if_not_exists):
            _partitioned(table, context).add(partitions, if_not_exists)
        case hive.DropPartitions(table, partitions, if_exists):
            _partitioned(table, context).drop(partitions, if_exists)
        case hive.ShowTables(database, pattern):
            return _like(_tables(database or context.database), pattern), "tab_name"
        case hive.ShowDatabases(pattern):
            return _like(_databases(), pattern), "database_name"
        case hive.DescribeTable(table):
            return _describe(*_named(table, context)), "result"
        case exp.Create() | exp.Drop() | exp.Alter():
            _run_definition(statement, parsed, context)
        case _:
            raise not_supported(f"{statement.subtype} statements")
    return [], None


def _run_definition(statement: Statement, parsed: exp.Create | exp.Drop | exp.Alter, context: Context) -> None:
    match statement.subtype:
        case "CREATE_DATABASE":
            ddl.create_database(parsed)
        case "DROP_DATABASE":
            ddl.drop_database(parsed)
        case "CREATE_TABLE":
            ddl.create_table(parsed, context)
        case "DROP_TABLE":
            ddl.drop_table(parsed, context)
        case "CREATE_VIEW":
            ddl.create_view(parsed, context)
        case "DROP_VIEW":
            ddl.drop_view(parsed, context)
        case "ALTER_TABLE" if all(isinstance(action, exp.Schema) for action in parsed.args["actions"]):
            ddl.add_columns(parsed, context)
        case _:
            raise not_supported(statement.subtype.replace("_", " "))


def _named(table: hive.TableName, context: Context) -> tuple[str, str]:
    return table[0] or context.database, table[1]


def _partitioned(table: hive.TableName, context: Context) -> PartitionedTable:
    return PartitionedTable(*_named(table, context))


def _tables(database: str) -> list[str]:
    catalog.require_database(database)
    pages = client("glue").get_paginator("get_tables").paginate(DatabaseName=database)
    return sorted(table["Name"] for page in pages for table in page["TableList"])


def _databases() -> list[str]:
    pages = client("glue").get_paginator("get_databases").paginate()
    return sorted(database["Name"] for page in pages for database in page["DatabaseList"])


def _like(names: list[str], pattern: str | None) -> list[str]:
    if pattern is None:
        return names
    parts = [re.escape(part).replace(r"\*", ".*") for part in pattern.split("|")]
    return [name for name in names if re.fullmatch("|".join(parts), name)]


def _describe(database: str, name: str) -> list[str]:
    table = catalog.get(database, name)

    def lines(columns: list[dict[str, str]]) -> Iterator[str]:
        for column in columns:
            yield f"{column['Name']:<20}\t{column['Type']:<20}\t{column.get('Comment', ''):<20}"

    keys = table.get("PartitionKeys") or []
    heading = [
        "\t \t ",
        "# Partition Information\t \t ",
        f"{'# col_name':<20}\t{'data_type':<20}\t{'comment':<20}",
        "\t \t ",
    ]
    return [*lines([*table["StorageDescriptor"]["Columns"], *keys]), *(heading if keys else []), *lines(keys)]
