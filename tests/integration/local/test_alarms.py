"""Metric alarms: how they are kept, and what state they are in when datapoints are missing."""

from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.integration.local.conftest import Cloud, day_ago

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
NOON = day_ago(2) + 12 * HOUR
TREATMENTS = ("missing", "ignore", "breaching", "notBreaching")
UNKNOWN = "INSUFFICIENT_DATA"
ALARM = {
    "AlarmName": "alarm",
    "Namespace": "Mine",
    "MetricName": "m",
    "Statistic": "Maximum",
    "Period": 60,
    "EvaluationPeriods": 3,
    "Threshold": 0.5,
    "ComparisonOperator": "GreaterThanThreshold",
}


def put_alarm(cloud: Cloud, name: str, **said: Any) -> None:
    cloud.client("cloudwatch").put_metric_alarm(**ALARM | {"AlarmName": name} | said)


def names(cloud: Cloud, **wanted: Any) -> list[str]:
    pages = cloud.client("cloudwatch").get_paginator("describe_alarms").paginate(**wanted)
    return [alarm["AlarmName"] for page in pages for alarm in page["MetricAlarms"]]


# The examples of the user guide: X breaches, 0 does not, - is missing; oldest first, with 3 periods evaluated.
@pytest.mark.parametrize(
    ("to_alarm", "datapoints", "states"),
    [
        (3, "0-X-X", ("OK", "OK", "OK", "OK")),
        (3, "----0", ("OK", "OK", "OK", "OK")),
        (3, "-----", (UNKNOWN, UNKNOWN, "ALARM", "OK")),
        (3, "0XX-X", ("ALARM", "ALARM", "ALARM", "ALARM")),
        (3, "--X--", ("ALARM", UNKNOWN, "ALARM", "OK")),
        (2, "0-X-X", ("ALARM", "ALARM", "ALARM", "ALARM")),
        (2, "00X0X", ("ALARM", "ALARM", "ALARM", "ALARM")),
        (2, "0-X--", ("OK", "OK", "ALARM", "OK")),
        (2, "----0", ("OK", "OK", "ALARM", "OK")),
        (2, "----X", (UNKNOWN, UNKNOWN, "ALARM", "OK")),
    ],
)
def test_missing_datapoints(common_cloud: Cloud, to_alarm: int, datapoints: str, states: tuple[str, ...]) -> None:
    cloudwatch = common_cloud.client("cloudwatch")
    common_cloud.set_clock(NOON + 5 * MINUTE + SECOND)
    dimensions = [{"Name": "case", "Value": f"{to_alarm} {datapoints}"}]
    for minute, datapoint in enumerate(datapoints):
        if datapoint != "-":
            value = {"MetricName": "m", "Value": float(datapoint == "X"), "Timestamp": NOON + minute * MINUTE}
            cloudwatch.put_metric_data(Namespace="Mine", MetricData=[value | {"Dimensions": dimensions}])
    for treatment in TREATMENTS:
        put_alarm(
            common_cloud, treatment, Dimensions=dimensions, DatapointsToAlarm=to_alarm, TreatMissingData=treatment
        )
    found = cloudwatch.describe_alarms(AlarmNames=list(TREATMENTS))["MetricAlarms"]
    now = {alarm["AlarmName"]: alarm["StateValue"] for alarm in found}
    cloudwatch.delete_alarms(AlarmNames=list(TREATMENTS))
    assert tuple(now[treatment] for treatment in TREATMENTS) == states


def test_alarms_are_found_by_name_and_prefix_in_pages_changed_and_deleted(common_cloud: Cloud) -> None:
    cloudwatch = common_cloud.client("cloudwatch")
    for number in range(5):
        put_alarm(common_cloud, f"web-{number}")
    put_alarm(common_cloud, "other")
    assert names(common_cloud, AlarmNamePrefix="web-") == [f"web-{number}" for number in range(5)]
    assert names(common_cloud, AlarmNames=["web-3", "other", "none"]) == ["other", "web-3"]
    assert names(common_cloud, AlarmNamePrefix="web-", PaginationConfig={"PageSize": 2}) == [
        f"web-{number}" for number in range(5)
    ]
    put_alarm(common_cloud, "web-1", Threshold=7.0)
    (changed,) = cloudwatch.describe_alarms(AlarmNames=["web-1"])["MetricAlarms"]
    assert changed["Threshold"] == 7
    assert "AlarmDescription" not in changed
    cloudwatch.delete_alarms(AlarmNames=["web-0", "web-1", "none"])
    assert names(common_cloud, AlarmNamePrefix="web-") == ["web-2", "web-3", "web-4"]


def test_alarms_have_tags_that_are_given_when_they_are_made(common_cloud: Cloud) -> None:
    cloudwatch = common_cloud.client("cloudwatch")
    put_alarm(common_cloud, "tagged", Tags=[{"Key": "source", "Value": "retail_web"}])
    arn = "arn:aws:cloudwatch:us-east-1:000000000000:alarm:tagged"
    put_alarm(common_cloud, "tagged", Tags=[{"Key": "ignored", "Value": "by an update"}])
    assert cloudwatch.list_tags_for_resource(ResourceARN=arn)["Tags"] == [{"Key": "source", "Value": "retail_web"}]
    cloudwatch.tag_resource(ResourceARN=arn, Tags=[{"Key": "team", "Value": "web"}])
    cloudwatch.untag_resource(ResourceARN=arn, TagKeys=["source"])
    assert cloudwatch.list_tags_for_resource(ResourceARN=arn)["Tags"] == [{"Key": "team", "Value": "web"}]


@pytest.mark.parametrize(
    "said",
    [
        {"Period": 90},
        {"DatapointsToAlarm": 4},
        {"EvaluationPeriods": 1441},
        {"TreatMissingData": "forgive"},
        {"Statistic": "Median"},
        {"MetricName": None},
        {"Threshold": None},
        {"Statistic": None, "ExtendedStatistic": "p99"},
        {"MetricName": None, "Metrics": [{"Id": "e", "Expression": "1 + 1"}]},
    ],
    ids=str,
)
def test_alarms_that_are_refused(common_cloud: Cloud, said: dict[str, Any]) -> None:
    alarm = {member: value for member, value in (ALARM | {"AlarmName": "refused"} | said).items() if value is not None}
    with pytest.raises(ClientError):
        common_cloud.client("cloudwatch").put_metric_alarm(**alarm)
    assert names(common_cloud, AlarmNames=["refused"]) == []


def test_alarms_outlive_the_process(cloud: Cloud) -> None:
    put_alarm(cloud, "kept", TreatMissingData="breaching", Tags=[{"Key": "a", "Value": "1"}])
    cloud.stop()
    cloud.start()
    (alarm,) = cloud.client("cloudwatch").describe_alarms(AlarmNames=["kept"])["MetricAlarms"]
    assert (alarm["TreatMissingData"], alarm["StateValue"]) == ("breaching", "ALARM")
    tags = cloud.client("cloudwatch").list_tags_for_resource(ResourceARN=alarm["AlarmArn"])["Tags"]
    assert tags == [{"Key": "a", "Value": "1"}]
