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
        causes: what is wrong, the gravest first: codes of findings, or `task_failed`. Each has its runbook.
        where: the hours, or the task.
        impact: what does not hold any more.
        since: arrival hour or time from which on it is wrong.
        evidence: what was found, and uris of findings, ledger or log.
        next_step: the command or link that comes next.
    """

    source: str
    causes: Sequence[str]
    where: str
    impact: str
    since: str
    evidence: Sequence[str]
    next_step: str

    @property
    def headline(self) -> str:
        """What and where."""
        return f"{self.source}: {', '.join(self.causes)} in {self.where}"

    @property
    def message(self) -> str:
        """The whole text."""
        return "\n".join(
            (
                self.headline,
                f"Impact: {self.impact}",
                f"Since: {self.since}",
                *(f"Evidence: {each}" for each in self.evidence),
                *(f"Runbook: docs/runbooks/{cause}.md" for cause in self.causes),
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
            # A subject is ASCII and short; the message begins with the whole line.
            Subject=self.headline.encode("ascii", "replace").decode()[:SUBJECT_LIMIT],
            Message=self.message,
            MessageAttributes={
                "source": {"DataType": "String", "StringValue": self.source},
                "causes": {"DataType": "String", "StringValue": ",".join(self.causes)},
            },
        )
        message_id: str = answer["MessageId"]
        return message_id
