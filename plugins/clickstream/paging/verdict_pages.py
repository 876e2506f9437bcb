"""The pages of the verdict: one for each cause that the ledger's current entries are failed for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from clickstream.paging.page import Page
from clickstream.reconciliation.entry import Entry
from clickstream.reconciliation.findings import ACCEPTED, Finding, load_findings
from clickstream.reconciliation.progress import failing_causes

CHECK = "verdict"
"""The check that these pages are reported by, whichever DAG it ran in: all read one ledger."""

SHOWN = 5
"""Findings that are written out, and findings files that are named."""

_RESTORED = ("object_missing", "object_changed", "records_unknown")
"""Losses of Bronze: nothing else may be done before the object is back."""


def verdict_pages(s3: Any, source: str, current: Mapping[datetime, Entry], link: str) -> dict[str, Page]:
    """Make the pages, by cause: of everything that is failed now, whichever run found it.

    Args:
        s3: boto3 client; it reads the findings, those that have not expired.
        current: the current entry of each hour.
        link: the DAG run in Airflow's UI.
    """
    failed = [entry for _, entry in sorted(current.items()) if entry.state == "failed"]
    with ThreadPoolExecutor(8) as pool:
        found = dict(zip((e.arrival_hour for e in failed), pool.map(lambda e: _findings(s3, e), failed), strict=True))
    return {
        cause: _page(source, cause, [entry for entry in failed if cause in entry.causes], found, link)
        for cause in sorted(failing_causes(current))
    }


def _findings(s3: Any, entry: Entry) -> list[Finding]:
    if entry.findings is None:
        return []
    try:
        return load_findings(s3, entry.findings)
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchKey":
            raise
        return []


def _page(source: str, cause: str, entries: Sequence[Entry], found: Mapping[str, Sequence[Finding]], link: str) -> Page:
    hours = [entry.arrival_hour for entry in entries]
    findings = [finding for hour in hours for finding in found[hour] if finding.code not in ACCEPTED]
    telling = [finding for finding in findings if finding.code == cause]
    shown = [f"{finding.arrival_hour}: {finding.text}" for finding in telling[:SHOWN]]
    if len(telling) > SHOWN:
        shown.append(f"and {len(telling) - SHOWN} more findings")
    return Page(
        source=source,
        cause=cause,
        where=hours[0] if len(hours) == 1 else f"{len(hours)} hours from {hours[0]} to {hours[-1]}",
        impact=f"verified_through stops before {hours[0]}",
        since=hours[0],
        evidence=[*shown, *[entry.findings for entry in entries if entry.findings][:SHOWN]],
        next_step=_next_step(source, hours, findings),
        link=link,
    )


def _next_step(source: str, hours: Sequence[str], findings: Sequence[Finding]) -> str:
    first, last = hours[0][:10], hours[-1][:10]
    lost = [finding for finding in findings if finding.code in _RESTORED]
    if lost:
        restores = " && ".join(f"make restore OBJECT={finding.object}" for finding in lost[:SHOWN])
        return f"{restores} && make prove SOURCE={source} DATE={lost[0].arrival_hour[:10]}"
    return f"read the runbook; when the cause is known: make backfill SOURCE={source} FROM={first} TO={last}"
