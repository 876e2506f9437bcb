"""A waiver on a real stack: an object is lost for good, that is accepted, its hour is processed again without it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import orjson

from clickstream.contract.records import read_object
from clickstream.lake.listing import list_hour
from clickstream.lake.windows import HOUR, hour_text
from tests.integration.stack.clouds import copy_of
from tests.integration.stack.feed import Feed
from tests.integration.stack.proof import Lake, lake_on

WHY = "deleted by hand, and no version of it is left"


def test_what_is_lost_for_good_is_excepted_and_nothing_is_doubled(
    proven_state: Path, feed: Feed, tmp_path: Path
) -> None:
    with lake_on(copy_of(proven_state, tmp_path)) as lake:
        window, before = lake.hours()[1], lake.rows()
        hour, s3, bucket = hour_text(window.start), lake.place.s3, lake.place.lake
        stored = max(
            list_hour(s3, bucket, lake.source.delivery.bronze.values(), window.start), key=lambda listed: listed.size
        )
        body = s3.get_object(Bucket=bucket, Key=stored.key)["Body"].read()
        lost = read_object(stored.key, body).records
        s3.delete_object(Bucket=bucket, Key=stored.key)
        assert lake.prove(window).states[hour] == "failed"

        waived = lake.waive(window, WHY)
        assert (waived.verdict.failed, waived.states[hour]) == ([], "excepted")
        assert waived.report["verified_through"] == hour_text(lake.days().end - HOUR)
        assert lake.rows() == before

        forced = lake.prove(lake.days(0, 0), forced=True)
        assert forced.verdict.failed == []
        assert Counter(forced.states[hour_text(each.start)] for each in lake.hours()) == {
            "excepted": 1, "verified": len(lake.hours()) - 1
        }  # fmt: skip
        (told,) = [each for each in forced.report["hours"] if each["arrival_hour"] == hour]
        (waiver,) = told["waivers"]
        assert (waiver["waived_by"], waiver["reason"]) == ("maria", WHY)
        assert waiver["losses"] == [{"code": "object_missing", "object": stored.key, "records": len(lost)}]
        assert told["tiers"]["bronze"] - sum(told["fates"].values()) == len(lost)
        assert ids(lake) == left(feed, lost)

        s3.put_object(Bucket=bucket, Key=stored.key, Body=body)
        back = lake.prove(window)
        assert (back.states[hour], lake.rows() == before) == ("verified", True)


def ids(lake: Lake) -> list[str]:
    """Event ids in Silver, sorted, each as often as it stands there."""
    return sorted(row["event_id"] or "" for row in lake.select(f"SELECT event_id FROM {lake.table('silver')}"))


def left(feed: Feed, lost: list[bytes]) -> list[str]:
    """The good ids of which a record is left."""
    kept = Counter(record for records in feed.hours.values() for record in records) - Counter(lost)
    known = {identity for record in kept if (identity := event_id(record))}
    return sorted(known & feed.first_hours.keys())


def event_id(record: bytes) -> str | None:
    try:
        found: str | None = orjson.loads(record).get("event_id")
    except ValueError:
        return None
    return found
