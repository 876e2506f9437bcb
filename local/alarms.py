"""Metric alarms: stored, described and sent to SNS by ministack, judged here.

ministack judges only when PutMetricData is called, over all dimensions and periods together. Here an alarm is judged
each minute of the local clock, as long as something it could notice has happened. Metric math, percentiles and
anomaly bands are stored and never judged. (User guide, "Alarm evaluation".)
"""

import operator
import time
from collections.abc import Callable
from typing import Any

from ministack.services import cloudwatch as store

from local import metrics, persistence
from local.clock import clock
from local.upstream import enter_account

COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "GreaterThanOrEqualToThreshold": operator.ge,
    "GreaterThanThreshold": operator.gt,
    "LessThanOrEqualToThreshold": operator.le,
    "LessThanThreshold": operator.lt,
}

_minutes_left = 0


def start() -> None:
    """Judge in ministack's place, from now on."""
    store._evaluate_alarm = _judge_and_watch
    metrics.listen(_watch)
    _watch()


def _judge_and_watch(alarm: dict[str, Any]) -> None:
    _judge(alarm)
    _watch()


def _watch() -> None:
    """Go on judging until what just happened is older than what any alarm looks at."""
    global _minutes_left
    alarms = store._alarms._data.values()
    if alarms:
        if not _minutes_left:
            _at_next_minute(time.time())
        _minutes_left = max((one["EvaluationPeriods"] + 1) * one["Period"] for one in alarms) // 60 + 1


def _at_next_minute(now: float) -> None:
    clock.at("alarms", (now // 60 + 1) * 60, _judge_all)


async def _judge_all(at: float) -> None:
    global _minutes_left
    enter_account()
    for alarm in store._alarms.values():
        _judge(alarm)
    _minutes_left -= 1
    if _minutes_left:
        _at_next_minute(at)


def _judge(alarm: dict[str, Any]) -> None:
    compare = COMPARISONS.get(alarm.get("ComparisonOperator") or "")
    if compare is None or not alarm.get("MetricName") or alarm.get("ExtendedStatistic"):
        return
    period, wanted = alarm["Period"], alarm["EvaluationPeriods"]
    end = int(time.time()) // period * period
    dimensions = {one["Name"]: one["Value"] for one in alarm["Dimensions"]}
    points = metrics.read(alarm["Namespace"], alarm["MetricName"], dimensions, period, end - wanted * period, end)
    values = [point.statistic(alarm["Statistic"]) for point in points]
    state = _state(alarm, [compare(value, alarm["Threshold"]) for value in values], wanted - len(values))
    old = alarm["StateValue"]
    if state != old:
        reason = f"Threshold Crossed: {alarm['Statistic']} {values} {alarm['ComparisonOperator']} {alarm['Threshold']}"
        if not values:
            reason = f"No datapoints in {wanted} periods; missing data is {alarm['TreatMissingData']}"
        alarm.update(StateValue=state, StateReason=reason, StateUpdatedTimestamp=int(time.time()))
        store._record_history(alarm["AlarmName"], old, state, reason)
        store._dispatch_alarm_actions(alarm, old, state, reason)
        store._evaluate_parent_alarms(alarm)
        persistence.mark()


def _state(alarm: dict[str, Any], breaching: list[bool], missing: int) -> str:
    treat = alarm["TreatMissingData"]
    if not breaching and treat in ("missing", "ignore"):
        return "INSUFFICIENT_DATA" if treat == "missing" else str(alarm["StateValue"])
    bad = sum(breaching) + (missing if treat == "breaching" else 0)
    return "ALARM" if bad >= (alarm.get("DatapointsToAlarm") or alarm["EvaluationPeriods"]) else "OK"
