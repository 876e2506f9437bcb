"""The page of data quality: one for a source, of all windows that fail a critical expectation now."""

from __future__ import annotations

from collections.abc import Sequence

from clickstream.paging.page import Page
from clickstream.quality.entry import EXPECTATION_FAILED, QualityEntry

CHECK = "quality"
"""The check that this page is reported by."""

SHOWN = 5
"""Windows of which the expectations and the page are named."""


def quality_pages(source: str, failed: Sequence[QualityEntry], link: str) -> dict[str, Page]:
    """Make the page, by cause; none when nothing is failed.

    Args:
        failed: the lines that are failed now, oldest hours first, whichever run wrote them.
        link: the DAG run in Airflow's UI.
    """
    if not failed:
        return {}
    first, last = failed[0].hours[0], max(entry.hours[-1] for entry in failed)
    tiers = " and ".join(sorted({entry.tier for entry in failed}))
    told = [f"{entry.tier} of {entry.window}: {', '.join(entry.failed['critical'])}" for entry in failed[:SHOWN]]
    return {
        EXPECTATION_FAILED: Page(
            source=source,
            cause=EXPECTATION_FAILED,
            where=f"{tiers}, {first} to {last}",
            impact="every record is accounted for, but the data are not what they usually are",
            since=first,
            evidence=[*told, *(entry.data_docs for entry in failed[:SHOWN])],
            next_step=f"make quality SOURCE={source}; read the page and the runbook",
            link=link,
        )
    }
