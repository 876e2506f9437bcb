"""The ledger of quality: a chain of its own, a line a run and tier."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from clickstream.lake.windows import parse_hour
from clickstream.quality.entry import QualityEntry
from clickstream.quality.suites import TIERS, Tier
from clickstream.reconciliation.ledger import Chain


class QualityLedger(Chain[QualityEntry]):
    """The ledger of one source's quality."""

    @property
    def folder(self) -> str:
        return f"ledger/{self.source}.quality"

    def parse(self, document: dict[str, Any]) -> QualityEntry:
        return QualityEntry.model_validate(document)


def newest(entries: Iterable[QualityEntry]) -> dict[Tier, QualityEntry]:
    """The last line of each tier."""
    found = {entry.tier: entry for entry in entries}
    return {tier: found[tier] for tier in TIERS if tier in found}


def failed_now(entries: Iterable[QualityEntry], days: int) -> list[QualityEntry]:
    """The lines that are failed, and the last that speak of some hour; oldest hours first.

    Args:
        days: hours that are so much older than the newest one are left: what has arrived cannot be mended, and nobody
            is to be reminded of it for ever.
    """
    current: dict[tuple[Tier, str], QualityEntry] = {}
    for entry in entries:
        current |= {(entry.tier, hour): entry for hour in entry.hours}
    if not current:
        return []
    since = max(parse_hour(hour) for _, hour in current) - timedelta(days=days)
    failed = {
        (entry.hours[0], entry.sequence, entry.tier): entry
        for (_, hour), entry in current.items()
        if entry.state == "failed" and parse_hour(hour) > since
    }
    return [entry for _, entry in sorted(failed.items())]
