"""The Glue catalog: ministack's, but UpdateTable replaces a table's whole definition.

https://docs.aws.amazon.com/glue/latest/webapi/API_UpdateTable.html
"""

from typing import Any

from ministack.services import glue as store

from local.upstream import enter_account

UNSAID: dict[str, Any] = {
    "Description": "",
    "Owner": "",
    "StorageDescriptor": {},
    "PartitionKeys": [],
    "Parameters": {},
    "TableType": None,
    "ViewOriginalText": None,
    "ViewExpandedText": None,
}
"""What a table has of members that its definition does not give. ministack would leave the old."""


def start() -> None:
    """Update tables in our way, from now on."""
    update = store._update_table

    def replace(request: dict[str, Any]) -> Any:
        return update(request | {"TableInput": UNSAID | request.get("TableInput", {})})

    store._update_table = replace


def find_table(database: str, name: str) -> dict[str, Any] | None:
    """A table as GetTable gives it, for a service that reads it by itself; None when it or its database is missing."""
    enter_account()
    found: dict[str, Any] | None = store._tables.get(f"{database}/{name}")
    return found if database in store._databases else None
