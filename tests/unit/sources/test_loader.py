"""A declaration is read whole or refused whole, with every fault named."""

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from clickstream.sources.gold import Facts, Gold, Sessions
from clickstream.sources.loader import Fault, InvalidSources, load_source, load_sources
from clickstream.sources.model import Health
from tests.unit.sources.conftest import STEP, WITH_GOLD

Declare = Callable[..., Path]


def faults_of(path: Path) -> list[Fault]:
    with pytest.raises(InvalidSources) as raised:
        load_source(path, path.parents[1] / "schemas")
    return raised.value.faults


def test_the_shipped_source_loads() -> None:
    sources, faults = load_sources()
    assert faults is None
    assert sources["retail_web"].events.identity == ("event_id",)
    assert sources["retail_web"].table("silver") == "retail_web_silver"


def test_a_sound_declaration_loads_with_its_defaults(declare: Declare, include: Path) -> None:
    source = load_source(declare(), include / "schemas")
    assert (source.events.max_late_days, source.events.max_skew_minutes, source.checks.recheck_days) == (7, 60, 7)
    assert source.verify_until is None
    assert source.health is None


def test_the_thresholds_of_health_have_defaults(declare: Declare, include: Path) -> None:
    health = load_source(declare(health={}), include / "schemas").health
    assert health == Health(
        incoming_per_minute=10,
        traffic_hours="00-24",
        freshness_seconds=300,
        delivery_success=1.0,
        throttled=0,
        window_minutes=15,
    )


@pytest.mark.parametrize(
    ("hours", "expected"),
    [
        ("00-24", range(24)),
        ("06-23", range(6, 23)),
        ("20-04", [20, 21, 22, 23, 0, 1, 2, 3]),
        ("23-24", [23]),
        ("23-00", [23]),
    ],
)
def test_traffic_is_expected_from_the_first_hour_until_before_the_second(hours: str, expected: Iterable[int]) -> None:
    assert {hour for hour in range(24) if Health(traffic_hours=hours).expects_traffic(hour)} == set(expected)


def test_what_maintenance_keeps_has_defaults(declare: Declare, include: Path) -> None:
    kept = load_source(declare(maintenance={"keep_days": 14}), include / "schemas").maintenance
    assert (kept.keep_days, kept.keep_snapshots, kept.orphan_days) == (14, 10, 3)


def test_records_pass_the_stream_and_then_the_delivery(declare: Declare, include: Path) -> None:
    source = load_source(declare(), include / "schemas")
    assert list(source.carriers.items()) == [("stream", "shop-events"), ("delivery", "shop-to-s3")]
    assert (source.entrance, source.declared_stream.name) == ("stream", "shop-events")


def test_without_a_stream_records_are_put_into_the_delivery(declare: Declare, include: Path) -> None:
    source = load_source(declare(stream=None, tiers=["delivery", "bronze", "silver"]), include / "schemas")
    assert source.carriers == {"delivery": "shop-to-s3"}
    assert source.entrance == "delivery"
    with pytest.raises(ValueError, match="shop declares no stream"):
        source.declared_stream  # noqa: B018


def test_bronze_and_silver_are_all_the_tiers_that_a_source_must_have(declare: Declare, include: Path) -> None:
    assert load_source(declare(tiers=["bronze", "silver"]), include / "schemas").tiers == ("bronze", "silver")


