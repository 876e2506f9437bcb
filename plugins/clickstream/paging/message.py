"""One message as SNS takes it; it waits in its incident until SNS has it."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

TOPIC = "clickstream-pages"
SUBJECT_LIMIT = 99
"""Characters; https://docs.aws.amazon.com/sns/latest/api/API_Publish.html"""

Kind = Literal["opened", "reminder", "resolved"]


class Message(BaseModel):
    """A page of an incident.

    Attributes:
        number: counted within the incident's document, from 1.
        kind, source, cause: what subscribers can filter by.
        text: what people read; its first line says what and where.
    """

    model_config = ConfigDict(frozen=True)

    number: int
    kind: Kind
    source: str
    cause: str
    text: str

    def publish(self, sns: Any, topic: str) -> str:
        """Publish to a topic; the message's id there.

        Args:
            sns: boto3 client.
            topic: ARN.

        Raises:
            botocore.exceptions.ClientError, botocore.exceptions.BotoCoreError: SNS did not take it, or did not say.
        """
        headline, _, _ = self.text.partition("\n")
        answer = sns.publish(
            TopicArn=topic,
            # A subject is ASCII and short; the message begins with the whole line.
            Subject=headline.encode("ascii", "replace").decode()[:SUBJECT_LIMIT],
            Message=self.text,
            MessageAttributes={
                name: {"DataType": "String", "StringValue": value}
                for name, value in (("source", self.source), ("cause", self.cause), ("kind", self.kind))
            },
        )
        message_id: str = answer["MessageId"]
        return message_id
