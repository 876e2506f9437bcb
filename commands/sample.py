"""The sample day of each source through the product's producer: what `make up` shows the product on.

Generated once, then sent hour by hour with the local cloud's clock moved along. What was sent is read off the
receipts, so a run that was broken off is gone on with where it stopped, and a second one sends nothing.
"""

from __future__ import annotations

import argparse
import fcntl
import os
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from math import ceil
from pathlib import Path
from shutil import rmtree
from typing import Any

import boto3
import orjson

from clickstream.contract.bronze import read_bronze
from clickstream.contract.records import raw_hash, read_object
from clickstream.lake.listing import list_hour
from clickstream.lake.place import Place
from clickstream.lake.windows import HOUR, hour_text, parse_hour
from clickstream.producer.producer import Producer
from clickstream.producer.receipt import Receipt, list_parts
from clickstream.producer.sinks import open_sink
from clickstream.sources.loader import load_sources
from clickstream.sources.model import Source
from commands.arrivals import HOURS_AFTER, send_heartbeats, uncovered, wait_for_delivery
from commands.cloud_clock import CloudClock, held_clock
from commands.dialects import DIALECTS
from commands.pacing import Load, paced, shards_of
from commands.sample_day import EXPECTED, file_name, write_sample
from commands.settings import Settings
from commands.terminal import Failed, command, say