CASES: dict[str, tuple[dict[str, Any], str, str, str]] = {
    # what is declared: field, value, what is allowed
    "unknown key": ({"stream__shard": 2}, "stream.shard", "2", "unknown key"),
    "unknown part": ({"strem": {"shards": 2}}, "strem", "{'shards': 2}", "unknown key"),
    "absent": ({"stream__partition_key": None}, "stream.partition_key", "absent", "required"),
    "no shards": ({"stream__shards": None}, "stream.shards", "None", "must be given for a provisioned stream"),
    "shards on demand": ({"stream__mode": "on_demand"}, "stream.shards", "1", "and for no other"),
    "no such metric": (
        {"stream__enhanced_metrics": ["Speed"]},
        "stream.enhanced_metrics.0",
        "'Speed'",
        "IncomingBytes",
    ),
    "below its range": ({"stream__shards": 0}, "stream.shards", "0", "greater than or equal to 1"),
    "above its range": ({"delivery__buffer_seconds": 901}, "delivery.buffer_seconds", "901", "equal to 900"),
    "no number": ({"stream__shards": "many"}, "stream.shards", "'many'", "valid integer"),
    "no such tier": ({"tiers": ["bronze", "gold"]}, "tiers.1", "'gold'", "'producer', 'stream'"),
    "no such type": ({"silver__country__type": "text"}, "silver.country.type", "'text'", "'string', 'bigint'"),
    "no path": ({"events__identity": "a..b"}, "events.identity.0", "'a..b'", "match pattern"),
    "prefix without its slash": ({"delivery__prefix": "landing"}, "delivery.prefix", "'landing'", "match pattern"),
    "version": ({"events__contract": "1.0"}, "events.contract", "'1.0'", "match pattern"),
    "no midnight": ({"verify_from": "2026-11-17T05:00:00Z"}, "verify_from", "05:00", "midnight in UTC"),
    "no whole hour": ({"verify_from": "2026-11-17T00:30:00Z"}, "verify_from", "00:30", "midnight in UTC"),
    "not in UTC": ({"verify_from": "2026-11-17T00:00:00+01:00"}, "verify_from", "+01:00", "UTC"),
    "no zone": ({"verify_from": "2026-11-17T00:00:00"}, "verify_from", "2026-11-17", "UTC"),
    "identity that the contract lacks": (
        {"events__identity": "key"},
        "events.identity.0",
        "'key'",
        "contract declares",
    ),
    "no identity": ({"events__identity": []}, "events.identity", "[]", "at least 1"),
    "a field of the identity that it lacks": (
        {"events__identity": ["id", "key"]},
        "events.identity.1",
        "'key'",
        "contract declares",
    ),
    "a field of the identity that is no text": (
        {"events__identity": ["id", "paid"]},
        "events.identity.1",
        "'paid'",
        "holds texts only",
    ),
    "nested path that it lacks": (
        {"silver__country__path": "where.city"},
        "silver.country.path",
        "'where.city'",
        "contract declares",
    ),
    "below a plain field": ({"silver__country__path": "id.x"}, "silver.country.path", "'id.x'", "contract declares"),
    "contract that is not there": (
        {"events__contract": "2.0.0"},
        "events.contract",
        "'2.0.0'",
        "versions there: 1.0.0",
    ),
    "unknown threshold": ({"health": {"freshness": 300}}, "health.freshness", "300", "unknown key"),
    "no hours": ({"health": {"traffic_hours": "6-23"}}, "health.traffic_hours", "'6-23'", "match pattern"),
    "an hour that the day lacks": ({"health": {"traffic_hours": "24-06"}}, "health.traffic_hours", "24-06", "00 to 23"),
    "an end after the day's": ({"health": {"traffic_hours": "06-25"}}, "health.traffic_hours", "06-25", "to 24"),
    "no hour at all": ({"health": {"traffic_hours": "06-06"}}, "health.traffic_hours", "06-06", "at which it ends"),
    "more than all writes": ({"health": {"delivery_success": 1.1}}, "health.delivery_success", "1.1", "equal to 1"),
    "no write at all": ({"health": {"delivery_success": 0}}, "health.delivery_success", "0", "greater than 0"),
    "too few days for a run": ({"maintenance": {"keep_days": 4}}, "maintenance.keep_days", "4", "equal to 5"),
    "files of running jobs": ({"maintenance": {"orphan_days": 1}}, "maintenance.orphan_days", "1", "equal to 2"),
    "too short a window": ({"health": {"window_minutes": 9}}, "health.window_minutes", "9", "equal to 10"),
}


