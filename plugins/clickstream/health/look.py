"""One look at a live path: everything that the check judges, read in one go."""

from __future__ import annotations

from typing import Any

from clickstream.health.beats import read_beats
from clickstream.health.check import Look, window_start
from clickstream.health.live import read_live
from clickstream.health.metrics import METRICS_LATE, read_metrics
from clickstream.lake.place import Place
from clickstream.sources.model import Source


class NotWatched(LookupError):
    """The source has no `health` section any more."""


def take_look(place: Place, source: Source, kinesis: Any, firehose: Any) -> Look:
    """Look at the path of a source.

    Args:
        kinesis, firehose: boto3 clients.

    Raises:
        NotWatched: nothing says what is healthy.
        botocore.exceptions.ClientError: a service refuses to tell.
    """
    health = source.health
    if health is None:
        raise NotWatched(f"include/sources/{source.name}.yaml has no health section")
    live = read_live(source, kinesis, firehose)
    # Traffic is judged in a window that ends METRICS_LATE ago.
    start = window_start(health, live.now) - METRICS_LATE
    beats = read_beats(place, source, start, live.now)
    readings = read_metrics(place.cloudwatch, source, min([start, *(beat.at for beat in beats)]), live.now)
    return Look(health, live, beats, readings)
