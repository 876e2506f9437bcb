"""The causes that people can be paged for: each has its runbook, `docs/runbooks/<cause>.md`."""

from __future__ import annotations

from typing import get_args

from clickstream.reconciliation.findings import ACCEPTED, Code

TASK_FAILED = "task_failed"
LEDGER_BROKEN = "ledger_broken"

CAUSES: frozenset[str] = frozenset({*get_args(Code), TASK_FAILED, LEDGER_BROKEN} - ACCEPTED)
"""Findings that fail an hour, and what keeps a run from its verdict."""
