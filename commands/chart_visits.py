"""Visits of a made-up site that compares products in charts, and what others tell of its visitors later.

The site sends what its pages see. The affiliate networks, whose links it shows, correct the payout of a click when an
order is confirmed or cancelled; a segmentation says which segments a user joins and leaves. Part of the sample's
generator, which shares no code with the product.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import NamedTuple
from uuid import UUID

from commands.moments import Event, Moment, stamp

_END = "end"
_STEPS: dict[str, dict[str, int]] = {
    "start": {"page": 45, "compare": 55},
    "page": {"page": 26, "compare": 44, "click": 5, _END: 25},
    "compare": {"interaction": 48, "click": 14, "page": 14, _END: 24},
    "interaction": {"interaction": 38, "click": 18, "compare": 12, _END: 32},
    "click": {"interaction": 20, "compare": 22, "page": 6, _END: 52},
}
_NEXT = {step: (list(to), list(to.values())) for step, to in _STEPS.items()}

_SITE = "https://charts.example"
_CHARTS = {
    "website-builders": ["pagecraft", "studio", "blockwise", "sitely", "openpress"],
    "web-hosting": ["hostbarn", "rackly", "northcloud", "openpress"],
    "email-marketing": ["postbird", "mailmill", "letterbox", "sendwell", "dovecote"],
    "online-shops": ["cartwright", "shopstead", "pagecraft", "tillworks"],
}
_PAGES = ["/", "/reviews/studio", "/reviews/hostbarn", "/guides/own-domain", "/guides/choosing-a-host", "/about"]
_CONTROLS: list[tuple[str, str, list[str | int | float | bool | None]]] = [
    ("toggle", "show-annual", [True, False]),
    ("sort", "plan-price", ["asc", "desc"]),
    ("filter", "min-rating", [3, 4, 4.5]),
    ("filter", "free-trial", ["yes", ""]),
    ("compare_expand", "features", [None]),
    ("compare_collapse", "features", [None]),
]
_PLACES = [
    ("US", "en-US", -5), ("US", "en-US", -8), ("GB", "en-GB", 0), ("DE", "de-DE", 1), ("FR", "fr-FR", 1),
    ("IL", "he-IL", 2), ("BR", "pt-BR", -3), ("", "en-US", 0),
]  # fmt: skip
_AGENTS = [
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/131.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15) Gecko/20100101 Firefox/133.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) Version/18.1 Safari/604.1",
]
_CAMPAIGNS: list[Event | None] = [
    None,
    {"source": "ads", "medium": "cpc", "campaign": "autumn", "term": "best website builder", "content": None},
    {"source": "newsletter", "medium": "email", "campaign": "weekly"},
    {"source": "", "medium": "", "campaign": ""},
]
_EXPERIMENTS = [[], ["wide-table"], ["wide-table", "sticky-header"]]
_SEGMENTS = ["returning", "bargain_hunter", "high_intent", "newsletter", "business"]
_USERS = 1500
_SDK = {"sdk_version": "0.2.3", "schema_hash": f"sha256:{hashlib.sha256(b'1.0.0').hexdigest()}"}


class _Visitor(NamedTuple):
    """What all events of a visit share.

    Attributes:
        user: hash of the user's id; None: nobody is logged in.
        ctx: what does not depend on the page.
        zone: in which the client tells the time; None: UTC.
    """

    user: str | None
    privacy: Event
    fields: Event
    ctx: Event
    zone: timezone | None


def visit(rng: random.Random, start: datetime) -> Iterator[Moment]:
    """The events of one session in their order, each click with its corrections, then what becomes of the user.

    Args:
        rng: all chance comes from here.
        start: before it nothing is sent, UTC. Clients that were without connection send what happened before.
    """
    visitor = _visitor(rng)
    at = back = start
    if rng.random() < 0.08:
        at -= _seconds(rng, 1800)
        back += timedelta(minutes=rng.randrange(20))
    for fields in _pages(rng, visitor):
        click = Moment(at, _event(rng, visitor, at, max(at, back), visitor.zone) | fields, max(at, back))
        yield click
        if fields["event_type"] == "affiliate_click":
            yield from _corrections(rng, visitor, click, start)
        # Some read for a quarter of an hour before they go on.
        at += _seconds(rng, 900 if rng.random() < 0.06 else 30)
    if visitor.user and rng.random() < 0.15:
        yield from _segment_changes(rng, visitor, max(at, start))


def new_id(rng: random.Random) -> str:
    """An event id that nothing else has."""
    return str(UUID(int=rng.getrandbits(128), version=4))


def _seconds(rng: random.Random, mean: float) -> timedelta:
    """A time that has to be waited for something; in milliseconds, as clients tell the time."""
    return timedelta(seconds=round(1 + rng.expovariate(1 / mean), 3))


def _visitor(rng: random.Random) -> _Visitor:
    country, locale, offset = rng.choice(_PLACES)
    # Some users come again and again, most once or twice.
    number = int(_USERS * rng.random() ** 2)
    user = f"sha256:{hashlib.sha256(b'user %d' % number).hexdigest()}" if rng.random() < 0.7 else None
    return _Visitor(
        user,
        {
            "analytics": rng.random() >= 0.03,
            "ads": rng.random() < 0.4,
            "source_ip_anonymized": f"203.0.{rng.randrange(113, 120)}.0",
        },
        {
            "source": rng.choices(["web", "ios"], [85, 15])[0],
            "user": {"user_id_hash": user, "geo_country": country},
            "session": {"session_id": f"sid-{rng.getrandbits(64):016x}", "utm": rng.choice(_CAMPAIGNS)},
            "metadata": _SDK | {"experiment_keys": rng.choice(_EXPERIMENTS)},
        },
        {"locale": locale, "user_agent": rng.choice(_AGENTS), "ab_variant": rng.choice(["A", "B"])},
        # Most clients send UTC; some send their local time with its offset.
        timezone(timedelta(hours=offset)) if rng.random() < 0.05 else None,
    )


def _event(rng: random.Random, visitor: _Visitor, at: datetime, sent: datetime, zone: timezone | None = None) -> Event:
    """What events of every type and sender have."""
    return {
        "schema_version": "1.0.0",
        "event_id": new_id(rng),
        "ts": stamp(at, zone),
        "ingest_ts": int(sent.timestamp() * 1000),
        "privacy": visitor.privacy,
    }


def _pages(rng: random.Random, visitor: _Visitor) -> Iterator[Event]:
    """What a visitor does, page by page."""
    chart, page, referrer, step = "", "", "", "start"
    while (step := rng.choices(*_NEXT[step])[0]) != _END:
        if step in ("page", "compare"):
            chart, referrer = rng.choice([*_CHARTS]), page
            page = f"{_SITE}/compare/{chart}" if step == "compare" else f"{_SITE}{rng.choice(_PAGES)}"
        fields = visitor.fields | {"ctx": {"page_url": page, "referrer": referrer} | visitor.ctx}
        match step:
            case "interaction":
                yield fields | {"event_type": "chart_interaction", "chart": _interaction(rng, chart), "affiliate": None}
            case "click":
                yield fields | {"event_type": "affiliate_click", "affiliate": _link(rng, chart)}
            case _:
                yield fields | {"event_type": "page_view"}


def _interaction(rng: random.Random, chart: str) -> Event:
    action, control, values = rng.choice(_CONTROLS)
    # The first column of a chart is its legend: no product.
    products = ["", *rng.sample(_CHARTS[chart], 3)]
    return {"product_ids": products, "action": action, "control_id": control, "control_value": rng.choice(values)}


def _link(rng: random.Random, chart: str) -> Event:
    """A link to a product, and what its network will probably pay for the click: some tell nothing yet."""
    product = rng.choice(_CHARTS[chart])
    payout = 100 * (5 + sum(product.encode()) % 60)
    return {
        "link_id": f"{product}-{rng.choice(['top', 'row', 'footer'])}",
        "target": f"{product}.example",
        "payout_cents": rng.choices([payout, 0, None], [85, 5, 10])[0],
    }


def _corrections(rng: random.Random, visitor: _Visitor, click: Moment, start: datetime) -> Iterator[Moment]:
    """What the network says of a click later: the second may overtake the first, and some speak of no click of ours."""
    at = click.at
    for _ in range(rng.choices([0, 1, 2], [65, 29, 6])[0]):
        at += timedelta(minutes=2) + _seconds(rng, 5400)
        sent = max(at + (_seconds(rng, 7200) if rng.random() < 0.15 else timedelta()), start)
        payout = rng.choice([0, round((click.event["affiliate"]["payout_cents"] or 2000) * rng.uniform(0.5, 2))])
        correction = {
            "event_type": "affiliate_correction",
            "source": "network",
            "corrects": click.event["event_id"] if rng.random() < 0.98 else new_id(rng),
            "affiliate": click.event["affiliate"] | {"payout_cents": payout},
        }
        yield Moment(at, _event(rng, visitor, at, sent) | correction, sent)


def _segment_changes(rng: random.Random, visitor: _Visitor, after: datetime) -> Iterator[Moment]:
    """The segmentation looks at the user again. It may say several things of the same moment, and say them late."""
    at = after + _seconds(rng, 1800)
    joined, left = rng.sample(_SEGMENTS, 2)
    changes = rng.choices(
        [
            [(at, joined, True)],
            [(at, joined, True), (at, left, False)],
            [(at, joined, True), (at + _seconds(rng, 10_800), joined, False)],
            [(at, joined, True), (at, joined, False)],
        ],
        [35, 30, 25, 10],
    )[0]
    for changed, key, active in changes:
        sent = changed + (_seconds(rng, 10_800) if rng.random() < 0.2 else timedelta())
        change = {
            "event_type": "segment_change",
            "source": "segments",
            "user": {"user_id_hash": visitor.user},
            "segment": {"key": key, "active": active},
        }
        yield Moment(changed, _event(rng, visitor, changed, sent) | change, sent)
