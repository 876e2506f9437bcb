"""What people are told of a round, and what only a later one can take back."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from clickstream.health.causes import Cause
from clickstream.health.check import Finding, Judgement
from clickstream.health.report import report
from clickstream.paging.incidents import Incidents
from tests.unit.lake.memory_s3 import MemoryS3
from tests.unit.paging.memory_sns import MemorySns
from tests.unit.reconciliation.makers import place, source

NOW = datetime(2026, 11, 18, 13, 30, 40, tzinfo=UTC)


@pytest.fixture
def incidents() -> Incidents:
    return Incidents.of(place(MemoryS3()), "retail_web", MemorySns())


def told(incidents: Incidents, *causes: Cause, path: bool = True, traffic: bool = True) -> dict[str, str]:
    """What people are told of a round that found these causes, and could judge this."""
    findings = tuple(Finding(cause=cause, where="here", since=NOW, evidence=()) for cause in causes)
    judgement = Judgement(at=NOW, findings=findings, judges_path=path, judges_traffic=traffic)
    return {**report(incidents, source(), judgement, "link", NOW)}


def test_each_cause_is_opened_once_and_resolved_when_it_is_gone(incidents: Incidents) -> None:
    both: tuple[Cause, ...] = ("traffic_low", "delivery_stalled")
    assert told(incidents, *both) == dict.fromkeys(both, "opened")
    assert told(incidents, *both) == {}
    assert told(incidents, "traffic_low") == {"delivery_stalled": "resolved"}
    assert told(incidents) == {"traffic_low": "resolved"}
    assert told(incidents) == {}


def test_out_of_its_hours_nobody_is_told_that_traffic_is_well_again(incidents: Incidents) -> None:
    told(incidents, "traffic_low", "delivery_stalled")
    assert told(incidents, traffic=False) == {"delivery_stalled": "resolved"}
    assert told(incidents) == {"traffic_low": "resolved"}


def test_without_a_heartbeat_nobody_is_told_that_the_path_is_well_again(incidents: Incidents) -> None:
    told(incidents, "traffic_low", "delivery_stalled")
    assert told(incidents, path=False) == {"traffic_low": "resolved"}
    assert told(incidents, "path_missing", path=False) == {"path_missing": "opened"}
    assert told(incidents) == {"delivery_stalled": "resolved", "path_missing": "resolved"}
