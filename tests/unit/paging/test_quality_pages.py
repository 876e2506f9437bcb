"""The page of data quality: one for the source, however many windows and tiers fail."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from clickstream.lake.names import Names
from clickstream.paging.incidents import Incidents
from clickstream.paging.quality_pages import CHECK, SHOWN, quality_pages
from tests.unit.lake.memory_s3 import MemoryS3
from tests.unit.paging.memory_sns import MemorySns
from tests.unit.quality.makers import entry
from tests.unit.reconciliation.makers import text

LINK = "http://airflow/dags/retail_web__daily/runs/r1"


def test_nothing_failed_is_no_page() -> None:
    assert quality_pages("retail_web", [], LINK) == {}


def test_it_names_tiers_hours_expectations_and_the_pages() -> None:
    failed = [entry(range(24), "failed", tier="bronze"), entry(range(24, 48), "failed")]
    (page,) = quality_pages("retail_web", failed, LINK).values()
    assert page.headline == f"retail_web: expectation_failed in bronze and silver, {text(0)} to {text(47)}"
    assert page.since == text(0)
    assert f"silver of {text(24)}/{text(48)}: sessions_are_known" in page.evidence
    assert "s3://lake/findings/retail_web/quality/r/bronze.html" in page.evidence
    assert "make quality SOURCE=retail_web" in page.next_step


def test_of_many_windows_the_first_are_named() -> None:
    failed = [entry(range(n, n + 1), "failed") for n in range(9)]
    (page,) = quality_pages("retail_web", failed, LINK).values()
    assert len(page.evidence) == 2 * SHOWN


def test_people_are_told_once_and_again_when_it_is_over() -> None:
    sns, now = MemorySns(), datetime(2026, 11, 19, tzinfo=UTC)
    topic = Names("000000000000", "us-east-1").topic_arn("clickstream-pages")
    incidents = Incidents(MemoryS3(), "lake", "retail_web", sns, topic)
    told = []
    for failed in ([entry(range(24), "failed")], [entry(range(48), "failed"), entry(range(5), "failed")], [], []):
        told.append(incidents.report(CHECK, quality_pages("retail_web", failed, LINK), now).told)
        now += timedelta(minutes=10)
    assert told == [{"expectation_failed": "opened"}, {}, {"expectation_failed": "resolved"}, {}]
