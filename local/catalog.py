"""The Glue catalog: ministack's, but UpdateTable replaces a table's whole definition.

https://docs.aws.amazon.com/glue/latest/webapi/API_UpdateTable.html
"""

from typing import Any

from ministack.services import glue as store

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
