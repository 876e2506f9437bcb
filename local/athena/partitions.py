"""Statements about the partitions of external tables: ALTER TABLE … PARTITION, SHOW PARTITIONS, MSCK REPAIR TABLE."""

from collections.abc import Iterable, Iterator
from urllib.parse import quote, unquote

from local.athena import catalog
from local.athena.errors import QueryError
from local.athena.objects import list_objects
from local.settings import client

Spec = dict[str, str]
"""The values of a partition's keys."""

_CREATED_AT_ONCE = 100


class PartitionedTable:
    """An external table with partition keys.

    :raises QueryError: there is no such table, or it has no partition keys in the catalog.
    """

    def __init__(self, database: str, name: str) -> None:
        self._definition = catalog.get(database, name)
        self._where = {"DatabaseName": database, "TableName": name}
        self._keys = [key["Name"] for key in self._definition.get("PartitionKeys", [])]
        if not self._keys:
            raise QueryError("FAILED", f"SemanticException Table {database}.{name} is not a partitioned table")

    def show(self) -> list[str]:
        """``year=2026/month=11``, a line a partition, in order."""
        return sorted(self._name(values) for values in self._registered())

    def add(self, wanted: list[tuple[Spec, str | None]], if_not_exists: bool) -> None:
        """Register partitions.

        :param wanted: each with its location; without one, the folder that Hive's layout gives it.
        :param if_not_exists: whether those that are there already may be left as they are.
        :raises QueryError: a partition is there already; then none is added. Or its keys are not the table's.
        """
        inputs = [(self._values(spec), location) for spec, location in wanted]
        registered = self._registered()
        present = [values for values, _ in inputs if values in registered]
        if present and not if_not_exists:
            raise QueryError("FAILED", f"AlreadyExistsException Partition already exists: {self._name(present[0])}")
        self._create([(values, location) for values, location in inputs if values not in registered])

    def drop(self, specs: list[Spec], if_exists: bool) -> None:
        """Take partitions out of the catalog; their objects stay.

        :param if_exists: whether those that are not there are no error.
        :raises QueryError: a partition is not there; then none is dropped. Or its keys are not the table's.
        """
        registered = self._registered()
        wanted = [self._values(spec) for spec in specs]
        missing = [values for values in wanted if values not in registered]
        if missing and not if_exists:
            raise QueryError("FAILED", f"SemanticException Partition not found {self._name(missing[0])}")
        for values in wanted:
            if values in registered:
                client("glue").delete_partition(**self._where, PartitionValues=list(values))

    def repair(self) -> list[str]:
        """Register the folders below the table's location that follow Hive's layout and are not registered. Nothing is
        ever taken out.

        :returns: what MSCK REPAIR TABLE says.
        """
        root: str = self._definition["StorageDescriptor"]["Location"]
        registered = self._registered()
        found = {values for values in map(self._layout_values, self._folders(root)) if values is not None}
        missing = sorted(found - registered)
        self._create([(values, None) for values in missing])
        names = [f"{self._where['TableName']}:{self._name(values)}" for values in missing]
        added = [f"Repair: Added partition to metastore {name}" for name in names]
        return ["\t".join(["Partitions not in metastore:", *names]), *added] if names else []

    def _folders(self, root: str) -> Iterator[str]:
        base = root.rstrip("/") + "/"
        yield from sorted({found.path.removeprefix(base).rpartition("/")[0] for found in list_objects(root)})

    def _layout_values(self, folder: str) -> tuple[str, ...] | None:
        parts = [part.partition("=") for part in folder.split("/")][: len(self._keys)]
        if [name.lower() for name, _, _ in parts] != self._keys or not all(value for _, _, value in parts):
            return None
        return tuple(unquote(value) for _, _, value in parts)

    def _registered(self) -> set[tuple[str, ...]]:
        pages = client("glue").get_paginator("get_partitions").paginate(**self._where)
        return {tuple(found["Values"]) for page in pages for found in page["Partitions"]}

    def _values(self, spec: Spec) -> tuple[str, ...]:
        if sorted(spec) != sorted(self._keys):
            raise QueryError("FAILED", f"ValidationException Partition spec {spec} is not of the keys {self._keys}")
        return tuple(spec[key] for key in self._keys)

    def _name(self, values: Iterable[str]) -> str:
        return "/".join(f"{key}={quote(value, safe='')}" for key, value in zip(self._keys, values, strict=True))

    def _create(self, partitions: list[tuple[tuple[str, ...], str | None]]) -> None:
        storage = self._definition["StorageDescriptor"]
        root = storage["Location"].rstrip("/")
        for start in range(0, len(partitions), _CREATED_AT_ONCE):
            inputs = [
                {
                    "Values": list(values),
                    "StorageDescriptor": {**storage, "Location": location or f"{root}/{self._name(values)}/"},
                }
                for values, location in partitions[start : start + _CREATED_AT_ONCE]
            ]
            answer = client("glue").batch_create_partition(**self._where, PartitionInputList=inputs)
            for error in answer.get("Errors", []):
                detail = error["ErrorDetail"]
                raise QueryError("FAILED", f"{detail['ErrorCode']} {detail['ErrorMessage']}")
