"""Where Firehose writes why it could not deliver: a log group and its one stream.

The console makes them by itself; for a delivery made through the API they must be there before it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

from clickstream.provisioning.resource import Difference, Resource, Settings

LOG_STREAM = "DestinationDelivery"
RETENTION_DAYS = 30
"""Otherwise CloudWatch keeps, and bills, logs for ever."""


class DeliveryLog(Resource):
    """The log group of a source's delivery."""

    kind = "delivery_log"

    @property
    def name(self) -> str:
        return f"/aws/firehose/{self.source.delivery.name}"

    def desired(self) -> Settings:
        return {"retention_days": RETENTION_DAYS, "log_stream": LOG_STREAM}

    def live(self) -> Settings | None:
        logs = self.cloud.client("logs")
        groups = logs.describe_log_groups(logGroupNamePrefix=self.name)["logGroups"]
        group = next((group for group in groups if group["logGroupName"] == self.name), None)
        if group is None:
            return None
        listed = logs.describe_log_streams(logGroupName=self.name, logStreamNamePrefix=LOG_STREAM)
        streams = [stream["logStreamName"] for stream in listed["logStreams"]]
        return {
            "retention_days": group.get("retentionInDays"),
            "log_stream": LOG_STREAM if LOG_STREAM in streams else None,
        }

    def create(self) -> None:
        self.cloud.client("logs").create_log_group(logGroupName=self.name)
        self._complete()

    def update(self, differences: Sequence[Difference]) -> None:
        self._complete()

    def delete(self) -> None:
        self.cloud.client("logs").delete_log_group(logGroupName=self.name)

    def _complete(self) -> None:
        logs = self.cloud.client("logs")
        logs.put_retention_policy(logGroupName=self.name, retentionInDays=RETENTION_DAYS)
        with contextlib.suppress(logs.exceptions.ResourceAlreadyExistsException):
            logs.create_log_stream(logGroupName=self.name, logStreamName=LOG_STREAM)
