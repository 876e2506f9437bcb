"""What the visits of every made-up site consist of.

Part of the sample's generator, which shares no code with the product: what the product says about the sample is
compared with what the generator knows.
"""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any, NamedTuple

Event = dict[str, Any]


class Moment(NamedTuple):
    """One event of a visit, with the time of it.

    Attributes:
        sent: when it is sent; None: at once.
    """

    at: datetime
    event: Event
    sent: datetime | None = None

    @property
    def arrives(self) -> datetime:
        """When it arrives."""
        return self.sent or self.at


def stamp(at: datetime, zone: timezone | None = None) -> str:
    """A time as clients write it: RFC 3339 in milliseconds."""
    if zone is None:
        return at.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"
    return at.astimezone(zone).isoformat(timespec="milliseconds")
