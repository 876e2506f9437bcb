"""The CloudWatch alarms on a source's live path: they ring also when nothing of ours is running.

`health` looks at the same metrics against the same thresholds every five minutes, knows heartbeats and quiet hours, and
tells people the next step. Its pages come first: an alarm needs two bad periods of five minutes.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from clickstream.health.metrics import DIMENSIONS, FRESHNESS, MEASURES, SUCCESS, Metric
from clickstream.paging.message import TOPIC
from clickstream.provisioning.resource import Difference, Resource, Settings
from clickstream.sources.model import Carrier, Health, Source

_FIELDS = (
    "Namespace",
    "MetricName",
    "Statistic",
    "Period",
    "EvaluationPeriods",
    "ComparisonOperator",
    "Threshold",
    "TreatMissingData",
    "AlarmDescription",
)
MINUTE, FIVE_MINUTES = 60, 300
_THROTTLED: Mapping[Carrier, str] = {
    "stream": "the stream refuses records: its shards are full",
    "delivery": "the delivery refuses records: its quota is used up",
}


class Alarms(Resource):
    """All alarms of a source; their names begin with the source's."""

    kind = "alarms"

    @classmethod
    def is_part_of(cls, source: Source) -> bool:
        return source.health is not None

    @property
    def name(self) -> str:
        return f"{self.source.name}__*"

    def desired(self) -> Settings:
        return _settings(self._alarms())

    def live(self) -> Settings | None:
        return _settings(self._living()) or None

    def create(self) -> None:
        for alarm in self._alarms():
            self.cloud.client("cloudwatch").put_metric_alarm(**alarm)

    def update(self, differences: Sequence[Difference]) -> None:
        self.create()
        declared = {alarm["AlarmName"] for alarm in self._alarms()}
        if unwanted := sorted({alarm["AlarmName"] for alarm in self._living()} - declared):
            self.cloud.client("cloudwatch").delete_alarms(AlarmNames=unwanted)

    def delete(self) -> None:
        names = [alarm["AlarmName"] for alarm in self._living()]
        self.cloud.client("cloudwatch").delete_alarms(AlarmNames=names)

    def _living(self) -> list[Mapping[str, Any]]:
        pages = (
            self.cloud.client("cloudwatch")
            .get_paginator("describe_alarms")
            .paginate(AlarmNamePrefix=f"{self.source.name}__", AlarmTypes=["MetricAlarm"])
        )
        return [alarm for page in pages for alarm in page["MetricAlarms"]]

    def _alarms(self) -> list[dict[str, Any]]:
        health = self.source.health or Health()
        measures = MEASURES[self.source.entrance]
        return [
            self._alarm(
                "incoming_low",
                measures.incoming,
                (MINUTE, 15),
                ("LessThanThreshold", health.incoming_per_minute, "breaching"),
                "fewer records a minute than expected, heartbeats included; quiet hours ring too, so nobody is paged",
                pages=False,
            ),
            self._alarm(
                "throttled",
                measures.throttled,
                (FIVE_MINUTES, 2),
                ("GreaterThanThreshold", health.throttled, "notBreaching"),
                _THROTTLED[measures.throttled.part],
            ),
            self._alarm(
                "delivery_stalled",
                FRESHNESS,
                (FIVE_MINUTES, 2),
                ("GreaterThanThreshold", health.freshness_seconds, "missing"),
                "the oldest record that is not delivered waits too long",
            ),
            self._alarm(
                "delivery_failing",
                SUCCESS,
                (FIVE_MINUTES, 2),
                ("LessThanThreshold", health.delivery_success, "missing"),
                "writes to Bronze fail",
            ),
        ]

    def _alarm(
        self,
        what: str,
        metric: Metric,
        time: tuple[int, int],
        rule: tuple[str, float, str],
        description: str,
        *,
        pages: bool = True,
    ) -> dict[str, Any]:
        namespace, dimension = DIMENSIONS[metric.part]
        period, periods = time
        comparison, threshold, missing = rule
        return {
            "AlarmName": f"{self.source.name}__{what}",
            "AlarmDescription": f"{self.source.name}: {description}",
            "Namespace": namespace,
            "MetricName": metric.name,
            "Dimensions": [{"Name": dimension, "Value": self.source.carriers[metric.part]}],
            "Statistic": metric.statistic,
            "Period": period,
            "EvaluationPeriods": periods,
            "ComparisonOperator": comparison,
            "Threshold": float(threshold),
            "TreatMissingData": missing,
            "AlarmActions": [self.cloud.names.topic_arn(TOPIC)] if pages else [],
        }


def _settings(alarms: Sequence[Mapping[str, Any]]) -> Settings:
    """Alarms as CloudWatch describes them; their definitions have the same form."""
    settings: dict[str, str | int | None] = {}
    for alarm in alarms:
        what = alarm["AlarmName"].partition("__")[2]
        for field in _FIELDS:
            value = alarm.get(field)
            settings[f"{what} {field}"] = str(value) if isinstance(value, float) else value
        settings[f"{what} of"] = ", ".join(f"{d['Name']}={d['Value']}" for d in alarm["Dimensions"])
        settings[f"{what} actions"] = ", ".join(alarm.get("AlarmActions", ())) or None
    return settings
