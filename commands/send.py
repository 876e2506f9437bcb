"""`make send`: any file of events through the product's producer, so that it arrives in a chosen hour.

The local cloud's clock goes through that hour while the file is sent, and then back to real time. Hours that nothing
has reached yet get a heartbeat, from the source's first proven hour on, so that the day's watermark passes.

Ends with 0 when everything was acknowledged, 1 when something failed or is unknown, 2 when nothing was sent because
what was asked for cannot be done.
"""

from __future__ import annotations

import gzip
import os
import re
import sys
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO, cast

import boto3

from clickstream.contract.records import read_object
from clickstream.lake.place import Place
from clickstream.lake.windows import HOUR, hour_of, hour_text
from clickstream.producer.producer import Producer
from clickstream.producer.receipt import Receipt
from clickstream.producer.sinks import open_sink
from clickstream.sources.loader import load_sources
from clickstream.sources.model import Source
from commands import cloud
from commands.arrivals import HOURS_AFTER, send_heartbeats, uncovered, wait_for_delivery
from commands.cloud_clock import ClockIsHeld, CloudClock, held_clock
from commands.pacing import Load, TooMuch, paced, shards_of
from commands.settings import Settings
from commands.terminal import Failed, command, say

DELIVERY_GRACE_SECONDS = 30
_RFC_3339_UTC = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|\+00:00)")


class Refused(Failed):
    """What was asked for cannot be done; nothing was sent."""


@dataclass(frozen=True)
class Order:
    """What to send, checked.

    Attributes:
        at: when the first record is to arrive; None: now, at real time.
        until: when the last one must have arrived.
        now: real time.
    """

    source: Source
    events: Path
    load: Load
    at: datetime | None
    until: datetime
    now: datetime

    @property
    def start(self) -> datetime:
        return self.at or self.now


def main() -> None:
    try:
        name, events, at = (os.environ.get(knob, "") for knob in ("SOURCE", "EVENTS", "AT"))
        if not name or not events:
            raise Refused("name both: make send SOURCE=retail_web EVENTS=file.ndjson[.gz] [AT=2026-11-18T13:00:00Z]")
        order = take_order(name, Path(events).expanduser(), at or None, datetime.now(UTC))
        complete = carry_out(order, Settings.from_environment())
    except (Refused, TooMuch, ClockIsHeld) as refusal:
        print(f"make send: {refusal}", file=sys.stderr)
        sys.exit(2)
    if not complete:
        sys.exit(1)


def take_order(name: str, events: Path, at: str | None, now: datetime) -> Order:
    """Check what is asked for.

    :param name: the source's name.
    :param at: RFC 3339 in UTC, or None.
    :param now: real time.
    :raises Refused: naming the value and what is allowed.
    """
    sources, faults = load_sources()
    if name not in sources:
        own = [str(fault) for fault in faults.faults if fault.file == f"sources/{name}.yaml"] if faults else []
        known = f"there is no source {name!r}; there are: {', '.join(sources) or 'none'}"
        raise Refused("\n".join(own) or known)
    source = sources[name]
    start = now if at is None else _moment(at)
    if start > now:
        raise Refused(f"AT={at} lies in the future: it is {hour_text(now)}")
    if start < source.verify_from:
        raise Refused(f"AT={at} lies before {hour_text(source.verify_from)}, from when {name} is proven (verify_from)")
    hour_end = hour_of(start) + HOUR
    # A tenth is left over for what is refused and sent again, and for the real time that sending takes.
    until = start + (min(hour_end, now) - start) * 0.9
    return Order(source, events, _measure(events), at=None if at is None else start, until=until, now=now)


def carry_out(order: Order, settings: Settings) -> bool:
    """Send what was ordered, and tell what became of it.

    :returns: whether every record was acknowledged.
    :raises Refused: the local cloud is not up.
    :raises TooMuch: the file does not fit into its hour.
    :raises ClockIsHeld: another send does not end.
    """
    if not cloud.answers(settings):
        raise Refused(f"the local cloud does not answer at {settings.cloud_url}: make up")
    source = order.source
    place = Place.of(boto3.Session())
    producer = Producer(open_sink(source))
    with held_clock(settings.state, settings.cloud_url) as clock:
        records = _paced_records(order, clock)
        hour = hour_of(order.start)
        day_end = hour.replace(hour=0) + timedelta(days=1)
        own = [hour] if order.load.records else []
        silent = uncovered(place, source, source.verify_from, day_end + HOURS_AFTER * HOUR, own)
        sent = Receipt(place.s3, place.evidence, source.name, "send")
        beats = Receipt(place.s3, place.evidence, source.name, "heartbeat")
        if silent:
            say(f"{len(silent):,} hours were reached by nothing: each gets a heartbeat")
        with sent, beats:
            send_heartbeats(producer, beats, clock, [each for each in silent if each < hour], order.now)
            if order.at is None:
                clock.set_real()
            else:
                clock.set(order.at)
            producer.send(records, sent)
            send_heartbeats(producer, beats, clock, [each for each in silent if each >= hour], order.now)
    say("waiting for Firehose to deliver")
    acknowledged = [receipt.last for receipt in (sent, beats) if receipt.last]
    within = source.delivery.buffer_seconds + DELIVERY_GRACE_SECONDS
    if acknowledged and not wait_for_delivery(place, source, max(acknowledged), within):
        print(f"Firehose has delivered nothing within {within} s: see `make logs PART=cloud`", file=sys.stderr)
    _tell(order, sent, beats, place)
    return not (sent.failed or sent.unknown or beats.failed or beats.unknown)


def _moment(at: str) -> datetime:
    try:
        if _RFC_3339_UTC.fullmatch(at):
            return datetime.fromisoformat(at).astimezone(UTC)
    except ValueError:
        pass  # such as a 31st of February
    raise Refused(f"AT={at} is no time in UTC, such as 2026-11-18T13:00:00Z")


def _read(events: Path) -> Iterator[bytes]:
    """The raw records of a file, line by line."""
    with cast(BinaryIO, gzip.open(events) if events.suffix == ".gz" else events.open("rb")) as file:
        for line in file:
            yield from read_object("", line).records


def _measure(events: Path) -> Load:
    """Read the whole file once, so that a broken one is refused before anything of it is sent."""
    try:
        return Load.of(_read(events))
    except (OSError, EOFError, zlib.error) as error:
        raise Refused(f"EVENTS={events} cannot be read: {error}") from error


def _paced_records(order: Order, clock: CloudClock) -> Iterator[bytes]:
    if order.at is None:
        return _read(order.events)
    return paced(_read(order.events), order.load, clock, order.at, order.until, shards_of(order.source))


def _tell(order: Order, sent: Receipt, beats: Receipt, place: Place) -> None:
    print(f"{order.source.name}: {order.load.records:,} records of {order.events}")
    for what, receipt in (("events", sent), ("heartbeats", beats)):
        print(
            f"  {what:<11}acknowledged {receipt.acknowledged.total():,}   failed {receipt.failed.total():,}"
            f"   unknown {receipt.unknown.total():,}"
        )
        for reason, count in sorted(receipt.failed.items()):
            print(f"    failed: {reason} {count:,}")
    for hour, count in sorted(sent.acknowledged.items()):
        print(f"  arrived in {hour}: {count:,}")
    for key in sent.keys:
        print(f"  receipt s3://{place.evidence}/{key}")


if __name__ == "__main__":
    command(main)
