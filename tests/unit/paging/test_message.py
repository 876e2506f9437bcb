"""A message, as SNS takes it."""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from clickstream.paging.message import Message

TOPIC = "arn:aws:sns:eu-west-1:123456789012:clickstream-pages"


def published(text: str) -> dict[str, Any]:
    """What SNS is asked, checked against its own model."""
    asked: dict[str, Any] = {}
    sns = boto3.client("sns", region_name="eu-west-1", aws_access_key_id="x", aws_secret_access_key="x")
    sns.meta.events.register("provide-client-params.sns.Publish", lambda params, **_: asked.update(params))
    message = Message(number=1, kind="opened", source="retail_web", cause="object_missing", text=text)
    with Stubber(sns) as stubber:
        stubber.add_response("publish", {"MessageId": "m-1"})
        assert message.publish(sns, TOPIC) == "m-1"
    return asked


@pytest.mark.parametrize("where", ["x" * 300, "Köln, Straße", ""])
def test_its_subject_is_one_that_sns_takes_and_its_message_holds_it_whole(where: str) -> None:
    """ASCII, less than 100 characters: https://docs.aws.amazon.com/sns/latest/api/API_Publish.html"""
    text = f"retail_web: object_missing in {where}\nImpact: some"
    asked = published(text)
    subject = asked["Subject"]
    assert subject.startswith("retail_web: object_missing in ")
    assert "Impact" not in subject
    assert subject.isascii()
    assert subject.isprintable()
    assert len(subject) < 100
    assert asked["Message"] == text


def test_it_goes_to_the_topic_with_what_subscribers_filter_by() -> None:
    asked = published("retail_web: object_missing in one hour")
    assert asked["TopicArn"] == TOPIC
    assert asked["MessageAttributes"] == {
        "source": {"DataType": "String", "StringValue": "retail_web"},
        "cause": {"DataType": "String", "StringValue": "object_missing"},
        "kind": {"DataType": "String", "StringValue": "opened"},
    }
