"""Where the product works: one account and region, and the clients that every part of the proof uses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from clickstream.lake.names import Names


@dataclass(frozen=True)
class Place:
    """Names and clients.

    Args:
        names: of the account and region.
        s3, glue, cloudwatch: boto3 clients.
    """

    names: Names
    s3: Any
    glue: Any
    cloudwatch: Any

    @classmethod
    def of(cls, session: Any) -> Place:
        """The place that a boto3 session is signed in to."""
        return cls(
            names=Names.of(session.client("sts")),
            s3=session.client("s3"),
            glue=session.client("glue"),
            cloudwatch=session.client("cloudwatch"),
        )

    @property
    def lake(self) -> str:
        """Bucket of the data."""
        return self.names.lake

    @property
    def evidence(self) -> str:
        """Bucket of ledger, manifests and receipts; versioned, under object lock."""
        return self.names.evidence

    @property
    def database(self) -> str:
        """Glue database of all tables."""
        return self.names.database

    def run_uri(self, source: str, run: str, step: str) -> str:
        """Where a step of a run leaves its document."""
        return f"s3://{self.lake}/runs/{source}/{run}/{step}.json"
