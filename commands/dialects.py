"""How the clients of each source write down what happens in the made-up shop, and what of it is faulty.

Part of the sample's generator, which shares no code with the product.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from commands.shop_visits import Event, new_id


@dataclass(frozen=True)
class Dialect:
    """One source's way of writing an event.

    Attributes:
        write: the source's event, of one that a visit holds.
        time: field of the event's time.
        fresh: fields that make a copied event another one, which nobody has refused.
        unknown: fields that the contract does not know.
        conflict: a change that leaves the event the same event.
        planted: things to plant, by their share of an hour's events.
        share: of the sample's events that this source has.
    """

    write: Callable[[Event], Event]
    time: str
    fresh: Callable[[random.Random], Event]
    unknown: Event
    conflict: Event
    planted: Mapping[str, float]
    share: float


_ALL = {
    "copy_same_object": 0.002, "copy_same_hour": 0.002, "copy_later_hour": 0.0015,
    "conflict_same_hour": 0.0005, "conflict_later_hour": 0.0005,
    "late_1_day": 0.002, "late_3_days": 0.001, "skewed_within_limit": 0.001, "skewed_beyond_limit": 0.0003,
    "too_old": 0.0002, "unknown_field": 0.01, "unknown_event_type": 0.0003, "malformed": 0.0005,
    "two_on_a_line": 0.0002, "canary": 0.0003,
}  # fmt: skip

_WEB = Dialect(
    write=lambda event: event,
    time="timestamp",
    fresh=lambda rng: {"event_id": new_id(rng), "consent": True},
    unknown={"ab_variant": "B"},
    conflict={"page_url": "/changed"},
    planted=_ALL
    | {
        "wrong_typed_consent": 0.0003,
        "sent_again_with_right_consent": 0.0002,
        "wrong_typed_price": 0.0002,
        "no_event_id": 0.0002,
        "no_timestamp": 0.0002,
        "repeated_event_id": 0.0001,
    },
    share=1.0,
)


def _click(event: Event) -> Event:
    """An event as the shop's hourly files have it: no id, no consent, and all details are texts."""
    user = event["customer_id"] or f"GUEST-{event['session_id'][-8:]}"
    properties = event["properties"]
    known = {name: properties[name] for name in ("product_id", "order_id") if name in properties}
    return {
        "user_id": user,
        "session_id": event["session_id"],
        "event_type": event["event_type"],
        "event_timestamp": event["timestamp"],
        "device_type": event["device_type"],
        "page_url": event["page_url"],
        "referrer_url": event["referrer_url"] or None,
        "metadata": {"country": event["geo"]["country"], "signup_date": _signed_up(user), **known},
    }


def _signed_up(user: str) -> str:
    return f"{date(2020, 1, 1) + timedelta(days=sum(user.encode()) * 7919 % 2000)}"


_CLICKS = Dialect(
    write=_click,
    time="event_timestamp",
    fresh=lambda rng: {"session_id": f"sess-{rng.getrandbits(64):016x}"},
    unknown={"consent": False},  # to a feed that asks for none it says nothing
    conflict={"device_type": "changed"},
    planted=_ALL | {"no_user_id": 0.0002, "no_event_timestamp": 0.0002},
    share=0.05,
)

DIALECTS = {"retail_web": _WEB, "shop_clicks": _CLICKS}
"""By source."""
