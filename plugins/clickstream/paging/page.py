"""The page: what, where, since when, the evidence, the runbook and the exact next step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

TOPIC = "clickstream-pages"
SUBJECT_LIMIT = 99
"""Characters; https://docs.aws.amazon.com/sns/latest/api/API_Publish.html"""


@dataclass(frozen=True)
class Page:
    """One message for one incident.

    Attributes:
        source: the source concerned.
        cause: what is wrong: a finding's code, or the task that failed.
        where: the hours or the object concerned.
        impact: what does not hold any more.
        since: arrival hour or time from which on it is wrong.
        evidence: uris of findings and ledger, or the log.
        next_step: the command or link that comes next.
    """

    source: str
    cause: str
    where: str
    impact: str
    since: str
    evidence: Sequence[str]
    next_step: str

    @property
    def subject(self) -> str:
        """First line, as SNS allows it: ASCII and at most 99 characters."""
        line = f"{self.source}: {self.cause} in {self.where}"
        return line.encode("ascii", "replace").decode()[:SUBJECT_LIMIT]

    @property
    def message(self) -> str:
        """The whole text."""
        return "\n".join(
            (
                f"{self.source}: {self.cause} in {self.where}",
                f"Impact: {self.impact}",
                f"Since: {self.since}",
                *(f"Evidence: {uri}" for uri in self.evidence),
                f"Runbook: docs/runbooks/{self.cause}.md",
                f"Next: {self.next_step}",
            )
        )

    def send(self, sns: Any, account: str) -> str:
        """Publish to the product's topic; its message id.

        Args:
            sns: boto3 client.
            account: twelve digits.
        """
        answer = sns.publish(
            TopicArn=f"arn:aws:sns:{sns.meta.region_name}:{account}:{TOPIC}",
            Subject=self.subject,
            Message=self.message,
            MessageAttributes={
                "source": {"DataType": "String", "StringValue": self.source},
                "cause": {"DataType": "String", "StringValue": self.cause},
            },
        )
        message_id: str = answer["MessageId"]
        return message_id
