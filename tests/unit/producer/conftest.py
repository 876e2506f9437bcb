from datetime import datetime

import pytest

from clickstream.producer.kinesis import KinesisSink
from clickstream.sources.loader import load_sources
from clickstream.sources.model import Source
from tests.unit.producer.scripted import ScriptedKinesis, Waits


@pytest.fixture
def source() -> Source:
    return load_sources()[0]["retail_web"]


@pytest.fixture
def waits() -> Waits:
    return Waits()


@pytest.fixture
def service() -> ScriptedKinesis:
    return ScriptedKinesis(datetime.fromisoformat("2026-11-18T13:59:59+00:00"))


@pytest.fixture
def kinesis(source: Source, service: ScriptedKinesis, monkeypatch: pytest.MonkeyPatch) -> KinesisSink:
    for name, value in {"ACCESS_KEY_ID": "test", "SECRET_ACCESS_KEY": "test", "DEFAULT_REGION": "us-east-1"}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    sink = KinesisSink(source)
    sink.client.meta.events.register("before-send.kinesis", service.answer)
    return sink