@pytest.mark.parametrize("case", CASES)
def test_a_fault_names_file_field_value_and_what_is_allowed(declare: Declare, case: str) -> None:
    changes, field, value, allowed = CASES[case]
    (fault,) = faults_of(declare(**changes))
    assert fault.file == "sources/shop.yaml"
    assert fault.field == field
    assert value in fault.value
    assert allowed in fault.allowed
    assert str(fault) == f"{fault.file}: {fault.field} = {fault.value}: {fault.allowed}"


CROSS: dict[str, tuple[dict[str, Any], str, str, str]] = {
    "ends before it begins": (
        {"verify_until": "2026-11-17T00:00:00Z"},
        "verify_until",
        "2026-11-17",
        "later than verify_from",
    ),
    "no bronze": ({"tiers": ["silver"]}, "tiers", "'silver'", "hold bronze and silver"),
    "a tier twice": ({"tiers": ["bronze", "silver", "silver"]}, "tiers", "'silver', 'silver'", "each tier once"),
    "counted at a stream that is not there": ({"stream": None}, "stream", "None", "be taken out of tiers"),
    "a column that every source has": (
        {"silver__raw_hash": {"path": "id", "type": "string"}},
        "silver",
        "'raw_hash'",
        "choose other names",
    ),
    "errors within the data": (
        {"delivery__error_prefix": "landing/shop/failed/"},
        "delivery.error_prefix",
        "'landing/shop/failed/'",
        "apart from prefix",
    ),
    "data within the errors": (
        {"delivery__prefix": "staging/failed/shop/data/"},
        "delivery.error_prefix",
        "'staging/failed/shop/'",
        "apart from prefix, staging/failed/shop/data/",
    ),
    "folders of lines": (
        {"delivery__folder_by": "kind"},
        "delivery.folder_by",
        "'kind'",
        "goes with format: parquet only",
    ),
    "a field that is no column": (
        {"delivery__format": "parquet", "delivery__buffer_megabytes": 64},
        "delivery.format",
        "'parquet'",
        "1.0.0: paid cannot be a column",
    ),
    "late before the buffer is full": (
        {"health": {}, "delivery__buffer_seconds": 300},
        "health",
        "{}",
        "freshness_seconds must be more than delivery.buffer_seconds, 300",
    ),
}


@pytest.mark.parametrize(
    ("changes", "field", "allowed"),
    [
        ({}, "delivery.buffer_megabytes", "must be 64 or more with format: parquet"),
        (
            {"delivery__buffer_megabytes": 64, "tiers": ["producer", "stream", "bronze", "silver"]},
            "delivery",
            "take producer out of tiers",
        ),
    ],
)
def test_rows_ask_for_more(declare: Declare, changes: dict[str, Any], field: str, allowed: str) -> None:
    faults = {fault.field: fault.allowed for fault in faults_of(declare(delivery__format="parquet", **changes))}
    assert allowed in faults[field]


@pytest.mark.parametrize("case", CROSS)
def test_fields_that_contradict_each_other_are_faults_of_one_of_them(declare: Declare, case: str) -> None:
    changes, field, value, allowed = CROSS[case]
    (fault,) = faults_of(declare(**changes))
    assert fault.field == field
    assert value in fault.value
    assert allowed in fault.allowed


def test_gold_is_declared_with_its_defaults(declare: Declare, include: Path) -> None:
    gold = load_source(declare(gold__event_type="kind"), include / "schemas").declared_gold
    visits = gold.tables["visits"]
    assert isinstance(visits, Sessions)
    assert visits.gap_minutes == 30
    assert [step.name for step in visits.funnel] == ["view", "purchase"]
    assert gold.session_key == "visitor"
    of_dimension, of_history = ("dim_visitors", "dim_visitors_days"), ("places", "places_changes")
    # What is made of others is published before them; a plan file has lost the order of the YAML.
    assert gold.stored == ("journeys", *of_dimension, "fact_buys", "figures", *of_history, "visits")
    assert Gold.model_validate(json.loads(json.dumps(gold.model_dump(), sort_keys=True))).stored == gold.stored


