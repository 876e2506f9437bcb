"""One line of the ledger of quality: what a run found of one tier."""

from __future__ import annotations

from typing import Literal

from clickstream.quality.suites import Severity, Tier
from clickstream.reconciliation.entry import Line

QualityState = Literal["passed", "warned", "failed"]

EXPECTATION_FAILED = "expectation_failed"
"""The cause of a line that is failed, and of its page."""


class QualityEntry(Line):
    """What one run found of one tier: names of expectations, no values of data.

    `findings` is the uri of the validation result, whatever the state.
    """

    state: QualityState
    """Failed when an expectation that is critical failed; warned when another did."""
    tier: Tier
    window: str
    """The run's window; `hours` can also hold hours before it that had changed."""
    hours: tuple[str, ...]
    """The arrival hours that were looked at."""
    rejects_snapshot: int | None
    suite: str
    """Digest of the suite's file."""
    expectations: int
    """Expectations that were evaluated."""
    unjudged: tuple[str, ...]
    """Those of them that there were too few records for: they say nothing."""
    failed: dict[Severity, tuple[str, ...]]
    """Those that failed, by severity."""
    data_docs: str
    """Uri of the validation result's page, which expires with it."""

    @property
    def occasion(self) -> tuple[object, ...]:
        return *super().occasion, self.tier, self.suite
