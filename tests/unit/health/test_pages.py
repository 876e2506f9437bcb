"""What people read of a finding."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from clickstream.health.causes import CAUSES, Cause
from clickstream.health.check import Finding
from clickstream.health.pages import health_page
from tests.unit.reconciliation.makers import source

SINCE = datetime(2026, 11, 18, 13, 19, 40, tzinfo=UTC)


@pytest.mark.parametrize("cause", CAUSES)
def test_each_cause_has_its_impact_and_the_next_step_with_the_names_of_its_path(cause: Cause) -> None:
    finding = Finding(cause=cause, where="stream s", since=SINCE, evidence=("read",))
    page = health_page(source(), finding, "http://airflow/run")
    assert page.headline == f"retail_web: {cause} in stream s"
    assert (page.since, page.evidence, page.link) == ("2026-11-18T13:19:40Z", ("read",), "http://airflow/run")
    assert page.impact
    assert page.next_step
    assert "{" not in page.next_step


def test_the_next_step_is_one_that_can_be_taken() -> None:
    def step(cause: Cause) -> str:
        finding = Finding(cause=cause, where="here", since=SINCE, evidence=())
        return health_page(source(), finding, "link").next_step

    assert step("path_missing").startswith("run retail_web__provision in Airflow")
    assert step("delivery_failing") == "aws logs tail /aws/firehose/retail-clickstream-to-s3 --since 1h"
