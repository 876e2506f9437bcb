"""What a check of Gold found wrong, in words that name the event date."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from clickstream.lake.objects import write_json

DateCode = Literal["gold_differs", "sessions_differ", "funnel_differs"]


class DateFinding(BaseModel):
    """One finding.

    Attributes:
        event_date: the date that it concerns.
        code: what kind it is; a page's cause and a runbook's name.
        records: how many rows of Gold it concerns.
        samples: up to ten ids of sessions.
        text: one sentence for people.
    """

    model_config = ConfigDict(frozen=True)

    event_date: str
    code: DateCode
    text: str
    records: int = 0
    samples: tuple[str, ...] = ()


def store_date_findings(s3: Any, lake: str, source: str, run: str, findings: Sequence[DateFinding]) -> str:
    """Keep one date's findings in the lake, where they expire; their uri."""
    document = [finding.model_dump(mode="json") for finding in findings]
    return write_json(s3, f"s3://{lake}/findings/{source}/{findings[0].event_date}/{run}.json", document)
