"""The Kinesis stream of a source.

Limits: https://docs.aws.amazon.com/kinesis/latest/APIReference/API_UpdateShardCount.html
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from clickstream.provisioning.resource import Difference, Resource, Settings
from clickstream.provisioning.waiting import wait

DEFAULT_RETENTION_HOURS = 24


class Stream(Resource):
    """A stream of provisioned shards."""

    kind = "stream"

    @property
    def name(self) -> str:
        return self.source.stream.name

    def desired(self) -> Settings:
        return {"shards": self.source.stream.shards, "retention_hours": self.source.stream.retention_hours}

    def live(self) -> Settings | None:
        self._settle()
        try:
            stream = self._describe()
        except self.cloud.client("kinesis").exceptions.ResourceNotFoundException:
            return None
        return {"shards": stream["OpenShardCount"], "retention_hours": stream["RetentionPeriodHours"]}

    def create(self) -> None:
        self.cloud.client("kinesis").create_stream(
            StreamName=self.name,
            ShardCount=self.source.stream.shards,
            StreamModeDetails={"StreamMode": "PROVISIONED"},
        )
        self._settle()
        self._retain(DEFAULT_RETENTION_HOURS)

    def update(self, differences: Sequence[Difference]) -> None:
        stream = self._describe()
        self._retain(stream["RetentionPeriodHours"])
        self._reshard(stream["OpenShardCount"])

    def _retain(self, live: int) -> None:
        kinesis, hours = self.cloud.client("kinesis"), self.source.stream.retention_hours
        if hours > live:
            kinesis.increase_stream_retention_period(StreamName=self.name, RetentionPeriodHours=hours)
        elif hours < live:
            kinesis.decrease_stream_retention_period(StreamName=self.name, RetentionPeriodHours=hours)
        self._settle()

    def _reshard(self, live: int) -> None:
        for shards in reshardings(live, self.source.stream.shards):
            self.cloud.client("kinesis").update_shard_count(
                StreamName=self.name, TargetShardCount=shards, ScalingType="UNIFORM_SCALING"
            )
            self._settle()

    def _describe(self) -> dict[str, Any]:
        answer = self.cloud.client("kinesis").describe_stream_summary(StreamName=self.name)
        stream: dict[str, Any] = answer["StreamDescriptionSummary"]
        return stream

    def _settle(self) -> None:
        wait(self.cloud.client("kinesis"), "StreamSettled", StreamName=self.name)


def reshardings(live: int, desired: int) -> list[int]:
    """The shard counts to pass through: AWS doubles or halves a stream at most, in one call.

    Example:
        >>> reshardings(2, 7)
        [4, 7]
    """
    counts = []
    while live != desired:
        live = min(desired, live * 2) if live < desired else max(desired, (live + 1) // 2)
        counts.append(live)
    return counts
