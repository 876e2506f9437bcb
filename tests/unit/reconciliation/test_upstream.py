"""Stream against Bronze over hours whose objects do not keep to the hour."""

from datetime import timedelta

import boto3
import pytest
from botocore.stub import Stubber

from clickstream.reconciliation.upstream import HourFlow, upstream_counts, upstream_deficits
from tests.unit.reconciliation.makers import at, source, text

Flow = tuple[int, int, int]
"""Records at the stream, in Bronze, in the largest object."""

SETTLED = {0: (100, 90, 10)}
"""A first hour that leaves nothing over: its beginning lies before what is known, as far as that is believed."""

CASES: dict[str, tuple[dict[int, Flow], dict[int, int]]] = {
    # flows by hour: deficits by hour
    "equal": ({0: (100, 100, 10), 1: (100, 100, 10)}, {}),
    "nothing at all": ({0: (0, 0, 0), 1: (0, 0, 0)}, {}),
    "an object holds records of the next hour": (SETTLED | {1: (100, 106, 10), 2: (100, 94, 10)}, {}),
    "hour after hour": (SETTLED | {1: (100, 104, 10), 2: (100, 102, 10), 3: (100, 94, 10)}, {}),
    "one of them is lost on the way": (SETTLED | {1: (100, 106, 10), 2: (100, 93, 10)}, {2: 1}),
    "a loss": (SETTLED | {1: (100, 60, 10)}, {1: 40}),
    "a loss of one": (SETTLED | {1: (100, 99, 10)}, {1: 1}),
    "a loss is booked to its hour alone": (SETTLED | {1: (100, 60, 10), 2: (100, 100, 10)}, {1: 40}),
    "everything lost": (SETTLED | {1: (100, 0, 0), 2: (100, 0, 0)}, {1: 100, 2: 100}),
    "delivered twice, then all is well": (SETTLED | {1: (100, 150, 10), 2: (100, 100, 10)}, {}),
    # A surplus of more than one object is no credit for what the next hour lost.
    "delivered twice, then a loss": (SETTLED | {1: (100, 150, 10), 2: (100, 60, 10)}, {2: 30}),
    "a quiet hour keeps no surplus": (SETTLED | {1: (100, 110, 10), 2: (0, 0, 0), 3: (100, 95, 10)}, {3: 5}),
    "the first hour may lie in the one before": ({0: (100, 90, 10)}, {}),
    "but no more than an object of it": ({0: (100, 89, 10)}, {0: 1}),
    "so may the hour after a gap": (SETTLED | {5: (100, 90, 10), 6: (100, 99, 10)}, {6: 1}),
    "a surplus is not carried over a gap": (SETTLED | {1: (100, 110, 10), 3: (100, 85, 10)}, {3: 5}),
}


@pytest.mark.parametrize("case", CASES)
def test_deficits(case: str) -> None:
    flows, deficits = CASES[case]
    found = upstream_deficits({at(hour): HourFlow(*flow) for hour, flow in flows.items()}, map(at, flows))
    assert {finding.arrival_hour: finding.records for finding in found} == {
        text(hour): records for hour, records in deficits.items()
    }
    assert {finding.code for finding in found} <= {"upstream_deficit"}


def test_only_hours_that_the_run_checks_are_spoken_of() -> None:
    flows = {at(0): HourFlow(100, 90, 10), at(1): HourFlow(100, 60, 10), at(2): HourFlow(100, 60, 10)}
    assert [finding.arrival_hour for finding in upstream_deficits(flows, [at(2)])] == [text(2)]


def test_the_order_in_which_hours_are_known_does_not_matter() -> None:
    flows = {at(1): HourFlow(100, 94, 10), at(0): HourFlow(100, 96, 10)}
    assert upstream_deficits(flows, flows) == []


def test_the_services_counts_are_summed_by_hour_page_by_page() -> None:
    client = boto3.client("cloudwatch", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
    there = source()

    def series(tier: str, *points: tuple[int, float]) -> dict[str, object]:
        return {"Id": tier, "Timestamps": [at(h) for h, _ in points], "Values": [v for _, v in points]}

    def query(tier: str, namespace: str, metric: str, dimension: str, name: str) -> dict[str, object]:
        described = {"Namespace": namespace, "MetricName": metric, "Dimensions": [{"Name": dimension, "Value": name}]}
        return {"Id": tier, "MetricStat": {"Metric": described, "Period": 3600, "Stat": "Sum"}}

    asked = {
        "MetricDataQueries": [
            query("stream", "AWS/Kinesis", "IncomingRecords", "StreamName", there.stream.name),
            query("delivery", "AWS/Firehose", "DeliveryToS3.Records", "DeliveryStreamName", there.delivery.name),
        ],
        "StartTime": at(1),
        "EndTime": at(3) + timedelta(hours=1),
    }
    with Stubber(client) as stubber:
        first = [series("stream", (1, 10.0), (2, 7.0)), series("delivery", (1, 9.0))]
        stubber.add_response("get_metric_data", {"MetricDataResults": first, "NextToken": "2"}, asked)
        second = [series("stream", (3, 1.0)), series("delivery", (3, 2.0))]
        stubber.add_response("get_metric_data", {"MetricDataResults": second}, {**asked, "NextToken": "2"})
        counts = upstream_counts(client, there, [at(3), at(1)])
    # Hour 2 was not asked for; hour 3 of the stream came on the second page.
    assert counts == {"stream": {at(1): 10, at(3): 1}, "delivery": {at(1): 9, at(3): 2}}


def test_without_a_stream_the_delivery_alone_is_asked() -> None:
    client = boto3.client("cloudwatch", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
    asked: list[str] = []
    client.meta.events.register(
        "provide-client-params.cloudwatch.GetMetricData",
        lambda params, **_: asked.extend(query["Id"] for query in params["MetricDataQueries"]),
    )
    with Stubber(client) as stubber:
        result = {"Id": "delivery", "Timestamps": [at(1)], "Values": [9.0]}
        stubber.add_response("get_metric_data", {"MetricDataResults": [result]})
        assert upstream_counts(client, source(stream=None), [at(1)]) == {"delivery": {at(1): 9}}
    assert asked == ["delivery"]
