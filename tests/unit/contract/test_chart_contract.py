"""The contract of the comparison charts: what is good, and the code of each way to break it."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from clickstream.contract.judge import Judge
from clickstream.contract.schema import Schema, load_schema
from clickstream.sources.loader import INCLUDE, load_sources

HOUR = datetime(2026, 11, 18, 13, tzinfo=UTC)
ID = "0f8fad5b-d9cb-469f-a165-70867728950e"
CLICK_ID = "7c9e6679-7425-40de-944b-e07fc1f90ae7"

ANY = {
    "schema_version": "1.0.0",
    "event_id": ID,
    "ts": "2026-11-18T13:05:00.123Z",
    "ingest_ts": 1795007100456,
    "source": "web",
    "privacy": {"analytics": True, "ads": False, "source_ip_anonymized": "203.0.113.0"},
}
VISITOR = ANY | {
    "user": {"user_id_hash": "sha256:0a", "geo_country": "IL"},
    "session": {"session_id": "sid-1", "utm": {"source": "ads", "campaign": "summer"}},
    "ctx": {"page_url": "/compare/website-builders", "referrer": "", "locale": "he-IL", "ab_variant": "A"},
    "metadata": {"sdk_version": "0.2.3", "experiment_keys": ["wide"], "schema_hash": "sha256:0b"},
}
GOOD: dict[str, dict[str, Any]] = {
    "page_view": VISITOR | {"event_type": "page_view"},
    "chart_interaction": VISITOR
    | {
        "event_type": "chart_interaction",
        "chart": {
            "product_ids": ["", "studio"],
            "action": "sort",
            "control_id": "plan-price",
            "control_value": "asc",
        },
    },
    "affiliate_click": VISITOR
    | {
        "event_type": "affiliate_click",
        "affiliate": {"link_id": "studio-top", "target": "studio.example", "payout_cents": 0},
    },
    "affiliate_correction": ANY
    | {"event_type": "affiliate_correction", "corrects": CLICK_ID, "affiliate": {"payout_cents": 4200}},
    "segment_change": ANY
    | {
        "event_type": "segment_change",
        "user": {"user_id_hash": "sha256:0a"},
        "segment": {"key": "returning", "active": False},
    },
}
"""An event of each type."""


@pytest.fixture(scope="module")
def schema() -> Schema:
    return load_schema(INCLUDE / "schemas", "chart_affiliates", "1.0.0")


@pytest.fixture(scope="module")
def judge(schema: Schema) -> Judge:
    return Judge(load_sources()[0]["chart_affiliates"], schema)


def changed(event_type: str, path: str = "", value: Any = None) -> bytes:
    """A sound event with one field changed; None takes it out."""
    event = deepcopy(GOOD[event_type])
    if path:
        *parents, name = path.split(".")
        node = event
        for parent in parents:
            node = node.setdefault(parent, {})
        node[name] = value
        if value is None:
            del node[name]
    return orjson.dumps(event)


@pytest.mark.parametrize("event_type", GOOD)
def test_an_event_of_each_type_is_good(judge: Judge, event_type: str) -> None:
    judged = judge(changed(event_type), HOUR)
    assert (judged.fate, judged.event_id, judged.reason) == ("good", ID, None)


def test_it_knows_no_other_types(schema: Schema) -> None:
    assert schema.values("event_type") == [*GOOD]


OPTIONAL = [
    *("ingest_ts", "source", "privacy.ads", "privacy.source_ip_anonymized", "user", "session.utm", "ctx", "metadata"),
    *("affiliate.link_id", "affiliate.target", "affiliate.payout_cents"),
]


@pytest.mark.parametrize("path", OPTIONAL)
def test_what_is_optional_may_be_absent(judge: Judge, path: str) -> None:
    assert judge(changed("affiliate_click", path), HOUR).fate == "good"


BROKEN: dict[tuple[str, str, Any], str] = {
    # required of all
    ("page_view", "schema_version", None): "required:schema_version",
    ("page_view", "event_type", None): "required:event_type",
    ("page_view", "event_id", None): "required:event_id",
    ("page_view", "ts", None): "required:ts",
    # required of some
    ("page_view", "session", None): "required:session",
    ("page_view", "session.session_id", None): "required:session.session_id",
    ("chart_interaction", "session.session_id", None): "required:session.session_id",
    ("chart_interaction", "chart", None): "required:chart",
    ("affiliate_click", "session.session_id", None): "required:session.session_id",
    ("affiliate_click", "affiliate", None): "required:affiliate",
    ("affiliate_correction", "corrects", None): "required:corrects",
    ("affiliate_correction", "affiliate", None): "required:affiliate",
    ("affiliate_correction", "affiliate.payout_cents", None): "required:affiliate.payout_cents",
    ("segment_change", "segment", None): "required:segment",
    ("segment_change", "segment.key", None): "required:segment.key",
    ("segment_change", "segment.active", None): "required:segment.active",
    ("segment_change", "user", None): "required:user",
    ("segment_change", "user.user_id_hash", None): "required:user.user_id_hash",
    # texts
    ("page_view", "schema_version", "2.0.0"): "pattern:schema_version",
    ("page_view", "event_type", "page_veiw"): "enum:event_type",
    ("page_view", "event_type", ""): "enum:event_type",
    ("page_view", "event_id", "someid"): "format:event_id",
    ("page_view", "event_id", ""): "format:event_id",
    ("affiliate_correction", "corrects", "the last one"): "format:corrects",
    ("page_view", "ts", "yesterday"): "format:ts",
    ("page_view", "session.session_id", ""): "minLength:session.session_id",
    ("page_view", "session.session_id", "a\nb"): "pattern:session.session_id",
    ("page_view", "user.user_id_hash", "x" * 257): "maxLength:user.user_id_hash",
    ("segment_change", "segment.key", ""): "minLength:segment.key",
    ("chart_interaction", "chart.action", "hover"): "enum:chart.action",
    # types
    ("page_view", "privacy.ads", "yes"): "type:privacy.ads",
    ("page_view", "ingest_ts", "now"): "type:ingest_ts",
    ("chart_interaction", "chart.product_ids", "studio"): "type:chart.product_ids",
    ("chart_interaction", "chart.product_ids", (7,)): "type:chart.product_ids.[]",
    ("page_view", "metadata.experiment_keys", (None,)): "type:metadata.experiment_keys.[]",
    ("segment_change", "segment.active", 1): "type:segment.active",
    # amounts
    ("affiliate_click", "affiliate.payout_cents", "42.00"): "type:affiliate.payout_cents",
    ("affiliate_click", "affiliate.payout_cents", 42.5): "type:affiliate.payout_cents",
    ("affiliate_click", "affiliate.payout_cents", -1): "minimum:affiliate.payout_cents",
    ("affiliate_click", "affiliate.payout_cents", 10**9 + 1): "maximum:affiliate.payout_cents",
}


@pytest.mark.parametrize("case", BROKEN, ids=lambda case: " ".join(map(str, case))[:60])
def test_what_breaks_it_is_quarantined_with_its_code(judge: Judge, case: tuple[str, str, Any]) -> None:
    judged = judge(changed(*case), HOUR)
    assert (judged.fate, judged.reason) == ("quarantined", BROKEN[case])


@pytest.mark.parametrize(
    ("path", "value"), [("privacy.analytics", answer) for answer in (False, "yes", 1, None)] + [("privacy", None)]
)
@pytest.mark.parametrize("event_type", GOOD)
def test_who_does_not_consent_is_filtered_whatever_the_event(
    judge: Judge, event_type: str, path: str, value: Any
) -> None:
    judged = judge(changed(event_type, path, value), HOUR)
    assert (judged.fate, judged.reason, judged.event_id) == ("filtered", "no_consent", None)


def test_who_refuses_advertising_only_has_consented(judge: Judge) -> None:
    assert judge(changed("page_view", "privacy.ads", False), HOUR).fate == "good"


def _leaves(node: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    for name, inner in node["properties"].items():
        if inner["type"] == "object":
            yield from _leaves(inner, f"{path}{name}.")
        else:
            yield f"{path}{name}", inner


def test_every_field_has_a_type_that_a_column_of_parquet_can_have(schema: Schema) -> None:
    types = {path: leaf["type"] for path, leaf in _leaves(schema.document)}
    assert {path for path, kind in types.items() if kind not in ("string", "integer", "boolean")} == {
        "chart.product_ids",
        "metadata.experiment_keys",
    }
    assert all(leaf["items"] == {"type": "string"} for _, leaf in _leaves(schema.document) if leaf["type"] == "array")
    # Hive knows no upper case, and Firehose compares names without regard to it.
    assert all(path == path.lower() for path in types)
