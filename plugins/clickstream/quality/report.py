"""How good a source's data were when they were last looked at, from the ledger of quality alone."""

from __future__ import annotations

from typing import Any

from clickstream.lake.place import Place
from clickstream.quality.entry import QualityEntry
from clickstream.quality.ledger import QualityLedger, failed_now, newest
from clickstream.reconciliation.ledger_index import LedgerIndex
from clickstream.sources.model import Source


def quality_of(place: Place, source: Source) -> list[QualityEntry]:
    """Every line of the ledger of quality, oldest first.

    Raises:
        LedgerBroken: the chain does not hold.
    """
    return LedgerIndex(QualityLedger(place.s3, place.evidence, source.name), place.lake).read()


def quality_report(place: Place, source: Source) -> dict[str, Any]:
    """The newest result of each tier, and the windows that are failed now.

    Returns:
        `{"tiers": [...], "failed": [...]}`, part of what `make status JSON=1` prints.

    Raises:
        LedgerBroken: the chain does not hold.
    """
    entries = quality_of(place, source)
    ledger = QualityLedger(place.s3, place.evidence, source.name)
    return {
        "tiers": [_told(ledger, entry) for entry in newest(entries).values()],
        "failed": [_told(ledger, entry) for entry in failed_now(entries, source.checks.recheck_days)],
    }


def _told(ledger: QualityLedger, entry: QualityEntry) -> dict[str, Any]:
    return {
        "tier": entry.tier,
        "state": entry.state,
        "window": entry.window,
        "expectations": entry.expectations,
        "unjudged": list(entry.unjudged),
        "failed": {severity: list(names) for severity, names in entry.failed.items()},
        "findings": entry.findings,
        "data_docs": entry.data_docs,
        "checked_at": entry.checked_at,
        "evidence": ledger.key(entry.sequence),
    }
