"""The page of a failed verdict: one for a run, whatever number of hours and causes it found."""

from __future__ import annotations

from collections.abc import Sequence

from clickstream.paging.page import Page
from clickstream.reconciliation.entry import Entry
from clickstream.reconciliation.findings import ACCEPTED, Finding

SHOWN = 5
"""Findings that are written out; the others are in the findings files."""

_RESTORED = ("object_missing", "object_changed", "records_unknown")
"""Losses of Bronze: nothing else may be done before the object is back."""


def verdict_page(source: str, causes: Sequence[str], entries: Sequence[Entry], findings: Sequence[Finding]) -> Page:
    """Make the page.

    Args:
        causes: those that nobody was told of before.
        entries: the failed entries that have any of them, by hour.
        findings: the findings of these entries.
    """
    hours = [entry.arrival_hour for entry in entries]
    telling = [finding for finding in findings if finding.code not in ACCEPTED]
    shown = [f"{finding.arrival_hour}: {finding.text}" for finding in telling[:SHOWN]]
    if len(telling) > SHOWN:
        shown.append(f"and {len(telling) - SHOWN} more findings")
    return Page(
        source=source,
        causes=causes,
        where=hours[0] if len(hours) == 1 else f"{len(hours)} hours from {hours[0]} to {hours[-1]}",
        impact=f"verified_through stops before {hours[0]}",
        since=hours[0],
        evidence=[*shown, *(entry.findings for entry in entries if entry.findings)],
        next_step=_next_step(source, hours, telling),
    )


def _next_step(source: str, hours: Sequence[str], findings: Sequence[Finding]) -> str:
    first, last = hours[0][:10], hours[-1][:10]
    lost = [finding for finding in findings if finding.code in _RESTORED]
    if lost:
        restores = " && ".join(f"make restore OBJECT={finding.object}" for finding in lost[:SHOWN])
        return f"{restores} && make prove SOURCE={source} DATE={lost[0].arrival_hour[:10]}"
    return f"read the runbook; when the cause is known: make backfill SOURCE={source} FROM={first} TO={last}"
