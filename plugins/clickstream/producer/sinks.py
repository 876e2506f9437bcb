"""The sink of a source: its stream, or its delivery when it has none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import boto3

from clickstream.producer.firehose import FirehoseSink
from clickstream.producer.kinesis import KinesisSink
from clickstream.producer.sink import Sink
from clickstream.sources.model import Carrier, Source

_KINDS: Mapping[Carrier, type[Sink]] = {"stream": KinesisSink, "delivery": FirehoseSink}


def open_sink(source: Source, session: Any = boto3) -> Sink:
    """Where the records of a source are put.

    Args:
        session: a boto3 session; by default the one that AWS's own variables make.
    """
    return _KINDS[source.entrance](source, session)