def test_events_of_one_kind_have_facts_and_members(declare: Declare, include: Path) -> None:
    tables = {name: WITH_GOLD["gold"]["tables"][name] for name in ("figures", "fact_buys", "dim_visitors")}
    path = declare(gold__event_type=None, gold__revenue=None, gold__tables=tables)
    assert list(load_source(path, include / "schemas").declared_gold.tables) == list(tables)


def test_facts_may_be_corrected(declare: Declare, include: Path) -> None:
    facts = load_source(declare(gold__tables__fact_buys=BUYS), include / "schemas").declared_gold.tables["fact_buys"]
    assert isinstance(facts, Facts)
    assert facts.corrections
    assert facts.corrections.within_days == 30


def test_a_source_need_not_declare_gold(declare: Declare, include: Path) -> None:
    source = load_source(declare(), include / "schemas")
    assert source.gold is None
    with pytest.raises(ValueError, match="shop declares no gold"):
        source.declared_gold  # noqa: B018


def test_event_types_of_a_contract_that_lists_none_are_taken_as_they_are(declare: Declare, include: Path) -> None:
    path = declare(gold__event_type="visitor", gold__revenue__event_types=["anything"])
    revenue = load_source(path, include / "schemas").declared_gold.revenue
    assert revenue
    assert revenue.event_types == ("anything",)


