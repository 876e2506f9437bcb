"""What lies in Bronze now: one listing an arrival hour."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Any

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


def list_hour(s3: Any, bucket: str, prefix: str, hour: datetime) -> list[StoredObject]:
    """The objects of one arrival hour, in key order.

    Args:
        s3: boto3 client.
        prefix: the delivery's prefix, with its slash.
    """
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=hour_prefix(prefix, hour))
    return [
        StoredObject(entry["Key"], entry["ETag"].strip('"'), entry["Size"])
        for page in pages
        for entry in page.get("Contents", ())
    ]


def list_hours(s3: Any, bucket: str, prefix: str, hours: Iterable[datetime]) -> dict[datetime, list[StoredObject]]:
    """The objects of many arrival hours; an hour without any has an empty list."""
    wanted = list(hours)
    with ThreadPoolExecutor(LISTINGS_AT_ONCE) as pool:
        return dict(zip(wanted, pool.map(lambda hour: list_hour(s3, bucket, prefix, hour), wanted), strict=True))
