"""Athena's answers become rows: shares of their own span, steps of the funnel, and zeros where nothing was counted."""

from __future__ import annotations

from typing import Any

import pytest

from clickstream.quality.measures import Row, bronze_rows, schema_rows, silver_query, silver_rows
from clickstream.quality.suites import Measures
from clickstream.quality.volume import Volume
from tests.unit.quality.answers import GOOD, HOUR, SOURCE, SUITES, fates_answer, silver_answer
from tests.unit.reconciliation.makers import place

SILENT = "2026-11-18T14:00:00Z"


def only(rows: list[Row], **where: Any) -> Row:
    (row,) = [row for row in rows if all(row.get(key) == value for key, value in where.items())]
    return row


@pytest.fixture
def bronze() -> list[Row]:
    return bronze_rows(SOURCE, fates_answer(), [HOUR, SILENT], {HOUR: Volume(10000.0, 5, 2.0), SILENT: Volume()})


@pytest.fixture
def silver() -> list[Row]:
    return silver_rows(SOURCE, SUITES["silver"].measures, silver_answer())


def test_an_hour_is_told_with_its_records_and_what_is_usual(bronze: list[Row]) -> None:
    row = only(bronze, about="hour", arrival_hour=HOUR)
    assert (row["records"], row["usual"], row["usual_hours"], row["of_usual"]) == (GOOD + 746, 10000.0, 5, 2.0)


def test_an_hour_without_records_is_told_as_such_and_not_left_out(bronze: list[Row]) -> None:
    assert only(bronze, about="hour", arrival_hour=SILENT)["records"] == 0
    assert only(bronze, about="fate", name="good", arrival_hour=SILENT)["share"] is None


def test_fates_and_reasons_are_shares_of_all_records_of_their_span(bronze: list[Row]) -> None:
    for span in ("all", HOUR):
        assert only(bronze, about="fate", name="duplicate", arrival_hour=span)["count"] == 120
        row = only(bronze, about="reason", name="conflict", arrival_hour=span)
        assert (row["records"], row["count"]) == (GOOD + 746, 20)
        assert row["share"] == pytest.approx(20 / (GOOD + 746))


def test_a_fate_and_a_refusal_that_nothing_has_are_zero_and_so_can_fail() -> None:
    rows = bronze_rows(SOURCE, fates_answer()[:1], [HOUR], {HOUR: Volume()})
    assert only(rows, about="fate", name="quarantined", arrival_hour="all")["share"] == 0
    assert only(rows, about="reason", name="no_consent", arrival_hour="all")["share"] == 0


def test_hours_that_the_run_does_not_look_at_are_left(bronze: list[Row]) -> None:
    assert bronze_rows(SOURCE, fates_answer(), [SILENT], {SILENT: Volume()})[0]["records"] == 0


def test_a_column_is_told_by_its_filled_share_and_how_much_its_values_differ(silver: list[Row]) -> None:
    row = only(silver, about="column", name="customer_id", span="window")
    assert (row["records"], row["filled"], row["distinct"]) == (GOOD, 12000 / GOOD, 0.1)
    row = only(silver, about="kind", kind="purchase", name="total_amount")
    assert (row["records"], row["mean"], row["lowest"]) == (320, 498.1, 4.99)


def test_an_empty_column_has_no_distinct_share() -> None:
    (answer,) = [dict(row) for row in silver_answer() if (row["name"], row["about"]) == ("extra", "column")][:1]
    answer |= {"filled": "0", "different": "0"}
    row = silver_rows(SOURCE, SUITES["silver"].measures, [answer])[0]
    assert (row["filled"], row["distinct"]) == (0, None)


def test_a_value_is_a_share_of_its_span_and_an_empty_one_is_told_as_empty(silver: list[Row]) -> None:
    for span in ("window", "hour"):
        row = only(silver, about="value", name="device_type", value="tablet", span=span)
        assert (row["records"], row["share"]) == (GOOD, 3990 / GOOD)
        assert only(silver, about="value", name="device_type", value="", span=span)["count"] == 10


def test_a_step_of_the_funnel_is_a_share_of_the_step_before(silver: list[Row]) -> None:
    steps = [row for row in silver if row["about"] == "step"]
    assert [(row["name"], row["records"], row["count"]) for row in steps] == [
        ("view", GOOD, 7800),
        ("cart", 7800, 1400),
        ("checkout", 1400, 500),
        ("purchase", 500, 320),
    ]


def test_a_step_that_nobody_takes_is_zero_and_so_can_fail() -> None:
    answer = [row for row in silver_answer() if row["kind"] != "purchase"]
    rows = silver_rows(SOURCE, SUITES["silver"].measures, answer)
    assert only(rows, about="step", name="purchase")["share"] == 0


def test_without_gold_or_kinds_there_is_no_funnel() -> None:
    plain = SOURCE.model_copy(update={"gold": None})
    assert not [r for r in silver_rows(plain, SUITES["silver"].measures, silver_answer()) if r["about"] == "step"]
    assert not [r for r in silver_rows(SOURCE, Measures(), silver_answer()) if r["about"] == "step"]


def test_columns_are_compared_by_name_and_type() -> None:
    rows = schema_rows({"type": "ICEBERG", "column a": "string", "column b": "date"}, {"column a": "bigint"})
    assert [(row["name"], row["declared"], row["found"]) for row in rows] == [
        ("a", "string", "bigint"),
        ("b", "date", "absent"),
    ]
    assert {row["found"] for row in schema_rows({"column a": "string"}, None)} == {"absent"}


def test_the_query_reads_what_the_suite_names_and_nothing_else() -> None:
    measures = Measures(columns=("device_type", "price"), values_of=("device_type",))
    sql = silver_query(place(), SOURCE, measures, [SILENT, HOUR], 7)
    assert f"IN ('{HOUR}', '{SILENT}')" in sql
    assert "FOR VERSION AS OF 7" in sql
    assert 'ARRAY[CAST("device_type" AS varchar), CAST("price" AS varchar),' in sql
    assert "'' AS kind" in sql
    assert '"country"' not in sql
