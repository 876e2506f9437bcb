"""What lies in Bronze now: one listing an arrival hour, and prefix that it lies below."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from clickstream.lake.place import Place
from clickstream.sources.model import Source

LISTINGS_AT_ONCE = 8


@dataclass(frozen=True)
class StoredObject:
    """One object of Bronze as S3 lists it; equal etag and size spare reading it again."""

    key: str
    etag: str
    size: int


def hour_prefix(prefix: str, hour: datetime) -> str:
    """Key prefix of an arrival hour below a delivery's prefix."""
    return f"{prefix}{hour:year=%Y/month=%m/day=%d/hour=%H}/"


def list_hour(s3: Any, bucket: str, prefixes: Iterable[str], hour: datetime) -> list[StoredObject]:
    """The objects of one arrival hour, in key order.

    Args:
        s3: boto3 client.
        prefixes: that its folders lie below, with their slashes; of Bronze, `delivery.bronze`.
    """
    paginator = s3.get_paginator("list_objects_v2")
    return [
        StoredObject(entry["Key"], entry["ETag"].strip('"'), entry["Size"])
        for prefix in sorted(prefixes)
        for page in paginator.paginate(Bucket=bucket, Prefix=hour_prefix(prefix, hour))
        for entry in page.get("Contents", ())
    ]


def list_hours(
    s3: Any, bucket: str, prefixes: Iterable[str], hours: Iterable[datetime]
) -> dict[datetime, list[StoredObject]]:
    """The objects of many arrival hours; an hour without any has an empty list."""
    wanted, below = list(hours), list(prefixes)
    with ThreadPoolExecutor(LISTINGS_AT_ONCE) as pool:
        return dict(zip(wanted, pool.map(lambda hour: list_hour(s3, bucket, below, hour), wanted), strict=True))


def list_bronze(place: Place, source: Source, hours: Iterable[datetime]) -> dict[datetime, list[StoredObject]]:
    """The objects of Bronze in many arrival hours, wherever the source's delivery lays them."""
    return list_hours(place.s3, place.lake, source.delivery.bronze.values(), hours)
