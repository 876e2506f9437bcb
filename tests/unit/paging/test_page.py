"""A page, as SNS takes it and as a person reads it."""

from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from clickstream.paging.page import Page

PAGE: dict[str, Any] = {
    "source": "retail_web",
    "causes": ["object_missing", "tables_changed"],
    "where": "2026-11-18T13:00:00Z",
    "impact": "verified_through stops before 2026-11-18T13:00:00Z",
    "since": "2026-11-18T13:00:00Z",
    "evidence": ["one object is gone", "s3://lake/findings/one.json"],
    "next_step": "make backfill SOURCE=retail_web FROM=2026-11-18 TO=2026-11-18",
}


def published(page: Page) -> dict[str, Any]:
    """What SNS is asked, checked against its own model."""
    asked: dict[str, Any] = {}
    sns = boto3.client("sns", region_name="eu-west-1", aws_access_key_id="x", aws_secret_access_key="x")
    sns.meta.events.register("provide-client-params.sns.Publish", lambda params, **_: asked.update(params))
    with Stubber(sns) as stubber:
        stubber.add_response("publish", {"MessageId": "m-1"})
        assert page.send(sns, "123456789012") == "m-1"
    return asked


def test_it_says_what_where_since_when_the_evidence_the_runbooks_and_the_next_step() -> None:
    assert published(Page(**PAGE))["Message"].splitlines() == [
        "retail_web: object_missing, tables_changed in 2026-11-18T13:00:00Z",
        "Impact: verified_through stops before 2026-11-18T13:00:00Z",
        "Since: 2026-11-18T13:00:00Z",
        "Evidence: one object is gone",
        "Evidence: s3://lake/findings/one.json",
        "Runbook: docs/runbooks/object_missing.md",
        "Runbook: docs/runbooks/tables_changed.md",
        "Next: make backfill SOURCE=retail_web FROM=2026-11-18 TO=2026-11-18",
    ]


@pytest.mark.parametrize("where", ["x" * 300, "Köln, Straße", ""])
def test_its_subject_is_one_that_sns_takes_and_its_message_holds_it_whole(where: str) -> None:
    """ASCII, less than 100 characters: https://docs.aws.amazon.com/sns/latest/api/API_Publish.html"""
    asked = published(Page(**{**PAGE, "where": where}))
    subject = asked["Subject"]
    assert subject.startswith("retail_web: object_missing, tables_changed in ")
    assert subject.isascii()
    assert subject.isprintable()
    assert len(subject) < 100
    assert asked["Message"].startswith(f"retail_web: object_missing, tables_changed in {where}\n")


def test_it_goes_to_the_product_s_topic_with_what_subscribers_filter_by() -> None:
    asked = published(Page(**PAGE))
    assert asked["TopicArn"] == "arn:aws:sns:eu-west-1:123456789012:clickstream-pages"
    assert asked["MessageAttributes"] == {
        "source": {"DataType": "String", "StringValue": "retail_web"},
        "causes": {"DataType": "String", "StringValue": "object_missing,tables_changed"},
    }
