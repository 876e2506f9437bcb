"""The services' metrics of a live path, minute by minute, in one request.

What comes in is measured where records are put. A delivery that reads from Kinesis has no IncomingRecords and
ThrottledRecords of its own: those of its stream stand for them, and its lag behind the stream comes in addition.
https://docs.aws.amazon.com/streams/latest/dev/monitoring-with-cloudwatch.html
https://docs.aws.amazon.com/firehose/latest/dev/monitoring-with-cloudwatch-metrics.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple

from clickstream.sources.model import Carrier, Source

MINUTE = timedelta(minutes=1)
METRICS_LATE = timedelta(minutes=5)
"""After this long CloudWatch shows what a service has measured."""


class Metric(NamedTuple):
    """One metric of a part of the path."""

    part: Carrier
    name: str
    statistic: Literal["Sum", "Average", "Maximum"]


INCOMING = Metric("stream", "IncomingRecords", "Sum")
THROTTLED = Metric("stream", "WriteProvisionedThroughputExceeded", "Sum")
BEHIND = Metric("delivery", "KinesisMillisBehindLatest", "Maximum")
SUCCESS = Metric("delivery", "DeliveryToS3.Success", "Average")
FRESHNESS = Metric("delivery", "DeliveryToS3.DataFreshness", "Maximum")

INCOMING_BY_PUT = Metric("delivery", "IncomingRecords", "Sum")
THROTTLED_BY_PUT = Metric("delivery", "ThrottledRecords", "Sum")


@dataclass(frozen=True)
class Measures:
    """The metrics of a path, by what they say of it.

    Attributes:
        incoming: records taken.
        throttled: records refused for being too many.
        of_entrance: measured whenever a record is put: after each one there must be a datapoint.
        of_delivery: likewise, whenever a record is delivered.
    """

    incoming: Metric
    throttled: Metric
    of_entrance: tuple[Metric, ...]
    of_delivery: tuple[Metric, ...]

    @property
    def all(self) -> tuple[Metric, ...]:
        return self.incoming, self.throttled, *self.of_delivery


MEASURES: Mapping[Carrier, Measures] = {
    "stream": Measures(INCOMING, THROTTLED, (INCOMING, THROTTLED), (BEHIND, SUCCESS, FRESHNESS)),
    # That nothing was refused may also be said by no datapoint.
    "delivery": Measures(INCOMING_BY_PUT, THROTTLED_BY_PUT, (INCOMING_BY_PUT,), (SUCCESS, FRESHNESS)),
}
"""By the entrance of the path."""

DIMENSIONS: Mapping[Carrier, tuple[str, str]] = {
    "stream": ("AWS/Kinesis", "StreamName"),
    "delivery": ("AWS/Firehose", "DeliveryStreamName"),
}
"""Namespace, and the dimension that names the part."""


class Point(NamedTuple):
    """What was measured in the minute that begins at a time."""

    at: datetime
    value: float


@dataclass(frozen=True)
class Readings:
    """Datapoints by metric, in the order of time; a metric without any is absent."""

    points: Mapping[Metric, Sequence[Point]] = field(default_factory=dict)

    def since(self, metric: Metric, start: datetime, end: datetime | None = None) -> list[Point]:
        """The datapoints of the minutes from the one that `start` lies in until before `end`."""
        first = start.replace(second=0, microsecond=0)
        return [point for point in self.points.get(metric, ()) if first <= point.at and (end is None or point.at < end)]

    def newest(self, metric: Metric) -> Point | None:
        """The last datapoint there is."""
        points = self.points.get(metric)
        return points[-1] if points else None


def read_metrics(cloudwatch: Any, source: Source, start: datetime, now: datetime) -> Readings:
    """All metrics of a path from the minute of `start` on until now.

    Args:
        cloudwatch: boto3 client.
        start: not more than 15 days ago: minutes are kept no longer.
    """
    metrics = MEASURES[source.entrance].all
    pages = cloudwatch.get_paginator("get_metric_data").paginate(
        MetricDataQueries=[_query(source, metric, f"m{number}") for number, metric in enumerate(metrics)],
        StartTime=start.replace(second=0, microsecond=0),
        EndTime=now + MINUTE,
        ScanBy="TimestampAscending",
    )
    points: dict[Metric, list[Point]] = {}
    for page in pages:
        for result in page["MetricDataResults"]:
            series = points.setdefault(metrics[int(result["Id"][1:])], [])
            series += map(Point, result["Timestamps"], result["Values"])
    return Readings(points)


def _query(source: Source, metric: Metric, identity: str) -> dict[str, Any]:
    namespace, dimension = DIMENSIONS[metric.part]
    return {
        "Id": identity,
        "MetricStat": {
            "Metric": {
                "Namespace": namespace,
                "MetricName": metric.name,
                "Dimensions": [{"Name": dimension, "Value": source.carriers[metric.part]}],
            },
            "Period": 60,
            "Stat": metric.statistic,
        },
    }
