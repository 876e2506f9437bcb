"""CloudWatch metrics: the AWS/* ones that our services emit, and the reading of all of them.

ministack emits no AWS/Kinesis and AWS/Firehose metrics, forgets after 14 days of its clock, and answers GetMetricData
without order, pages and retention. So datapoints of ours are kept here, a row a minute, and the three reading
operations are ours for every namespace. PutMetricData, dashboards and alarms stay ministack's (``local.alarms``).
"""

import json
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from ministack.services import cloudwatch as store

from local import database
from local.clock import real_time
from local.errors import AwsError

DAY = 86400
KEPT = ((60, 15 * DAY), (300, 63 * DAY), (3600, 455 * DAY))
"""Period in seconds that is kept, and for how long (API reference, GetMetricData)."""
QUERIES_A_CALL = 500
DATAPOINTS_A_CALL = 100_800
STATISTICS_A_CALL = 1_440
METRICS_A_PAGE = 500

Dimensions = Mapping[str, str]


class Datapoint(NamedTuple):
    """What was measured in one minute, or in one period of minutes."""

    start: int
    unit: str
    samples: float
    total: float
    low: float
    high: float

    def statistic(self, name: str) -> float:
        """The value of one of CloudWatch's five statistics."""
        return {
            "SampleCount": self.samples,
            "Sum": self.total,
            "Average": self.total / self.samples,
            "Minimum": self.low,
            "Maximum": self.high,
        }[name]


STATISTICS = ("SampleCount", "Sum", "Average", "Minimum", "Maximum")


_listeners: list[Callable[[], None]] = []


def record(namespace: str, name: str, dimensions: Dimensions, value: float, unit: str, at: float | None = None) -> None:
    """Add one measured value to its minute.

    :param unit: CloudWatch's name of the unit, such as ``Count``.
    :param at: when, in epoch seconds; now, by the local clock, when not given.
    """
    minute = int(time.time() if at is None else at) // 60 * 60
    database.connection().execute(
        "INSERT INTO datapoints VALUES (?, ?, ?, ?, ?, 1, ?, ?, ?)"
        " ON CONFLICT DO UPDATE SET samples = samples + 1, total = total + excluded.total,"
        " low = min(low, excluded.low), high = max(high, excluded.high)",
        (namespace, name, _text(dimensions), minute, unit, value, value, value),
    )
    for tell in _listeners:
        tell()


def listen(tell: Callable[[], None]) -> None:
    """Call ``tell`` after each value that is added."""
    _listeners.append(tell)


