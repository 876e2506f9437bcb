"""The live path as the services tell of it, and the time that their answers bear."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from clickstream.health.live import Live, Part, read_live
from tests.unit.reconciliation.makers import source

MADE = datetime(2026, 11, 17, 8, tzinfo=UTC)
DATE = "Wed, 18 Nov 2026 13:30:40 GMT"
STREAM = {
    "StreamName": "retail-clickstream",
    "StreamARN": "arn:aws:kinesis:us-east-1:000000000000:stream/retail-clickstream",
    "RetentionPeriodHours": 24,
    "StreamCreationTimestamp": MADE,
    "EnhancedMonitoring": [],
    "OpenShardCount": 2,
}
DELIVERY = {
    "DeliveryStreamName": "retail-clickstream-to-s3",
    "DeliveryStreamARN": "arn:aws:firehose:us-east-1:000000000000:deliverystream/retail-clickstream-to-s3",
    "DeliveryStreamType": "KinesisStreamAsSource",
    "VersionId": "1",
    "CreateTimestamp": MADE,
    "Destinations": [],
    "HasMoreDestinations": False,
}
METADATA = {"ResponseMetadata": {"HTTPHeaders": {"date": DATE}}}


def read(stream: str | None, delivery: str | None, *, refusal: str = "ResourceNotFoundException") -> Live:
    """The path whose parts have these statuses; None: the service refuses."""
    clients: dict[str, Any] = {
        name: boto3.client(name, region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
        for name in ("kinesis", "firehose")
    }
    with Stubber(clients["kinesis"]) as kinesis, Stubber(clients["firehose"]) as firehose:
        asked = {"StreamName": "retail-clickstream"}
        if stream:
            answer = {"StreamDescriptionSummary": {**STREAM, "StreamStatus": stream}, **METADATA}
            kinesis.add_response("describe_stream_summary", answer, asked)
        else:
            kinesis.add_client_error(
                "describe_stream_summary", refusal, response_meta=METADATA["ResponseMetadata"], expected_params=asked
            )
        asked = {"DeliveryStreamName": "retail-clickstream-to-s3"}
        if delivery:
            answer = {"DeliveryStreamDescription": {**DELIVERY, "DeliveryStreamStatus": delivery}, **METADATA}
            firehose.add_response("describe_delivery_stream", answer, asked)
        else:
            firehose.add_client_error(
                "describe_delivery_stream", refusal, response_meta=METADATA["ResponseMetadata"], expected_params=asked
            )
        return read_live(source(), clients["kinesis"], clients["firehose"])


def test_what_is_there_is_told_with_its_age() -> None:
    live = read("UPDATING", "CREATING")
    assert live.entrance == Part("stream retail-clickstream", "UPDATING", MADE)
    assert live.delivery == Part("delivery retail-clickstream-to-s3", "CREATING", MADE)


def test_what_is_not_there_is_absent() -> None:
    live = read(None, None)
    assert live.entrance == Part("stream retail-clickstream", "absent")
    assert live.delivery == Part("delivery retail-clickstream-to-s3", "absent")


def test_without_a_stream_the_delivery_alone_is_looked_at() -> None:
    firehose: Any = boto3.client("firehose", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
    with Stubber(firehose) as stubber:
        answer = {"DeliveryStreamDescription": {**DELIVERY, "DeliveryStreamStatus": "ACTIVE"}, **METADATA}
        stubber.add_response("describe_delivery_stream", answer)
        live = read_live(source(stream=None), None, firehose)
    assert live.entrance is live.delivery
    assert live.delivery == Part("delivery retail-clickstream-to-s3", "ACTIVE", MADE)


@pytest.mark.parametrize("delivery", ["ACTIVE", None])
def test_now_is_the_date_of_the_answer_also_of_a_refusal(delivery: str | None) -> None:
    assert read("ACTIVE", delivery).now == datetime(2026, 11, 18, 13, 30, 40, tzinfo=UTC)


def test_another_refusal_is_no_absence() -> None:
    with pytest.raises(Exception, match="AccessDenied"):
        read(None, "ACTIVE", refusal="AccessDeniedException")


@pytest.mark.parametrize(
    ("status", "works", "missing"),
    [
        ("ACTIVE", True, False),
        ("UPDATING", True, False),
        ("CREATING", False, False),
        ("DELETING", False, True),
        ("CREATING_FAILED", False, True),
        ("DELETING_FAILED", False, True),
        ("absent", False, True),
    ],
)
def test_each_status_says_whether_a_part_works_or_is_missing(status: str, works: bool, missing: bool) -> None:
    part = Part("stream s", status, MADE)
    assert (part.works, part.is_missing) == (works, missing)
    assert part.worked_at(MADE) is works
    assert not part.worked_at(MADE.replace(year=2025))
