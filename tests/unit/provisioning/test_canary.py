"""A canary goes where the source's records go, and is acknowledged like one of them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import boto3
import pytest

from clickstream.producer.receipt import Receipt
from clickstream.producer.sink import Sink
from clickstream.producer.sinks import open_sink
from clickstream.provisioning.canary import NotTaken, send_canary
from clickstream.sources.model import Source
from tests.unit.lake.memory_s3 import MemoryS3
from tests.unit.producer.scripted import ScriptedFirehose, ScriptedKinesis

SESSION: Any = boto3.Session(aws_access_key_id="x", aws_secret_access_key="x", region_name="us-east-1")
NOW = datetime(2026, 11, 18, 13, 30, tzinfo=UTC)


@pytest.fixture
def receipt() -> Receipt:
    return Receipt(MemoryS3(), "evidence", "retail_web", "provision")


def answered_by(service: ScriptedKinesis, source: Source) -> Sink:
    sink = open_sink(source, SESSION)
    sink.client.meta.events.register(f"before-send.{sink.service}", service.answer)
    return sink


def test_of_one_in_a_stream_it_is_known_where_it_is(source: Source, receipt: Receipt) -> None:
    service = ScriptedKinesis(NOW)
    sent = send_canary(answered_by(service, source), receipt)
    assert (sent.shard, sent.sequence, sent.arrived) == ("shardId-000000000000", "1", NOW)
    assert service.puts[0].records == [f"{sent.record}\n".encode()]
    assert receipt.acknowledged == {"2026-11-18T13:00:00Z": 1}


def test_without_a_stream_it_goes_into_the_delivery(source: Source, receipt: Receipt) -> None:
    service = ScriptedFirehose(NOW)
    sent = send_canary(answered_by(service, source.model_copy(update={"stream": None})), receipt)
    assert (sent.shard, sent.sequence, sent.arrived) == (None, None, NOW)
    assert service.puts[0].stream == "retail-clickstream-to-s3"
    assert receipt.acknowledged == {"2026-11-18T13:00:00Z": 1}


def test_a_refused_one_is_no_acknowledged_one(source: Source, receipt: Receipt) -> None:
    service = ScriptedKinesis(NOW, [lambda put: ["KMSDisabledException"]])
    with pytest.raises(NotTaken, match="KMSDisabledException: as written"):
        send_canary(answered_by(service, source), receipt)
    assert not receipt.acknowledged