def read(namespace: str, name: str, dimensions: Dimensions, period: int, start: float, end: float) -> list[Datapoint]:
    """Datapoints of the periods from the one that ``start`` lies in until before ``end``, oldest first.

    Periods begin at multiples of their length. One that is finer than what CloudWatch still keeps for that age, by
    real time, has no datapoints.

    :param period: seconds, a multiple of 60.
    """
    oldest = real_time() - max(age for kept, age in KEPT if period % kept == 0)
    first = start // period * period
    periods: dict[int, list[Datapoint]] = {}
    for point in _minutes(namespace, name, dimensions, max(first, oldest), end):
        periods.setdefault(point.start // period * period, []).append(point)
    return [
        Datapoint(
            begin,
            points[0].unit,
            sum(point.samples for point in points),
            sum(point.total for point in points),
            min(point.low for point in points),
            max(point.high for point in points),
        )
        for begin, points in sorted(periods.items())
    ]


def _minutes(namespace: str, name: str, dimensions: Dimensions, start: float, end: float) -> Iterable[Datapoint]:
    rows = database.connection().execute(
        "SELECT minute, unit, samples, total, low, high FROM datapoints"
        " WHERE namespace = ? AND name = ? AND dimensions = ? AND minute >= ? AND minute < ?",
        (namespace, name, _text(dimensions), start, end),
    )
    yield from (Datapoint(*row) for row in rows)
    for point in store._metrics.get((namespace, name, store._dims_key(dict(dimensions))), []):
        if start <= point["Timestamp"] < end:
            samples, total, low, high = store._point_stats(point)
            if samples > 0:
                yield Datapoint(int(point["Timestamp"]), point["Unit"], samples, total, low, high)


def _text(dimensions: Dimensions) -> str:
    return json.dumps(dict(sorted(dimensions.items())))


def start() -> None:
    """Put our reading operations in ministack's place, for every protocol in which they are asked."""
    store._get_metric_data = _serve(get_metric_data)
    store._get_metric_statistics = _serve(get_metric_statistics)
    store._list_metrics = _serve(list_metrics)
    # How long ministack keeps custom metrics by its clock, which may stand weeks ahead.
    store.TWO_WEEKS_SECONDS = KEPT[-1][1]


def _serve(operation: Callable[[dict[str, Any]], dict[str, Any]]) -> Callable[..., Any]:
    def serve(_form: Any, request: dict[str, Any], is_cbor: bool, is_json: bool = False) -> Any:
        try:
            if not (is_cbor or is_json):
                raise AwsError("InvalidAction", "The local cloud reads metrics by the JSON and CBOR protocols only.")
            answer = operation(request)
        except AwsError as error:
            return store._error(error.code, error.message, error.status, use_json=is_json, use_cbor=is_cbor)
        return _cbor(answer) if is_cbor else store._json_ok(answer)

    return serve


def _cbor(answer: dict[str, Any]) -> Any:
    answer = dict(answer)
    if "Datapoints" in answer:
        answer["Datapoints"] = [store._cbor_datapoint(point) for point in answer["Datapoints"]]
    if "MetricDataResults" in answer:
        answer["MetricDataResults"] = [store._cbor_metric_data_result(one) for one in answer["MetricDataResults"]]
    return store._cbor_ok(answer)


def get_metric_data(request: dict[str, Any]) -> dict[str, Any]:
    """GetMetricData, without metric math.

    :raises AwsError: ValidationException for a query that is wrong or not served.
    """
    queries = request.get("MetricDataQueries", [])
    if not 1 <= len(queries) <= QUERIES_A_CALL:
        raise AwsError("ValidationException", f"MetricDataQueries has between 1 and {QUERIES_A_CALL} members")
    begin, end = _range(request)
    limit = int(request.get("MaxDatapoints", DATAPOINTS_A_CALL))
    descending = request.get("ScanBy", "TimestampDescending") == "TimestampDescending"
    # A page goes on at a query and at one of its datapoints.
    query_index, offset = _page(request, 2)
    results = []
    for index, query in enumerate(queries[query_index:], query_index):
        values = _query(query, begin, end)
        if descending:
            values.reverse()
        page = values[offset : offset + limit]
        limit -= len(page)
        done = offset + len(page) == len(values)
        if query.get("ReturnData", True):
            results.append(
                {
                    "Id": query["Id"],
                    "Label": query.get("Label", query["MetricStat"]["Metric"]["MetricName"]),
                    "Timestamps": [start for start, _ in page],
                    "Values": [value for _, value in page],
                    "StatusCode": "Complete" if done else "PartialData",
                }
            )
        if not done:
            return {"MetricDataResults": results, "NextToken": f"{index} {offset + len(page)}"}
        offset = 0
    return {"MetricDataResults": results}


def _query(query: dict[str, Any], begin: float, end: float) -> list[tuple[int, float]]:
    if "MetricStat" not in query:
        raise AwsError("ValidationException", "The local cloud does not serve metric math expressions.")
    wanted = query["MetricStat"]
    if wanted["Stat"] not in STATISTICS:
        raise AwsError("ValidationException", f"The local cloud serves the statistics {', '.join(STATISTICS)}.")
    points = read(*_metric(wanted["Metric"]), _period(wanted), begin, end)
    return [(point.start, point.statistic(wanted["Stat"])) for point in points]


def get_metric_statistics(request: dict[str, Any]) -> dict[str, Any]:
    """GetMetricStatistics.

    :raises AwsError: as AWS does when a member is missing or more than 1,440 datapoints are asked for.
    """
    statistics = request.get("Statistics", [])
    if not statistics or not set(statistics) <= set(STATISTICS):
        raise AwsError("InvalidParameterValue", f"The local cloud serves the statistics {', '.join(STATISTICS)}.")
    begin, end = _range(request)
    period = _period(request)
    if (end - begin) / period > STATISTICS_A_CALL:
        raise AwsError(
            "InvalidParameterCombination",
            f"You have requested up to {round((end - begin) / period)} datapoints,"
            f" which exceeds the limit of {STATISTICS_A_CALL}.",
        )
    points = read(*_metric(request), period, begin, end)
    return {
        "Label": request["MetricName"],
        "Datapoints": [
            {"Timestamp": point.start, "Unit": point.unit} | {name: point.statistic(name) for name in statistics}
            for point in points
        ],
    }


def list_metrics(request: dict[str, Any]) -> dict[str, Any]:
    """ListMetrics: metrics of the last two weeks, by real time, and custom ones; at most 500 a page."""
    rows = database.connection().execute(
        "SELECT DISTINCT namespace, name, dimensions FROM datapoints WHERE minute >= ?", (real_time() - 14 * DAY,)
    )
    known = [(namespace, name, json.loads(dimensions)) for namespace, name, dimensions in rows]
    known += [
        (namespace, name, points[0]["Dimensions"]) for (namespace, name, _), points in store._metrics.items() if points
    ]
    wanted = request.get("Dimensions") or []
    found = [
        {
            "Namespace": namespace,
            "MetricName": name,
            "Dimensions": [{"Name": key, "Value": value} for key, value in dimensions.items()],
        }
        for namespace, name, dimensions in known
        if request.get("Namespace") in (None, namespace)
        and request.get("MetricName") in (None, name)
        and all(one["Name"] in dimensions and one.get("Value") in (None, dimensions[one["Name"]]) for one in wanted)
    ]
    (offset,) = _page(request, 1)
    page = {"Metrics": found[offset : offset + METRICS_A_PAGE]}
    if offset + METRICS_A_PAGE < len(found):
        return page | {"NextToken": f"{offset + METRICS_A_PAGE}"}
    return page


def _range(request: dict[str, Any]) -> tuple[float, float]:
    begin, end = store._parse_ts(request.get("StartTime")), store._parse_ts(request.get("EndTime"))
    if begin is None or end is None or begin >= end:
        raise AwsError("ValidationError", "The parameter StartTime must be less than the parameter EndTime.")
    return begin, end


def _metric(members: dict[str, Any]) -> tuple[str, str, Dimensions]:
    return (
        members["Namespace"],
        members["MetricName"],
        {one["Name"]: one["Value"] for one in members.get("Dimensions") or []},
    )


def _period(members: dict[str, Any]) -> int:
    period = int(members["Period"])
    if period < 60 or period % 60:
        raise AwsError("ValidationError", "The parameter Period must be a multiple of 60.")
    return period


def _page(request: dict[str, Any], parts: int) -> list[int]:
    token = request.get("NextToken")
    if not token:
        return [0] * parts
    try:
        numbers = [int(part) for part in token.split(" ")]
    except ValueError:
        numbers = []
    if len(numbers) != parts:
        raise AwsError("InvalidNextToken", "The token is not one of this operation.")
    return numbers
