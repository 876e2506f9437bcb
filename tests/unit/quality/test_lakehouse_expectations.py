"""The suites of the lakehouse sources: the sample passes, each expectation can fail, faults of senders are found."""

from __future__ import annotations

from datetime import datetime
from math import ceil
from pathlib import Path

import pytest

from clickstream.quality.measures import Row, schema_rows
from clickstream.quality.suites import Tier, load_suites
from clickstream.quality.validation import validate
from clickstream.sources.loader import load_sources
from commands.dialects import DIALECTS
from commands.sample import EVENTS
from tests.unit.quality.breaking import Broken, failed, rounds
from tests.unit.quality.sampled import Change, Event, Sampled

SOURCES = ("shop_clicks", "chart_affiliates")
SUITES = {name: load_suites(load_sources()[0][name]) for name in SOURCES}

SHOP: dict[Tier, Broken] = {
    "bronze": {
        "columns_as_declared": ({"about": "schema"}, {"found": "absent"}),
        "most_records_are_good": ({"about": "fate", "name": "good"}, {"share": 0.7}),
        "few_are_quarantined": ({"about": "fate", "name": "quarantined"}, {"share": 0.04}),
        "quarantine_is_no_flood": ({"about": "fate", "name": "quarantined"}, {"share": 0.2}),
        "duplicates_are_no_flood": ({"about": "fate", "name": "duplicate"}, {"share": 0.3}),
        "volume_is_usual": ({"about": "hour"}, {"deviations": 7.0}),
        "not_silent_nor_flooded": ({"about": "hour"}, {"of_usual": 0.01}),
    },
    "silver": {
        "columns_as_declared": ({"about": "schema"}, {"declared": "bigint"}),
        "users_are_many": ({"about": "column", "name": "user_id"}, {"distinct": 0.001}),
        "sessions_hold_clicks": ({"about": "column", "name": "session_id"}, {"distinct": 0.99}),
        "pages_are_named": ({"about": "column", "name": "page_url"}, {"filled": 0.9}),
        "devices_are_known": ({"about": "value", "name": "device_type", "value": "mobile"}, {"value": "toaster"}),
        "countries_are_known": ({"about": "column", "name": "country"}, {"filled": 0.5}),
        "signups_are_known": ({"about": "column", "name": "signup_date"}, {"filled": 0.5}),
        "every_kind_of_event_comes": ({"about": "column", "name": "event_type"}, {"different": 4}),
        "no_kind_takes_over": ({"about": "value", "name": "event_type", "value": "page_view"}, {"share": 0.9}),
        "purchases_have_their_order": ({"kind": "purchase", "name": "order_id"}, {"filled": 0.9}),
        "few_clicks_are_late": ({"name": "arrival.lateness", "value": "a day"}, {"share": 0.1}),
    },
}

CHART: dict[Tier, Broken] = {
    "bronze": {
        "columns_as_declared": ({"about": "schema"}, {"found": "absent"}),
        "most_records_are_good": ({"about": "fate", "name": "good"}, {"share": 0.55}),
        "nearly_all_records_are_good": ({"about": "fate", "name": "good"}, {"share": 0.88}),
        "few_are_quarantined": ({"about": "fate", "name": "quarantined"}, {"share": 0.05}),
        "quarantine_is_no_flood": ({"about": "fate", "name": "quarantined"}, {"share": 0.2}),
        "few_are_duplicates": ({"about": "fate", "name": "duplicate"}, {"share": 0.04}),
        "duplicates_are_no_flood": ({"about": "fate", "name": "duplicate"}, {"share": 0.3}),
        "copies_agree": ({"about": "reason", "name": "conflict"}, {"share": 0.06}),
        "consent_is_asked": ({"about": "reason", "name": "no_consent"}, {"share": 0.0}),
        "reasons_are_known": ({"about": "reason", "name": "bad_json"}, {"share": 0.01}),
        "volume_is_usual": ({"about": "hour"}, {"deviations": 7.0}),
        "not_silent_nor_flooded": ({"about": "hour"}, {"of_usual": 0.01}),
    },
    "silver": {
        "columns_as_declared": ({"about": "schema"}, {"declared": "bigint"}),
        "sessions_hold_events": ({"about": "column", "name": "session_id"}, {"distinct": 0.99}),
        "users_are_known": ({"about": "column", "name": "user_id_hash"}, {"filled": 0.1}),
        "users_are_many": ({"about": "column", "name": "user_id_hash"}, {"distinct": 0.001}),
        "pages_are_named": ({"kind": "page_view", "name": "page_url"}, {"filled": 0.9}),
        "countries_are_known": ({"kind": "page_view", "name": "geo_country"}, {"filled": 0.1}),
        "countries_are_codes": ({"about": "value", "name": "geo_country", "value": "BR"}, {"value": "Brasil"}),
        "variants_are_told": ({"kind": "page_view", "name": "ab_variant"}, {"filled": 0.9}),
        "variants_are_those_of_the_test": ({"about": "value", "name": "ab_variant", "value": "B"}, {"value": "C"}),
        "variants_are_in_balance": ({"about": "value", "name": "ab_variant", "value": "A"}, {"share": 0.7}),
        "every_kind_of_event_comes": ({"about": "column", "name": "event_type"}, {"different": 4}),
        "no_kind_takes_over": ({"about": "value", "name": "event_type", "value": "page_view"}, {"share": 0.9}),
        "charts_are_used": ({"about": "step", "name": "interacted_chart"}, {"share": 0.01}),
        "clicks_follow_interactions": ({"about": "step", "name": "clicked_affiliate"}, {"share": 0.0}),
        "interactions_have_their_action": ({"kind": "chart_interaction", "name": "chart_action"}, {"filled": 0.9}),
        "clicks_have_their_link": ({"kind": "affiliate_click", "name": "affiliate_link_id"}, {"filled": 0.9}),
        "clicks_have_their_payout": ({"kind": "affiliate_click", "name": "payout_cents"}, {"filled": 0.3}),
        "payouts_are_cents": ({"kind": "affiliate_click", "name": "payout_cents"}, {"mean": 30.0}),
        "corrected_payouts_are_cents": ({"kind": "affiliate_correction", "name": "payout_cents"}, {"mean": 15.0}),
        "no_payout_is_enormous": ({"kind": "affiliate_click", "name": "payout_cents"}, {"highest": 1e6}),
        "corrections_are_no_flood": (
            {"about": "value", "name": "event_type", "value": "affiliate_correction"},
            {"share": 0.3},
        ),
        "segments_are_known": ({"about": "value", "name": "segment_key", "value": "business"}, {"value": "b2b"}),
        "senders_are_known": ({"about": "value", "name": "client", "value": "ios"}, {"value": "android"}),
        "few_events_are_late": ({"name": "arrival.lateness", "value": "a day"}, {"share": 0.1}),
        "lateness_is_no_flood": ({"name": "arrival.lateness", "value": "longer"}, {"share": 0.4}),
        "few_clocks_run_ahead": ({"name": "arrival.lateness", "value": "ahead"}, {"share": 0.1}),
    },
}