EVENTS = 206_000
"""Of visitors on the day, unless SAMPLE_EVENTS says otherwise: each source has its share, what is planted on top."""
SEED = 20261118
PURPOSE = "sample"
SENT = "sent"
"""Marks that all of it was sent: from then on what Bronze lacks was lost, and is not sent again."""
FIRST, LAST = timedelta(minutes=2), timedelta(minutes=57)
"""Where in its hour a file is sent: an object is keyed by its oldest record, and must not hold two hours."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m commands.sample")
    parser.add_argument("--make", action="store_true", help="make the files only: what sends them need not wait then")
    make_only = parser.parse_args().make
    settings, events = Settings.from_environment(), int(os.environ.get("SAMPLE_EVENTS", EVENTS))
    sources, faults = load_sources()
    if not sources:
        raise Failed(str(faults))
    for name, source in sources.items():
        if name in DIALECTS:
            expected = generate(settings, source, ceil(events * DIALECTS[name].share))
            if not make_only:
                send_sample(settings, source, expected)


def send_sample(settings: Settings, source: Source, expected: Mapping[str, Any]) -> None:
    """Send what was not sent.

    :param expected: the figures of the sample, as `generate` returns them.
    :raises Failed: the day lies in the future, or records were not taken.
    """
    assert source.verify_until
    end = source.verify_until + HOURS_AFTER * HOUR
    now = datetime.now(UTC)
    if end > now:
        raise Failed(f"the sample day ends at {hour_text(end)}, and this machine's clock says {hour_text(now)}")
    folder = _folder(settings, source)
    counts = {parse_hour(hour): figures["raw"] for hour, figures in expected["hours"].items()}

    place = Place.of(boto3.Session())
    sent = _sent(place, source)
    if sent and (folder / SENT).exists():
        say(f"{source.name}: all {sum(counts.values()):,} records were sent before")
        return
    unfinished = {hour for hour, count in counts.items() if sent[hour] < count}
    silent = set(uncovered(place, source, source.verify_from, end, counts))
    producer = Producer(open_sink(source))
    beats = Receipt(place.s3, place.evidence, source.name, "heartbeat")
    receipts = [beats]
    with held_clock(settings.state, settings.cloud_url) as clock, beats:
        clock.set_real()  # what a killed run left in Firehose's buffer is delivered before we look what is there
        for number, hour in enumerate(todo := sorted(unfinished | silent), 1):
            if hour in silent:
                send_heartbeats(producer, beats, clock, [hour], now)
            elif records := _missing(source, folder / file_name(hour), _landed(place, source, hour)):
                clock.set(hour + FIRST)
                receipts.append(_send(producer, place, source, records, clock, hour))
                say(f"{source.name}: {hour_text(hour)}  {len(records):>7,} records  ({number} of {len(todo)} hours)")
    newest = max((receipt.last for receipt in receipts if receipt.last), default=None)
    if newest and not wait_for_delivery(place, source, newest, source.delivery.buffer_seconds):
        raise Failed("Firehose has not delivered what was sent", log=settings.logs / "cloud.log")
    _conclude(source, receipts)
    (folder / SENT).touch()


def _send(
    producer: Producer, place: Place, source: Source, records: list[bytes], clock: CloudClock, hour: datetime
) -> Receipt:
    stream = paced(records, Load.of(records), clock, hour + FIRST, hour + LAST, shards_of(source))
    with Receipt(place.s3, place.evidence, source.name, PURPOSE) as receipt:
        producer.send(stream, receipt)
    return receipt


def generate(settings: Settings, source: Source, events: int) -> dict[str, Any]:
    """The sample's expected figures; generates it when it is not there.

    :param events: of visitors on the day.
    :raises Failed: another sample is in the state folder.
    """
    assert source.verify_until
    day = source.verify_until - timedelta(days=1)
    folder = _folder(settings, source)
    wanted = {"source": source.name, "seed": SEED, "events": events, "day": f"{day:%Y-%m-%d}"}
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # another may be making it: `make up` begins with that
        if not folder.exists():
            say(f"{source.name}: making {events:,} events of {wanted['day']}")
            draft = folder.with_suffix(".draft")
            rmtree(draft, ignore_errors=True)
            draft.mkdir()
            write_sample(draft, source=source.name, day=day, events=events, seed=SEED)
            draft.rename(folder)
    expected: dict[str, Any] = orjson.loads((folder / EXPECTED).read_bytes())
    if differing := [name for name, value in wanted.items() if expected[name] != value]:
        raise Failed(f"{folder} holds a sample with another {', '.join(differing)}", todo="make clean")
    return expected


def _folder(settings: Settings, source: Source) -> Path:
    return settings.state / "sample" / source.name


def _sent(place: Place, source: Source) -> Counter[datetime]:
    """Records of the sample by hour, as far as there are receipts."""
    sent: Counter[datetime] = Counter()
    for part in list_parts(place.s3, place.evidence, source.name):
        if part.purpose == PURPOSE:
            told = part.read(place.s3, place.evidence)
            sent[parse_hour(told["arrival_hour"])] += told["acknowledged"]
    return sent


def _landed(place: Place, source: Source, hour: datetime) -> Counter[str]:
    """What lies in Bronze: of an hour without all its receipts this alone says what a killed run has sent."""
    landed: Counter[str] = Counter()
    for entry in list_hour(place.s3, place.lake, source.delivery.bronze.values(), hour):
        body = place.s3.get_object(Bucket=place.lake, Key=entry.key)["Body"].read()
        landed.update(_known_by(source, raw.record) for raw in read_bronze(source.delivery, entry.key, body).records)
    return landed


def _known_by(source: Source, record: bytes) -> str:
    """What a record is known by wherever it lies: a conversion to Parquet keeps of its bytes none, but its identity."""
    if source.delivery.format == "parquet":
        with suppress(orjson.JSONDecodeError):
            event = orjson.loads(record)
            return orjson.dumps([event.get(path) for path in source.events.identity]).decode()
    return raw_hash(record)


def _missing(source: Source, file: Path, landed: Counter[str]) -> list[bytes]:
    """The records of a file that have not landed, copy by copy."""
    missing = []
    for record in read_object(file.name, file.read_bytes()).records:
        known_by = _known_by(source, record)
        if landed[known_by]:
            landed[known_by] -= 1
        else:
            missing.append(record)
    return missing


def _conclude(source: Source, receipts: list[Receipt]) -> None:
    acknowledged, failed, unknown = (
        sum((getattr(receipt, outcome) for receipt in receipts), Counter[str]())
        for outcome in ("acknowledged", "failed", "unknown")
    )
    say(f"{source.name}: {acknowledged.total():,} records acknowledged")
    if failed or unknown:
        reasons = ", ".join(f"{reason} {count:,}" for reason, count in failed.items())
        raise Failed(
            f"not all of {source.name}'s sample was taken: "
            f"failed {failed.total():,} ({reasons}), unknown {unknown.total():,}",
            todo="make up; it sends what is missing",
        )


if __name__ == "__main__":
    command(main)
