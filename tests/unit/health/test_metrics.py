"""One request for all metrics, and what its pages say."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from clickstream.health.metrics import (
    BEHIND,
    FRESHNESS,
    INCOMING,
    SUCCESS,
    THROTTLED,
    Metric,
    Point,
    Readings,
    read_metrics,
)
from clickstream.sources.model import Source
from tests.unit.reconciliation.makers import source

START = datetime(2026, 11, 18, 13, 10, 40, tzinfo=UTC)
NOW = datetime(2026, 11, 18, 13, 30, 40, tzinfo=UTC)


def at(minute: int) -> datetime:
    return NOW.replace(minute=minute, second=0)


def answered(*pages: dict[str, Any], of: Source | None = None) -> tuple[Readings, dict[str, Any]]:
    """What is read from these pages, and the first request."""
    asked: list[dict[str, Any]] = []
    client = boto3.client("cloudwatch", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
    client.meta.events.register(
        "provide-client-params.cloudwatch.GetMetricData", lambda params, **_: asked.append(params)
    )
    with Stubber(client) as stubber:
        for page in pages:
            stubber.add_response("get_metric_data", page)
        return read_metrics(client, of or source(), START, NOW), asked[0]


def test_each_metric_is_asked_for_at_the_part_that_has_it() -> None:
    _, request = answered({"MetricDataResults": []})
    asked = {
        (stat["Metric"]["Namespace"], stat["Metric"]["MetricName"], *stat["Metric"]["Dimensions"][0].values()): (
            stat["Stat"],
            stat["Period"],
        )
        for stat in (query["MetricStat"] for query in request["MetricDataQueries"])
    }
    kinesis = ("AWS/Kinesis", "StreamName", "retail-clickstream")
    firehose = ("AWS/Firehose", "DeliveryStreamName", "retail-clickstream-to-s3")
    assert asked == {
        (kinesis[0], "IncomingRecords", *kinesis[1:]): ("Sum", 60),
        (kinesis[0], "WriteProvisionedThroughputExceeded", *kinesis[1:]): ("Sum", 60),
        (firehose[0], "KinesisMillisBehindLatest", *firehose[1:]): ("Maximum", 60),
        (firehose[0], "DeliveryToS3.Success", *firehose[1:]): ("Average", 60),
        (firehose[0], "DeliveryToS3.DataFreshness", *firehose[1:]): ("Maximum", 60),
    }


def test_without_a_stream_the_delivery_measures_what_comes_in() -> None:
    _, request = answered({"MetricDataResults": []}, of=source(stream=None))
    asked = [query["MetricStat"]["Metric"] for query in request["MetricDataQueries"]]
    names = ["IncomingRecords", "ThrottledRecords", "DeliveryToS3.Success", "DeliveryToS3.DataFreshness"]
    assert [metric["MetricName"] for metric in asked] == names
    assert {(metric["Namespace"], metric["Dimensions"][0]["Value"]) for metric in asked} == {
        ("AWS/Firehose", "retail-clickstream-to-s3")
    }


def test_whole_minutes_are_asked_for_the_running_one_included() -> None:
    _, request = answered({"MetricDataResults": []})
    assert request["StartTime"] == at(10)
    assert request["EndTime"] > NOW


def test_every_page_is_read_and_each_result_is_of_its_metric() -> None:
    def result(number: int, minutes: list[int]) -> dict[str, Any]:
        return {"Id": f"m{number}", "Timestamps": [at(m) for m in minutes], "Values": [float(m) for m in minutes]}

    readings, request = answered(
        {"MetricDataResults": [result(0, [10, 11])], "NextToken": "more"},
        {"MetricDataResults": [result(0, [12]), *(result(number, [10 + number]) for number in range(1, 5))]},
    )
    assert request["ScanBy"] == "TimestampAscending"
    assert readings.since(INCOMING, START) == [Point(at(m), m) for m in (10, 11, 12)]
    for number, metric in enumerate((THROTTLED, BEHIND, SUCCESS, FRESHNESS), 1):
        assert readings.newest(metric) == Point(at(10 + number), 10 + number)


@pytest.mark.parametrize(
    ("start", "end", "minutes"),
    [
        (at(10), None, [10, 11, 12]),
        (at(10) + timedelta(seconds=59), None, [10, 11, 12]),
        (at(11), None, [11, 12]),
        (at(10), at(12), [10, 11]),
        (at(13), None, []),
    ],
)
def test_a_minute_counts_when_any_of_it_lies_after_the_start(
    start: datetime, end: datetime | None, minutes: list[int]
) -> None:
    readings = Readings({INCOMING: [Point(at(m), 1) for m in (10, 11, 12)]})
    assert [point.at for point in readings.since(INCOMING, start, end)] == [at(m) for m in minutes]


def test_a_metric_without_datapoints_has_none() -> None:
    unknown = Metric("stream", "PutRecords.Success", "Average")
    assert Readings().since(unknown, START) == []
    assert Readings({unknown: []}).newest(unknown) is None
