"""When is an hour closed? Tables of datapoints, as CloudWatch would hold them."""

from datetime import datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from clickstream.reconciliation.watermark import PERIODS, Watermark, read_watermark, watermark_request
from tests.unit.reconciliation.makers import at, source

END = at(14)
Points = dict[float, float]
"""Value by minutes after the window's end."""


def read(points: dict[int, tuple[Points, Points]]) -> Watermark:
    """What follows from (freshness in seconds, lag in milliseconds) by period."""
    results = []
    for period in PERIODS:
        for name, series in zip(("freshness", "lag"), points.get(period, ({}, {})), strict=True):
            times = [END + timedelta(minutes=minutes) for minutes in series]
            results.append({"Id": f"{name}_{period}", "Timestamps": times, "Values": list(series.values())})
    return read_watermark(source(), {"MetricDataResults": results}, END)


def seen(minutes: float) -> Watermark:
    return Watermark(True, END + timedelta(minutes=minutes))


NO = Watermark(False)
CASES: dict[str, tuple[Points, Points, Watermark]] = {
    # freshness, lag, what follows
    "no datapoint at all": ({}, {}, NO),
    "fresh at the very end": ({0: 0}, {0: 0}, seen(0)),
    "a second too old": ({0: 1}, {0: 0}, NO),
    "just old enough": ({1: 60}, {0: 0, 1: 0}, seen(1)),
    "a second older": ({1: 61}, {0: 0, 1: 0}, NO),
    "at last": ({1: 90, 2: 90, 3: 90}, dict.fromkeys(range(4), 0), seen(2)),
    "delivery stands still": ({n: n * 60 + 30 for n in range(60)}, dict.fromkeys(range(60), 0), NO),
    "fresh before the end only": ({-5: 0, -1: 0}, {-5: 0, 0: 0}, NO),
    "the consumer is behind": ({5: 0}, dict.fromkeys(range(6), 1), NO),
    "nothing is known of the consumer": ({5: 0}, {}, NO),
    "nothing is known of the delivery": ({}, {5: 0}, NO),
    "caught up before the end only": ({5: 0}, {-1: 0, 0: 500, 5: 500}, NO),
    "caught up, then fresh": ({2: 0, 6: 30}, {0: 90_000, 3: 0, 6: 0}, seen(6)),
    # What the consumer has not read is not in the buffer whose freshness is measured.
    "fresh while the consumer stood still": ({1: 0, 2: 0}, {1: 600_000, 5: 0}, NO),
    "fresh, but of what was read before it caught up": ({6: 120}, {0: 90_000, 5: 0, 6: 0}, NO),
}


@pytest.mark.parametrize("case", CASES)
def test_an_hour_is_closed_when_what_was_read_last_is_delivered(case: str) -> None:
    freshness, lag, expected = CASES[case]
    assert read({60: (freshness, lag)}) == expected


@pytest.mark.parametrize(
    ("freshness", "expected"),
    [({}, NO), ({0: 0}, seen(0)), ({1: 61}, NO), ({1: 61, 2: 120}, seen(2)), ({-1: 0}, NO)],
)
def test_without_a_stream_freshness_alone_closes_an_hour(freshness: Points, expected: Watermark) -> None:
    put_directly = source(stream=None)
    queries = watermark_request(put_directly, END)["MetricDataQueries"]
    assert {query["MetricStat"]["Metric"]["MetricName"] for query in queries} == {"DeliveryToS3.DataFreshness"}
    times = [END + timedelta(minutes=minutes) for minutes in freshness]
    results = [{"Id": query["Id"], "Timestamps": [], "Values": []} for query in queries]
    results[0] |= {"Timestamps": times, "Values": list(freshness.values())}
    assert read_watermark(put_directly, {"MetricDataResults": results}, END) == expected


@pytest.mark.parametrize("period", PERIODS)
def test_whichever_period_is_still_kept_answers(period: int) -> None:
    assert read({period: ({60: 45.0}, {0: 0.0, 60: 0.0})}) == seen(60)


def test_the_finest_period_answers_first() -> None:
    assert read({3600: ({60: 0}, {0: 0, 60: 0}), 60: ({2: 0}, {1: 0, 2: 0})}) == seen(2)


def test_periods_are_not_mixed() -> None:
    assert read({60: ({5: 0}, {}), 300: ({}, {5: 0})}) == NO


def test_the_request_is_one_that_cloudwatch_takes() -> None:
    request = watermark_request(source(), END)
    client = boto3.client("cloudwatch", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
    with Stubber(client) as stubber:
        stubber.add_response("get_metric_data", {"MetricDataResults": []}, request)
        client.get_metric_data(**request)


def test_the_request_asks_for_the_settle_limit_and_no_more() -> None:
    request = watermark_request(source(), END)
    assert (request["StartTime"], request["EndTime"]) == (END, END + timedelta(hours=6))
    metrics = {
        (query["MetricStat"]["Metric"]["MetricName"], query["MetricStat"]["Period"]): query
        for query in request["MetricDataQueries"]
    }
    assert set(metrics) == {
        (name, period) for name in ("DeliveryToS3.DataFreshness", "KinesisMillisBehindLatest") for period in PERIODS
    }
    for query in metrics.values():
        assert query["MetricStat"]["Metric"]["Dimensions"] == [
            {"Name": "DeliveryStreamName", "Value": "retail-clickstream-to-s3"}
        ]


def test_every_result_of_the_request_is_understood() -> None:
    def result(query: dict[str, Any], when: datetime) -> dict[str, Any]:
        return {"Id": query["Id"], "Timestamps": [when], "Values": [0.0]}

    when = END + timedelta(minutes=5)
    answer = [result(query, when) for query in watermark_request(source(), END)["MetricDataQueries"]]
    assert read_watermark(source(), {"MetricDataResults": answer}, END) == Watermark(True, when)
