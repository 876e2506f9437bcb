"""Views, held in the Glue catalog in the form that Athena gives them: a table whose text is base64 of JSON.

Source: io.trino.plugin.hive.ViewReaderUtil.
"""

import base64
import json

from sqlglot import exp

from local.athena import catalog
from local.athena.dialect import parse
from local.athena.errors import QueryError, not_supported
from local.athena.results import Column
from local.settings import client

_PREFIX = "/* Presto View: "
_SUFFIX = " */"


def read(definition: catalog.Definition) -> tuple[exp.Query, str]:
    """The query of a view, and the database that its names without one mean.

    :param definition: as GetTable gives it; see ``catalog.is_view``.
    """
    text: str = definition.get("ViewOriginalText") or ""
    if not text.startswith(_PREFIX):
        raise not_supported("views that were not made by Athena")
    view = json.loads(base64.b64decode(text.removeprefix(_PREFIX).removesuffix(_SUFFIX)))
    query = parse(view["originalSql"])
    assert isinstance(query, exp.Query)
    return query, view["schema"]


def create(database: str, name: str, sql: str, columns: list[Column], replace: bool) -> None:
    """Put a view into the catalog.

    :param sql: its query's text.
    :param columns: what the query gives.
    :param replace: whether a view of that name may be there already.
    :raises QueryError: ALREADY_EXISTS, or SCHEMA_NOT_FOUND.
    """
    existing = catalog.find(database, name)
    if existing is None:
        catalog.require_database(database)
    elif not (replace and catalog.is_view(existing)):
        kind = "View" if catalog.is_view(existing) else "Table"
        raise QueryError("ALREADY_EXISTS", f"{kind} already exists: '{catalog.CATALOG}.{database}.{name}'")
    text = json.dumps(
        {
            "originalSql": sql,
            "catalog": catalog.CATALOG,
            "schema": database,
            "columns": [{"name": column.name, "type": column.type} for column in columns],
        }
    )
    table = {
        "Name": name,
        "TableType": "VIRTUAL_VIEW",
        "Parameters": {"presto_view": "true", "comment": "Presto View"},
        "PartitionKeys": [],
        "StorageDescriptor": {
            "Columns": [{"Name": column.name, "Type": column.hive_type} for column in columns],
            "Location": "",
            "SerdeInfo": {},
        },
        "ViewOriginalText": _PREFIX + base64.b64encode(text.encode()).decode() + _SUFFIX,
        "ViewExpandedText": "/* Presto View */",
    }
    glue = client("glue")
    (glue.create_table if existing is None else glue.update_table)(DatabaseName=database, TableInput=table)
