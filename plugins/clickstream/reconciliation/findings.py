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


class Finding(BaseModel):
    """One finding.

    Attributes:
        arrival_hour: the hour that it concerns.
        code: what kind it is; a page's cause and a runbook's name.
        object: key of the object concerned, where there is one.
        records: how many records it concerns.
        samples: up to ten raw hashes or event ids.
        text: one sentence for people.
    """

    model_config = ConfigDict(frozen=True)

    arrival_hour: str
    code: Code
    text: str
    object: str | None = None
    records: int = 0
    samples: tuple[str, ...] = ()


def fails(findings: Iterable[Finding]) -> bool:
    """Whether any of the findings fails its hour."""
    return any(finding.code not in ACCEPTED for finding in findings)


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
