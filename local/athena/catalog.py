"""Names of tables in SQL, looked up in the Glue catalog."""

from typing import Any

from sqlglot import exp

from local.athena.errors import QueryError
from local.settings import client

CATALOG = "awsdatacatalog"

Definition = dict[str, Any]


def database_of(table: exp.Table, default: str) -> str:
    """The database that a table's name means.

    :raises QueryError: CATALOG_NOT_FOUND for another catalog than the account's own.
    """
    if table.catalog and table.catalog.lower() != CATALOG:
        raise QueryError("CATALOG_NOT_FOUND", f"Catalog '{table.catalog}' does not exist", table)
    return (table.db or default).lower()


def find(database: str, name: str) -> Definition | None:
    """The table as Glue's GetTable gives it, or None."""
    glue = client("glue")
    try:
        found: Definition = glue.get_table(DatabaseName=database, Name=name)["Table"]
    except glue.exceptions.EntityNotFoundException:
        return None
    return found


def get(database: str, name: str, node: exp.Expr | None = None) -> Definition:
    """The table as Glue's GetTable gives it.

    :param node: where the SQL names it.
    :raises QueryError: TABLE_NOT_FOUND or SCHEMA_NOT_FOUND.
    """
    found = find(database, name)
    if found is not None:
        return found
    require_database(database, node)
    raise QueryError("TABLE_NOT_FOUND", f"Table '{CATALOG}.{database}.{name}' does not exist", node)


def require_database(database: str, node: exp.Expr | None = None) -> None:
    """:raises QueryError: SCHEMA_NOT_FOUND."""
    glue = client("glue")
    try:
        glue.get_database(Name=database)
    except glue.exceptions.EntityNotFoundException:
        raise QueryError("SCHEMA_NOT_FOUND", f"Schema '{database}' does not exist", node) from None


def is_iceberg(definition: Definition) -> bool:
    """Whether the definition is that of an Iceberg table."""
    return str(definition.get("Parameters", {}).get("table_type", "")).upper() == "ICEBERG"


def is_view(definition: Definition) -> bool:
    """Whether the definition is that of a view."""
    return definition.get("TableType") == "VIRTUAL_VIEW"
