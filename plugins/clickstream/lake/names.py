"""Names that follow from the account and the region alone; what a source names itself is in its YAML."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self


@dataclass(frozen=True)
class Names:
    """Buckets, catalog names and ARNs of one account in one region.

    Example:
        >>> Names("123456789012", "eu-west-1").lake
        'clickstream-123456789012-lake'
    """

    account: str
    region: str

    database = "clickstream"
    """Glue database of all tables."""
    workgroup = "clickstream"
    """Athena workgroup of all statements; it says where results go."""

    @classmethod
    def of(cls, sts: Any) -> Self:
        """The names in the account and region that an STS client belongs to."""
        return cls(sts.get_caller_identity()["Account"], sts.meta.region_name)

    @property
    def lake(self) -> str:
        """Bucket of the data: landing/, staging/, silver/, gold/.

        And of what the product notes on its way: runs/, scratch/, findings/, incidents/, index/, code/, athena/.
        """
        return f"clickstream-{self.account}-lake"

    @property
    def evidence(self) -> str:
        """Bucket, versioned and under object lock, of ledger/, manifests/ and receipts/."""
        return f"clickstream-{self.account}-evidence"

    def bucket_arn(self, bucket: str) -> str:
        return f"arn:aws:s3:::{bucket}"

    def role_arn(self, role: str) -> str:
        return f"arn:aws:iam::{self.account}:role/{role}"

    def stream_arn(self, stream: str) -> str:
        return f"arn:aws:kinesis:{self.region}:{self.account}:stream/{stream}"

    def topic_arn(self, topic: str) -> str:
        return f"arn:aws:sns:{self.region}:{self.account}:{topic}"
