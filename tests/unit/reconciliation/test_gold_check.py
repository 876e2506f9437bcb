"""What the answers of the queries come to."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any, get_args

import pytest

from clickstream.reconciliation.gold.check import date_findings, gold_queries
from clickstream.reconciliation.gold.findings import DateCode, DateFinding
from clickstream.sources.gold import Corrections, Facts, Funnel, History, Table
from clickstream.sources.loader import load_sources
from clickstream.sources.model import Source
from tests.unit.reconciliation.makers import START, place, row

SOURCE = load_sources()[0]["retail_web"]
DAY = START.date()
RUNBOOKS = Path(__file__).resolve().parents[3] / "docs" / "runbooks"
SOUND = {"silver_events": 5, "gold_events": 5, "silver_cents": 150, "gold_cents": 150, "differing": 0}


def answers(daily: Any = None, sessions: Any = None, step: Any = None) -> dict[str, list[dict[str, str | None]]]:
    return {
        "gold_daily": [row(event_date=DAY, **SOUND | (daily or {}))],
        "gold_sessions": [row(event_date=DAY, **SOUND | {"silver_sessions": 2, "gold_sessions": 2} | (sessions or {}))],
        **{f"gold_sessions_{name}": [] for name in ("view", "checkout", "purchase")},
        "gold_sessions_cart": [row(event_date=DAY, **step)] if step else [],
    }


def findings(**changes: Any) -> list[DateFinding]:
    return date_findings(SOURCE, answers(**changes), {DAY}).get(str(DAY), [])


def test_what_agrees_is_no_finding() -> None:
    assert findings() == []


def test_rows_of_the_daily_table_that_differ() -> None:
    (found,) = findings(daily={"differing": 1, "gold_events": 6, "gold_cents": 151})
    assert (found.code, found.records) == ("gold_differs", 1)
    assert "5 events worth 1.50 in Silver, 6 worth 1.51 in Gold" in found.text


def test_sessions_that_differ_are_told_with_samples() -> None:
    (found,) = findings(sessions={"differing": 2, "samples": "a\x1fb"})
    assert (found.code, found.records, found.samples) == ("sessions_differ", 2, ("a", "b"))


def test_events_that_are_in_no_session_are_told_where_all_sessions_must_be_there() -> None:
    short = {"gold_events": 4}
    (found,) = findings(sessions=short)
    assert found.code == "sessions_differ"
    assert date_findings(SOURCE, answers(sessions=short), set()) == {}


def test_a_step_is_told_by_its_name() -> None:
    (found,) = findings(step={"differing": 3, "samples": "a"})
    assert (found.code, found.records) == ("funnel_differs", 3)
    assert "reached cart" in found.text


def test_each_step_is_measured_from_the_one_before() -> None:
    snapshots = {"silver": 1, "gold_daily": 2, "gold_sessions": 3}
    queries = gold_queries(place(), SOURCE, [DAY], snapshots)
    steps = [f"gold_sessions_{step}" for step in ("view", "cart", "checkout", "purchase")]
    assert list(queries) == ["gold_daily", "gold_sessions", *steps]
    assert 'steps.event_time >= sessions."started_at"' in queries["gold_sessions_view"]
    assert 'steps.event_time >= sessions."cart_at"' in queries["gold_sessions_checkout"]


def with_further_columns() -> Source:
    declared = SOURCE.declared_gold
    further = {"counts": {"clicks": ("click", "search")}, "last": {"seen_on": "device_type"}}
    sessions = declared.tables["gold_sessions"].model_copy(update=further)
    return SOURCE.model_copy(
        update={"gold": declared.model_copy(update={"tables": declared.tables | {"gold_sessions": sessions}})}
    )


def test_further_columns_are_asked_for_by_what_they_hold() -> None:
    queries = gold_queries(place(), with_further_columns(), [DAY], {"silver": 1, "gold_daily": 2, "gold_sessions": 3})
    assert [name for name in queries if "__" in name] == ["gold_sessions__counts", "gold_sessions__ends"]
    assert "ARRAY['clicks', 'clicks']" in queries["gold_sessions__counts"]
    assert "ARRAY['click', 'search']" in queries["gold_sessions__counts"]
    assert "place <= 0" in queries["gold_sessions__ends"]


def test_a_further_column_is_told_by_its_name() -> None:
    wrong = {"gold_sessions__counts": [row(event_date=DAY, name="clicks", differing=2, samples="a\x1fb")]}
    (found,) = date_findings(with_further_columns(), answers() | wrong, {DAY})[str(DAY)]
    assert (found.code, found.records, found.samples) == ("sessions_differ", 2, ("a", "b"))
    assert "another clicks" in found.text


def with_funnel() -> Source:
    declared = SOURCE.declared_gold
    sessions = declared.tables["gold_sessions"].model_copy(update={"first": {"who": "customer_id"}})
    tables: dict[str, Table] = {
        "gold_sessions": sessions,
        "regions": History(kind="history", event_types=("click",), key="customer_id", value="state", active="consent"),
        "journeys": Funnel(kind="funnel", sessions="gold_sessions", history="regions", key="who", columns=("who",)),
    }
    return SOURCE.model_copy(update={"gold": declared.model_copy(update={"tables": tables})})


def test_a_funnel_is_held_against_its_sessions_and_its_history_at_their_snapshots() -> None:
    snapshots = {"silver": 1, "gold_sessions": 2, "regions": 3, "regions_changes": 4, "journeys": 5}
    query = gold_queries(place(), with_funnel(), [DAY], snapshots)["journeys"]
    pinned = {"gold_sessions": 2, "regions": 3, "journeys": 5}
    assert all(f'_{name}" FOR VERSION AS OF {snapshot}' in query for name, snapshot in pinned.items())
    assert '"view", "cart", "checkout", "purchase", "who", segments, 0' in query
    assert '"view_at" IS NOT NULL, "cart_at" IS NOT NULL' in query


@pytest.mark.parametrize(("table", "told"), [("regions", "changes or intervals"), ("journeys", "steps, segments")])
def test_what_differs_in_a_history_or_a_funnel_is_told_with_samples(table: str, told: str) -> None:
    sound = {name: [row(event_date=DAY, **SOUND)] for name in ("gold_sessions", "regions", "journeys")}
    steps = {f"gold_sessions_{name}": [] for name in ("view", "cart", "checkout", "purchase")}
    wrong = {table: [row(event_date=DAY, silver_events=5, gold_events=4, differing=1, samples="a")]}
    (found,) = date_findings(with_funnel(), sound | steps | wrong, {DAY})[str(DAY)]
    assert (found.code, found.records, found.samples) == ("gold_differs", 1, ("a",))
    assert told in found.text


FACTS = Facts(
    kind="facts",
    key="sale_id",
    event_types=("purchase",),
    columns={"at": "event_time", "amount": "price"},
    corrections=Corrections(event_types=("refund",), refers="order_id", column="amount", within_days=45),
)


def with_facts(facts: Facts) -> Source:
    gold = SOURCE.declared_gold.model_copy(update={"tables": {"sales": facts}})
    return SOURCE.model_copy(update={"gold": gold})


def test_corrections_are_looked_for_as_far_as_they_reach() -> None:
    queries = gold_queries(place(), with_facts(FACTS), [DAY, DAY + timedelta(days=3)], {"silver": 1, "sales": 2})
    assert list(queries) == ["sales", "sales_corrections"]
    first, last, reach = DAY, DAY + timedelta(days=3), timedelta(days=45)
    assert f"BETWEEN DATE '{first - reach}' AND DATE '{last}'" in queries["sales_corrections"]
    assert f"BETWEEN DATE '{first - reach}' AND DATE '{last + reach}'" in queries["sales_corrections"]
    assert '"price"' not in queries["sales"]


def test_facts_that_nothing_corrects_are_compared_in_every_column() -> None:
    facts = FACTS.model_copy(update={"event_types": None, "corrections": None})
    queries = gold_queries(place(), with_facts(facts), [DAY], {"silver": 1, "sales": 2})
    assert list(queries) == ["sales"]
    assert '"event_date", "event_time", "price"' in queries["sales"]


def test_facts_without_their_latest_correction_are_told() -> None:
    told = {"sales": [], "sales_corrections": [row(event_date=DAY, differing=2, samples="a\x1fb", unmatched=1)]}
    (found,) = date_findings(with_facts(FACTS), told, {DAY})[str(DAY)]
    assert (found.code, found.records, found.samples) == ("gold_differs", 2, ("a", "b"))
    assert "the amount of their latest correction" in found.text


def test_a_correction_without_its_fact_is_no_fault() -> None:
    told = {"sales": [], "sales_corrections": [row(event_date=DAY, differing=0, unmatched=1)]}
    assert date_findings(with_facts(FACTS), told, {DAY}) == {}


@pytest.mark.parametrize("code", get_args(DateCode))
def test_each_code_has_its_runbook(code: str) -> None:
    assert (RUNBOOKS / f"{code}.md").read_text().startswith(f"# {code}\n")
