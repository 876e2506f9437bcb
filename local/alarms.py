"""Metric alarms: stored, described and sent to SNS by ministack, judged here.

ministack judges only when PutMetricData is called, over all dimensions and periods together. Here an alarm is judged
each minute of the local clock, as long as something it could notice has happened (user guide, "Alarm evaluation").
Metric math, percentiles and anomaly bands are refused, because they would never be judged.
"""

import operator
import time
from collections.abc import Callable
from typing import Any

from ministack.services import cloudwatch as store

from local import metrics, persistence
from local.alarm_state import FURTHER_BACK
from local.alarm_state import state as state_of
from local.clock import clock
from local.errors import AwsError
from local.upstream import enter_account

COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "GreaterThanOrEqualToThreshold": operator.ge,
    "GreaterThanThreshold": operator.gt,
    "LessThanOrEqualToThreshold": operator.le,
    "LessThanThreshold": operator.lt,
}

ONE_METRIC = frozenset({"MetricName", "Namespace", "Statistic", "Period", "Threshold"})
"""What an alarm on one metric's statistic must say, beside what every alarm must."""
UNSERVED = frozenset({"Metrics", "ExtendedStatistic", "ThresholdMetricId", "EvaluationCriteria", "EvaluationInterval"})
DAY_SECONDS = 86400
TREATMENTS = ("breaching", "notBreaching", "ignore", "missing")

_minutes_left = 0


def start() -> None:
    """Judge in ministack's place, from now on."""
    store._evaluate_alarm = _judge_and_watch
    put = store._put_metric_alarm

    def put_metric_alarm(form: Any, request: dict[str, Any], is_cbor: bool, is_json: bool = False) -> Any:
        # The query protocol's form is ministack's to read.
        if is_cbor or is_json:
            try:
                _check(request)
            except AwsError as error:
                return store._error(error.code, error.message, error.status, use_json=is_json, use_cbor=is_cbor)
        answer = put(form, request, is_cbor, is_json)
        alarm = store._alarms.get(request.get("AlarmName"))
        if alarm and alarm.get("AlarmDescription") == "":
            # An alarm without one is described without one.
            del alarm["AlarmDescription"]
        return answer

    store._put_metric_alarm = put_metric_alarm
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
        _minutes_left = max((_periods(one) + 1) * one["Period"] for one in alarms) // 60 + 1


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
    begin = end - _periods(alarm) * period
    dimensions = {one["Name"]: one["Value"] for one in alarm["Dimensions"]}
    points = metrics.read(alarm["Namespace"], alarm["MetricName"], dimensions, period, begin, end)
    values = {point.start: point.statistic(alarm["Statistic"]) for point in points}
    state = state_of(
        [compare(values[at], alarm["Threshold"]) if at in values else None for at in range(begin, end, period)],
        wanted,
        alarm.get("DatapointsToAlarm") or wanted,
        alarm["TreatMissingData"],
        alarm["StateValue"],
    )
    old = alarm["StateValue"]
    if state != old:
        seen = list(values.values())
        reason = f"Threshold Crossed: {alarm['Statistic']} {seen} {alarm['ComparisonOperator']} {alarm['Threshold']}"
        if not values:
            reason = f"No datapoints in {_periods(alarm)} periods; missing data is {alarm['TreatMissingData']}"
        alarm.update(StateValue=state, StateReason=reason, StateUpdatedTimestamp=int(time.time()))
        store._record_history(alarm["AlarmName"], old, state, reason)
        store._dispatch_alarm_actions(alarm, old, state, reason)
        store._evaluate_parent_alarms(alarm)
        persistence.mark()


def _periods(alarm: dict[str, Any]) -> int:
    """How many periods an alarm looks at."""
    return int(alarm["EvaluationPeriods"]) + FURTHER_BACK


def _check(request: dict[str, Any]) -> None:
    """Refuse what AWS refuses (API reference, PutMetricAlarm), and what is not judged."""
    if unserved := UNSERVED & {member for member, value in request.items() if value}:
        raise AwsError("ValidationError", f"The local cloud does not judge alarms with {', '.join(sorted(unserved))}")
    if missing := {member for member in ONE_METRIC if request.get(member) is None}:
        raise AwsError("ValidationError", f"The alarm needs {', '.join(sorted(missing))}")
    period, periods = request["Period"], request["EvaluationPeriods"]
    if period < 60 or period % 60:
        raise AwsError("ValidationError", "Period must be a multiple of 60")
    if period * periods > DAY_SECONDS * (7 if period >= 3600 else 1):
        raise AwsError("ValidationError", "Metrics cannot be checked across more than a day, or a week by the hour")
    if not 1 <= request.get("DatapointsToAlarm", periods) <= periods:
        raise AwsError("ValidationError", "DatapointsToAlarm must be between 1 and EvaluationPeriods")
    if request["Statistic"] not in metrics.STATISTICS or request["ComparisonOperator"] not in COMPARISONS:
        raise AwsError("ValidationError", "Statistic or ComparisonOperator is not one of a static threshold")
    if request.get("TreatMissingData", "missing") not in TREATMENTS:
        raise AwsError("ValidationError", f"TreatMissingData is one of {', '.join(TREATMENTS)}")
