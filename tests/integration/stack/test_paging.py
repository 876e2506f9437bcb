"""Incidents on a real local cloud: conditional writes under many reporters, and SNS that is down."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import Any

import boto3
import httpx
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from clickstream.lake.names import Names
from clickstream.paging.incidents import Incidents
from clickstream.paging.message import TOPIC
from clickstream.paging.page import Page
from tests.integration.stack.clouds import running_cloud

REPORTERS = 8
NOW = datetime(2026, 11, 18, 14, 7, tzinfo=UTC)


class Desk:
    """Where incidents are reported, and the queue in which their pages arrive."""

    def __init__(self, control: httpx.Client) -> None:
        self.control = control
        session = boto3.Session()
        self.s3, self.sqs = session.client("s3"), session.client("sqs")
        self.sns = session.client("sns", config=Config(retries={"total_max_attempts": 1}))
        names = Names.of(session.client("sts"))
        self.bucket, self.topic = names.lake, names.topic_arn(TOPIC)

    def report(self, source: str, *causes: str, after: timedelta = timedelta(0)) -> Any:
        """What the check `verdict` of a source sees."""
        found = {
            cause: Page(source, cause, "one hour", "some", "then", ["uri"], "make prove", "http://airflow")
            for cause in causes
        }
        incidents = Incidents(self.s3, self.bucket, source, self.sns, self.topic)
        return incidents.report("verdict", found, NOW + after)

    def at_once(self, source: str, *causes: str) -> list[Any]:
        """The same report by many at the same time."""
        start = Barrier(REPORTERS)

        def one(_: int) -> Any:
            start.wait()
            return self.report(source, *causes)

        with ThreadPoolExecutor(REPORTERS) as pool:
            return list(pool.map(one, range(REPORTERS)))

    def pages(self) -> list[str]:
        """The first lines of the pages that have come since the last look."""
        url = self.sqs.get_queue_url(QueueName=f"{TOPIC}-inbox")["QueueUrl"]
        found = []
        while messages := self.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                found.append(json.loads(message["Body"])["Message"].splitlines()[0])
                self.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return found


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with running_cloud(tmp_path_factory.mktemp("paging")) as variables, pytest.MonkeyPatch.context() as environment:
        for name, value in variables.items():
            environment.setenv(name, value)
        with httpx.Client(base_url=variables["AWS_ENDPOINT_URL"], trust_env=False) as control:
            yield Desk(control)


def test_the_cloud_refuses_a_write_on_a_condition_that_does_not_hold(desk: Desk) -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html"""

    def put(body: bytes, key: str = "incidents/try/one.json", **condition: str) -> str:
        etag: str = desk.s3.put_object(Bucket=desk.bucket, Key=key, Body=body, **condition)["ETag"]
        return etag

    first = put(b"1", IfNoneMatch="*")
    second = put(b"2", IfMatch=first)
    for condition in ({"IfNoneMatch": "*"}, {"IfMatch": first}):
        with pytest.raises(ClientError, match="PreconditionFailed"):
            put(b"3", **condition)
    with pytest.raises(ClientError, match="NoSuchKey"):
        put(b"3", key="incidents/try/two.json", IfMatch=second)
    assert desk.s3.get_object(Bucket=desk.bucket, Key="incidents/try/one.json")["ETag"] == second


def test_of_many_reporters_one_opens_one_resolves_and_two_pages_are_sent(desk: Desk) -> None:
    opened = desk.at_once("crowded", "object_missing", "tables_changed")
    assert sorted(name for report in opened for name in report.told) == ["object_missing", "tables_changed"]
    resolved = desk.at_once("crowded", "tables_changed")
    assert [name for report in resolved for name in report.told] == ["object_missing"]
    assert sorted(desk.pages()) == [
        "crowded: object_missing in one hour",
        "crowded: tables_changed in one hour",
        "resolved: crowded: object_missing in one hour",
    ]


def test_what_sns_does_not_take_is_kept_and_sent_later(desk: Desk) -> None:
    fault = {"fault": "fail_publish", "topic": desk.topic}
    desk.control.post("/_local/faults", json=fault).raise_for_status()
    assert desk.report("cut_off", "object_missing").unsent == ("object_missing",)
    assert desk.report("cut_off", after=timedelta(hours=1)).unsent == ("object_missing",)
    assert desk.pages() == []
    desk.control.delete("/_local/faults").raise_for_status()
    assert desk.report("cut_off", after=timedelta(hours=2)).unsent == ()
    assert desk.pages() == ["cut_off: object_missing in one hour", "resolved: cut_off: object_missing in one hour"]
