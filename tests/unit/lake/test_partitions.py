"""Partition repair against the Glue API: what it asks, and what it makes of answers that are only half a success."""

from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.stub import ANY, Stubber

from clickstream.lake.partitions import PartitionsNotRepaired, Repair, repair_partitions

MIDNIGHT = datetime(2026, 11, 18, tzinfo=UTC)
TABLE = {"DatabaseName": "clickstream", "TableName": "shop_bronze_text"}


@pytest.fixture
def glue() -> Any:
    """A client that answers what its stubber was told, each request checked against the service's model."""
    client = boto3.client("glue", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
    with Stubber(client) as stubber:
        client.stubber = stubber
        yield client
        stubber.assert_no_pending_responses()


def hours(count: int, first: datetime = MIDNIGHT) -> list[datetime]:
    return [first + timedelta(hours=n) for n in range(count)]


def values(hour: datetime) -> list[str]:
    return hour.strftime("%Y %m %d %H").split()


def registered(glue: Any, day: datetime, *pages: list[list[str]]) -> None:
    """The catalog's partitions of a day, page by page."""
    for number, page in enumerate(pages):
        answer: dict[str, Any] = {"Partitions": [{"Values": each} for each in page]}
        if number + 1 < len(pages):
            answer["NextToken"] = f"{number + 1}"
        asked = {
            **TABLE,
            "Expression": f"year = '{day:%Y}' AND month = '{day:%m}' AND day = '{day:%d}'",
            "ExcludeColumnSchema": True,
        }
        glue.stubber.add_response("get_partitions", answer, asked | ({"NextToken": f"{number}"} if number else {}))


def table(glue: Any) -> None:
    storage = {
        "Location": "s3://lake/landing/shop/",
        "InputFormat": "text",
        "Columns": [{"Name": "line", "Type": "string"}],
    }
    glue.stubber.add_response(
        "get_table",
        {"Table": {"Name": "shop_bronze_text", "StorageDescriptor": storage}},
        {"DatabaseName": "clickstream", "Name": "shop_bronze_text"},
    )


def creates(glue: Any, created: list[datetime], errors: list[dict[str, Any]] | None = None) -> None:
    inputs = [
        {
            "Values": values(hour),
            "StorageDescriptor": {
                "Location": f"s3://lake/landing/shop/{hour:year=%Y/month=%m/day=%d/hour=%H}/",
                "InputFormat": "text",
                "Columns": ANY,
            },
        }
        for hour in created
    ]
    glue.stubber.add_response(
        "batch_create_partition", {"Errors": errors or []}, TABLE | {"PartitionInputList": inputs}
    )


def drops(glue: Any, dropped: list[datetime], errors: list[dict[str, Any]] | None = None) -> None:
    asked = TABLE | {"PartitionsToDelete": [{"Values": values(hour)} for hour in dropped]}
    glue.stubber.add_response("batch_delete_partition", {"Errors": errors or []}, asked)


def error(hour: datetime, code: str) -> dict[str, Any]:
    return {"PartitionValues": values(hour), "ErrorDetail": {"ErrorCode": code, "ErrorMessage": f"{code} it is"}}


def repair(glue: Any, filled: list[datetime], empty: list[datetime] | None = None) -> Repair:
    return repair_partitions(
        glue,
        database="clickstream",
        table="shop_bronze_text",
        location="s3://lake/landing/shop/",
        filled=filled,
        empty=empty or [],
    )


def test_only_what_is_missing_is_added_and_only_what_points_nowhere_is_dropped(glue: Any) -> None:
    one, two, three, four = hours(4)
    registered(glue, MIDNIGHT, [values(one), values(three)])
    table(glue)
    creates(glue, [two])
    drops(glue, [three])
    assert repair(glue, [one, two], [three, four]) == Repair([two], [three])


def test_nothing_is_asked_for_when_all_is_right(glue: Any) -> None:
    registered(glue, MIDNIGHT, [values(MIDNIGHT)])
    assert repair(glue, [MIDNIGHT]) == Repair([], [])


def test_the_catalog_is_read_page_by_page_and_day_by_day(glue: Any) -> None:
    there = hours(30)
    registered(glue, MIDNIGHT, [values(hour) for hour in there[:10]], [values(hour) for hour in there[10:24]])
    registered(glue, MIDNIGHT + timedelta(days=1), [values(hour) for hour in there[24:]])
    assert repair(glue, there) == Repair([], [])


def test_another_spelling_of_an_hour_is_another_partition(glue: Any) -> None:
    registered(glue, MIDNIGHT, [["2026", "11", "18", "0"]])
    table(glue)
    creates(glue, [MIDNIGHT])
    assert repair(glue, [MIDNIGHT]).added == [MIDNIGHT]


def test_a_call_holds_no_more_than_the_service_takes(glue: Any) -> None:
    filled, empty = hours(120), hours(30, MIDNIGHT + timedelta(days=5))
    for day in range(7):
        there = [values(hour) for hour in empty if hour.date() == (MIDNIGHT + timedelta(days=day)).date()]
        if day < 5 or there:
            registered(glue, MIDNIGHT + timedelta(days=day), there)
    table(glue)
    creates(glue, filled[:100])
    creates(glue, filled[100:])
    drops(glue, empty[:25])
    drops(glue, empty[25:])
    assert repair(glue, filled, empty) == Repair(filled, empty)


def test_errors_within_a_success_are_raised_each_with_its_partition(glue: Any) -> None:
    one, two, three = hours(3)
    registered(glue, MIDNIGHT, [values(three)])
    table(glue)
    creates(glue, [one, two], [error(two, "InternalServiceException")])
    drops(glue, [three], [error(three, "ResourceNumberLimitExceededException")])
    with pytest.raises(PartitionsNotRepaired) as raised:
        repair(glue, [one, two], [three])
    assert "2026/11/18/01: InternalServiceException it is" in str(raised.value)
    assert "2026/11/18/02: ResourceNumberLimitExceededException it is" in str(raised.value)
    assert "2026/11/18/00" not in str(raised.value)


def test_a_partition_that_somebody_else_added_or_dropped_meanwhile_is_no_error(glue: Any) -> None:
    one, two = hours(2)
    registered(glue, MIDNIGHT, [values(two)])
    table(glue)
    creates(glue, [one], [error(one, "AlreadyExistsException")])
    drops(glue, [two], [error(two, "EntityNotFoundException")])
    repair(glue, [one], [two])