VISITS = WITH_GOLD["gold"]["tables"]["visits"]
CORRECTIONS = {"event_types": ["look"], "refers": "visitor", "column": "amount", "within_days": 30}
BUYS = WITH_GOLD["gold"]["tables"]["fact_buys"] | {"event_types": ["buy"], "corrections": CORRECTIONS}
GOLD: dict[str, tuple[dict[str, Any], str, str, str]] = {
    "unknown key": ({"gold__dimension": ["kind"]}, "gold.dimension", "['kind']", "unknown key"),
    "no such kind": ({"gold__tables__figures__kind": "cube"}, "gold.tables.figures", "cube", "'daily', 'sessions'"),
    "another kind's key": (
        {"gold__tables__figures__gap_minutes": 5},
        "gold.tables.figures.gap_minutes",
        "5",
        "unknown key",
    ),
    "event types without their column": (
        {"gold__event_type": None, "gold__revenue": None},
        "gold.tables",
        "",
        "visits, places cannot be made without gold.event_type",
    ),
    "revenue of event types without their column": (
        {"gold__event_type": None, "gold__tables": {"figures": {"kind": "daily", "dimensions": ["country"]}}},
        "gold.revenue",
        "",
        "needs gold.event_type",
    ),
    "two tables of sessions": ({"gold__tables__more": VISITS}, "gold.tables", "", "one table of sessions at most"),
    "two tables of one name": (
        {"gold__tables__dim_visitors_days": {"kind": "daily", "dimensions": ["kind"]}},
        "gold.tables",
        "",
        "dim_visitors_days would be two tables",
    ),
    "a fact of nothing": (
        {"gold__tables__fact_buys__columns": {"colour": "colour"}},
        "gold.tables.fact_buys.columns.colour",
        "'colour'",
        "a column of silver",
    ),
    "facts of unknown events": (
        {"gold__tables__fact_buys": BUYS | {"event_types": ["buy", "pay"]}},
        "gold.tables.fact_buys.event_types.1",
        "'pay'",
        "contract lists: look, buy",
    ),
    "a fact's own column": (
        {"gold__tables__fact_buys__columns": {"corrected_at": "country", "buy_id": "country"}},
        "gold.tables.fact_buys.columns",
        "'corrected_at'",
        "their own buy_id, corrected_at",
    ),
    "corrections of all events": (
        {"gold__tables__fact_buys": {key: BUYS[key] for key in ("kind", "key", "columns", "corrections")}},
        "gold.tables.fact_buys.corrections",
        "'look'",
        "need event_types of the facts",
    ),
    "corrections that are facts": (
        {"gold__tables__fact_buys": BUYS | {"event_types": ["buy", "look"]}},
        "gold.tables.fact_buys.corrections",
        "'look'",
        "none of the corrections'",
    ),
    "a correction of no column": (
        {"gold__tables__fact_buys": BUYS | {"corrections": CORRECTIONS | {"column": "colour"}}},
        "gold.tables.fact_buys.corrections",
        "'colour'",
        "one of the table's: amount, at",
    ),
    "corrections by unknown events": (
        {"gold__tables__fact_buys": BUYS | {"corrections": CORRECTIONS | {"event_types": ["pay"]}}},
        "gold.tables.fact_buys.corrections.event_types.0",
        "'pay'",
        "contract lists: look, buy",
    ),
    "a correction that names no text": (
        {"gold__tables__fact_buys": BUYS | {"corrections": CORRECTIONS | {"refers": "paid"}}},
        "gold.tables.fact_buys.corrections.refers",
        "'paid'",
        "type string",
    ),
    "a member that is no text": (
        {"gold__tables__dim_visitors__key": "paid"},
        "gold.tables.dim_visitors.key",
        "'paid'",
        "type string",
    ),
    "a dimension's own column": (
        {"gold__tables__dim_visitors__latest": {"last_seen": "country"}},
        "gold.tables.dim_visitors.latest",
        "'last_seen'",
        "choose other names",
    ),
    "absent": ({"gold__tables__visits__key": None}, "gold.tables.visits.key", "absent", "required"),
    "no gap": ({"gold__tables__visits__gap_minutes": 0}, "gold.tables.visits.gap_minutes", "0", "equal to 1"),
    "no dimension": ({"gold__tables__figures__dimensions": []}, "gold.tables.figures.dimensions", "[]", "at least 1"),
    "a dimension twice": (
        {"gold__tables__figures__dimensions": ["kind", "kind"]},
        "gold.tables.figures.dimensions",
        "'kind'",
        "each column once",
    ),
    "a measure": (
        {"gold__tables__figures__dimensions": ["revenue"]},
        "gold.tables.figures.dimensions",
        "'revenue'",
        "choose other columns",
    ),
    "no steps": ({"gold__tables__visits__funnel": []}, "gold.tables.visits.funnel", "[]", "must hold a step"),
    "an empty step": (
        {"gold__tables__visits__funnel": [STEP | {"event_types": []}]},
        "gold.tables.visits.funnel.0.event_types",
        "[]",
        "at least 1",
    ),
    "a step twice": (
        {"gold__tables__visits__funnel": [STEP, STEP | {"event_types": ["buy"]}]},
        "gold.tables.visits.funnel",
        "'view'",
        "each step once",
    ),
    "a type in two steps": (
        {"gold__tables__visits__funnel": [STEP, STEP | {"name": "look"}]},
        "gold.tables.visits.funnel",
        "'look'",
        "each event type in one step",
    ),
    "a reserved step": (
        {"gold__tables__visits__funnel": [STEP | {"name": "started"}]},
        "gold.tables.visits.funnel",
        "'started'",
        "cannot be called started",
    ),
    "a step of what is no text": (
        {"gold__tables__visits__funnel": [STEP | {"holding": {"cents": "1"}}]},
        "gold.tables.visits.funnel.0.holding.cents",
        "'cents'",
        "a column of silver of type string",
    ),
    "a step that holds nothing": (
        {"gold__tables__visits__funnel": [STEP | {"holding": {"country": ""}}]},
        "gold.tables.visits.funnel.0.holding.country",
        "''",
        "at least 1",
    ),
    "a count of unknown events": (
        {"gold__tables__visits__counts": {"visits": ["look", "see"]}},
        "gold.tables.visits.counts.visits.1",
        "'see'",
        "contract lists: look, buy",
    ),
    "a session's own column": (
        {"gold__tables__visits__counts": {"event_count": ["look"]}},
        "gold.tables.visits.counts",
        "'event_count'",
        "a session has its own event_count",
    ),
    "a step's column": (
        {"gold__tables__visits__first": {"purchase_at": "country"}},
        "gold.tables.visits.first",
        "'purchase_at'",
        "a session has its own purchase_at",
    ),
    "two columns of a session that are called the same": (
        {"gold__tables__visits__sums": {"looks": "cents"}},
        "gold.tables.visits.sums",
        "'looks'",
        "a session has its own looks",
    ),
    "a first value that is no text": (
        {"gold__tables__visits__first__paid": "paid"},
        "gold.tables.visits.first.paid",
        "'paid'",
        "type string or boolean",
    ),
    "a last value of nothing": (
        {"gold__tables__visits__last": {"city": "city"}},
        "gold.tables.visits.last.city",
        "'city'",
        "a column of silver",
    ),
    "a sum of what is no whole number": (
        {"gold__tables__visits__sums": {"paid": "paid"}},
        "gold.tables.visits.sums.paid",
        "'paid'",
        "type bigint",
    ),
    "a history that nobody tells": (
        {"gold__tables__places__event_types": ["see"]},
        "gold.tables.places.event_types.0",
        "'see'",
        "contract lists: look, buy",
    ),
    "a history of what is not said": (
        {"gold__tables__places__active": "country"},
        "gold.tables.places.active",
        "'country'",
        "another column than key and value",
    ),
    "a history that does not end": (
        {"gold__tables__places__active": "kind"},
        "gold.tables.places.active",
        "'kind'",
        "type boolean",
    ),
    "a history's own column": (
        {"gold__tables__places__value": "event_id"},
        "gold.tables.places.value",
        "'event_id'",
        "choose another",
    ),
    "a funnel of no history": (
        {"gold__tables__journeys__history": "dim_visitors"},
        "gold.tables",
        "",
        "journeys must name a table of sessions and a history",
    ),
    "a funnel of nobody": (
        {"gold__tables__journeys__key": "looks"},
        "gold.tables",
        "",
        "journeys.key must be session_id, or a first or last value of visits",
    ),
    "a funnel of whom no text names": (
        {"gold__tables__journeys__key": "last_agreed"},
        "gold.tables.journeys.key",
        "'agreed'",
        "type string",
    ),
    "a funnel of what sessions do not keep": (
        {"gold__tables__journeys__columns": ["looks", "city"]},
        "gold.tables",
        "",
        "journeys names city, which visits does not have",
    ),
    "a funnel's own column": (
        {"gold__tables__journeys__columns": ["looks", "started_at"]},
        "gold.tables",
        "",
        "journeys would have started_at twice",
    ),
    "a step called segments": (
        {"gold__tables__visits__funnel": [STEP | {"name": "segments"}]},
        "gold.tables",
        "",
        "journeys would have segments twice",
    ),
    "event type that is no column": ({"gold__event_type": "type"}, "gold.event_type", "'type'", "column of silver"),
    "dimension that is no column": (
        {"gold__tables__figures__dimensions": ["kind", "city"]},
        "gold.tables.figures.dimensions.1",
        "'city'",
        "column of silver of type string or boolean or bigint",
    ),
    "dimension that is no group": (
        {"gold__tables__figures__dimensions": ["paid"]},
        "gold.tables.figures.dimensions.0",
        "'paid'",
        "string or boolean",
    ),
    "amount that is no number": (
        {"gold__revenue__column": "country"},
        "gold.revenue.column",
        "'country'",
        "type double or bigint",
    ),
    "key that is no text": ({"gold__tables__visits__key": "paid"}, "gold.tables.visits.key", "'paid'", "type string"),
    "worth of unknown events": (
        {"gold__revenue__event_types": ["buy", "pay"]},
        "gold.revenue.event_types.1",
        "'pay'",
        "contract lists: look, buy",
    ),
    "step of unknown events": (
        {"gold__tables__visits__funnel": [STEP | {"event_types": ["see"]}]},
        "gold.tables.visits.funnel.0.event_types.0",
        "'see'",
        "contract lists: look, buy",
    ),
}


