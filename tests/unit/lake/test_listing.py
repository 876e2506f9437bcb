from datetime import UTC, datetime

import pytest

from clickstream.lake.listing import StoredObject, hour_prefix, list_hour, list_hours
from tests.unit.lake.memory_s3 import MemoryS3, etag

HOUR = datetime(2026, 1, 8, 3, tzinfo=UTC)
FOLDER = "landing/shop/year=2026/month=01/day=08/hour=03/"


def put(s3: MemoryS3, *keys: str) -> None:
    for key in keys:
        s3.put_object(Bucket="lake", Key=key, Body=key.encode())


def test_an_hour_has_the_prefix_that_the_delivery_writes() -> None:
    assert hour_prefix("landing/shop/", HOUR) == FOLDER


def test_an_hour_s_listing_has_all_its_objects_and_no_other_s() -> None:
    s3 = MemoryS3()
    names = [f"{FOLDER}{n:02}.gz" for n in range(8)]
    put(s3, *reversed(names))
    put(
        s3, FOLDER.replace("hour=03", "hour=04") + "a.gz", FOLDER.replace("shop", "shops") + "a.gz", "landing/shop/a.gz"
    )
    listed = list_hour(s3, "lake", ["landing/shop/"], HOUR)
    assert [stored.key for stored in listed] == names
    body = names[0].encode()
    assert listed[0] == StoredObject(names[0], etag(body).strip('"'), len(body))


@pytest.mark.parametrize("hours", [0, 1, 30])
def test_every_hour_asked_for_is_answered_also_an_empty_one(hours: int) -> None:
    s3 = MemoryS3()
    put(s3, FOLDER + "a.gz")
    wanted = [HOUR.replace(day=1 + n // 24 + 7, hour=(n + 3) % 24) for n in range(hours)]
    listings = list_hours(s3, "lake", ["landing/shop/"], iter(wanted))
    assert list(listings) == wanted
    assert sum(map(len, listings.values())) == min(hours, 1)
