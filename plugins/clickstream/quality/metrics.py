"""What quality came to, as metrics that alarms and dashboards of others can be made of."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from clickstream.quality.entry import QualityEntry
from clickstream.quality.suites import SEVERITIES

NAMESPACE = "Clickstream/Quality"


def publish(cloudwatch: Any, entries: Iterable[QualityEntry]) -> None:
    """Put `ExpectationsFailed` by Source, Tier and Severity: how many failed in a run, 0 included.

    Args:
        cloudwatch: boto3 client.
    """
    data = [
        {
            "MetricName": "ExpectationsFailed",
            "Dimensions": [
                {"Name": "Source", "Value": entry.source},
                {"Name": "Tier", "Value": entry.tier},
                {"Name": "Severity", "Value": severity},
            ],
            "Value": len(entry.failed.get(severity, ())),
            "Unit": "Count",
        }
        for entry in entries
        for severity in SEVERITIES
    ]
    cloudwatch.put_metric_data(Namespace=NAMESPACE, MetricData=data)
