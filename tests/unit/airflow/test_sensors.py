"""The wait for the watermark as a task."""

from datetime import datetime
from typing import Any

import pytest
from airflow.providers.amazon.aws.hooks.base_aws import AwsBaseHook
from airflow.sdk.bases.operator import ExecutorSafeguard
from airflow.sdk.exceptions import TaskDeferred

from clickstream.airflow.sensors.watermark import NotClosed, WatermarkSensor
from clickstream.airflow.triggers.watermark import WatermarkTrigger

WINDOW = "2026-11-18T13:00:00Z/2026-11-18T15:00:00Z"


class CloudWatch:
    """Metrics of a delivery that had nothing left to deliver at some moments."""

    def __init__(self, *caught_up: str) -> None:
        self.moments = [datetime.fromisoformat(moment) for moment in caught_up]

    def get_metric_data(self, **request: Any) -> dict[str, Any]:
        values = {"Timestamps": self.moments, "Values": [0.0] * len(self.moments)}
        return {"MetricDataResults": [{"Id": query["Id"], **values} for query in request["MetricDataQueries"]]}


@pytest.fixture
def sensor(monkeypatch: pytest.MonkeyPatch) -> WatermarkSensor:
    monkeypatch.setattr(ExecutorSafeguard, "test_mode", True)
    return WatermarkSensor(task_id="wait", source="retail_web", window=WINDOW)


def test_it_does_not_wait_for_what_has_passed(sensor: WatermarkSensor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(AwsBaseHook, "conn", CloudWatch("2026-11-18T15:01:00Z"))
    sensor.execute({})


def test_it_waits_deferred_for_the_window_s_end_up_to_the_settle_limit(
    sensor: WatermarkSensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(AwsBaseHook, "conn", CloudWatch())
    with pytest.raises(TaskDeferred) as raised:
        sensor.execute({})
    trigger = raised.value.trigger
    assert isinstance(trigger, WatermarkTrigger)
    assert (trigger.source, trigger.end) == ("retail_web", "2026-11-18T15:00:00Z")
    assert datetime.fromisoformat(trigger.deadline) == datetime.fromisoformat("2026-11-18T21:00:00Z")
    assert raised.value.method_name == "execute_complete"


def test_it_ends_well_when_the_watermark_has_passed(sensor: WatermarkSensor) -> None:
    sensor.execute_complete({}, {"passed": True})


def test_it_fails_with_the_window_and_the_limit_when_it_has_not(sensor: WatermarkSensor) -> None:
    with pytest.raises(NotClosed, match=r"retail_web: .*360 minutes \(checks\.settle_limit_minutes\).*" + WINDOW):
        sensor.execute_complete({}, {"passed": False})


def test_its_window_is_a_template(sensor: WatermarkSensor) -> None:
    assert "window" in sensor.template_fields
