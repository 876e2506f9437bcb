"""The causes that people can be paged for: each has its runbook, `docs/runbooks/<cause>.md`."""

from __future__ import annotations

from typing import get_args

from clickstream.health.causes import CAUSES as OF_THE_LIVE_PATH
from clickstream.quality.entry import EXPECTATION_FAILED
from clickstream.reconciliation.findings import ACCEPTED, Code
from clickstream.reconciliation.gold.findings import DateCode
from clickstream.reconciliation.maintenance.findings import MaintenanceCode

TASK_FAILED = "task_failed"
LEDGER_BROKEN = "ledger_broken"

CAUSES: frozenset[str] = frozenset(
    {
        *get_args(Code),
        *get_args(DateCode),
        *get_args(MaintenanceCode),
        *OF_THE_LIVE_PATH,
        EXPECTATION_FAILED,
        TASK_FAILED,
        LEDGER_BROKEN,
    }
    - ACCEPTED
)
"""Findings that fail an hour, a date or a table, what is wrong with a live path or with the data, and what keeps a run
from its end."""