@pytest.mark.parametrize("case", GOLD)
def test_a_fault_of_gold_is_told_like_any_other(declare: Declare, case: str) -> None:
    changes, field, value, allowed = GOLD[case]
    (fault,) = faults_of(declare(**changes))
    assert fault.field == field
    assert value in fault.value
    assert allowed in fault.allowed


def test_faults_of_gold_are_told_with_those_of_the_rest(declare: Declare) -> None:
    told = faults_of(
        declare(
            stream__shards=0,
            gold__event_type="type",
            gold__tables__figures__dimensions=["nothing", "paid"],
            gold__tables__visits__key="country",
            gold__revenue__column="kind",
        )
    )
    assert {fault.field for fault in told} == {
        "stream.shards",
        "gold.event_type",
        "gold.tables.figures.dimensions.0",
        "gold.tables.figures.dimensions.1",
        "gold.revenue.column",
    }


def test_all_faults_of_a_file_are_told_at_once(declare: Declare) -> None:
    told = faults_of(
        declare(
            "other",
            stream__shards=0,
            stream__colour="red",
            events__contract="9.9.9",
            verify_until="2026-11-16T00:00:00Z",
            tiers=["stream"],
        )
    )
    text = "\n".join(map(str, told))
    for field in ("stream.shards", "stream.colour", "name", "events.contract", "verify_until", "tiers"):
        assert f"sources/other.yaml: {field} = " in text


