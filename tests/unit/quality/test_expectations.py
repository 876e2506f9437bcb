"""Each expectation of the shipped suites, by Great Expectations itself: good data pass it, and broken data fail it."""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from clickstream.quality.measures import Row
from clickstream.quality.suites import Suite, Tier
from clickstream.quality.validation import SuiteBroken, validate
from tests.unit.quality.answers import SUITES, rows
from tests.unit.quality.breaking import Broken, failed, rounds

BROKEN: dict[Tier, Broken] = {
    "bronze": {
        "columns_as_declared": ({"about": "schema"}, {"found": "absent"}),
        "most_records_are_good": ({"about": "fate", "name": "good"}, {"share": 0.55}),
        "nearly_all_records_are_good": ({"about": "fate", "name": "good"}, {"share": 0.88}),
        "few_are_quarantined": ({"about": "fate", "name": "quarantined"}, {"share": 0.03}),
        "quarantine_is_no_flood": ({"about": "fate", "name": "quarantined"}, {"share": 0.2}),
        "few_are_duplicates": ({"about": "fate", "name": "duplicate"}, {"share": 0.04}),
        "duplicates_are_no_flood": ({"about": "fate", "name": "duplicate"}, {"share": 0.3}),
        "copies_agree": ({"about": "reason", "name": "conflict"}, {"share": 0.06}),
        "consent_is_asked": ({"about": "reason", "name": "no_consent"}, {"share": 0.0}),
        "reasons_are_known": ({"about": "reason", "name": "bad_json"}, {"share": 0.01}),
        "as_many_as_usual": ({"about": "hour"}, {"of_usual": 0.2}),
        "not_silent_nor_flooded": ({"about": "hour"}, {"of_usual": 0.01}),
    },
    "silver": {
        "columns_as_declared": ({"about": "schema"}, {"declared": "bigint"}),
        "sessions_are_known": ({"about": "column", "name": "session_id"}, {"filled": 0.8}),
        "nearly_all_sessions_are_known": ({"about": "column", "name": "session_id"}, {"filled": 0.95}),
        "sessions_hold_events": ({"about": "column", "name": "session_id"}, {"distinct": 0.99}),
        "customers_log_in": ({"about": "column", "name": "customer_id"}, {"filled": 0.01}),
        "pages_are_named": ({"about": "column", "name": "page_url"}, {"filled": 0.9}),
        "devices_are_known": ({"about": "column", "name": "device_type"}, {"filled": 0.5}),
        "devices_are_those_of_gold": (
            {"about": "value", "name": "device_type", "value": "tablet"},
            {"value": "Tablet"},
        ),
        "countries_are_known": ({"about": "column", "name": "country"}, {"filled": 0.1}),
        "countries_are_codes": ({"about": "value", "name": "country", "value": "BR"}, {"value": "Brasil"}),
        "every_kind_of_event_comes": ({"about": "column", "name": "event_type"}, {"different": 5}),
        "no_kind_takes_over": ({"about": "value", "name": "event_type", "value": "click"}, {"share": 0.85}),
        "products_are_viewed": ({"about": "step", "name": "view"}, {"share": 0.1}),
        "carts_are_filled": ({"about": "step", "name": "cart"}, {"share": 0.0}),
        "checkouts_follow_carts": ({"about": "step", "name": "checkout"}, {"share": 0.01}),
        "purchases_follow_checkouts": ({"about": "step", "name": "purchase"}, {"share": 0.0}),
        "the_funnel_narrows": ({"about": "step", "name": "cart"}, {"count": 9000}),
        "purchases_have_their_amount": ({"kind": "purchase", "name": "total_amount"}, {"filled": 0.9}),
        "purchases_have_their_order": ({"kind": "purchase", "name": "order_id"}, {"filled": 0.9}),
        "checkouts_have_their_value": ({"kind": "checkout_start", "name": "cart_value"}, {"filled": 0.5}),
        "searches_have_their_words": ({"kind": "search", "name": "search_query"}, {"filled": 0.5}),
        "views_have_their_price": ({"kind": "product_view", "name": "price"}, {"filled": 0.5}),
        "amounts_are_as_large_as_ever": ({"kind": "purchase", "name": "total_amount"}, {"mean": 49810.0}),
        "no_purchase_is_for_nothing": ({"kind": "purchase", "name": "total_amount"}, {"lowest": 0.0}),
        "no_purchase_is_enormous": ({"kind": "purchase", "name": "total_amount"}, {"highest": 2e6}),
        "quantities_are_of_a_household": ({"kind": "add_to_cart", "name": "quantity"}, {"highest": 1e6}),
        "few_events_are_late": ({"name": "arrival.lateness", "value": "longer"}, {"share": 0.1}),
        "lateness_is_no_flood": ({"name": "arrival.lateness", "value": "a day"}, {"share": 0.4}),
        "few_clocks_run_ahead": ({"name": "arrival.lateness", "value": "ahead"}, {"share": 0.1}),
        "unknown_fields_are_few": ({"about": "column", "name": "extra"}, {"filled": 0.3}),
    },
}

