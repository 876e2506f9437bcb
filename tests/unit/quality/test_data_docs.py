"""A page loads nothing, leads nowhere, and says first what failed, why that is expected, and where."""

from __future__ import annotations

import re
from typing import Any

import pytest

from clickstream.quality.data_docs import self_contained

GX = """<html><head><title>Data documentation</title>
<link rel="stylesheet" href="https://cdn.example/bootstrap.css"><style>.ge { color: red }</style>
<script src="https://cdn.example/jquery.js"></script></head>
<body><a href="../index.html">Home</a><img src="https://cdn.example/logo.png"/><a href="#section-2">below</a>
<script>
track()
</script><i class="fas fa-times text-danger"></i><footer>Subscribe</footer></body></html>"""


def result(name: str, success: bool, *, count: int = 5, rows: tuple[dict[str, Any], ...] = ()) -> dict[str, Any]:
    return {
        "success": success,
        "expectation_config": {"meta": {"name": name}, "severity": "critical", "notes": f"why <{name}>"},
        "result": {"element_count": count, "unexpected_count": len(rows), "partial_unexpected_index_list": list(rows)},
    }


@pytest.fixture
def page() -> str:
    results = [
        result("passes", True),
        result("empty", True, count=0),
        result("fails", False, rows=({"filled": 0.123456, "arrival_hour": "<hour>", "kind": None},)),
    ]
    return self_contained(GX, "shop silver: failed", ["Window a & b"], results)


def test_nothing_is_loaded_and_nothing_leads_away(page: str) -> None:
    for gone in ("https://", "<script", "<link", "<img", "track()", "Subscribe", "index.html", ".ge {"):
        assert gone not in page
    assert '<a href="#section-2">' in page
    assert page.count("<style>") == 1
    assert "url(" not in page


def test_the_summary_comes_first_with_what_failed_on_top(page: str) -> None:
    assert page.index("<h1>shop silver: failed</h1>") < page.index("<i class=")
    assert re.findall(r"class='outcome (\w+)'", page) == ["failed", "unjudged", "passed"]
    assert "Window a &amp; b" in page


def test_a_failure_is_told_with_why_and_where_and_values_cannot_break_the_page(page: str) -> None:
    assert "why &lt;fails&gt;" in page
    assert "filled 0.1235, arrival_hour &lt;hour&gt;" in page
    assert "kind" not in page.split("filled 0.1235")[1].split("<")[0]
    assert page.count("<title>") == 1
