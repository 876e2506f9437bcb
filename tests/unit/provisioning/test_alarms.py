"""The alarms on a live path: what they watch, and that a plan sees what differs."""

import pytest

from clickstream.provisioning.alarms import Alarms
from clickstream.provisioning.plan import plan
from clickstream.provisioning.resource import Cloud
from clickstream.sources.model import Health, Source
from tests.unit.provisioning.fakes import Stub

ASKED = {"AlarmNamePrefix": "retail_web__", "AlarmTypes": ["MetricAlarm"]}


@pytest.fixture
def declared(source: Source) -> Source:
    return source.model_copy(update={"health": Health(incoming_per_minute=25, freshness_seconds=600)})


def test_thresholds_are_those_that_health_looks_by(declared: Source, cloud: Cloud) -> None:
    alarms = {alarm["AlarmName"]: alarm for alarm in Alarms(declared, cloud)._alarms()}
    thresholds = {name.partition("__")[2]: alarm["Threshold"] for name, alarm in alarms.items()}
    assert thresholds == {"incoming_low": 25, "throttled": 0, "delivery_stalled": 600, "delivery_failing": 1}
    topic = "arn:aws:sns:eu-west-1:123456789012:clickstream-pages"
    assert [name for name, alarm in alarms.items() if alarm["AlarmActions"] != [topic]] == ["retail_web__incoming_low"]


def _watched(source: Source, cloud: Cloud) -> dict[str, tuple[str, str]]:
    return {
        alarm["AlarmName"].partition("__")[2]: (alarm["MetricName"], alarm["Dimensions"][0]["Value"])
        for alarm in Alarms(source, cloud)._alarms()
    }


def test_what_comes_in_is_watched_where_records_are_put(declared: Source, cloud: Cloud) -> None:
    stream, delivery = "retail-clickstream", "retail-clickstream-to-s3"
    of_delivery = {
        "delivery_stalled": ("DeliveryToS3.DataFreshness", delivery),
        "delivery_failing": ("DeliveryToS3.Success", delivery),
    }
    assert _watched(declared, cloud) == {
        "incoming_low": ("IncomingRecords", stream),
        "throttled": ("WriteProvisionedThroughputExceeded", stream),
        **of_delivery,
    }
    assert _watched(declared.model_copy(update={"stream": None}), cloud) == {
        "incoming_low": ("IncomingRecords", delivery),
        "throttled": ("ThrottledRecords", delivery),
        **of_delivery,
    }


def test_only_a_watched_source_has_them(source: Source) -> None:
    assert Alarms.is_part_of(source)
    assert not Alarms.is_part_of(source.model_copy(update={"health": None}))


def test_what_is_as_declared_is_left_and_what_differs_is_told(declared: Source, stub: Stub) -> None:
    cloud, cloudwatch = stub("cloudwatch")
    alarms = Alarms(declared, cloud)
    cloudwatch.add_response("describe_alarms", {"MetricAlarms": alarms._alarms()}, ASKED)
    assert plan(alarms).action == "none"

    changed = [{**alarm, "Threshold": 7.0} if "stalled" in alarm["AlarmName"] else alarm for alarm in alarms._alarms()]
    left = {**changed[0], "AlarmName": "retail_web__of_old"}
    cloudwatch.add_response("describe_alarms", {"MetricAlarms": [*changed, left]}, ASKED)
    step = plan(alarms)
    assert "delivery_stalled Threshold: '7.0' -> '600.0'" in map(str, step.differences)
    assert any(difference.field.startswith("of_old ") for difference in step.differences)
    assert not step.needs_approval

    for alarm in alarms._alarms():
        cloudwatch.add_response("put_metric_alarm", {}, alarm)
    cloudwatch.add_response("describe_alarms", {"MetricAlarms": [*changed, left]}, ASKED)
    cloudwatch.add_response("delete_alarms", {}, {"AlarmNames": ["retail_web__of_old"]})
    alarms.update(step.differences)
    cloudwatch.assert_no_pending_responses()


def test_without_any_they_are_made(declared: Source, stub: Stub) -> None:
    cloud, cloudwatch = stub("cloudwatch")
    cloudwatch.add_response("describe_alarms", {"MetricAlarms": []}, ASKED)
    assert plan(Alarms(declared, cloud)).action == "create"
