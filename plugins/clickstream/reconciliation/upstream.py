"""The tiers before Bronze: what the stream took, what the delivery wrote, what the producer was promised."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from clickstream.lake.windows import HOUR, hour_text
from clickstream.reconciliation.findings import Finding
from clickstream.sources.model import Carrier, Source

_METRICS: Mapping[Carrier, tuple[str, str, str]] = {
    "stream": ("AWS/Kinesis", "IncomingRecords", "StreamName"),
    "delivery": ("AWS/Firehose", "DeliveryToS3.Records", "DeliveryStreamName"),
}


def upstream_counts(cloudwatch: Any, source: Source, hours: Iterable[datetime]) -> dict[Carrier, dict[datetime, int]]:
    """Records by hour at the stream, if there is one, and at the delivery, as counted there; no datapoint is 0.

    Args:
        cloudwatch: boto3 client.
        hours: the hours wanted; asked for as one range, in periods of an hour (kept 455 days).

    Returns:
        `{"stream": {hour: records}, "delivery": {hour: records}}`, without the stream when there is none.
    """
    wanted = sorted(hours)
    pages = cloudwatch.get_paginator("get_metric_data").paginate(
        MetricDataQueries=[
            {
                "Id": carrier,
                "MetricStat": {
                    "Metric": {
                        "Namespace": namespace,
                        "MetricName": metric,
                        "Dimensions": [{"Name": dimension, "Value": name}],
                    },
                    "Period": 3600,
                    "Stat": "Sum",
                },
            }
            for carrier, name in source.carriers.items()
            for namespace, metric, dimension in (_METRICS[carrier],)
        ],
        StartTime=wanted[0],
        EndTime=wanted[-1] + HOUR,
    )
    counts = {carrier: dict.fromkeys(wanted, 0) for carrier in source.carriers}
    for page in pages:
        for result in page["MetricDataResults"]:
            tier = counts[result["Id"]]
            for at, value in zip(result["Timestamps"], result["Values"], strict=True):
                if at in tier:
                    tier[at] += round(value)
    return counts


@dataclass(frozen=True)
class HourFlow:
    """Records of an hour at the stream and in Bronze, and the most that one delivered object held."""

    stream: int
    bronze: int
    largest_object: int


def upstream_deficits(flows: Mapping[datetime, HourFlow], checked: Iterable[datetime]) -> list[Finding]:
    """Hours in which Bronze got less than the stream took.

    An object is keyed by its oldest record's arrival, so records of an hour's beginning can lie in the hour before:
    what an hour has too much, up to one object, is carried into the next. What is too much beyond that was
    delivered twice and shows up as duplicates; what is too little is a loss, booked to its hour alone.

    Args:
        flows: every hour known. After a gap, one object's records are let pass: what lies before is not known.
        checked: the hours that this run speaks about.
    """
    spoken_of = set(checked)
    findings = []
    carried, previous = 0, None
    for hour in sorted(flows):
        flow = flows[hour]
        if previous is None or hour - previous != HOUR:
            carried = flow.largest_object
        deficit = flow.stream - flow.bronze - carried
        if deficit > 0 and hour in spoken_of:
            findings.append(
                Finding(
                    arrival_hour=hour_text(hour),
                    code="upstream_deficit",
                    records=deficit,
                    expected=flow.stream,
                    found=flow.stream - deficit,
                    text=f"the stream took {flow.stream} records and {deficit} of them never reached Bronze",
                )
            )
        carried = min(max(-deficit, 0), flow.largest_object)
        previous = hour
    return findings
