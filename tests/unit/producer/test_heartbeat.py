"""A canary is what the contract filters as one, and no two are the same record."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from clickstream.contract.judge import CANARY, Judge
from clickstream.contract.schema import load_schema
from clickstream.producer.heartbeat import canary
from clickstream.sources.loader import INCLUDE
from clickstream.sources.model import Source


@pytest.mark.parametrize("kind", ["heartbeat", "provision"])
def test_a_canary_is_filtered_as_canary(kind: str, source: Source) -> None:
    judge = Judge(source, load_schema(INCLUDE / "schemas", source.name, source.events.contract))
    first, second = canary(kind), canary(kind)  # type: ignore[arg-type]
    assert judge(first, datetime(2026, 11, 18, 13, tzinfo=UTC)).reason == CANARY
    assert first != second
