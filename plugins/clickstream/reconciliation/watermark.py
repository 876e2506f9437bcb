"""The watermark: when an hour is closed, read off Firehose's own metrics.

A datapoint at time t with freshness f says that at some moment from t on nothing older than t - f was undelivered.
Firehose counts the age of a record from when it has got it: from a stream, it must also have caught up with that.
https://docs.aws.amazon.com/firehose/latest/dev/monitoring-with-cloudwatch-metrics.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from clickstream.sources.model import Carrier, Source

PERIODS = (60, 300, 3600)
"""Seconds. CloudWatch keeps them 15, 63 and 455 days; whichever still is there answers."""

_FRESHNESS = {"freshness": "DeliveryToS3.DataFreshness"}
_METRICS: Mapping[Carrier, Mapping[str, str]] = {
    "stream": {**_FRESHNESS, "lag": "KinesisMillisBehindLatest"},
    "delivery": _FRESHNESS,
}


@dataclass(frozen=True)
class Watermark:
    """Whether everything that arrived before `end` has been delivered.

    Attributes:
        passed: it has.
        seen_at: the datapoint that shows it.
    """

    passed: bool
    seen_at: datetime | None = None


def watermark_request(source: Source, end: datetime) -> dict[str, Any]:
    """The GetMetricData request that decides whether the watermark has passed `end`."""
    return {
        "MetricDataQueries": [
            {
                "Id": f"{name}_{period}",
                "MetricStat": {
                    "Metric": {
                        "Namespace": "AWS/Firehose",
                        "MetricName": metric,
                        "Dimensions": [{"Name": "DeliveryStreamName", "Value": source.delivery.name}],
                    },
                    "Period": period,
                    "Stat": "Minimum",
                },
            }
            for period in PERIODS
            for name, metric in _METRICS[source.entrance].items()
        ],
        "StartTime": end,
        "EndTime": end + timedelta(minutes=source.checks.settle_limit_minutes),
        "ScanBy": "TimestampAscending",
    }


def read_watermark(source: Source, answer: Mapping[str, Any], end: datetime) -> Watermark:
    """Decide from the answer to `watermark_request`."""
    results = {result["Id"]: result for result in answer["MetricDataResults"]}
    for period in PERIODS:
        caught_up = _caught_up(_points(results[f"lag_{period}"]), end) if source.stream else end
        for at, freshness in _points(results[f"freshness_{period}"]):
            # What was read last may still have been in the buffer when the consumer caught up.
            if caught_up is not None and at - timedelta(seconds=freshness) >= caught_up:
                return Watermark(True, at)
    return Watermark(False)


def _caught_up(lags: Sequence[tuple[datetime, float]], end: datetime) -> datetime | None:
    """When the delivery had read all that came into the stream before `end`."""
    return min((at for at, lag in lags if at >= end and lag == 0), default=None)


def _points(result: Mapping[str, Any]) -> Sequence[tuple[datetime, float]]:
    return list(zip(result["Timestamps"], result["Values"], strict=True))
