"""What a check found wrong, in words that name the hour and the object or the ids."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from clickstream.lake.objects import read_json, write_json

Code = Literal[
    "object_missing",
    "object_changed",
    "records_unknown",
    "records_unaccounted",
    "event_id_differs",
    "consent_differs",
    "winner_missing",
    "event_id_not_unique",
    "changed_unchecked",
    "tables_changed",
    "acknowledged_missing",
    "upstream_deficit",
    "conflicting_copies",
]

ACCEPTED: frozenset[Code] = frozenset({"conflicting_copies"})
"""Findings that are kept and shown but do not fail the hour."""

OBJECT_LOSSES: frozenset[Code] = frozenset({"object_missing", "object_changed"})
"""An object of Bronze does not hold any more what its hour's manifest says: nothing is written before it is back."""

WAIVABLE: frozenset[Code] = OBJECT_LOSSES | {"records_unknown", "acknowledged_missing", "upstream_deficit"}
"""Losses of what cannot be made again: people may accept them (`docs/waivers.md`). All else is rebuilt from Bronze."""


class Finding(BaseModel):
    """One finding.

    Attributes:
        arrival_hour: the hour that it concerns.
        code: what kind it is; a page's cause and a runbook's name.
        object: key of the object concerned, where there is one.
        records: how many records it concerns.
        expected, found: records that should be there and that are; None where it is not a matter of two numbers.
        samples: up to ten raw hashes or event ids.
        text: one sentence for people.
    """

    model_config = ConfigDict(frozen=True)

    arrival_hour: str
    code: Code
    text: str
    object: str | None = None
    records: int = 0
    expected: int | None = None
    found: int | None = None
    samples: tuple[str, ...] = ()


def failing(findings: Iterable[Finding]) -> list[Finding]:
    """Those of the findings that fail their hour."""
    return [finding for finding in findings if finding.code not in ACCEPTED]


def store_findings(s3: Any, lake: str, source: str, run: str, findings: Sequence[Finding]) -> str:
    """Keep one hour's findings in the lake, where they expire; their uri."""
    hour = findings[0].arrival_hour
    document = [finding.model_dump(mode="json") for finding in findings]
    return write_json(s3, f"s3://{lake}/findings/{source}/{hour}/{run}.json", document)


def load_findings(s3: Any, uri: str) -> list[Finding]:
    """The findings kept at a uri.

    Raises:
        botocore.exceptions.ClientError: NoSuchKey when they have expired.
    """
    return [Finding.model_validate(finding) for finding in read_json(s3, uri)]
