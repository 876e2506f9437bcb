"""The Kinesis stream of a source.

Limits: https://docs.aws.amazon.com/kinesis/latest/APIReference/API_UpdateShardCount.html (twice or half at most, ten
times a day), API_UpdateStreamMode.html (twice a day).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from clickstream.provisioning.plan import compare
from clickstream.provisioning.resource import Difference, Resource, Settings
from clickstream.provisioning.waiting import wait
from clickstream.sources.model import Source

_TAG = "tag "


class Stream(Resource):
    """A stream, of provisioned shards or on demand."""

    kind = "stream"

    @classmethod
    def is_part_of(cls, source: Source) -> bool:
        return source.stream is not None

    @property
    def name(self) -> str:
        return self.source.declared_stream.name

    def desired(self) -> Settings:
        stream = self.source.declared_stream
        return {
            "mode": stream.mode.upper(),
            "shards": stream.shards,
            "retention_hours": stream.retention_hours,
            "kms_key": stream.kms_key,
            "enhanced_metrics": _listed(stream.enhanced_metrics),
            **{f"{_TAG}{name}": value for name, value in stream.tags.items()},
        }

    def live(self) -> Settings | None:
        self._settle()
        try:
            stream = self._describe()
        except self.cloud.client("kinesis").exceptions.ResourceNotFoundException:
            return None
        mode = stream.get("StreamModeDetails", {}).get("StreamMode", "PROVISIONED")
        return {
            "mode": mode,
            # On demand AWS chooses their number.
            "shards": stream["OpenShardCount"] if mode == "PROVISIONED" else None,
            "retention_hours": stream["RetentionPeriodHours"],
            "kms_key": stream.get("KeyId"),
            "enhanced_metrics": _listed(
                metric for shard in stream["EnhancedMonitoring"] for metric in shard.get("ShardLevelMetrics", ())
            ),
            **{f"{_TAG}{name}": value for name, value in self._tags().items()},
        }

    def is_dearer(self, difference: Difference) -> bool:
        match difference.field:
            case "shards" | "retention_hours":
                return difference.grows
            case "mode":
                return difference.desired == "ON_DEMAND"
            case "kms_key":
                return difference.live is None
            case "enhanced_metrics":
                return not set(_split(difference.desired)) <= set(_split(difference.live))
        return False

    def create(self) -> None:
        stream = self.source.declared_stream
        self.cloud.client("kinesis").create_stream(
            StreamName=self.name,
            StreamModeDetails={"StreamMode": stream.mode.upper()},
            **({"ShardCount": stream.shards} if stream.shards else {}),
        )
        # The other settings cannot be given with the creation.
        self.update(compare(self.live() or {}, self.desired()))

    def update(self, differences: Sequence[Difference]) -> None:
        for difference in differences:
            self._change(difference)
            self._settle()

    def delete(self) -> None:
        kinesis = self.cloud.client("kinesis")
        kinesis.delete_stream(StreamName=self.name, EnforceConsumerDeletion=True)
        kinesis.get_waiter("stream_not_exists").wait(StreamName=self.name)

    def _change(self, difference: Difference) -> None:
        kinesis, this = self.cloud.client("kinesis"), {"StreamName": self.name}
        field, live, desired = difference.field, difference.live, difference.desired
        match field:
            case "mode":
                arn = self.cloud.names.stream_arn(self.name)
                kinesis.update_stream_mode(StreamARN=arn, StreamModeDetails={"StreamMode": desired})
            case "shards" if isinstance(desired, int):
                for shards in reshardings(self._describe()["OpenShardCount"], desired):
                    kinesis.update_shard_count(**this, TargetShardCount=shards, ScalingType="UNIFORM_SCALING")
                    self._settle()
            case "retention_hours" if difference.grows:
                kinesis.increase_stream_retention_period(**this, RetentionPeriodHours=desired)
            case "retention_hours":
                kinesis.decrease_stream_retention_period(**this, RetentionPeriodHours=desired)
            case "kms_key" if desired:
                kinesis.start_stream_encryption(**this, EncryptionType="KMS", KeyId=desired)
            case "kms_key":
                kinesis.stop_stream_encryption(**this, EncryptionType="KMS", KeyId=live)
            case "enhanced_metrics":
                if unwanted := sorted({*_split(live)} - {*_split(desired)}):
                    kinesis.disable_enhanced_monitoring(**this, ShardLevelMetrics=unwanted)
                    self._settle()
                if missing := sorted({*_split(desired)} - {*_split(live)}):
                    kinesis.enable_enhanced_monitoring(**this, ShardLevelMetrics=missing)
            case _ if desired is None:
                kinesis.remove_tags_from_stream(**this, TagKeys=[field.removeprefix(_TAG)])
            case _:
                kinesis.add_tags_to_stream(**this, Tags={field.removeprefix(_TAG): desired})

    def _tags(self) -> dict[str, str]:
        answer = self.cloud.client("kinesis").list_tags_for_stream(StreamName=self.name)
        return {tag["Key"]: tag["Value"] for tag in answer["Tags"]}

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


def _listed(names: Iterable[str]) -> str | None:
    return ", ".join(sorted(names)) or None


def _split(listed: object) -> list[str]:
    return str(listed).split(", ") if listed else []
