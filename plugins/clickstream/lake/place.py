"""Where the product works: one account and region, its buckets and its catalog database."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

DATABASE = "clickstream"
WORKGROUP = "clickstream"


@dataclass(frozen=True)
class Place:
    """The clients and names that every part of the proof uses.

    Args:
        account: twelve digits.
        s3, glue, cloudwatch: boto3 clients.
    """

    account: str
    s3: Any
    glue: Any
    cloudwatch: Any
    database: str = DATABASE

    @classmethod
    def of(cls, session: Any) -> Place:
        """The place that a boto3 session is signed in to."""
        return cls(
            account=session.client("sts").get_caller_identity()["Account"],
            s3=session.client("s3"),
            glue=session.client("glue"),
            cloudwatch=session.client("cloudwatch"),
        )

    @property
    def lake(self) -> str:
        """Bucket of the data."""
        return f"clickstream-{self.account}-lake"

    @property
    def evidence(self) -> str:
        """Bucket of ledger, manifests and receipts; versioned, under object lock."""
        return f"clickstream-{self.account}-evidence"

    def run_uri(self, source: str, run: str, step: str) -> str:
        """Where a step of a run leaves its document."""
        return f"s3://{self.lake}/runs/{source}/{run}/{step}.json"
