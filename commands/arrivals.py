"""Making records arrive in chosen hours of the local cloud, through the product's own producer."""

from __future__ import annotations

import itertools
import time
from collections.abc import Collection, Iterable, Iterator
from datetime import datetime, timedelta

from clickstream.lake.listing import hour_prefix
from clickstream.lake.place import Place
from clickstream.lake.windows import HOUR, parse_hour
from clickstream.producer.heartbeat import canary
from clickstream.producer.producer import Producer
from clickstream.producer.receipt import Receipt, receipts
from clickstream.sources.model import Source
from commands.cloud_clock import CloudClock

HEARTBEAT_MINUTE = timedelta(minutes=30)
"""Where in an hour its heartbeat is sent: far from what else is sent, so that no object holds two hours."""

HOURS_AFTER = 2
"""Hours beyond a day that must be covered before its watermark has passed in every resolution of the metrics."""


def uncovered(
    place: Place, source: Source, start: datetime, end: datetime, also_covered: Collection[datetime] = ()
) -> list[datetime]:
    """The hours of [start, end) in which no record was acknowledged, as far as the receipts know.

    The receipts are asked, not the lake: an hour whose objects were lost has not become an empty one.

    :param also_covered: hours that are about to get records.
    """
    known = receipts(place.s3, place.evidence, source.name, start, end)
    covered = {parse_hour(hour) for hour, sums in known.items() if sums.acknowledged} | set(also_covered)
    return [start + n * HOUR for n in range((end - start) // HOUR) if start + n * HOUR not in covered]


def send_heartbeats(
    producer: Producer,
    receipt: Receipt,
    clock: CloudClock,
    hours: Iterable[datetime],
    not_after: datetime,
) -> None:
    """Send one heartbeat in each hour, in order.

    :param not_after: real time; an hour that has only begun gets its heartbeat then, one in the future none.
    """
    for hour in hours:
        if hour > not_after:
            return
        clock.set(min(hour + HEARTBEAT_MINUTE, not_after))
        producer.send([canary("heartbeat")], receipt)


def wait_for_delivery(place: Place, source: Source, acknowledged: datetime, within: float) -> bool:
    """Wait until Firehose has written an object since the last acknowledgement: what was sent before is in Bronze.

    :param acknowledged: that time, on the local cloud's clock.
    :param within: seconds.
    :returns: whether it has.
    """
    deadline = time.monotonic() + within
    while not any(written > acknowledged for written in _written(place, source, acknowledged)):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.2)
    return True


def _written(place: Place, source: Source, acknowledged: datetime) -> Iterator[datetime]:
    """When the objects were written that can hold records of that moment; each is keyed by its oldest record."""
    hours = {acknowledged - timedelta(seconds=source.delivery.buffer_seconds), acknowledged}
    for hour, prefix in itertools.product(hours, source.delivery.bronze.values()):
        pages = place.s3.get_paginator("list_objects_v2").paginate(Bucket=place.lake, Prefix=hour_prefix(prefix, hour))
        for page in pages:
            yield from (entry["LastModified"] for entry in page.get("Contents", ()))
