"""A page, as a person reads it."""

from __future__ import annotations

from dataclasses import replace

from clickstream.paging.page import EVIDENCE_LIMIT, Page

PAGE = Page(
    source="retail_web",
    cause="object_missing",
    where="2026-11-18T13:00:00Z",
    impact="verified_through stops before 2026-11-18T13:00:00Z",
    since="2026-11-18T13:00:00Z",
    evidence=["one object is gone", "s3://lake/findings/one.json"],
    next_step="make restore OBJECT=landing/a.gz",
    link="http://airflow/dags/retail_web__daily/runs/r1",
)


def test_it_says_what_and_where_the_impact_since_when_the_evidence_the_runbook_and_the_next_step() -> None:
    assert PAGE.text().splitlines() == [
        "retail_web: object_missing in 2026-11-18T13:00:00Z",
        "Impact: verified_through stops before 2026-11-18T13:00:00Z",
        "Since: 2026-11-18T13:00:00Z",
        "Evidence: one object is gone",
        "Evidence: s3://lake/findings/one.json",
        "Runbook: docs/runbooks/object_missing.md",
        "Next: make restore OBJECT=landing/a.gz",
        "Airflow: http://airflow/dags/retail_web__daily/runs/r1",
    ]


def test_long_evidence_is_cut() -> None:
    """One error's text must not make a message that SNS never takes: 256 KB."""
    long = replace(PAGE, evidence=["x" * 300_000, "uri"]).text()
    assert f"Evidence: {'x' * EVIDENCE_LIMIT}\n" in long
    assert "Evidence: uri" in long
