"""The live stream and delivery: whether they are there and at work, and what time it is for them.

"Now" is the services' own: the date of their answers. Metrics are stamped by that clock, and a worker's clock may be
wrong. https://docs.aws.amazon.com/kinesis/latest/APIReference/API_DescribeStreamSummary.html
https://docs.aws.amazon.com/firehose/latest/APIReference/API_DescribeDeliveryStream.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Any

from clickstream.sources.model import Carrier, Source

AT_WORK = frozenset({"ACTIVE", "UPDATING"})
"""A stream takes records while it is resharded."""
BEING_MADE = "CREATING"
ABSENT = "absent"


@dataclass(frozen=True)
class Part:
    """The stream or the delivery.

    Attributes:
        name: such as `stream retail-clickstream`.
        status: as its service tells it, or `absent`.
        created: since when it is there; None when it is not.
    """

    name: str
    status: str
    created: datetime | None = None

    @property
    def works(self) -> bool:
        return self.status in AT_WORK

    @property
    def is_missing(self) -> bool:
        """Not there, going away, or failed in being made; one that is being made is not missing."""
        return not self.works and self.status != BEING_MADE

    def worked_at(self, moment: datetime) -> bool:
        """Whether it had been made by then, and works now."""
        return self.works and self.created is not None and self.created <= moment


@dataclass(frozen=True)
class Live:
    """The path at one moment, by the services' own clock.

    Attributes:
        parts: the stream, where the source has one, and the delivery, in the order in which records pass them.
    """

    parts: Mapping[Carrier, Part]
    now: datetime

    @property
    def entrance(self) -> Part:
        """The part that records are put into."""
        return next(iter(self.parts.values()))

    @property
    def delivery(self) -> Part:
        return self.parts["delivery"]


def read_live(source: Source, kinesis: Any, firehose: Any) -> Live:
    """Look at the live path.

    Args:
        kinesis, firehose: boto3 clients.

    Raises:
        botocore.exceptions.ClientError: anything but the absence of a part.
    """
    look = {"stream": partial(_look_at_stream, kinesis), "delivery": partial(_look_at_delivery, firehose)}
    found = {carrier: look[carrier](name) for carrier, name in source.carriers.items()}
    return Live({carrier: part for carrier, (part, _) in found.items()}, found["delivery"][1])


def _look_at_stream(kinesis: Any, name: str) -> tuple[Part, datetime]:
    answer, at = _ask(kinesis, lambda: kinesis.describe_stream_summary(StreamName=name))
    summary = answer.get("StreamDescriptionSummary", {})
    status, created = summary.get("StreamStatus", ABSENT), summary.get("StreamCreationTimestamp")
    return Part(f"stream {name}", status, created), at


def _look_at_delivery(firehose: Any, name: str) -> tuple[Part, datetime]:
    answer, at = _ask(firehose, lambda: firehose.describe_delivery_stream(DeliveryStreamName=name))
    description = answer.get("DeliveryStreamDescription", {})
    status, created = description.get("DeliveryStreamStatus", ABSENT), description.get("CreateTimestamp")
    return Part(f"delivery {name}", status, created), at


def _ask(client: Any, describe: Callable[[], dict[str, Any]]) -> tuple[dict[str, Any], datetime]:
    """The answer, empty when there is no such part, and its date."""
    try:
        answer = told = describe()
    except client.exceptions.ResourceNotFoundException as error:
        answer, told = {}, error.response
    return answer, parsedate_to_datetime(told["ResponseMetadata"]["HTTPHeaders"]["date"]).astimezone(UTC)
