"""What a run is asked to make of Silver: the plan file."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from clickstream.sources.model import Source


@dataclass(frozen=True)
class Plan:
    """The run's argument: `--plan s3://<lake>/runs/<...>/gold_job.json`.

    Attributes:
        run_id: whose run it is; stands in the summary of each snapshot that it makes.
        source: the event feed; it declares Gold.
        silver_snapshot: the snapshot of Silver that Gold is made of, whatever was written there since.
        dates: the event dates to replace; one without events is cleared.
    """

    run_id: str
    source: Source
    silver_snapshot: int
    dates: tuple[date, ...]

    @classmethod
    def of(cls, plan: dict[str, Any]) -> Plan:
        """The plan that a document describes."""
        return cls(
            run_id=plan["run_id"],
            source=Source.model_validate(plan["source"]),
            silver_snapshot=plan["silver_snapshot"],
            dates=tuple(map(date.fromisoformat, plan["dates"])),
        )
