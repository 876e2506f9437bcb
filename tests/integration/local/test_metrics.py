"""CloudWatch: how metrics are read, how long they are kept, and when alarms go off."""

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.integration.local.conftest import Cloud, day_ago
from tests.integration.local.feed import Feed, metric

SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
NOON = day_ago(2) + 12 * HOUR


def put(cloud: Cloud, when: datetime, *values: float, namespace: str = "Mine", **dimensions: str) -> None:
    cloud.client("cloudwatch").put_metric_data(
        Namespace=namespace,
        MetricData=[
            {
                "MetricName": "m",
                "Value": value,
                "Timestamp": when,
                "Dimensions": [{"Name": key, "Value": text} for key, text in dimensions.items()],
            }
            for value in values
        ],
    )


def query(name: str, dimensions: dict[str, str], period: int = 60, statistic: str = "Sum") -> dict[str, Any]:
    return {
        "Id": name,
        "MetricStat": {
            "Metric": {
                "Namespace": "Mine",
                "MetricName": "m",
                "Dimensions": [{"Name": key, "Value": text} for key, text in dimensions.items()],
            },
            "Period": period,
            "Stat": statistic,
        },
    }


@pytest.mark.parametrize(
    ("statistic", "expected"),
    [("Sum", [6, 10]), ("Minimum", [1, 10]), ("Maximum", [3, 10]), ("Average", [2, 10]), ("SampleCount", [3, 1])],
)
def test_statistics_by_period(common_cloud: Cloud, statistic: str, expected: list[float]) -> None:
    put(common_cloud, NOON, 1, 2, a=statistic)
    put(common_cloud, NOON + 4 * MINUTE, 3, a=statistic)
    put(common_cloud, NOON + 5 * MINUTE, 10, a=statistic)
    found = metric(common_cloud, "Mine", "m", {"a": statistic}, NOON, NOON + HOUR, statistic, 300)
    assert found == dict(zip([NOON, NOON + 5 * MINUTE], expected, strict=True))


def test_a_metric_is_its_dimensions_exactly(common_cloud: Cloud) -> None:
    put(common_cloud, NOON, 1, b="1")
    put(common_cloud, NOON, 2, b="1", c="1")
    assert metric(common_cloud, "Mine", "m", {"b": "1"}, NOON, NOON + HOUR) == {NOON: 1}
    assert metric(common_cloud, "Mine", "m", {"c": "1"}, NOON, NOON + HOUR) == {}


def test_datapoints_come_newest_first_unless_asked_otherwise_and_in_pages(common_cloud: Cloud) -> None:
    for minute in range(5):
        put(common_cloud, NOON + minute * MINUTE, minute, d="1")
    client = common_cloud.client("cloudwatch")
    span = {"StartTime": NOON, "EndTime": NOON + HOUR, "MaxDatapoints": 4}
    queries = [query("one", {"d": "1"}), query("two", {"d": "1"}, 3600)]
    first = client.get_metric_data(MetricDataQueries=queries, **span)
    (result,) = first["MetricDataResults"]
    assert (result["Values"], result["StatusCode"]) == ([4, 3, 2, 1], "PartialData")
    second = client.get_metric_data(MetricDataQueries=queries, NextToken=first["NextToken"], **span)
    assert [(one["Id"], one["Values"], one["StatusCode"]) for one in second["MetricDataResults"]] == [
        ("one", [0], "Complete"),
        ("two", [10], "Complete"),
    ]
    assert "NextToken" not in second
    ascending = client.get_metric_data(MetricDataQueries=queries[:1], ScanBy="TimestampAscending", **span)
    assert ascending["MetricDataResults"][0]["Values"] == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("age", "periods"),
    [(14, {60, 300, 3600}), (16, {300, 3600}), (62, {300, 3600}), (64, {3600}), (454, {3600}), (456, set())],
)
def test_an_old_datapoint_is_only_there_in_coarse_periods(common_cloud: Cloud, age: int, periods: set[int]) -> None:
    feed = Feed(common_cloud)
    when = day_ago(age) + 12 * HOUR
    feed.put_at(when, b"x")
    answering = {
        period
        for period in (60, 300, 3600)
        if metric(
            common_cloud,
            "AWS/Kinesis",
            "IncomingRecords",
            {"StreamName": feed.name},
            when,
            when + HOUR,
            period=period,
        )
    }
    assert answering == periods


