"""The page of the maintenance's check: one for all tables whose newest maintenance changed rows."""

from __future__ import annotations

from collections.abc import Mapping

from clickstream.paging.page import Page
from clickstream.reconciliation.entry import MaintenanceEntry
from clickstream.sources.model import Source

CHECK = "maintenance"
"""The check that the page is reported by."""


def maintenance_pages(source: Source, current: Mapping[str, MaintenanceEntry], link: str) -> dict[str, Page]:
    """Make the pages, by cause: of every table that is failed now, whichever run found it.

    Args:
        current: the newest entry of each kind of table.
        link: the DAG run in Airflow's UI.
    """
    failed = [entry for entry in current.values() if entry.state == "failed"]
    causes = sorted({cause for entry in failed for cause in entry.causes})
    return {cause: _page(source, cause, [e for e in failed if cause in e.causes], link) for cause in causes}


def _page(source: Source, cause: str, entries: list[MaintenanceEntry], link: str) -> Page:
    tables = [source.table(entry.table) for entry in entries]
    return Page(
        source=source.name,
        cause=cause,
        where=", ".join(tables),
        impact="these tables do not hold the rows from before their maintenance",
        since=min(entry.checked_at for entry in entries),
        evidence=[
            f"{table}: snapshot {entry.after} has {entry.lost} rows less and {entry.made_up} more than {entry.before}"
            for table, entry in zip(tables, entries, strict=True)
        ],
        next_step=f"pause {source.name}__lake_maintenance, then read the runbook: the rows from before can be read",
        link=link,
    )
