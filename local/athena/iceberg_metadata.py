"""The metadata tables of an Iceberg table: ``"t$snapshots"`` and its like, with Trino's columns.

Source: https://trino.io/docs/current/connector/iceberg.html#metadata-tables
"""

import pyarrow as pa
from pyiceberg.table import Table
from sqlglot import exp

from local.athena.context import Context
from local.athena.scans import Scan

_MOMENT = pa.timestamp("us", "UTC")

# Trino's columns of each, and pyiceberg's name where it is another one.
_COLUMNS: dict[str, dict[str, str]] = {
    "snapshots": {
        name: name for name in ("committed_at", "snapshot_id", "parent_id", "operation", "manifest_list", "summary")
    },
    "history": {name: name for name in ("made_current_at", "snapshot_id", "parent_id", "is_current_ancestor")},
    "refs": {
        name: name
        for name in (
            "name", "type", "snapshot_id", "max_reference_age_in_ms", "min_snapshots_to_keep", "max_snapshot_age_in_ms",
        )
    },
    "partitions": {
        "partition": "partition",
        "record_count": "record_count",
        "file_count": "file_count",
        "total_size": "total_data_file_size_in_bytes",
    },
    "files": {name: name for name in ("content", "file_path", "file_format", "record_count", "file_size_in_bytes")},
    "manifests": {
        "path": "path",
        "length": "length",
        "partition_spec_id": "partition_spec_id",
        "added_snapshot_id": "added_snapshot_id",
        "added_data_files_count": "added_data_files_count",
        "existing_data_files_count": "existing_data_files_count",
        "deleted_data_files_count": "deleted_data_files_count",
    },
}  # fmt: skip

NAMES = frozenset(_COLUMNS)
"""The metadata tables that are served."""


class MetadataTable:
    """One metadata table.

    :param name: what follows the ``$``; one of ``NAMES``.
    """

    def __init__(self, table: Table, name: str) -> None:
        found: pa.Table = getattr(table.inspect, name)()
        columns = {ours: found[theirs] for ours, theirs in _COLUMNS[name].items() if theirs in found.column_names}
        self._rows = pa.table({ours: _plain(values) for ours, values in columns.items()})
        self.schema = self._rows.schema

    def scan(self, columns: list[str], conjuncts: list[exp.Expr], context: Context) -> Scan:
        """All rows: they are in memory."""
        rows = self._rows.select(columns)
        return Scan(rows.schema, lambda: iter(rows.to_batches()))


def _plain(values: pa.ChunkedArray) -> pa.ChunkedArray:
    if pa.types.is_timestamp(values.type):
        return values.cast(pa.timestamp("us")).cast(_MOMENT)
    if pa.types.is_dictionary(values.type):
        return values.cast(values.type.value_type)
    return values
