"""How the clients of each source write down what happens on their made-up site, and what of it is faulty.

Part of the sample's generator, which shares no code with the product.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from commands import chart_visits, shop_visits
from commands.moments import Event, Moment

NO_CONSENT = "no_consent"


@dataclass(frozen=True)
class Dialect:
    """One source's way of writing an event.

    Attributes:
        visit: the moments of one visit that begins at a time, in the source's own form.
        time: field of the event's time.
        refused: whether an event is of somebody who refused consent.
        fresh: fields that make a copied event another one, which nobody has refused.
        unknown: fields that the contract does not know.
        conflict: a change that leaves the event the same event.
        planted: things to plant, by their share of an hour's events.
        broken: those of them that only this source has, with what breaks an event and the reason that it is not good.
        converted: whether Bronze holds rows, in which the order of an event's fields is lost.
        share: of the sample's events that this source has.
    """

    visit: Callable[[random.Random, datetime], Iterator[Moment]]
    time: str
    refused: Callable[[Event], bool]
    fresh: Callable[[random.Random], Event]
    unknown: Event
    conflict: Event
    planted: Mapping[str, float]
    share: float
    broken: Mapping[str, tuple[Callable[[Event], Event], str]] = field(default_factory=dict)
    converted: bool = False


_ALL = {
    "copy_same_object": 0.002, "copy_same_hour": 0.002, "copy_later_hour": 0.0015,
    "conflict_same_hour": 0.0005, "conflict_later_hour": 0.0005,
    "late_1_day": 0.002, "late_3_days": 0.001, "skewed_within_limit": 0.001, "skewed_beyond_limit": 0.0003,
    "too_old": 0.0002, "unknown_field": 0.01, "unknown_event_type": 0.0003, "malformed": 0.0005,
    "two_on_a_line": 0.0002, "canary": 0.0003,
}  # fmt: skip

_WEB = Dialect(
    visit=shop_visits.visit,
    time="timestamp",
    refused=lambda event: event.get("consent") is False,
    fresh=lambda rng: {"event_id": shop_visits.new_id(rng), "consent": True},
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


def _clicks(rng: random.Random, start: datetime) -> Iterator[Moment]:
    return (Moment(moment.at, _click(moment.event)) for moment in shop_visits.visit(rng, start))


_CLICKS = Dialect(
    visit=_clicks,
    time="event_timestamp",
    refused=lambda event: False,
    fresh=lambda rng: {"session_id": f"sess-{rng.getrandbits(64):016x}"},
    unknown={"consent": False},  # to a feed that asks for none it says nothing
    conflict={"device_type": "changed"},
    planted=_ALL | {"no_user_id": 0.0002, "no_event_timestamp": 0.0002},
    share=0.05,
)

_LINK = {"link_id": "studio-top", "target": "studio.example"}
_PRIVACY = {"ads": False, "source_ip_anonymized": "203.0.113.0"}


def _with(**changes: object) -> Callable[[Event], Event]:
    """What sets some fields of an event."""
    return lambda event: event | changes


_BROKEN: dict[str, tuple[Callable[[Event], Event], str]] = {
    # What Firehose cannot convert
    "payout_as_text": (_with(affiliate=_LINK | {"payout_cents": "42,00"}), "type:affiliate.payout_cents"),
    "payout_in_fractions": (_with(affiliate=_LINK | {"payout_cents": 42.5}), "type:affiliate.payout_cents"),
    "consent_as_number": (_with(privacy=_PRIVACY | {"analytics": 1}), NO_CONSENT),
    "refused_and_not_convertible": (
        _with(privacy=_PRIVACY | {"analytics": False}, affiliate=_LINK | {"payout_cents": "42,00"}),
        NO_CONSENT,
    ),
    # What becomes a row that is of no use
    "refused_as_text": (_with(privacy=_PRIVACY | {"analytics": "no"}), NO_CONSENT),
    "consent_not_told": (_with(privacy=_PRIVACY | {"analytics": None}), NO_CONSENT),
    "not_asked": (_with(privacy=None), NO_CONSENT),
    "payout_below_zero": (_with(affiliate=_LINK | {"payout_cents": -4200}), "minimum:affiliate.payout_cents"),
    "empty_session_id": (_with(event_type="page_view", session={"session_id": ""}), "minLength:session.session_id"),
    "id_is_no_uuid": (_with(event_id="someid"), "format:event_id"),
    "click_of_no_link": (_with(event_type="affiliate_click", affiliate=None), "required:affiliate"),
    "correction_of_nothing": (
        _with(event_type="affiliate_correction", affiliate=_LINK | {"payout_cents": 4200}, corrects=None),
        "required:corrects",
    ),
    "segment_of_nobody": (
        _with(event_type="segment_change", segment={"key": "returning", "active": True}, user={"geo_country": "DE"}),
        "required:user.user_id_hash",
    ),
    "next_major_version": (_with(schema_version="2.0.0"), "pattern:schema_version"),
}
_CHARTS = Dialect(
    visit=chart_visits.visit,
    time="ts",
    refused=lambda event: event["privacy"]["analytics"] is False,
    fresh=lambda rng: {"event_id": chart_visits.new_id(rng), "privacy": _PRIVACY | {"analytics": True}},
    unknown={"consent_text": "CPz9"},
    conflict={"ingest_ts": 1795046400000},  # the collector stamps what a client sends twice anew
    planted=_ALL
    | {"no_event_id": 0.0002, "no_ts": 0.0002, "repeated_event_id": 0.0001}
    | dict.fromkeys(_BROKEN, 0.0002),
    broken=_BROKEN,
    converted=True,
    share=0.1,
)

DIALECTS = {"retail_web": _WEB, "shop_clicks": _CLICKS, "chart_affiliates": _CHARTS}
"""By source."""