def test_get_metric_statistics(common_cloud: Cloud) -> None:
    feed = Feed(common_cloud)
    feed.put_at(NOON, b"x", b"y")
    client = common_cloud.client("cloudwatch")
    asked = {
        "Namespace": "AWS/Kinesis",
        "MetricName": "IncomingRecords",
        "Dimensions": [{"Name": "StreamName", "Value": feed.name}],
        "Statistics": ["Sum", "Maximum"],
        "StartTime": NOON,
    }
    answer = client.get_metric_statistics(**asked, EndTime=NOON + HOUR, Period=60)
    assert answer["Datapoints"] == [{"Timestamp": NOON, "Unit": "Count", "Sum": 2, "Maximum": 2}]
    with pytest.raises(ClientError, match="exceeds the limit of 1440"):
        client.get_metric_statistics(**asked, EndTime=NOON + 25 * HOUR, Period=60)


@pytest.mark.parametrize(
    "wrong",
    [{"Id": "e", "Expression": "SUM(METRICS())"}, query("p", {}, 61), query("s", {}, 60, "p99")],
    ids=["metric math", "period", "percentile"],
)
def test_queries_that_are_not_served_answer_an_error(common_cloud: Cloud, wrong: dict[str, Any]) -> None:
    client = common_cloud.client("cloudwatch")
    with pytest.raises(ClientError):
        client.get_metric_data(MetricDataQueries=[wrong], StartTime=NOON, EndTime=NOON + HOUR)


def test_metrics_are_listed_by_namespace_name_and_dimension(common_cloud: Cloud) -> None:
    feed = Feed(common_cloud)
    feed.put_at(NOON, b"x")
    client = common_cloud.client("cloudwatch")
    dimension = {"Name": "StreamName", "Value": feed.name}
    (listed,) = client.list_metrics(Namespace="AWS/Kinesis", MetricName="IncomingBytes", Dimensions=[dimension])[
        "Metrics"
    ]
    assert listed == {"Namespace": "AWS/Kinesis", "MetricName": "IncomingBytes", "Dimensions": [dimension]}


def test_alarms_watch_service_metrics_and_their_absence(common_cloud: Cloud) -> None:
    feed = Feed(common_cloud)
    sqs, sns, cloudwatch = (common_cloud.client(name) for name in ("sqs", "sns", "cloudwatch"))
    queue = sqs.create_queue(QueueName="alarms", Attributes={"MessageRetentionPeriod": "1209600"})["QueueUrl"]
    topic = sns.create_topic(Name="alarms")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint="arn:aws:sqs:us-east-1:000000000000:alarms")

    def states() -> dict[str, str]:
        found = cloudwatch.describe_alarms()["MetricAlarms"]
        return {alarm["AlarmName"]: alarm["StateValue"] for alarm in found}

    def alarm(name: str, stream: str, threshold: float, comparison: str, missing: str) -> None:
        cloudwatch.put_metric_alarm(
            AlarmName=name,
            Namespace="AWS/Kinesis",
            MetricName="IncomingRecords",
            Dimensions=[{"Name": "StreamName", "Value": stream}],
            Statistic="Sum",
            Period=60,
            EvaluationPeriods=2,
            Threshold=threshold,
            ComparisonOperator=comparison,
            TreatMissingData=missing,
            AlarmActions=[topic],
        )

    common_cloud.set_clock(NOON)
    alarm("much", feed.name, 2, "GreaterThanThreshold", "notBreaching")
    alarm("silent", feed.name, 1, "LessThanThreshold", "breaching")
    alarm("unknown", "no such stream", 1, "LessThanThreshold", "missing")
    for minute in range(1, 4):
        feed.put_at(NOON + minute * MINUTE, b"x", b"y", b"z")
    common_cloud.set_clock(NOON + 4 * MINUTE + SECOND)
    assert states() == {"much": "ALARM", "silent": "OK", "unknown": "INSUFFICIENT_DATA"}
    common_cloud.set_clock(NOON + HOUR)
    assert states() == {"much": "OK", "silent": "ALARM", "unknown": "INSUFFICIENT_DATA"}
    messages = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10)["Messages"]
    told = [json.loads(json.loads(message["Body"])["Message"]) for message in messages]
    assert [one["AlarmName"] for one in told] == ["silent", "much", "silent"]