ALSO = {
    "most_records_are_good": {"nearly_all_records_are_good"},
    "quarantine_is_no_flood": {"few_are_quarantined"},
    "duplicates_are_no_flood": {"few_are_duplicates"},
    "not_silent_nor_flooded": {"as_many_as_usual"},
    "sessions_are_known": {"nearly_all_sessions_are_known"},
    "lateness_is_no_flood": {"few_events_are_late"},
}
"""A flood is more than a few."""


@pytest.fixture(scope="module")
def good() -> dict[str, list[Row]]:
    return rows()


@pytest.mark.parametrize("tier", SUITES)
def test_all_are_judged_and_hold_for_good_data(tier: Tier, good: dict[str, list[Row]]) -> None:
    result = validate(SUITES[tier], good[tier])
    assert (result.failed, result.unjudged) == ({}, ())
    assert result.document["success"] is True


@pytest.mark.parametrize("tier", SUITES)
def test_it_is_known_how_each_is_broken(tier: Tier) -> None:
    assert set(BROKEN[tier]) == set(SUITES[tier].severities)


@pytest.mark.parametrize("tier", SUITES)
def test_broken_data_fail_it_and_nothing_else(tier: Tier, good: dict[str, list[Row]]) -> None:
    for names, spoilt in rounds(BROKEN[tier], good[tier]):
        result = validate(SUITES[tier], spoilt)
        assert json.loads(json.dumps(result.document)) == result.document
        assert failed(result) == names.union(*(ALSO.get(name, set()) for name in names))
        for severity, of_severity in result.failed.items():
            assert {SUITES[tier].severities[name] for name in of_severity} == {severity}


def test_what_is_too_small_is_not_judged_and_does_not_pass_for_judged(good: dict[str, list[Row]]) -> None:
    small = [{**row, "records": 30, "usual": 30.0} if "records" in row else row for row in good["bronze"]]
    result = validate(SUITES["bronze"], small)
    assert result.failed == {}
    assert {*result.unjudged} == {*SUITES["bronze"].severities} - {"columns_as_declared"}


def test_nothing_to_look_at_is_no_failure() -> None:
    result = validate(SUITES["silver"], [])
    assert (result.failed, {*result.unjudged}) == ({}, {*SUITES["silver"].severities})


def changed(kwargs: dict[str, Any]) -> Suite:
    suite = SUITES["bronze"]
    document: dict[str, Any] = deepcopy(dict(suite.document))
    document["expectations"] = [each for each in document["expectations"] if each["meta"]["name"] == "copies_agree"]
    document["expectations"][0]["kwargs"].update(kwargs)
    return Suite(suite.tier, document, suite.digest, suite.measures, suite.severities)


@pytest.mark.parametrize(
    "kwargs",
    [{"column": "shere"}, {"row_condition": {"type": "pass_through", "pass_through_filter": "abuot == 'reason'"}}],
    ids=["column", "condition"],
)
def test_an_expectation_that_cannot_be_evaluated_is_no_failure_of_the_data(
    kwargs: dict[str, Any], good: dict[str, list[Row]]
) -> None:
    with pytest.raises(SuiteBroken, match="copies_agree: "):
        validate(changed(kwargs), good["bronze"])


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[Path]]:
    """A home, a working folder and a place for temporary files, and what lies in them."""
    for variable in ("HOME", "TMPDIR"):
        monkeypatch.setenv(variable, str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return lambda: list(tmp_path.rglob("*"))


def test_nothing_is_left_on_the_machine_and_nobody_is_told(
    nowhere: Callable[[], list[Path]], good: dict[str, list[Row]], monkeypatch: pytest.MonkeyPatch
) -> None:
    called: list[Any] = []
    monkeypatch.setattr("socket.getaddrinfo", lambda *host, **_: called.append(host))
    validate(SUITES["bronze"], good["bronze"])
    assert (nowhere(), called) == ([], [])
