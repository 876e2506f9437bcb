"""Lines of the ledger of quality with what a test does not care about filled in."""

from __future__ import annotations

from typing import Any

from clickstream.quality.entry import EXPECTATION_FAILED, QualityEntry, QualityState
from clickstream.quality.suites import Tier
from tests.unit.reconciliation.makers import text


def entry(
    hours: range, state: QualityState = "passed", tier: Tier = "silver", run: str = "r", **more: Any
) -> QualityEntry:
    """A run's line on some hours."""
    failed = {
        "passed": {},
        "warned": {"warning": ("devices_are_known",)},
        "failed": {"critical": ("sessions_are_known",)},
    }
    return QualityEntry.model_validate(
        {
            "source": "retail_web",
            "state": state,
            "tier": tier,
            "window": f"{text(hours.start)}/{text(hours.stop)}",
            "hours": tuple(map(text, hours)),
            "silver_snapshot": 7,
            "rejects_snapshot": 8,
            "suite": "abc",
            "expectations": 5,
            "unjudged": (),
            "failed": failed[state],
            "causes": (EXPECTATION_FAILED,) if state == "failed" else (),
            "findings": f"s3://lake/findings/retail_web/quality/{run}/{tier}.json",
            "data_docs": f"s3://lake/findings/retail_web/quality/{run}/{tier}.html",
            "run": run,
            "triggered_by": "test",
            "checked_at": "2026-11-19T00:10:00+00:00",
            **more,
        }
    )
