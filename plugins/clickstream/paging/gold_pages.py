"""The pages of Gold's check: one for each cause that the current entries of event dates are failed for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from clickstream.paging.page import Page
from clickstream.reconciliation.entry import DateEntry

CHECK = "gold"
"""The check that these pages are reported by."""

SHOWN = 5
"""Findings files that are named."""


def gold_pages(source: str, current: Mapping[date, DateEntry], link: str) -> dict[str, Page]:
    """Make the pages, by cause: of every date that is failed now, whichever run found it.

    Args:
        current: the current entry of each event date.
        link: the DAG run in Airflow's UI.
    """
    failed = [entry for _, entry in sorted(current.items()) if entry.state == "failed"]
    causes = sorted({cause for entry in failed for cause in entry.causes})
    return {cause: _page(source, cause, [e for e in failed if cause in e.causes], link) for cause in causes}


def _page(source: str, cause: str, entries: Sequence[DateEntry], link: str) -> Page:
    dates = [entry.event_date for entry in entries]
    return Page(
        source=source,
        cause=cause,
        where=dates[0] if len(dates) == 1 else f"{len(dates)} event dates from {dates[0]} to {dates[-1]}",
        impact="Gold of these dates does not say what Silver holds",
        since=dates[0],
        evidence=[entry.findings for entry in entries if entry.findings][:SHOWN],
        next_step=f"read the runbook; when the cause is known: "
        f"make backfill SOURCE={source} FROM={dates[0]} TO={dates[-1]}",
        link=link,
    )