BROKEN = {"shop_clicks": SHOP, "chart_affiliates": CHART}
ALSO = {
    "most_records_are_good": {"nearly_all_records_are_good"},
    "quarantine_is_no_flood": {"few_are_quarantined"},
    "duplicates_are_no_flood": {"few_are_duplicates"},
    "lateness_is_no_flood": {"few_events_are_late"},
}
"""A flood is more than a few, where few are looked for."""
TIERS = [(name, tier) for name in SOURCES for tier in SUITES[name]]


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Sampled]:
    """As large as those of `make up`."""
    return {
        name: Sampled.of(name, tmp_path_factory.mktemp("sample"), ceil(EVENTS * DIALECTS[name].share))
        for name in SOURCES
    }


@pytest.fixture(scope="module")
def good(samples: dict[str, Sampled]) -> dict[str, dict[str, list[Row]]]:
    """What is measured on the sample days, of tables that are as declared, weeks after the sources began."""
    return {name: _of_settled_source(sample) for name, sample in samples.items()}


def _of_settled_source(sample: Sampled) -> dict[str, list[Row]]:
    schema = schema_rows({"column a": "string"}, {"column a": "string"})
    rows = {tier: [*schema, *rows] for tier, rows in sample.rows().items()}
    usual: Row = {"usual": 700.0, "usual_hours": 8, "of_usual": 1.1, "deviations": 0.4}
    return rows | {"bronze": [row | usual if row["about"] == "hour" else row for row in rows["bronze"]]}


@pytest.mark.parametrize(("source", "tier"), TIERS)
def test_all_are_judged_and_hold_for_the_sample(source: str, tier: Tier, good: dict[str, dict[str, list[Row]]]) -> None:
    result = validate(SUITES[source][tier], good[source][tier])
    assert (result.failed, result.unjudged) == ({}, ())


@pytest.mark.parametrize(("source", "tier"), TIERS)
def test_broken_data_fail_each_and_nothing_else(source: str, tier: Tier, good: dict[str, dict[str, list[Row]]]) -> None:
    suite, broken = SUITES[source][tier], BROKEN[source][tier]
    assert {*broken} == {*suite.severities}
    for names, spoilt in rounds(broken, good[source][tier]):
        also = set[str]().union(*(ALSO.get(name, set()) for name in names))
        assert failed(validate(suite, spoilt)) == names | also & {*suite.severities}


def test_a_small_sample_is_as_expected(tmp_path: Path) -> None:
    found = Sampled.of("chart_affiliates", tmp_path, 2_000).validated()
    assert {tier: result.failed for tier, result in found.items()} == {"bronze": {}, "silver": {}}
    assert len(found["silver"].unjudged) < 5


def payouts_in_whole_units(hour: datetime, event: Event) -> None:
    if event["event_type"] == "affiliate_click" and "payout_cents" in event["affiliate"]:
        event["affiliate"] |= {"payout_cents": event["affiliate"]["payout_cents"] // 100}


def nobody_can_click(hour: datetime, event: Event) -> None:
    if event["event_type"] == "affiliate_click":
        event["event_type"] = "page_view"


@pytest.mark.parametrize(
    ("change", "expected"),
    [(payouts_in_whole_units, "payouts_are_cents"), (nobody_can_click, "clicks_follow_interactions")],
)
def test_a_fault_of_a_sender_is_found(samples: dict[str, Sampled], change: Change, expected: str) -> None:
    rows = samples["chart_affiliates"].rows(change)["silver"]
    assert expected in validate(SUITES["chart_affiliates"]["silver"], rows).failed["critical"]
