"""Athena views over a source's tables: a file of `include/sql/athena/views/<source>/` each."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from clickstream.lake.queries import FOLDER, Table, render
from clickstream.provisioning.resource import Cloud, Difference, Resource, Settings
from clickstream.provisioning.statement import run_statement
from clickstream.sources.model import Source

VIEWS = FOLDER / "views"
DIGEST = "clickstream.digest"
"""Parameter of the view in the catalog: of the query it was made of, for Athena keeps it in a form of its own."""
_WRITABLE = ("Name", "Description", "TableType", "Parameters", "ViewOriginalText", "ViewExpandedText")
"""What GetTable tells of a view and UpdateTable takes."""


@dataclass(frozen=True)
class View(Resource):
    """A view, `<source>_<file>`.

    Args:
        file: with its SELECT.
    """

    file: Path

    @classmethod
    def all_of(cls, source: Source, cloud: Cloud) -> list[Self]:
        return [cls(source, cloud, file) for file in sorted((VIEWS / source.name).glob("*.sql"))]

    @property
    def kind(self) -> str:
        return f"view_{self.file.stem}"

    @property
    def name(self) -> str:
        return self.source.table(self.file.stem)

    def desired(self) -> Settings:
        return {"query": hashlib.sha256(self._query().encode()).hexdigest()[:16]}

    def live(self) -> Settings | None:
        glue = self.cloud.client("glue")
        try:
            view = glue.get_table(DatabaseName=self.cloud.names.database, Name=self.name)["Table"]
        except glue.exceptions.EntityNotFoundException:
            return None
        return {"query": view.get("Parameters", {}).get(DIGEST)}

    def create(self) -> None:
        run_statement(self.cloud, self.name, f"CREATE OR REPLACE VIEW {self._table} AS\n{self._query()}")
        glue, database = self.cloud.client("glue"), self.cloud.names.database
        view = glue.get_table(DatabaseName=database, Name=self.name)["Table"]
        kept = {name: view[name] for name in (*_WRITABLE, "StorageDescriptor") if name in view}
        kept["Parameters"] = view.get("Parameters", {}) | {DIGEST: str(self.desired()["query"])}
        glue.update_table(DatabaseName=database, TableInput=kept)

    def update(self, differences: Sequence[Difference]) -> None:
        self.create()

    def delete(self) -> None:
        run_statement(self.cloud, self.name, f"DROP VIEW IF EXISTS {self._table}")

    def _query(self) -> str:
        database, gold = self.cloud.names.database, self.source.declared_gold
        tables = {stored: Table(database, self.source.table(stored)) for stored in gold.stored}
        text = render(self.file.stem, self.file.parent, **tables)
        return "".join(line for line in text.splitlines(keepends=True) if not line.startswith("--"))

    @property
    def _table(self) -> Table:
        return Table(self.cloud.names.database, self.name)