@pytest.mark.parametrize(("length", "told"), [(78, "x" * 78), (79, "x" * 76 + "...")])
def test_a_long_value_is_told_by_its_beginning(declare: Declare, length: int, told: str) -> None:
    """Eighty characters with its quotes."""
    (fault,) = faults_of(declare(stream__shards="x" * length))
    assert fault.value.strip("'") == told
    assert len(fault.value) == 80


def test_the_file_is_named_for_its_source(declare: Declare) -> None:
    (fault,) = faults_of(declare("market"))
    assert (fault.file, fault.field, fault.value) == ("sources/market.yaml", "name", "'shop'")
    assert "'market'" in fault.allowed


@pytest.mark.parametrize(
    ("text", "place", "problem"),
    [
        ("name: shop\nstream:\n  shards: 1\n  shards: 2\n", "line 3", "'shards' stands twice"),
        ("name: shop\nname: shop\n", "line 1", "'name' stands twice"),
        ("name: [shop\n", "line 2", "YAML"),
        ("name: shop\n\tstream: 1\n", "line 2", "YAML"),
        ("name: \x00\n", "the file", "YAML"),
    ],
    ids=["nested key twice", "key twice", "open bracket", "tab", "control character"],
)
def test_what_is_no_sound_yaml_is_told_with_its_line(include: Path, text: str, place: str, problem: str) -> None:
    path = include / "sources" / "shop.yaml"
    path.write_text(text)
    (fault,) = faults_of(path)
    assert (fault.file, fault.field) == ("sources/shop.yaml", place)
    assert problem in fault.allowed


@pytest.mark.parametrize("text", ["", "- shop\n", "shop\n"])
def test_a_file_that_is_no_mapping_is_refused(include: Path, text: str) -> None:
    path = include / "sources" / "shop.yaml"
    path.write_text(text)
    (fault,) = faults_of(path)
    assert fault.field == "the whole file"


@pytest.mark.parametrize("contract", [b"{", b'{"type": "strin"}', b'{"properties": 3}'])
def test_a_contract_that_is_no_json_schema_is_a_fault_of_its_source(
    declare: Declare, include: Path, contract: bytes
) -> None:
    (include / "schemas" / "shop" / "1.0.0.json").write_bytes(contract)
    (fault,) = faults_of(declare())
    assert fault.field == "events.contract"
    assert "schemas/shop/1.0.0.json is no JSON Schema" in fault.allowed


def test_a_broken_file_does_not_hide_the_sound_ones(declare: Declare, include: Path) -> None:
    declare()
    declare("broken", name="broken", stream__shards=0)
    (include / "sources" / "torn.yaml").write_text("name: [")
    sources, faults = load_sources(include)
    assert list(sources) == ["shop"]
    assert faults is not None
    assert {fault.file for fault in faults.faults} >= {"sources/broken.yaml", "sources/torn.yaml"}
    assert "stream.shards = 0" in str(faults)
