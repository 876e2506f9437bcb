"""The heartbeat of a round, and what the receipts say of those before it.

Nothing is remembered between rounds. Which heartbeats the path has taken, and when by its own clock, stands in
their receipts: so it is known how many of its records were ours, and since when something should be seen.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from clickstream.lake.place import Place
from clickstream.producer.heartbeat import HEARTBEAT, canary
from clickstream.producer.producer import UNANSWERED, Producer
from clickstream.producer.receipt import Receipt, list_parts
from clickstream.producer.sink import Sink
from clickstream.sources.model import Source

PATIENCE_SECONDS = 60
"""How long a heartbeat is sent again while it is refused."""
LOOK_BACK = timedelta(hours=6)
"""How far back the last heartbeat before the window is looked for: what was wrong before Airflow stood still for less
than this is known to be wrong still, when it runs again."""


@dataclass(frozen=True)
class Beat:
    """One heartbeat.

    Attributes:
        at: when the service answered, by its own clock, in whole seconds.
        acknowledged: how many records it has taken: one, or none.
        refusals: why it has taken none.
    """

    at: datetime
    acknowledged: int
    refusals: tuple[str, ...] = ()


def send_beat(place: Place, source: Source, sink: Sink) -> Receipt:
    """Send one heartbeat; its receipt is stored, whatever became of it.

    Args:
        sink: where the records of the source are put.

    Raises:
        botocore.exceptions.ClientError: no right to put records.
        botocore.exceptions.BotoCoreError: the service cannot be reached.
    """
    producer = Producer(sink, patience_seconds=PATIENCE_SECONDS)
    # Of a stream or delivery that is not there the look at the live path tells.
    absent = contextlib.suppress(sink.absent)
    with absent, Receipt(place.s3, place.evidence, source.name, HEARTBEAT) as receipt:
        producer.send([canary("heartbeat")], receipt)
    return receipt


def read_beats(place: Place, source: Source, since: datetime, now: datetime) -> Sequence[Beat]:
    """The heartbeats of [since, now] and the last one before them, in the order of time.

    Args:
        since, now: whole seconds, UTC.
    """
    stored = list_parts(place.s3, place.evidence, source.name, now - LOOK_BACK, now + timedelta(seconds=1))
    parts = [part for part in stored if part.purpose == HEARTBEAT]
    recent = sum(part.first >= since for part in parts)
    beats = []
    for part in parts[-recent - 1 :]:
        told = part.read(place.s3, place.evidence)
        refusals = [*told["failed"], *([UNANSWERED] if told["unknown"] else [])]
        beats.append(Beat(part.first, told["acknowledged"], tuple(refusals)))
    return beats
