"""What is told of data quality: the end of `make status`, and the pages that `make quality` brings."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from commands import status
from commands.quality import bring
from tests.unit.lake.memory_s3 import MemoryS3

URI = "s3://lake/findings/shop/quality/r1/silver.html"


def result(tier: str, state: str, **more: Any) -> dict[str, Any]:
    told = {"tier": tier, "state": state, "window": "a/b", "expectations": 12, "unjudged": [], "failed": {}}
    return told | more


def lines(tiers: list[dict[str, Any]], failed: list[dict[str, Any]]) -> list[str]:
    standing: dict[str, Any] = {"verified_through": None, "hours": [], "dates": []}
    printed = io.StringIO()
    told = {"sources": {"shop": standing | {"quality": {"tiers": tiers, "failed": failed}}}}
    status.show(told, Console(file=printed, width=80))
    return [line for line in printed.getvalue().splitlines() if "data quality" in line]


def test_each_tier_is_told_with_what_failed_and_what_was_too_small() -> None:
    failed = result("silver", "failed", failed={"critical": ["x"], "warning": ["y"]})
    assert lines([result("bronze", "passed", unjudged=["u", "v"]), failed], [failed]) == [
        "  data quality of bronze, a/b: passed, 10 of 10 expectations hold, 2 had too few records",
        "  data quality of silver, a/b: failed, 10 of 12 expectations hold; failed: x (critical), y (warning)",
    ]


def test_a_window_that_is_failed_still_is_told_beside_the_newest() -> None:
    older = result("silver", "failed", window="older", failed={"critical": ["x"]})
    assert [line.split(":")[0] for line in lines([result("silver", "passed")], [older])] == [
        "  data quality of silver, a/b",
        "  data quality of silver, older",
    ]


def test_nothing_is_told_of_a_source_without_suites() -> None:
    assert lines([], []) == []


@pytest.fixture
def s3() -> MemoryS3:
    found = MemoryS3()
    found.put_object(Bucket="lake", Key="findings/shop/quality/r1/silver.html", Body=b"<html>")
    return found


def test_a_page_is_brought_into_a_folder(s3: MemoryS3, tmp_path: Path) -> None:
    told = bring(s3, URI, tmp_path / "shop")
    assert told == str(tmp_path / "shop" / "silver.html")
    assert Path(told).read_bytes() == b"<html>"


def test_a_page_that_has_expired_is_told_as_such(tmp_path: Path) -> None:
    assert "has expired" in bring(MemoryS3(), URI, tmp_path)
    assert list(tmp_path.iterdir()) == []
